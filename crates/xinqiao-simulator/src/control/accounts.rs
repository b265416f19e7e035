//! Accounts over the control interface.

use std::{collections::BTreeMap, ops::Bound, sync::Arc};

use axum::{
    Json,
    extract::{Path, State},
    response::IntoResponse,
};
use http::StatusCode;
use serde_json::json;

use super::{Body, Query, Reply, created, done, ok};
use crate::{
    accounts::{
        self, ACCOUNTS,
        callback::{self, CallbackSettings, SetCallback},
        registration::{
            AccountPatch, Create, Delete, NewAccount, NewSecret, Patch, QuotaSetting, SetQuotas,
        },
    },
    kernel::{Id, Refused},
    shell::{Shared, handshake},
};

pub(super) async fn list(State(shared): State<Arc<Shared>>, query: Query) -> Reply {
    let page = query.page()?;
    let after: Id = page.id()?.into();
    let answer = shared
        .world
        .ask(move |world| {
            let accounts = ACCOUNTS.range(world, (Bound::Excluded(after), Bound::Unbounded));
            page.answer(accounts.map(|(id, own)| (id.to_string(), accounts::view(world, own))))
        })
        .await?;
    ok(answer)
}

pub(super) async fn create(
    State(shared): State<Arc<Shared>>,
    Body(new): Body<NewAccount>,
) -> Reply {
    created(shared.world.apply(Create(new)).await?)
}

pub(super) async fn one(State(shared): State<Arc<Shared>>, Path(appid): Path<String>) -> Reply {
    let view = shared
        .world
        .ask(move |world| {
            accounts::account(world, &appid).map(|account| accounts::view(world, account))
        })
        .await??;
    ok(view)
}

pub(super) async fn patch(
    State(shared): State<Arc<Shared>>,
    Path(appid): Path<String>,
    Body(patch): Body<AccountPatch>,
) -> Reply {
    ok(shared.world.apply(Patch { appid, patch }).await?)
}

pub(super) async fn delete(State(shared): State<Arc<Shared>>, Path(appid): Path<String>) -> Reply {
    shared.world.apply(Delete { appid }).await?;
    done()
}

pub(super) async fn new_secret(
    State(shared): State<Arc<Shared>>,
    Path(appid): Path<String>,
) -> Reply {
    ok(shared.world.apply(NewSecret { appid }).await?)
}

pub(super) async fn set_quotas(
    State(shared): State<Arc<Shared>>,
    Path(appid): Path<String>,
    Body(quotas): Body<BTreeMap<String, QuotaSetting>>,
) -> Reply {
    ok(shared.world.apply(SetQuotas { appid, quotas }).await?)
}

/// The handshake is made now, where the kind of account has one; only what passes is stored.
pub(super) async fn set_callback(
    State(shared): State<Arc<Shared>>,
    Path(appid): Path<String>,
    Body(settings): Body<CallbackSettings>,
) -> Reply {
    let (asked, wanted) = (appid.clone(), settings.clone());
    let (whose, callback) = shared
        .world
        .ask(move |world| {
            let account = accounts::account(world, &asked)?;
            let callback = callback::complete_callback(account, &wanted)?;
            let whose = callback::has_handshake(account.kind).then(|| handshake::Whose {
                appid: account.appid.to_string(),
                name: account.name.clone(),
                corp: account.of_corp().map(|(corp, _)| corp.to_owned()),
                again: false,
            });
            Ok::<_, Refused>((whose, callback))
        })
        .await??;
    let checked = match whose {
        Some(whose) => handshake::check(&shared, &whose, &callback).await,
        None => Ok(()),
    };
    match checked {
        Ok(()) => ok(shared.world.apply(SetCallback { appid, settings }).await?),
        Err(failed) => {
            let body = json!({
                "verified": false,
                "reason": failed.reason,
                "rule": failed.diagnosis.rule,
                "diagnosis": failed.diagnosis,
                "error": {"code": failed.diagnosis.rule, "message": failed.reason},
            });
            Ok((StatusCode::UNPROCESSABLE_ENTITY, Json(body)).into_response())
        }
    }
}
