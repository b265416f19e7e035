//! What is named once and referred to: schemas, answers, ways to sign.
//!
//! A named type of the catalog is written when something refers to it, so a document holds no component that nobody
//! uses.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::schema;
use crate::lookup::type_def;
use crate::model::{Auth, AuthKind, Endpoint, Product, Shape, TypeDef, TypeId};

#[derive(Default)]
pub(super) struct Components {
    schemas: BTreeMap<String, Value>,
    responses: BTreeMap<String, Value>,
    schemes: BTreeMap<String, Value>,
    seen: BTreeSet<(Product, TypeId)>,
}

impl Components {
    /// A reference to a named type; the type and what it leads to become components.
    pub(super) fn named(&mut self, product: Product, id: TypeId) -> Value {
        let Some(def) = type_def(product, id) else {
            return json!({});
        };
        let name = type_name(product, def);
        if self.seen.insert((product, id)) {
            let mut schema = schema::object(self, product, &def.shape);
            schema::describe(&mut schema, &super::both(def.about));
            self.schemas.insert(name.clone(), schema);
        }
        reference(&name)
    }

    /// A reference to the schema of that name, which is made on first use.
    pub(super) fn schema(&mut self, name: &str, make: impl FnOnce(&mut Self) -> Value) -> Value {
        if !self.schemas.contains_key(name) {
            let schema = make(self);
            self.schemas.insert(name.to_owned(), schema);
        }
        reference(name)
    }

    /// A reference to the schema of a shape that belongs to an endpoint or a callback.
    pub(super) fn shape(&mut self, name: &str, product: Product, shape: &Shape) -> Value {
        self.schema(name, |components| {
            schema::object(components, product, shape)
        })
    }

    /// A reference to the answer of that name, which is made on first use.
    pub(super) fn response(&mut self, name: &str, make: impl FnOnce(&mut Self) -> Value) -> Value {
        if !self.responses.contains_key(name) {
            let response = make(self);
            self.responses.insert(name.to_owned(), response);
        }
        json!({"$ref": format!("#/components/responses/{name}")})
    }

    /// What an operation needs: one of the credentials of the endpoints that share it, or none.
    pub(super) fn security(&mut self, group: &[&'static Endpoint]) -> Value {
        let mut all = Vec::new();
        for endpoint in group {
            let auth = endpoint.auth;
            let wanted = match scheme(endpoint, auth) {
                Some((name, scheme)) => {
                    self.schemes.entry(name.clone()).or_insert(scheme);
                    json!({name: []})
                }
                None => json!({}),
            };
            if !all.contains(&wanted) {
                all.push(wanted);
            }
        }
        // An empty list says "none", a list that holds an empty object "none is fine too".
        if all == [json!({})] {
            all.clear();
        }
        Value::Array(all)
    }

    pub(super) fn finish(self) -> Value {
        let mut out = Map::new();
        for (name, part) in [
            ("schemas", self.schemas),
            ("responses", self.responses),
            ("securitySchemes", self.schemes),
        ] {
            if !part.is_empty() {
                out.insert(name.into(), part.into_iter().collect());
            }
        }
        Value::Object(out)
    }
}

pub(super) fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

fn type_name(product: Product, def: &TypeDef) -> String {
    if def.module.is_empty() {
        format!("{product}.{}", def.name)
    } else {
        format!("{product}.{}.{}", def.module, def.name)
    }
}

/// The way to sign, under a name that says the credential, and its place if that is unusual.
fn scheme(endpoint: &Endpoint, auth: Auth) -> Option<(String, Value)> {
    let (name, usual, about) = match auth.kind {
        // The token of the chatbot products is a part of the path.
        AuthKind::None | AuthKind::Chatbot => return None,
        AuthKind::AccessToken => (
            "access_token",
            "access_token",
            "账号的接口调用凭据 · The account's token",
        ),
        AuthKind::ComponentAccessToken => (
            "component_access_token",
            "component_access_token",
            "第三方平台的凭据 · The component's token",
        ),
        AuthKind::SuiteAccessToken => (
            "suite_access_token",
            "suite_access_token",
            "第三方应用的凭据 · The suite's token",
        ),
        AuthKind::ProviderAccessToken => (
            "provider_access_token",
            "provider_access_token",
            "服务商的凭据 · The provider's token",
        ),
        AuthKind::DeviceAccessToken => (
            "device_access_token",
            "device_access_token",
            "设备的凭据 · The device's token",
        ),
        AuthKind::ModelAccessToken => (
            "model_access_token",
            "model_access_token",
            "硬件型号的凭据 · The model's token",
        ),
        AuthKind::Sns => (
            "user_access_token",
            "access_token",
            "网页授权得到的用户凭据 · A user's token from the web login",
        ),
        AuthKind::WebhookKey => (
            "webhook_key",
            "key",
            "群机器人的 key · The group robot's key",
        ),
        AuthKind::Openai => {
            return Some((
                "openai_token".to_owned(),
                json!({
                    "type": "apiKey", "in": "header", "name": "X-OPENAI-TOKEN",
                    "description": "对话开放平台的 token · The chatbot platform's token",
                }),
            ));
        }
        AuthKind::Merchant => return merchant(endpoint),
    };
    let (name, place) = if auth.param.is_empty() || auth.param == usual {
        (name.to_owned(), usual)
    } else {
        (format!("{name}.{}", auth.param), auth.param)
    };
    Some((
        name,
        json!({"type": "apiKey", "in": "query", "name": place, "description": about}),
    ))
}

/// WECHAT: v2 signs within the body; what a connection can show is the certificate.
fn merchant(endpoint: &Endpoint) -> Option<(String, Value)> {
    if endpoint.product == Product::PayV2 {
        return endpoint.client_cert.then(|| {
            (
                "merchant_certificate".to_owned(),
                json!({
                    "type": "mutualTLS",
                    "description": "商户 API 证书；请求另用 sign 字段签名 · The merchant's certificate; requests are signed in the field `sign` besides",
                }),
            )
        });
    }
    if endpoint.product == Product::PayBusiness {
        return Some((
            "business_signature".to_owned(),
            json!({
                "type": "apiKey", "in": "header", "name": "Authorization",
                "description": "平台签名头 · The signature header of business pay",
            }),
        ));
    }
    Some((
        "merchant_signature".to_owned(),
        json!({
            "type": "http", "scheme": "WECHATPAY2-SHA256-RSA2048",
            "description": "商户签名，每个请求各不相同；国密为 WECHATPAY2-SM2-WITH-SM3 · The merchant's signature, made anew for each request; WECHATPAY2-SM2-WITH-SM3 with the national algorithms",
        }),
    ))
}
