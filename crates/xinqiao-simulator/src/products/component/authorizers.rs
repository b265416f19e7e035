//! Which accounts authorized a platform, and the tokens with which it calls for them.
//!
//! A refresh token has no end; another grant of the same account takes its place. A withdrawn grant leaves its tokens
//! behind as dead ones, so that a call with one is told that it no longer holds.
//!
//! Source: doc pages "获取授权账号调用令牌", "获取授权账号详情", "拉取已授权的账号列表", error codes 61003 and 61023.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use xinqiao_catalog::{AuthKind, Product, code, id::open_platform as op, surface::Credential};
use xinqiao_types::AccountKind;

use super::{calling, token::PRODUCTS};
use crate::{
    accounts::{
        self, ACCOUNTS,
        account::Account,
        tokens::{LIFETIME, OVERLAP, REMEMBERED, Standing, TokenBook},
    },
    door::{
        Asked, Refusal, Reply, Verdict,
        credential::{Asking, Caller, Finder, Proof, must_stand},
        explain_code, stateful,
    },
    kernel::{Id, Table, Turn, World, feature::id_in},
    products::Feature,
    push::receivers,
};

/// Grants by platform and account.
static GRANTS: Table<(Id, Id), Grant> = Table::new("component.grants", 1);
/// Tokens by platform and account; they outlive their grant.
static TOKENS: Table<(Id, Id), TokenBook> = Table::new("component.authorizer_tokens", 1);
/// Which platforms an account has authorized.
static OF_ACCOUNT: Table<(Id, Id), ()> = Table::memory("component.grants_of_account");
/// For which account and platform a token is: platform first.
static HOLDERS: Table<Id, (Id, Id)> = Table::memory("component.authorizer_token_holders");

pub(super) static FEATURE: Feature = Feature {
    name: NAME,
    tables: &[&GRANTS, &TOKENS],
    behaviours: &[
        stateful(
            op::component::API_AUTHORIZER_TOKEN,
            "a_new_grant_takes_the_place_of_the_refresh_token",
            refresh,
        ),
        stateful(op::component::API_GET_AUTHORIZER_INFO, TOLD, info),
        stateful(op::component::API_GET_AUTHORIZER_LIST, TOLD, list),
    ],
    finders: &[Finder {
        proof: Proof::Auth(AuthKind::AccessToken),
        products: PRODUCTS,
        claimed,
        find: by_token,
    }],
    objections: &[(accounts::ON_BEHALF, not_granted)],
    due: Some(due),
    topics: &[(accounts::DELETED, account_deleted)],
    index: Some(index),
    ..Feature::EMPTY
};
const NAME: &str = "component.grants";
const TOLD: &str = "a_platform_is_told_who_authorized_it";

/// Most accounts a page.
const PAGE: usize = 500;

/// What an account lets a platform do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Grant {
    /// Permission sets (权限集) by number.
    pub(super) functions: Vec<u32>,
    pub(super) refresh_token: String,
    /// Since when.
    pub(super) since: i64,
}

impl Grant {
    fn functions(&self) -> Value {
        self.functions
            .iter()
            .map(|id| json!({"funcscope_category": {"id": id}}))
            .collect()
    }
}

pub(super) fn get<'w>(world: &'w World, component: &Id, account: &Id) -> Option<&'w Grant> {
    GRANTS.get(world, &(component.clone(), account.clone()))
}

/// Nothing is done on behalf of an account that did not authorize the platform.
fn not_granted(world: &World, what: &Value) -> Option<i64> {
    let granted = id_in(what, "component")
        .zip(id_in(what, "account"))
        .is_some_and(|key| GRANTS.has(world, &key));
    (!granted).then_some(code::COMPONENT_NOT_AUTHORIZED)
}

/// The grant of the account that a call names.
fn named<'w>(
    world: &'w World,
    component: &Id,
    asked: &Asked,
) -> Result<(&'w Account, &'w Grant), Refusal> {
    let refuse = || Refusal::code(code::COMPONENT_NOT_AUTHORIZED);
    let account = ACCOUNTS
        .get(world, asked.text("authorizer_appid")?)
        .ok_or_else(refuse)?;
    let grant = get(world, component, &account.appid).ok_or_else(refuse)?;
    Ok((account, grant))
}

/// Whether an account authorized a platform, as a call about it demands.
pub(super) fn must_be_granted(world: &World, component: &Id, asked: &Asked) -> Result<Id, Refusal> {
    named(world, component, asked).map(|(account, _)| account.appid.clone())
}

/// Keeps a grant, in the place of the one before.
pub(super) fn keep(world: &mut World, component: &Id, account: &Id, grant: Grant) {
    OF_ACCOUNT.put(world, (account.clone(), component.clone()), ());
    GRANTS.put(world, (component.clone(), account.clone()), grant);
}

/// Ends a grant: its tokens die, and the account receives its callbacks itself again.
pub(super) fn end(turn: &mut Turn<'_>, component: &Id, account: &Id) {
    let key = (component.clone(), account.clone());
    GRANTS.remove(turn.world, &key);
    OF_ACCOUNT.remove(turn.world, &(account.clone(), component.clone()));
    receivers::clear(turn.world, account, component);
    let now = turn.now.0;
    if let Some(book) = TOKENS.get_mut(turn.world, &key) {
        book.kill_all(now);
    }
}

/// The platforms that an account has authorized.
pub(super) fn components_of(world: &World, account: &Id) -> Vec<Id> {
    OF_ACCOUNT
        .under(world, account)
        .map(|(component, ())| component.clone())
        .collect()
}

/// The accounts that have authorized a platform, by appid, behind one of them.
pub(super) fn after<'w>(
    world: &'w World,
    component: &Id,
    account: &str,
) -> impl Iterator<Item = (&'w Id, &'w Grant)> + use<'w> {
    GRANTS.after(world, (component.clone(), account.into()))
}

/// Whether a token is one with which a platform calls for an account.
pub(super) fn is_authorizers(world: &World, token: &str) -> bool {
    HOLDERS.has(world, token)
}

fn claimed(world: &World, credential: &Credential) -> Option<Caller> {
    let Credential::Token { value, .. } = credential else {
        return None;
    };
    let (component, account) = HOLDERS.get(world, value.expose())?.clone();
    Some(Caller::Authorizer { component, account })
}

/// The token of an account in a platform's hands: replaced or withdrawn 40001, past its lifetime 42001.
fn by_token(
    turn: &Turn<'_>,
    asking: &Asking<'_>,
    whose: &mut Option<Caller>,
) -> Result<Caller, Refusal> {
    let text = match &asking.seen.credential {
        Credential::Token { value, .. } => value.expose(),
        _ => "",
    };
    let Some(caller) = claimed(turn.world, &asking.seen.credential) else {
        return Err(Refusal::code(code::INVALID_ACCESS_TOKEN));
    };
    *whose = Some(caller.clone());
    let key = HOLDERS.get(turn.world, text);
    if !key.is_some_and(|key| GRANTS.has(turn.world, key)) {
        let mut refuse = Refusal::code(code::INVALID_CREDENTIAL);
        let why = explain_code(Product::OpenPlatform, code::COMPONENT_NOT_AUTHORIZED.into());
        refuse.diagnosis = why.map(Box::new);
        return Err(refuse);
    }
    let issued = key
        .and_then(|key| TOKENS.get(turn.world, key))
        .and_then(|book| book.find(text));
    must_stand(issued.map(|issued| issued.standing(turn.now.0)))?;
    Ok(caller)
}

fn index(world: &mut World) {
    let grants: Vec<(Id, Id)> = GRANTS.all(world).map(|(key, _)| key.clone()).collect();
    for (component, account) in grants {
        OF_ACCOUNT.put(world, (account, component), ());
    }
    let mut known: Vec<(Id, (Id, Id))> = Vec::new();
    for (key, book) in TOKENS.all(world) {
        known.extend(book.known().map(|token| (token.into(), key.clone())));
    }
    for (token, key) in known {
        HOLDERS.put(world, token, key);
    }
}

/// A token is forgotten, a day after its end.
fn due(turn: &mut Turn<'_>, what: &Value) {
    let Some(token) = id_in(what, "token") else {
        return;
    };
    if let Some(key) = HOLDERS.remove(turn.world, &*token)
        && let Some(book) = TOKENS.get_mut(turn.world, &key)
    {
        book.forget(&token);
    }
}

/// Grants end before their account or their platform does; what is left is forgotten here.
fn account_deleted(turn: &mut Turn<'_>, what: &Value) {
    let Some(id) = id_in(what, "account") else {
        return;
    };
    for component in components_of(turn.world, &id) {
        end(turn, &component, &id);
    }
    let accounts: Vec<Id> = GRANTS
        .under(turn.world, &id)
        .map(|(own, _)| own.clone())
        .collect();
    for account in accounts {
        end(turn, &id, &account);
    }
    let keys: Vec<(Id, Id)> = TOKENS
        .all(turn.world)
        .map(|(key, _)| key.clone())
        .filter(|(component, account)| *component == id || *account == id)
        .collect();
    for key in keys {
        let book = TOKENS.remove(turn.world, &key);
        for token in book.iter().flat_map(TokenBook::known) {
            HOLDERS.remove(turn.world, token);
        }
    }
}

/// A new token for the account, beside the one before.
fn issue(turn: &mut Turn<'_>, key: (Id, Id)) -> Value {
    let value = turn.world.next("authorizer_token").access_token();
    let now = turn.now.0;
    TOKENS
        .or_default(turn.world, key.clone())
        .issue(value.clone(), now);
    HOLDERS.put(turn.world, value.as_str().into(), key);
    turn.later(now + LIFETIME + REMEMBERED, NAME, json!({"token": value}));
    json!({"authorizer_access_token": value, "expires_in": LIFETIME})
}

/// What the exchange of an authorization code gives.
///
/// WECHAT: SDKs exchange a code when its event arrives, and applications once more when the browser comes back: the
/// second exchange gives the token of the first while it is good.
pub(super) fn exchanged(turn: &mut Turn<'_>, component: &Id, account: &Id) -> Option<Value> {
    let grant = get(turn.world, component, account)?.clone();
    let key = (component.clone(), account.clone());
    let now = turn.now.0;
    let present = { TOKENS.get(turn.world, &key) }
        .and_then(|book| book.current.as_ref())
        .filter(|own| own.standing(now) == Standing::Good && own.expires - now > OVERLAP);
    let mut answer = match present {
        Some(own) => {
            json!({"authorizer_access_token": own.value, "expires_in": own.expires - now})
        }
        None => issue(turn, key),
    };
    answer["authorizer_appid"] = json!(&**account);
    answer["authorizer_refresh_token"] = json!(grant.refresh_token);
    answer["func_info"] = grant.functions();
    Some(answer)
}

/// `api_authorizer_token`: each call issues a new token; the refresh token stays.
fn refresh(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let component = calling(asked)?;
    let (account, grant) = named(turn.world, &component, asked)?;
    if asked.text("authorizer_refresh_token")? != grant.refresh_token {
        return Err(Refusal::code(code::COMPONENT_REFRESH_TOKEN_INVALID));
    }
    let (account, refresh_token) = (account.appid.clone(), grant.refresh_token.clone());
    let mut answer = issue(turn, (component, account));
    answer["authorizer_refresh_token"] = json!(refresh_token);
    Ok(Reply::Json(answer))
}

/// `api_get_authorizer_info`.
///
/// WECHAT: it tells the refresh token, too: who lost it recovers so.
fn info(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let component = calling(asked)?;
    let (account, grant) = named(turn.world, &component, asked)?;
    // WECHAT: 0 is a subscription account, 2 a service account, and a mini program has 0; -1 is unverified.
    let service = if account.kind == AccountKind::Service {
        2
    } else {
        0
    };
    let verify = if account.is_verified(turn.now.0) {
        0
    } else {
        -1
    };
    let principal = account.subject.as_ref().map_or("", |own| &own.name);
    let mut about = json!({
        "nick_name": account.name,
        "head_img": "",
        "service_type_info": {"id": service},
        "verify_type_info": {"id": verify},
        "user_name": &*account.original_id,
        "principal_name": principal,
        "alias": account.alias,
        "business_info": {
            "open_store": 0, "open_scan": 0, "open_pay": 0, "open_card": 0, "open_shake": 0,
        },
        "qrcode_url": "",
        "account_status": 1,
    });
    if account.kind == AccountKind::MiniProgram {
        about["MiniProgramInfo"] = json!({
            "network": {
                "RequestDomain": [], "WsRequestDomain": [], "UploadDomain": [],
                "DownloadDomain": [], "BizDomain": [], "UDPDomain": [],
            },
            "categories": [],
            "visit_status": 0,
        });
    }
    Ok(Reply::Json(json!({
        "authorizer_info": about,
        "authorization_info": {
            "authorizer_appid": &*account.appid,
            "authorizer_refresh_token": grant.refresh_token,
            "func_info": grant.functions(),
        },
    })))
}

/// `api_get_authorizer_list`, by appid.
fn list(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let component = calling(asked)?;
    let (offset, count) = (asked.number("offset")?, asked.number("count")?);
    let (Ok(offset), Ok(count)) = (usize::try_from(offset), usize::try_from(count)) else {
        return Err(Refusal::code(code::INVALID_ARGS));
    };
    let page: Vec<Value> = GRANTS
        .under(turn.world, &component)
        .skip(offset)
        .take(count.min(PAGE))
        .map(|(account, grant)| {
            json!({
                "authorizer_appid": &**account,
                "refresh_token": grant.refresh_token,
                "auth_time": grant.since,
            })
        })
        .collect();
    let total = GRANTS.under(turn.world, &component).count();
    Ok(Reply::Json(json!({"total_count": total, "list": page})))
}
