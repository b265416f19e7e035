//! Accounts over the control interface.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json,
    extract::{Path, State},
    response::IntoResponse,
};
use http::StatusCode;
use serde_json::json;

use super::{Body, Reply, ok, respond};
use crate::{
    shell::{Shared, handshake},
    world::{
        command::{AccountPatch, CallbackSettings, Command, NewAccount, QuotaSetting},
        registration,
    },
};

pub(super) async fn list(State(shared): State<Arc<Shared>>) -> Reply {
    let items = shared
        .world
        .ask(|world| {
            world
                .accounts
                .values()
                .map(crate::world::account::Account::view)
                .collect::<Vec<_>>()
        })
        .await?;
    ok(json!({"items": items}))
}

pub(super) async fn create(
    State(shared): State<Arc<Shared>>,
    Body(new): Body<NewAccount>,
) -> Reply {
    let answer = shared
        .world
        .apply(Command::CreateAccount(Box::new(new)))
        .await?;
    respond(StatusCode::CREATED, answer)
}

pub(super) async fn one(State(shared): State<Arc<Shared>>, Path(appid): Path<String>) -> Reply {
    let view = shared
        .world
        .ask(move |world| {
            world
                .account(&appid)
                .map(crate::world::account::Account::view)
        })
        .await??;
    ok(view)
}

pub(super) async fn patch(
    State(shared): State<Arc<Shared>>,
    Path(appid): Path<String>,
    Body(patch): Body<AccountPatch>,
) -> Reply {
    let command = Command::PatchAccount {
        appid,
        patch: Box::new(patch),
    };
    respond(StatusCode::OK, shared.world.apply(command).await?)
}

pub(super) async fn delete(State(shared): State<Arc<Shared>>, Path(appid): Path<String>) -> Reply {
    let answer = shared.world.apply(Command::DeleteAccount { appid }).await?;
    respond(StatusCode::NO_CONTENT, answer)
}

pub(super) async fn new_secret(
    State(shared): State<Arc<Shared>>,
    Path(appid): Path<String>,
) -> Reply {
    respond(
        StatusCode::OK,
        shared.world.apply(Command::NewSecret { appid }).await?,
    )
}

pub(super) async fn set_quotas(
    State(shared): State<Arc<Shared>>,
    Path(appid): Path<String>,
    Body(quotas): Body<BTreeMap<String, QuotaSetting>>,
) -> Reply {
    respond(
        StatusCode::OK,
        shared
            .world
            .apply(Command::SetQuotas { appid, quotas })
            .await?,
    )
}

/// The handshake is made now; only what passes is stored.
pub(super) async fn set_callback(
    State(shared): State<Arc<Shared>>,
    Path(appid): Path<String>,
    Body(settings): Body<CallbackSettings>,
) -> Reply {
    let (asked, wanted) = (appid.clone(), settings.clone());
    let (whose, callback) = shared
        .world
        .ask(move |world| {
            let account = world.account(&asked)?;
            let callback = registration::complete_callback(account, &wanted)?;
            let whose = handshake::Whose {
                appid: account.appid.clone(),
                name: account.name.clone(),
            };
            Ok::<_, crate::world::command::Refused>((whose, callback))
        })
        .await??;
    match handshake::check(&shared, &whose, &callback).await {
        Ok(()) => {
            let command = Command::SetCallback { appid, settings };
            respond(StatusCode::OK, shared.world.apply(command).await?)
        }
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
