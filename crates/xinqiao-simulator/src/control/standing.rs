//! What an account may do and how much of it is left: the permission table and the counters, for its page.

use std::sync::Arc;

use axum::extract::{Path, State};
use serde_json::{Value, json};
use xinqiao_catalog::{
    Endpoint, Product, QuotaWindow,
    rules::{
        permission::{self, Holder},
        quota::Ledger,
    },
};
use xinqiao_types::AccountKind;

use super::{Reply, ok};
use crate::{
    accounts::{self, QUOTAS},
    kernel::Refused,
    shell::Shared,
};

/// The endpoints that an account of this kind calls.
fn endpoints(kind: AccountKind) -> &'static [Endpoint] {
    match kind {
        AccountKind::Subscription | AccountKind::Service => {
            xinqiao_catalog::endpoints(Product::OfficialAccount)
        }
        AccountKind::MiniProgram => xinqiao_catalog::endpoints(Product::MiniProgram),
        _ => &[],
    }
}

/// Each right with what the table says of this account, what was switched by hand, and the calls, events and functions
/// of the JS-SDK that it opens.
pub(super) async fn rights(State(shared): State<Arc<Shared>>, Path(appid): Path<String>) -> Reply {
    let wall_ms = Shared::wall_ms();
    let items = shared
        .world
        .ask(move |world| {
            let account = accounts::account(world, &appid)?;
            let facts = account.facts(world.now(wall_ms).0);
            let Some(holder) = Holder::of(&facts) else {
                return Ok::<_, Refused>(Vec::new());
            };
            let items = { xinqiao_catalog::permissions().iter() }.map(|row| {
                let calls: Vec<Value> = { endpoints(account.kind).iter() }
                    .filter(|endpoint| endpoint.permissions.contains(&row.id))
                    .map(|endpoint| {
                        let denied = permission::check(endpoint, &facts).err();
                        json!({
                            "id": endpoint.id,
                            "method": endpoint.method.name(),
                            "path": endpoint.path,
                            "title": {"zh": endpoint.title.get(true), "en": endpoint.title.get(false)},
                            "code": denied.as_ref().map(|denied| denied.code),
                        })
                    })
                    .collect();
                let events: Vec<&str> = { row.events.iter() }
                    .map(|event| event.trim_start_matches("official_account."))
                    .collect();
                let denied = permission::check_rows(&[row], &facts).err();
                json!({
                    "id": row.id,
                    "title": {"zh": row.title.get(true), "en": row.title.get(false)},
                    "table": holder.right_in(row, facts.table),
                    "switched": facts.grants.get(row.id),
                    "allowed": denied.is_none(),
                    "why": denied.map(|denied| json!({
                        "zh": format!("{}；{}", denied.cause_zh, denied.remedy_zh),
                        "en": denied.to_string(),
                    })),
                    "calls": calls,
                    "events": events,
                    "js": row.js().collect::<Vec<_>>(),
                })
            });
            Ok(items.collect())
        })
        .await??;
    ok(json!({"items": items}))
}

/// Each counter of calls that has a limit for this account: used, left, when it starts anew.
pub(super) async fn quotas(State(shared): State<Arc<Shared>>, Path(appid): Path<String>) -> Reply {
    let wall_ms = Shared::wall_ms();
    let items = shared
        .world
        .ask(move |world| {
            let account = accounts::account(world, &appid)?;
            let now = world.now(wall_ms);
            let facts = account.facts(now.0);
            let none = Ledger::default();
            let ledger = QUOTAS.get(world, &*account.appid).unwrap_or(&none);
            let mut items: Vec<Value> = Vec::new();
            for endpoint in endpoints(account.kind) {
                for usage in ledger.usage(endpoint, &facts, now) {
                    // A second's or a minute's counter is over before anybody reads it.
                    let long = !matches!(
                        usage.limit.window,
                        QuotaWindow::Second | QuotaWindow::Minute
                    );
                    let known = { items.iter_mut() }.find(|own| own["id"] == usage.id);
                    match known {
                        Some(own) => {
                            if let Some(paths) = own["paths"].as_array_mut() {
                                paths.push(json!(endpoint.path));
                            }
                        }
                        None if long => items.push(json!({
                            "id": usage.id,
                            "used": usage.used,
                            "limit": usage.limit.max,
                            "window": usage.limit.window,
                            "resets": usage.resets,
                            "paths": [endpoint.path],
                        })),
                        None => {}
                    }
                }
            }
            Ok::<_, Refused>(items)
        })
        .await??;
    ok(json!({"items": items}))
}
