//! One entry of a TOML file → one entry of the model, names resolved.

use std::cell::RefCell;
use std::collections::HashMap;

use anyhow::{Context, Result, anyhow, bail};
use xinqiao_catalog::{
    Auth, AuthKind, AuthSource, Case, Content, Endpoint, EnumId, Event, EventKind, EventWire,
    Example, Field, Grant, Method, Origin, Product, Retry, Shape, Spelling, TypeId, TypeRef, Union,
    Variant, When,
};

use super::meaning::Table;
use super::{all, intern, prose};
use crate::names::{snake, split, type_name};
use crate::sensitive;
use crate::source::{EndpointSpec, EventSpec, FieldSpec, Fields, File};

/// Resolves names within one file, then within the product's `types.toml`.
pub(super) struct Scope<'a> {
    pub(super) own: HashMap<String, TypeId>,
    pub(super) shared: &'a HashMap<String, TypeId>,
    pub(super) enums: HashMap<String, EnumId>,
    pub(super) shared_enums: &'a HashMap<String, EnumId>,
    pub(super) meanings: &'a RefCell<Table>,
    pub(super) file: &'a File,
    pub(super) shared_file: Option<&'a File>,
}

impl Scope<'_> {
    fn type_ref(&self, text: &str) -> Result<TypeRef> {
        let inner = |open: char, close: char| {
            text.strip_prefix(open)
                .and_then(|rest| rest.strip_suffix(close))
        };
        if let Some(item) = inner('[', ']') {
            return Ok(TypeRef::List(Box::new(self.type_ref(item)?)));
        }
        if let Some(item) = inner('{', '}') {
            return Ok(TypeRef::Map(Box::new(self.type_ref(item)?)));
        }
        Ok(match text {
            "string" => TypeRef::String,
            "int32" => TypeRef::Int32,
            "int64" => TypeRef::Int64,
            "uint64" => TypeRef::Uint64,
            "float" => TypeRef::Float,
            "bool" => TypeRef::Bool,
            "timestamp" => TypeRef::Timestamp,
            "file" => TypeRef::File,
            "bytes" => TypeRef::Bytes,
            "any" | "object" => TypeRef::Any,
            name => {
                let id = self.own.get(name).or_else(|| self.shared.get(name));
                TypeRef::Named(*id.ok_or_else(|| anyhow!("unknown type `{name}`"))?)
            }
        })
    }

    fn enumeration(&self, name: &str) -> Result<Option<EnumId>> {
        if name.is_empty() {
            return Ok(None);
        }
        let id = self.enums.get(name).or_else(|| self.shared_enums.get(name));
        id.copied()
            .map(Some)
            .ok_or_else(|| anyhow!("unknown enum `{name}`"))
    }

    pub(super) fn shape(&self, fields: &Fields) -> Result<Shape> {
        let mut shape = Shape::default();
        for (name, spec) in &fields.0 {
            let context = || format!("field `{name}`");
            if name == "*" {
                shape.open = Some(self.type_ref(&spec.ty).with_context(context)?);
            } else if spec.union.is_empty() {
                shape
                    .fields
                    .push(self.field(name, spec).with_context(context)?);
            } else {
                shape.union = Some(self.union(name, &spec.union).with_context(context)?);
            }
        }
        Ok(shape)
    }

    fn union(&self, _field: &str, name: &str) -> Result<Union> {
        let files = [Some(self.file), self.shared_file];
        let (_, spec) = files
            .into_iter()
            .flatten()
            .flat_map(|file| &file.union.0)
            .find(|(known, _)| known == name)
            .ok_or_else(|| anyhow!("unknown union `{name}`"))?;
        let mut cases = Vec::new();
        for (value, case) in &spec.cases.0 {
            let ty = match case.ty.as_str() {
                "" => None,
                ty => Some(self.type_ref(ty)?),
            };
            let field = match (&ty, case.field.as_str()) {
                (None, _) => "",
                (Some(_), "") => value,
                (Some(_), field) => field,
            };
            cases.push(Case {
                value: intern(value),
                field: intern(field),
                ty,
                title: prose(&case.title),
            });
        }
        Ok(Union {
            name: intern(name),
            tag: intern(&spec.tag),
            cases,
            meaning: 0,
        })
    }

    fn field(&self, name: &str, spec: &FieldSpec) -> Result<Field> {
        let ty = self.type_ref(&spec.ty)?;
        let wire = match spec.wire.as_str() {
            "" => Spelling::Plain,
            "0|1" => Spelling::BoolInt,
            "Y|N" => Spelling::BoolYn,
            "true|false" => Spelling::BoolText,
            "number|numeric-string" => Spelling::NumberOrText,
            "numeric-string" => Spelling::NumericText,
            "string|number" => Spelling::TextOrNumber,
            "json-string" => Spelling::JsonText,
            "json-part" => Spelling::JsonPart,
            "comma-joined" => Spelling::Comma,
            "pipe-joined" => Spelling::Pipe,
            "semicolon-joined" => Spelling::Semicolon,
            "encrypted-xml" => Spelling::EncryptedXml,
            other => bail!("unknown wire form `{other}`"),
        };
        let origin = if !spec.constant.is_empty() {
            Origin::Constant
        } else if spec.auto {
            Origin::Auto
        } else if !spec.credential.is_empty() {
            Origin::Credential
        } else {
            Origin::Caller
        };
        let mut alternatives = Vec::new();
        for other in &spec.also {
            alternatives.push(self.type_ref(other)?);
        }
        let text = matches!(ty, TypeRef::String | TypeRef::Timestamp)
            || matches!(&ty, TypeRef::List(inner) if **inner == TypeRef::String);
        Ok(Field {
            name: intern(name),
            rust: intern(&spec.rust),
            ty,
            required: spec.required,
            required_by_docs: spec.required_doc,
            wire,
            format: intern(&spec.format),
            unit: intern(&spec.unit),
            enumeration: self.enumeration(&spec.allowed)?,
            constant: intern(&spec.constant),
            origin,
            credential: intern(&spec.credential),
            encrypted: spec.encrypted,
            secret: spec.secret || sensitive::is_secret(&snake(name)),
            pii: spec.pii || sensitive::is_personal(&snake(name)),
            numbered: name.contains('$'),
            alternatives,
            xml_only: spec.xml_only,
            json_only: spec.json_only,
            xml_name: intern(&spec.xml_name),
            cdata: text && !spec.no_cdata,
            max: spec.max,
            max_bytes: spec.max_bytes,
            code: spec.code,
            meaning: self.meanings.borrow_mut().own(&spec.about),
        })
    }
}

pub(crate) fn auth(kind: &str) -> Result<AuthKind> {
    Ok(match kind {
        "" | "none" => AuthKind::None,
        "access_token" => AuthKind::AccessToken,
        "component_access_token" => AuthKind::ComponentAccessToken,
        "suite_access_token" => AuthKind::SuiteAccessToken,
        "provider_access_token" => AuthKind::ProviderAccessToken,
        "device_access_token" => AuthKind::DeviceAccessToken,
        "model_access_token" => AuthKind::ModelAccessToken,
        "sns" => AuthKind::Sns,
        "mch" => AuthKind::Merchant,
        "webhook_key" => AuthKind::WebhookKey,
        "chatbot" => AuthKind::Chatbot,
        "openai" => AuthKind::Openai,
        other => bail!("unknown auth `{other}`"),
    })
}

pub(super) fn content(name: &str) -> Result<Content> {
    Ok(match name {
        "none" => Content::None,
        "json" => Content::Json,
        "xml" => Content::Xml,
        "multipart" => Content::Multipart,
        "form" => Content::Form,
        "raw" => Content::Raw,
        "binary" => Content::Binary,
        "csv" => Content::Csv,
        other => bail!("unknown content `{other}`"),
    })
}

pub(super) fn optional_content(name: &str) -> Result<Option<Content>> {
    if name.is_empty() {
        Ok(None)
    } else {
        content(name).map(Some)
    }
}

pub(super) fn or<'a>(value: &'a str, default: &'a str) -> &'a str {
    if value.is_empty() { default } else { value }
}

pub(super) fn endpoint(
    product: Product,
    file: &File,
    scope: &Scope<'_>,
    spec: &EndpointSpec,
) -> Result<Endpoint> {
    let (method, path) = spec
        .http
        .split_once(' ')
        .ok_or_else(|| anyhow!("`http` needs a method"))?;
    let method = Method::parse(method).ok_or_else(|| anyhow!("unknown method `{method}`"))?;
    let (module, verb) = spec
        .id
        .rsplit_once('.')
        .ok_or_else(|| anyhow!("id needs a module: `{}`", spec.id))?;
    let kind = auth(or(&spec.auth, &file.defaults.auth))?;
    let usual = match kind {
        AuthKind::None | AuthKind::Merchant | AuthKind::Chatbot | AuthKind::Openai => "",
        AuthKind::AccessToken | AuthKind::Sns => "access_token",
        AuthKind::ComponentAccessToken => "component_access_token",
        AuthKind::SuiteAccessToken => "suite_access_token",
        AuthKind::ProviderAccessToken => "provider_access_token",
        AuthKind::DeviceAccessToken => "device_access_token",
        AuthKind::ModelAccessToken => "model_access_token",
        AuthKind::WebhookKey => "key",
    };
    let body = match method {
        Method::Get | Method::Delete => "none",
        _ => or(&file.defaults.content, "json"),
    };
    let when = match spec.when.iter().next() {
        None => None,
        Some((place, value)) => {
            let (place, name) = place
                .split_once('.')
                .ok_or_else(|| anyhow!("`when` needs `query.` or `body.`"))?;
            Some(When {
                in_body: place == "body",
                name: intern(name),
                value: intern(value),
            })
        }
    };
    let retry = match spec.retry.as_str() {
        "safe" => Retry::Safe,
        "keyed" => Retry::Keyed,
        "never" => Retry::Never,
        "" if method == Method::Get => Retry::Safe,
        "" => Retry::Never,
        other => bail!("unknown retry `{other}`"),
    };
    let envelope = match spec.envelope.as_slice() {
        [] => None,
        [code, message] => Some([intern(code), intern(message)]),
        _ => bail!("`envelope` is [code, message]"),
    };
    Ok(Endpoint {
        id: intern(&format!("{}.{}", product.name(), spec.id)),
        product,
        module: intern(module),
        verb: intern(verb),
        title: prose(&spec.title),
        about: prose(&spec.about),
        method,
        method_assumed: spec.method_assumed,
        host: intern(or(&spec.host, &file.defaults.host)),
        path: intern(path),
        path_alt: all(&spec.path_alt),
        when,
        absolute_url: spec.absolute_url,
        auth: Auth {
            kind,
            param: intern(or(&spec.auth_param, usual)),
            source: AuthSource::default(),
        },
        content: content(or(&spec.content, body))?,
        content_alt: optional_content(&spec.content_alt)?,
        answer: content(or(&spec.answer, or(&file.defaults.answer, "json")))?,
        answer_alt: optional_content(&spec.answer_alt)?,
        path_params: scope.shape(&spec.path)?,
        query: scope.shape(&spec.query)?,
        headers: scope.shape(&spec.headers)?,
        request: scope.shape(&spec.request)?,
        response: scope.shape(&spec.response)?,
        request_bare: spec.request.0.len() == 1 && spec.request.0[0].0 == "[]",
        variants: spec
            .variant
            .iter()
            .map(|variant| Variant {
                audience: intern(&variant.audience),
                request: all(&variant.request),
                response: all(&variant.response),
            })
            .collect(),
        envelope,
        permissions: Vec::new(),
        quotas: Vec::new(),
        errors: Vec::new(),
        retry,
        client_cert: spec.client_cert,
        encrypted: !spec.encryption.is_empty(),
        roles: all(if spec.roles.is_empty() {
            &file.defaults.roles
        } else {
            &spec.roles
        }),
        lines: all(&spec.lines),
        deprecated: intern(&spec.deprecated),
        partial: spec.partial,
        doc: spec
            .doc
            .iter()
            .map(|url| {
                let whole = url.starts_with("http");
                if whole {
                    intern(url)
                } else {
                    intern(&format!("{}{url}", file.defaults.doc))
                }
            })
            .collect(),
        examples: spec
            .example
            .iter()
            .map(|example| Example {
                request: intern(&example.request),
                response: intern(&example.response),
            })
            .collect(),
    })
}

/// The type's name of a callback. Its id keeps the wire's spelling, the type has its words apart.
fn event_type(spec: &EventSpec) -> String {
    if spec.rust.is_empty() {
        let (_, name) = spec.id.split_once('.').unwrap_or(("", &spec.id));
        type_name(&split(name))
    } else {
        spec.rust.clone()
    }
}

pub(super) fn event(
    product: Product,
    scope: &Scope<'_>,
    spec: &EventSpec,
    grants: &[Grant],
) -> Result<Event> {
    let kind = match spec.id.split('.').next().unwrap_or_default() {
        "event" => EventKind::Event,
        "message" => EventKind::Message,
        "info" => EventKind::Info,
        "notify" => EventKind::Notify,
        "reply" => EventKind::Reply,
        other => bail!("unknown kind `{other}`"),
    };
    let id = intern(&format!("{}.{}", product.name(), spec.id));
    Ok(Event {
        id,
        product,
        kind,
        wire: match spec.wire.as_str() {
            "xml" => EventWire::Xml,
            "json" => EventWire::Json,
            "both" | "" => EventWire::Both,
            other => bail!("unknown wire `{other}`"),
        },
        msg_type: intern(&spec.msg_type),
        event: intern(&spec.event),
        rust: intern(&event_type(spec)),
        info_type: intern(&spec.info_type),
        event_type: intern(&spec.event_type),
        when: spec
            .when
            .iter()
            .next()
            .map(|(name, value)| (intern(name), intern(value))),
        presence: spec.presence,
        title: prose(&spec.title),
        shape: scope.shape(&spec.fields)?,
        trigger: intern(&spec.trigger),
        reply: intern(&spec.reply),
        grant: grants
            .iter()
            .find(|grant| grant.events.contains(&id))
            .map_or("", |grant| grant.id),
        dedup: match kind {
            EventKind::Message => "message",
            EventKind::Event => "event",
            EventKind::Info => "info",
            EventKind::Notify => "notify",
            EventKind::Reply => "",
        },
        confidence: intern(&spec.confidence),
        doc: all(&spec.doc),
    })
}
