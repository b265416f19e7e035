//! The platform's surface as seen from a server that stands in for it.
//!
//! [`recognise`] says which endpoint a request is for and takes its credential out; [`swap_param`] and
//! [`swap_secret`] put another one in; [`refusal`] writes a failure the way the product writes it, with
//! a trace id of the right shape. Simulator and gateway share all of it. Nothing here checks a
//! credential, and nothing here invents an answer to a call that succeeds.
//!
//! Invariants: a request that is not recognised is said to be unknown, with the nearest path, and never
//! guessed; a swap leaves every other byte of a query as it was; names of parameters, paths, codes and
//! texts come from the catalog.
//!
//! Source: doc pages "获取 Access token", "全局返回码说明"; catalog tables `hosts`, `errors`.

mod credential;
mod refusal;

use std::{collections::HashMap, sync::OnceLock};

use crate::{
    model::{Endpoint, Method, Product},
    route::{RouteQuery, Routed, route, route_known},
};

pub use self::{
    credential::{Credential, Place, swap_field, swap_id, swap_param, swap_secret},
    refusal::{ACKNOWLEDGED, Answer, Refusal, content_type, hint, refusal, rid, trace},
};

/// What is known of a request before anything is decided.
#[derive(Debug, Clone, Copy, Default)]
pub struct Request<'a> {
    /// The platform host it is for: the `Host` header, or the host that the listener stands for. Empty
    /// = any host.
    pub host: &'a str,
    /// Method, upper case.
    pub method: &'a str,
    /// Path, percent-encoded as it came.
    pub path: &'a str,
    /// Raw query without `?`.
    pub query: &'a str,
    /// The `Content-Type` header, or empty.
    pub content_type: &'a str,
    /// The `Authorization` header, or empty.
    pub authorization: &'a str,
    /// The body.
    pub body: &'a [u8],
}

/// What a request is for.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    /// This endpoint.
    Endpoint {
        /// The endpoint.
        endpoint: &'static Endpoint,
        /// Values of the path parameters, decoded, by name.
        path_params: Vec<(&'static str, String)>,
    },
    /// The path exists with other methods.
    WrongMethod {
        /// Which ones.
        allowed: Vec<Method>,
    },
    /// No such path.
    Unknown {
        /// The most similar path of the same host.
        nearest: Option<&'static str>,
    },
}

/// A recognised platform call.
#[derive(Debug)]
pub struct Call {
    /// What it is for.
    pub target: Target,
    /// The product whose manner of answering holds for it, also when the endpoint is unknown.
    pub product: Product,
    /// The credential that it carries.
    pub credential: Credential,
}

impl Call {
    /// The endpoint, if it is one.
    pub fn endpoint(&self) -> Option<&'static Endpoint> {
        match self.target {
            Target::Endpoint { endpoint, .. } => Some(endpoint),
            Target::WrongMethod { .. } | Target::Unknown { .. } => None,
        }
    }

    /// Whether the endpoint hands out a credential or a log-in: it is called with id and secret.
    pub fn issues(&self) -> bool {
        self.endpoint().is_some_and(credential::takes_secret)
    }
}

/// Says what a request is for and takes its credential out.
pub fn recognise(request: &Request<'_>) -> Call {
    recognised(request, route(&asked(request)), product_of)
}

/// [`recognise`] for requests of strangers: an unknown path costs no more than a known one. Nothing similar is
/// looked for, and its product is that of the paths that begin like it.
pub fn recognise_known(request: &Request<'_>) -> Call {
    recognised(request, route_known(&asked(request)), product_by_start)
}

fn asked<'a>(request: &Request<'a>) -> RouteQuery<'a> {
    RouteQuery {
        host: request.host,
        method: request.method,
        path: request.path,
        query: request.query,
        body: request.body,
    }
}

fn recognised(
    request: &Request<'_>,
    routed: Routed,
    product_of: impl Fn(&str, &str) -> Product,
) -> Call {
    let target = match routed {
        Routed::Found {
            endpoint,
            path_params,
        } => Target::Endpoint {
            endpoint,
            path_params,
        },
        Routed::WrongMethod { allowed } => Target::WrongMethod { allowed },
        Routed::Unknown { nearest } => Target::Unknown { nearest },
    };
    let (product, credential) = match &target {
        Target::Endpoint { endpoint, .. } => {
            (endpoint.product, credential::take(endpoint, request))
        }
        Target::WrongMethod { .. } | Target::Unknown { .. } => (
            product_of(request.host, request.path),
            credential::take_unknown(request),
        ),
    };
    Call {
        target,
        product,
        credential,
    }
}

/// The product that a host and path belong to when no endpoint says it: that of the host's other
/// routes with the longest common start.
pub fn product_of(host: &str, path: &str) -> Product {
    let name = host.split(':').next().unwrap_or_default();
    let canonical = crate::host(host).map_or(name, |known| known.canonical);
    crate::routes()
        .iter()
        .filter(|route| route.host == canonical || canonical.is_empty())
        .max_by_key(|route| {
            // The first of equals wins: products stand in the order of their sections.
            (
                common_start(route.path, path),
                std::cmp::Reverse(route.product),
            )
        })
        .map_or(Product::OfficialAccount, |route| route.product)
}

/// The product of a host's routes that have the same first segment, or of the host.
fn product_by_start(host: &str, path: &str) -> Product {
    type ByStart = HashMap<(&'static str, &'static str), Product>;
    static PRODUCTS: OnceLock<ByStart> = OnceLock::new();
    let products = PRODUCTS.get_or_init(|| {
        let mut products = ByStart::new();
        for route in crate::routes() {
            for start in [first_segment(route.path), ""] {
                let product = products.entry((route.host, start)).or_insert(route.product);
                *product = (*product).min(route.product);
            }
        }
        products
    });
    let canonical = crate::host(host).map_or("", |known| known.canonical);
    [first_segment(path), ""]
        .into_iter()
        .find_map(|start| products.get(&(canonical, start)).copied())
        .unwrap_or(Product::OfficialAccount)
}

fn first_segment(path: &str) -> &str {
    path.split('/').nth(1).unwrap_or_default()
}

fn common_start(a: &str, b: &str) -> usize {
    let segments = |path| str::split(path, '/').skip(1);
    segments(a)
        .zip(segments(b))
        .take_while(|(a, b)| a == b)
        .count()
}

#[cfg(test)]
mod tests;
