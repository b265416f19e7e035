//! One call of the platform from the console, as an app of an account would make it: with a token that kills none.

use std::{collections::BTreeMap, sync::Arc};

use axum::extract::State;
use base64_simd::STANDARD;
use http::{HeaderMap, HeaderValue, Method, header};
use serde::Deserialize;
use serde_json::{Value, json};
use xinqiao_catalog::{AuthKind, Endpoint, id};
use xinqiao_types::{AccountKind, percent};

use super::{Body, Reply, catalog, ok};
use crate::{
    accounts,
    door::call::{self, Arrival, PlatformAnswer, PlatformCall},
    kernel::{Refused, row},
    shell::Shared,
};

/// What these calls say they are.
const CLIENT: &str = concat!("xinqiao-console/", env!("CARGO_PKG_VERSION"));

/// `POST /call`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    endpoint: String,
    /// Who calls, where a token is needed.
    account: Option<String>,
    /// Parameters of the path.
    #[serde(default)]
    path: BTreeMap<String, String>,
    #[serde(default)]
    query: BTreeMap<String, String>,
    /// As text; JSON unless `content_type` says otherwise.
    #[serde(default)]
    body: String,
    /// Instead of `body`, where it is no text.
    body_base64: Option<String>,
    content_type: Option<String>,
}

pub(super) async fn call(State(shared): State<Arc<Shared>>, Body(wanted): Body<Wanted>) -> Reply {
    let endpoint = catalog::find(&wanted.endpoint)?;
    let mut query = wanted.query;
    let param = endpoint.auth.param;
    if !param.is_empty() && !query.contains_key(param) {
        query.insert(
            param.to_owned(),
            token(&shared, endpoint, wanted.account).await?,
        );
    } else if endpoint.auth.kind == AuthKind::Merchant {
        return Err(Refused::unwilling(
            "a merchant signs this call with its own key: send it with an SDK, or `xinqiao exec`",
        ));
    }
    let body = match &wanted.body_base64 {
        Some(text) => STANDARD
            .decode_to_vec(text)
            .map_err(|_| Refused::invalid("`body_base64` is no base64"))?,
        None => wanted.body.into_bytes(),
    };
    let mut headers = HeaderMap::new();
    headers.insert(header::USER_AGENT, HeaderValue::from_static(CLIENT));
    if !body.is_empty() {
        let kind = match wanted.content_type {
            None => JSON,
            Some(kind) => HeaderValue::try_from(kind)
                .map_err(|_| Refused::invalid("`content_type` can be no header"))?,
        };
        headers.insert(header::CONTENT_TYPE, kind);
    }
    let call = PlatformCall {
        host: endpoint.host.into(),
        method: method(endpoint)?,
        path: path(endpoint, &wanted.path)?,
        query: pairs(&query),
        headers,
        body: body.into(),
        peer: [127, 0, 0, 1].into(),
        arrival: Arrival::Plain,
    };
    let (target, began) = (
        percent::with_query(&call.path, &call.query),
        Shared::wall_ms(),
    );
    let answer = send(&shared, call).await?;
    let elapsed = Shared::wall_ms() - began;
    ok(json!({
        "url": target,
        "status": answer.status,
        "headers": call::texts(&answer.headers),
        "body": row::Excerpt::of_content(&answer.body).shown(),
        "ms": elapsed,
    }))
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");

fn method(endpoint: &Endpoint) -> Result<Method, Refused> {
    let name = endpoint.method.name();
    Method::from_bytes(name.as_bytes())
        .map_err(|_| Refused::invalid(format!("{name} is no method of HTTP")))
}

async fn send(shared: &Arc<Shared>, call: PlatformCall) -> Result<PlatformAnswer, Refused> {
    Ok(*shared.world.apply_soon(Box::new(call)).await?)
}

fn pairs(given: &BTreeMap<String, String>) -> String {
    let mut out = String::new();
    for (name, value) in given {
        if !out.is_empty() {
            out.push('&');
        }
        percent::pair_into(name, value, &mut out);
    }
    out
}

/// The path with its parameters in their places.
fn path(endpoint: &Endpoint, given: &BTreeMap<String, String>) -> Result<String, Refused> {
    let mut path = endpoint.path.to_owned();
    for field in &endpoint.path_params.fields {
        let value = { given.get(field.name) }
            .filter(|value| !value.is_empty())
            .ok_or_else(|| Refused::invalid(format!("`path.{}` is missing", field.name)))?;
        path = path.replace(&format!("{{{}}}", field.name), &percent::encode(value));
    }
    Ok(path)
}

/// A token of the account: the stable one, or WeCom's, which both leave the app's own alive.
async fn token(
    shared: &Arc<Shared>,
    endpoint: &Endpoint,
    account: Option<String>,
) -> Result<String, Refused> {
    let own = |what: &str| {
        Refused::unwilling(format!(
            "give `query.{}` yourself: {what}",
            endpoint.auth.param
        ))
    };
    if endpoint.auth.kind != AuthKind::AccessToken {
        return Err(own("only tokens of accounts are fetched here"));
    }
    let reference = account.ok_or_else(|| Refused::invalid("`account` is missing: who calls?"))?;
    let asked = reference.clone();
    let (kind, appid, corp, secret) = shared
        .world
        .ask(move |world| {
            let account = accounts::account(world, &asked)?;
            let corp = account.of_corp().map(|(corp, _)| corp.to_owned());
            let (appid, secret) = (account.appid.to_string(), account.secret.clone());
            Ok::<_, Refused>((account.kind, appid, corp, secret))
        })
        .await??;
    let issuing = match (&corp, kind) {
        (Some(_), _) => catalog::find(id::work::base::GET_TOKEN)?,
        (None, AccountKind::Component) => return Err(own("a platform's depends on its ticket")),
        (None, _) => catalog::find(id::official_account::base::STABLE_TOKEN)?,
    };
    let (query, body) = match corp {
        Some(corp) => {
            let given = BTreeMap::from([
                ("corpid".to_owned(), corp),
                ("corpsecret".to_owned(), secret),
            ]);
            (pairs(&given), Vec::new())
        }
        None => {
            let given =
                json!({"grant_type": "client_credential", "appid": appid, "secret": secret});
            (String::new(), given.to_string().into_bytes())
        }
    };
    let headers = [
        (header::USER_AGENT, HeaderValue::from_static(CLIENT)),
        (header::CONTENT_TYPE, JSON),
    ];
    let call = PlatformCall {
        host: issuing.host.into(),
        method: method(issuing)?,
        path: issuing.path.to_owned(),
        query,
        headers: headers.into_iter().collect(),
        body: body.into(),
        peer: [127, 0, 0, 1].into(),
        arrival: Arrival::Plain,
    };
    let said = send(shared, call).await?.body.read().unwrap_or_default();
    let answer: Value = serde_json::from_slice(&said).unwrap_or_default();
    match answer["access_token"].as_str() {
        Some(token) => Ok(token.to_owned()),
        None => Err(Refused::unwilling(format!(
            "no token for {reference}: {answer}"
        ))),
    }
}
