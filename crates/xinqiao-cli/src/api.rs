//! `xinqiao api`: the platform's endpoints and callbacks, found, shown, called.

mod call;
mod find;
mod show;

use clap_complete::ArgValueCandidates;
use serde_json::{Value, json};
use xinqiao_catalog as catalog;

use crate::fail::{Fail, Outcome};
use crate::lang::Lang;
use crate::{complete, export, talk};

pub(crate) use self::call::Call;
pub(crate) use self::find::{Found, all, exactly};

/// What to do with the catalog's endpoints.
#[derive(Clone, Debug, clap::Subcommand)]
pub(crate) enum Verb {
    /// List endpoints: id, method, host and path, title
    #[command(after_help = LS_EXAMPLES)]
    Ls {
        /// Words that id, path or title contain, all of them: work.message, menu create
        #[arg(add = ArgValueCandidates::new(complete::modules))]
        filter: Vec<String>,
        /// Only this product
        #[arg(long, add = ArgValueCandidates::new(complete::products))]
        product: Option<String>,
        /// Messages, events, notices and replies instead of endpoints
        #[arg(long)]
        events: bool,
        /// As JSON, one a line
        #[arg(long)]
        json: bool,
    },
    /// Show everything that the catalog knows about an endpoint or a callback
    #[command(after_help = SHOW_EXAMPLES)]
    Show {
        /// An id, or a route: method and path, a path, or a whole URL
        #[arg(
            value_name = "ID or ROUTE",
            required = true,
            add = ArgValueCandidates::new(complete::endpoints_and_events)
        )]
        what: Vec<String>,
        /// As JSON (the default where the output is not a terminal)
        #[arg(long)]
        json: bool,
        /// As text (the default on a terminal)
        #[arg(long, conflicts_with = "json")]
        text: bool,
    },
    /// Call an endpoint of the running dev with a seeded account
    #[command(after_help = call::EXAMPLES)]
    Call(Call),
}

const LS_EXAMPLES: &str = "xinqiao api ls work.message
xinqiao api ls 菜单 --product official_account
xinqiao api ls --events subscribe";

const SHOW_EXAMPLES: &str = "xinqiao api show official_account.menu.create
xinqiao api show POST /cgi-bin/menu/create
xinqiao api show 'https://api.weixin.qq.com/cgi-bin/menu/get?access_token=…'
xinqiao api show official_account.event.subscribe";

/// Runs one of the verbs.
pub(crate) async fn run(verb: Verb, lang: Lang) -> Outcome {
    match verb {
        Verb::Ls {
            filter,
            product,
            events,
            json,
        } => {
            let products = export::products(product.as_slice(), lang)?;
            list(&filter, &products, events, json, lang)
        }
        Verb::Show { what, json, text } => {
            let terminal = std::io::IsTerminal::is_terminal(&std::io::stdout());
            show(&what.join(" "), json || !(text || terminal), lang)
        }
        Verb::Call(call) => call::run(call, lang).await,
    }
}

fn list(
    words: &[String],
    products: &[catalog::Product],
    callbacks: bool,
    as_json: bool,
    lang: Lang,
) -> Outcome {
    let mut lines = 0;
    let mut print = |line: &dyn std::fmt::Display| {
        lines += 1;
        talk::data(line)
    };
    if callbacks {
        for event in find::events(words).filter(|event| products.contains(&event.product)) {
            let open = if as_json {
                print(&json!({"id": event.id, "kind": event.kind, "title": event.title}))
            } else {
                let title = event.title.get(lang == Lang::Zh);
                print(&format_args!("{:<56} {title}", event.id))
            };
            if !open {
                return Ok(());
            }
        }
    } else {
        for endpoint in find::endpoints(words).filter(|one| products.contains(&one.product)) {
            let open = if as_json {
                print(&json!({
                    "id": endpoint.id, "method": endpoint.method.name(), "host": endpoint.host,
                    "path": endpoint.path, "title": endpoint.title,
                }))
            } else {
                print(&find::line(endpoint, lang))
            };
            if !open {
                return Ok(());
            }
        }
    }
    if lines == 0 {
        let words = words.join(" ");
        return Err(Fail::failed(match lang {
            Lang::Zh => format!("没有与 {words} 相符的；xinqiao api ls 列出全部"),
            Lang::En => format!("nothing matches {words}; `xinqiao api ls` lists everything"),
        }));
    }
    Ok(())
}

fn show(what: &str, as_json: bool, lang: Lang) -> Outcome {
    match find::find(what, lang)? {
        Found::Event(event) => {
            if as_json {
                talk::data(pretty(&export::event(event)));
            } else {
                show::event(event, lang);
            }
        }
        Found::Endpoints(found) => {
            if as_json {
                let mut all: Vec<Value> = found.into_iter().map(export::endpoint).collect();
                talk::data(pretty(&match all.len() {
                    1 => all.swap_remove(0),
                    _ => Value::Array(all),
                }));
            } else {
                for (at, endpoint) in found.into_iter().enumerate() {
                    if at > 0 {
                        talk::data("");
                    }
                    show::endpoint(endpoint, lang);
                }
            }
        }
    }
    Ok(())
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string())
}
