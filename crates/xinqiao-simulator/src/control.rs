//! `/_sim/v1`: how tests, the phone and the command line act on the world.
//!
//! Everything the contract names and that is not built answers 501 with a message that names it; what the contract
//! does not name is a 404.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{FromRequest, FromRequestParts, Request, State},
    response::{IntoResponse, Response},
    routing::{MethodFilter, any, delete, get, on, post, put},
};
use http::StatusCode;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use xinqiao_http::{BodyLimit, read_body};

use crate::{
    kernel::{
        Refused,
        command::{no_other_fields, typed},
        route::{self, Ask, Handler, Route},
    },
    products,
    shell::Shared,
};

mod accounts;
mod called;
mod catalog;
mod merchants;
mod platform;
mod seen;
mod standing;
mod users;

/// Most bytes of an ordinary body.
const BODY: usize = 2 * 1024 * 1024;
/// Most bytes of an imported world.
const LARGE: usize = 256 * 1024 * 1024;

type Reply = Result<Response, Refused>;

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_REQUEST);
        let mut body = json!({"error": {"code": self.code, "message": self.message}});
        if let Some(rule) = self.rule {
            body["error"]["rule"] = json!(rule);
        }
        (status, Json(body)).into_response()
    }
}

/// A JSON body; an empty one counts as `{}`.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Arc<Shared>> for Body<T> {
    type Rejection = Refused;

    async fn from_request(request: Request, _: &Arc<Shared>) -> Result<Self, Refused> {
        let bytes = read_body(request.into_body(), BodyLimit::bytes(BODY))
            .await
            .map_err(|error| Refused::new(error.status().as_u16(), "body", error.to_string()))?;
        let text: &[u8] = if bytes.iter().all(u8::is_ascii_whitespace) {
            b"{}"
        } else {
            &bytes
        };
        serde_json::from_slice(text)
            .map(Self)
            .map_err(|error| not_as_it_should_be(&error))
    }
}

fn not_as_it_should_be(error: &serde_json::Error) -> Refused {
    Refused::invalid(format!("the body is not as it should be: {error}"))
}

/// The query, leniently.
pub(crate) struct Query(std::collections::BTreeMap<String, String>);

impl Query {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(String::as_str)
            .filter(|text| !text.is_empty())
    }
}

impl Query {
    /// Which page of a list.
    fn page(&self) -> Result<route::Page, Refused> {
        route::Page::of(&self.0)
    }
}

impl FromRequestParts<Arc<Shared>> for Query {
    type Rejection = Refused;

    async fn from_request_parts(
        parts: &mut http::request::Parts,
        state: &Arc<Shared>,
    ) -> Result<Self, Refused> {
        axum::extract::Query::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Query(pairs)| Self(pairs))
            .map_err(|error| Refused::invalid(format!("the query is not as it should be: {error}")))
    }
}

/// What a command that makes something answers.
#[expect(clippy::unnecessary_wraps, reason = "handlers end with it")]
fn created(value: Value) -> Reply {
    Ok((StatusCode::CREATED, Json(value)).into_response())
}

/// What a command answers that says nothing.
#[expect(clippy::unnecessary_wraps, reason = "handlers end with it")]
fn done() -> Reply {
    Ok(StatusCode::NO_CONTENT.into_response())
}

#[expect(clippy::unnecessary_wraps, reason = "handlers end with it")]
fn ok(value: Value) -> Reply {
    Ok(Json(value).into_response())
}

/// Calls of the contract that are not built yet.
fn not_built() -> Router<Arc<Shared>> {
    let mut router = Router::new();
    for (path, what) in [] {
        router = router.route(
            &at(path),
            any(move || async move { Refused::not_built(what) }),
        );
    }
    router
}

/// Paths that features bring.
fn of_features(mut router: Router<Arc<Shared>>) -> Router<Arc<Shared>> {
    for route in products::house().routes() {
        let Ok(method) = MethodFilter::try_from(
            http::Method::from_bytes(route.method.as_bytes()).unwrap_or_default(),
        ) else {
            continue;
        };
        let run = move |State(shared): State<Arc<Shared>>,
                        RawPathParams(path): RawPathParams,
                        query: Query,
                        Body(body): Body<Value>| async move {
            let request = route::Request {
                path,
                query: query.0,
                body,
            };
            ask(&shared, route, request).await
        };
        router = router.route(&at(route.path), on(method, run));
    }
    router
}

/// The parts of a path, by name.
struct RawPathParams(std::collections::BTreeMap<String, String>);

impl FromRequestParts<Arc<Shared>> for RawPathParams {
    type Rejection = Refused;

    async fn from_request_parts(
        parts: &mut http::request::Parts,
        state: &Arc<Shared>,
    ) -> Result<Self, Refused> {
        axum::extract::Path::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Path(parts)| Self(parts))
            .map_err(|error| Refused::invalid(format!("the path is not as it should be: {error}")))
    }
}

async fn ask(shared: &Arc<Shared>, route: &'static Route, mut request: route::Request) -> Reply {
    match route.run {
        Handler::Look(look) => ok(shared
            .world
            .ask(move |world| look(world, &request))
            .await??),
        Handler::Change(_) => {
            let wait = { request.body.as_object_mut() }.and_then(|fields| fields.remove("wait"));
            let ask = Ask {
                method: route.method.to_owned(),
                route: route.path.to_owned(),
                request,
            };
            let value = shared.world.apply(ask).await?;
            if value.get("deliveries").is_none() {
                return ok(value);
            }
            users::with_deliveries(shared, value, wait != Some(Value::Bool(false))).await
        }
    }
}

/// The router below `/_sim/v1`.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    of_features(Router::new())
        .route(&at(""), get(platform::about))
        .route(&at("/"), get(platform::about))
        .route(&at("/reset"), post(platform::reset))
        .route(
            &at("/clock"),
            get(platform::clock).post(platform::set_clock),
        )
        .route(
            &at("/faults"),
            get(platform::faults).post(platform::add_fault),
        )
        .route(&at("/faults/{id}"), delete(platform::delete_fault))
        .route(&at("/export"), get(platform::export))
        .route(&at("/import"), post(platform::import))
        .route(&at("/rules"), get(platform::rules))
        .route(&at("/declared"), get(platform::declared))
        .route(&at("/dev"), get(platform::dev))
        .route(&at("/catalog"), get(catalog::all))
        .route(&at("/catalog/{product}"), get(catalog::list))
        .route(&at("/catalog/endpoints/{id}"), get(catalog::one))
        .route(&at("/call"), post(called::call))
        .route(&at("/debug"), post(platform::debug))
        .route(&at("/trigger"), post(users::trigger))
        .route(&at("/timeline"), get(seen::timeline))
        .route(&at("/timeline/stream"), get(seen::stream))
        .route(&at("/deliveries"), get(seen::deliveries))
        .route(&at("/media"), post(users::upload))
        .route(&at("/media/{media_id}"), get(users::media))
        .route(&at("/accounts"), get(accounts::list).post(accounts::create))
        .route(
            &at("/accounts/{appid}"),
            get(accounts::one)
                .patch(accounts::patch)
                .delete(accounts::delete),
        )
        .route(
            &at("/accounts/{appid}/callback"),
            put(accounts::set_callback),
        )
        .route(
            &at("/accounts/{appid}/quotas"),
            get(standing::quotas).patch(accounts::set_quotas),
        )
        .route(&at("/accounts/{appid}/rights"), get(standing::rights))
        .route(&at("/accounts/{appid}/secret"), post(accounts::new_secret))
        .route(&at("/merchants/{mchid}/files/{name}"), get(merchants::file))
        .route(&at("/users"), get(users::list).post(users::create))
        .route(&at("/users/{id}"), get(users::one))
        .route(&at("/users/{id}/actions"), post(users::act))
        .route(&at("/users/{id}/inbox"), get(seen::inbox))
        .route(&at("/users/{id}/chats"), get(seen::chats))
        .route(&at("/users/{id}/chat"), get(seen::chat))
        .route(&at("/users/{id}/read"), post(users::read))
        .merge(not_built())
        .route("/_sim/{*rest}", any(unknown))
        .method_not_allowed_fallback(|request: Request| async move {
            let (path, method) = (request.uri().path(), request.method());
            Refused::new(
                405,
                "wrong_method",
                format!("{path} does not take {method}"),
            )
        })
        .with_state(shared)
}

/// A path of the interface.
fn at(path: &str) -> String {
    format!("/_sim/v1{path}")
}

async fn unknown(request: Request) -> Refused {
    let (method, path) = (request.method(), request.uri().path());
    Refused::new(404, "unknown_path", format!("there is no {method} {path}"))
}
