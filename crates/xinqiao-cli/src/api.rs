//! `xinqiao api`, `openapi` and `catalog`: the platform's endpoints, looked up, called, exported.

use std::io::Read as _;
use std::path::PathBuf;

use serde_json::{Value, json};
use xinqiao_catalog as catalog;
use xinqiao_client::Client;

use crate::fail::{Fail, Outcome};
use crate::lang::Lang;
use crate::project::{self, Via};
use crate::{exec, talk};

/// What to do with the catalog's endpoints.
#[derive(Clone, Debug, clap::Subcommand)]
pub(crate) enum Verb {
    /// List endpoints: id, method, host and path, title
    Ls {
        /// Only ids that contain this
        filter: Option<String>,
        /// As JSON, one a line
        #[arg(long)]
        json: bool,
    },
    /// Show everything that the catalog knows about one endpoint
    Show {
        /// Endpoint id (official_account.menu.create), or a route ("POST /cgi-bin/menu/create", "/cgi-bin/menu/get")
        #[arg(value_name = "ID or ROUTE")]
        endpoint: String,
    },
    /// Call an endpoint of the running dev with a seeded account
    Call(Call),
}

/// One call.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Call {
    /// Endpoint id
    id: String,
    /// Parameters as a JSON object; `-` reads them from standard input
    #[arg(default_value = "{}")]
    parameters: String,
    /// Account that calls (appid or name; default: the first)
    #[arg(long)]
    account: Option<String>,
    /// Call the simulator directly or through the gateway
    #[arg(long, value_enum)]
    via: Option<Via>,
    /// Ready file of the running dev
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

/// What to export.
#[derive(Clone, Debug, clap::Subcommand)]
pub(crate) enum CatalogVerb {
    /// Everything as one JSON document: endpoints, events, codes, permissions, quotas, diagnoses
    Export {
        /// Only this product's endpoints
        #[arg(long)]
        product: Option<String>,
    },
}

/// Runs one of the verbs.
pub(crate) async fn run(verb: Verb, lang: Lang) -> Outcome {
    match verb {
        Verb::Ls { filter, json } => {
            list(filter.as_deref().unwrap_or_default(), json, lang);
            Ok(())
        }
        Verb::Show { endpoint } => {
            if endpoint.contains('/') {
                let found = find_by_route(&endpoint, lang)?;
                talk::data(match found.as_slice() {
                    [only] => pretty(&json!(only)),
                    several => pretty(&json!(several)),
                });
            } else {
                talk::data(pretty(&json!(find(&endpoint, lang)?)));
            }
            Ok(())
        }
        Verb::Call(call) => self::call(call, lang).await,
    }
}

fn list(filter: &str, as_json: bool, lang: Lang) {
    for endpoint in all().filter(|endpoint| endpoint.id.contains(filter)) {
        if as_json {
            talk::data(json!({
                "id": endpoint.id, "method": endpoint.method.name(), "host": endpoint.host,
                "path": endpoint.path, "title": endpoint.title,
            }));
        } else {
            talk::data(format_args!(
                "{:<48} {:<6} {}{}  {}",
                endpoint.id,
                endpoint.method.name(),
                endpoint.host,
                endpoint.path,
                endpoint.title.get(lang == Lang::Zh),
            ));
        }
    }
}

fn all() -> impl Iterator<Item = &'static catalog::Endpoint> {
    catalog::Product::ALL
        .into_iter()
        .flat_map(catalog::endpoints)
}

/// The endpoint of that id, or a refusal that names the nearest ones.
fn find(id: &str, lang: Lang) -> Result<&'static catalog::Endpoint, Fail> {
    catalog::endpoint(id).ok_or_else(|| {
        let last = id.rsplit('.').next().unwrap_or(id);
        let near: Vec<&str> = all()
            .map(|endpoint| endpoint.id)
            .filter(|known| known.contains(id) || known.ends_with(&format!(".{last}")))
            .take(6)
            .collect();
        let near = if near.is_empty() {
            "xinqiao api ls".to_owned()
        } else {
            near.join(", ")
        };
        Fail::usage(match lang {
            Lang::Zh => format!("目录里没有接口 {id}；相近的：{near}"),
            Lang::En => format!("the catalog has no endpoint {id}; near: {near}"),
        })
    })
}

/// All endpoints on a route: a path, with or without a method in front; several where products or parameters share it.
fn find_by_route(route: &str, lang: Lang) -> Result<Vec<&'static catalog::Endpoint>, Fail> {
    let (method, path) = match route.trim().split_once(char::is_whitespace) {
        Some((method, path)) => (Some(method.to_ascii_uppercase()), path.trim()),
        None => (None, route.trim()),
    };
    let method = match method {
        None => None,
        Some(name) => Some(catalog::Method::parse(&name).ok_or_else(|| {
            Fail::usage(match lang {
                Lang::Zh => format!("{name} 不是 GET、POST、PUT、PATCH、DELETE 之一"),
                Lang::En => format!("{name} is none of GET, POST, PUT, PATCH, DELETE"),
            })
        })?),
    };
    let found: Vec<_> = catalog::route::candidates(method, path)
        .into_iter()
        .filter_map(|route| catalog::endpoint(route.id))
        .collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let near = match catalog::route(&catalog::RouteQuery {
        method: "GET",
        path,
        ..Default::default()
    }) {
        catalog::Routed::Unknown {
            nearest: Some(path),
        } => path.to_owned(),
        catalog::Routed::WrongMethod { allowed } => allowed
            .iter()
            .map(|method| format!("{method} {path}"))
            .collect::<Vec<_>>()
            .join(", "),
        _ => "xinqiao api ls".to_owned(),
    };
    Err(Fail::usage(match lang {
        Lang::Zh => format!("目录里没有路径 {route}；相近的：{near}"),
        Lang::En => format!("the catalog has no route {route}; near: {near}"),
    }))
}

/// Calls an endpoint as a seeded account and prints the answer.
async fn call(call: Call, lang: Lang) -> Outcome {
    let (ready, _) = project::find_running(call.ready_file.as_deref(), lang).await?;
    let endpoint = find(&call.id, lang)?;
    let parameters = parameters(&call.parameters, lang)?;
    let endpoints = ready.endpoints(call.via.unwrap_or(ready.via), lang)?;
    let account = exec::choose(&ready, call.account.as_deref(), lang)?.ok_or_else(|| {
        Fail::usage(lang.pick(
            "世界里没有预置账号可用来调用",
            "the world has no seeded account to call with",
        ))
    })?;
    let client = Client::builder(account.appid.as_str())
        .secret(account.secret.as_str())
        .endpoints(endpoints.clone())
        .build()
        .map_err(|error| Fail::failed(chain(error)))?;
    let answer = client
        .call(endpoint.id, parameters)
        .await
        .map_err(|error| Fail::failed(chain(error)))?;
    talk::data(pretty(&answer));
    Ok(())
}

fn chain(error: xinqiao_client::Error) -> String {
    format!("{:#}", anyhow::Error::new(error))
}

/// The parameters of a call: a JSON object, from the command line or from standard input.
fn parameters(text: &str, lang: Lang) -> Result<Value, Fail> {
    let mut input = String::new();
    let text = if text == "-" {
        std::io::stdin()
            .read_to_string(&mut input)
            .map_err(|error| Fail::failed(format!("standard input: {error}")))?;
        input.as_str()
    } else {
        text
    };
    match serde_json::from_str(text) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) => Err(Fail::usage(
            lang.pick("参数要是 JSON 对象", "parameters are a JSON object"),
        )),
        Err(error) => Err(Fail::usage(match lang {
            Lang::Zh => format!("参数不是 JSON：{error}"),
            Lang::En => format!("parameters are not JSON: {error}"),
        })),
    }
}

/// Prints the OpenAPI document of one product or of all.
pub(crate) fn openapi(product: Option<&str>, lang: Lang) -> Outcome {
    let products = products(product, lang)?;
    talk::data(pretty(&catalog::openapi::document(&products)));
    Ok(())
}

/// Prints the catalog.
pub(crate) fn catalog(verb: CatalogVerb, lang: Lang) -> Outcome {
    let CatalogVerb::Export { product } = verb;
    let products = products(product.as_deref(), lang)?;
    let endpoints: Vec<_> = products
        .iter()
        .flat_map(|p| catalog::endpoints(*p))
        .collect();
    let types: serde_json::Map<String, Value> = products
        .iter()
        .map(|p| (p.name().to_owned(), json!(catalog::types(*p))))
        .collect();
    let events: Vec<_> = catalog::events()
        .filter(|event| products.contains(&event.product))
        .collect();
    let mut errors: Vec<&catalog::ErrorCode> = Vec::new();
    for product in &products {
        let family = product.errors();
        if !errors.iter().any(|known| known.family == family) {
            errors.extend(catalog::errors(family));
        }
    }
    talk::data(pretty(&json!({
        "version": env!("CARGO_PKG_VERSION"),
        "hosts": catalog::hosts(),
        "endpoints": endpoints,
        "types": types,
        "events": events,
        "errors": errors,
        "permissions": catalog::permissions(),
        "quotas": catalog::quotas(),
        "grants": catalog::grants(),
        "dedup": catalog::dedup_recipes(),
        "media": catalog::media_limits(),
        "diagnoses": catalog::diagnoses(),
    })));
    Ok(())
}

fn products(name: Option<&str>, lang: Lang) -> Result<Vec<catalog::Product>, Fail> {
    let Some(name) = name else {
        return Ok(catalog::Product::ALL.to_vec());
    };
    catalog::Product::parse(name)
        .map(|product| vec![product])
        .ok_or_else(|| {
            let known: Vec<&str> = catalog::Product::ALL
                .iter()
                .map(|product| product.name())
                .collect();
            let known = known.join(", ");
            Fail::usage(match lang {
                Lang::Zh => format!("没有产品 {name}；有：{known}"),
                Lang::En => format!("no product {name}; there are: {known}"),
            })
        })
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string())
}
