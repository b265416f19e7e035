//! A platform's own token (component_access_token), got with a ticket, and who holds one.
//!
//! Source: doc page "获取第三方平台接口调用令牌", error codes 41018, 41021, 61004, 61014 and 61015. What becomes of the
//! token before when another is fetched is disputed: a switch.

use serde_json::{Value, json};
use xinqiao_catalog::{AuthKind, Product, code, id::open_platform as op, surface::Credential};
use xinqiao_types::{AccountKind, shanghai::DAY};

use super::{authorizers, ticket};
use crate::{
    accounts::{
        self,
        rules::{self, Rule},
        tokens::{LIFETIME, OVERLAP, REMEMBERED, TokenBook},
    },
    door::{
        Asked, Refusal, Reply, Verdict,
        credential::{
            Asking, Caller, Finder, Holders, Proof, by_secret_of, claimed_by, must_stand, of_nobody,
        },
        stateful,
    },
    kernel::{Id, Table, Turn, World, feature::id_in},
    products::Feature,
};

/// Tokens by platform.
static TOKENS: Table<Id, TokenBook> = Table::new("component.tokens", 1);
/// Whose a token is.
static OWNERS: Table<Id, Id> = Table::memory("component.token_owners");

pub(super) static FEATURE: Feature = Feature {
    name: NAME,
    tables: &[&TOKENS],
    behaviours: &[stateful(
        op::component::API_COMPONENT_TOKEN,
        "a_ticket_and_a_secret_give_a_token",
        get,
    )],
    finders: &[
        Finder {
            proof: Proof::SecretOf("component_appid"),
            products: PRODUCTS,
            claimed: |world, credential| claimed_by(world, credential, &HOLDERS),
            find: |turn, asking, whose| by_secret_of(turn, asking, whose, &HOLDERS),
        },
        Finder {
            proof: Proof::Auth(AuthKind::ComponentAccessToken),
            products: PRODUCTS,
            claimed,
            find: by_token,
        },
        Finder {
            proof: Proof::Auth(AuthKind::AccessToken),
            products: PRODUCTS,
            claimed,
            find: not_an_accounts,
        },
    ],
    rules: &[&OVERLAP_SECONDS],
    due: Some(due),
    topics: &[(accounts::DELETED, account_deleted)],
    index: Some(index),
    ..Feature::EMPTY
};
const NAME: &str = "component.token";

/// The products whose endpoints a platform calls, for itself or for an account.
pub(super) const PRODUCTS: &[Product] = &[
    Product::OfficialAccount,
    Product::MiniProgram,
    Product::OpenPlatform,
    Product::Channels,
];

static HOLDERS: Holders = Holders {
    kinds: |kind| kind == AccountKind::Component,
    caller: Caller::Component,
    nameless: code::COMPONENT_APPID_MISSING,
    not_listed: |peer| {
        let text = format!("access clientip is not registered requestIP: {peer}");
        Refusal::text(code::COMPONENT_IP_NOT_LISTED, text)
    },
};

fn claimed(world: &World, credential: &Credential) -> Option<Caller> {
    let Credential::Token { value, .. } = credential else {
        return None;
    };
    OWNERS
        .get(world, value.expose())
        .cloned()
        .map(Caller::Component)
}

/// The token: missing 41021, an authorizer's 61014, odd or foreign 40014, replaced 40001, past its lifetime 42001.
fn by_token(
    turn: &Turn<'_>,
    asking: &Asking<'_>,
    whose: &mut Option<Caller>,
) -> Result<Caller, Refusal> {
    let text = asking.token(code::COMPONENT_ACCESS_TOKEN_MISSING)?;
    let Some(component) = OWNERS.get(turn.world, text) else {
        if authorizers::is_authorizers(turn.world, text) {
            return Err(Refusal::code(code::COMPONENT_TOKEN_REQUIRED));
        }
        return Err(of_nobody(text));
    };
    let caller = Caller::Component(component.clone());
    *whose = Some(caller.clone());
    let issued = TOKENS
        .get(turn.world, &**component)
        .and_then(|book| book.find(text));
    must_stand(issued.map(|issued| issued.standing(turn.now.0)))?;
    Ok(caller)
}

/// A platform's own token opens no account: the account's is wanted.
fn not_an_accounts(
    turn: &Turn<'_>,
    asking: &Asking<'_>,
    whose: &mut Option<Caller>,
) -> Result<Caller, Refusal> {
    *whose = claimed(turn.world, &asking.seen.credential);
    Err(Refusal::code(code::ACCOUNT_TOKEN_REQUIRED))
}

fn index(world: &mut World) {
    let mut known: Vec<(Id, Id)> = Vec::new();
    for (component, book) in TOKENS.all(world) {
        known.extend(book.known().map(|token| (token.into(), component.clone())));
    }
    for (token, component) in known {
        OWNERS.put(world, token, component);
    }
}

/// A token is forgotten, a day after its end: until then it is 42001, then 40001.
fn due(turn: &mut Turn<'_>, what: &Value) {
    let Some(token) = id_in(what, "token") else {
        return;
    };
    if let Some(component) = OWNERS.remove(turn.world, &*token)
        && let Some(book) = TOKENS.get_mut(turn.world, &*component)
    {
        book.forget(&token);
    }
}

fn account_deleted(turn: &mut Turn<'_>, what: &Value) {
    let book = id_in(what, "account").and_then(|id| TOKENS.remove(turn.world, &*id));
    for token in book.iter().flat_map(TokenBook::known) {
        OWNERS.remove(turn.world, token);
    }
}

/// How long the token before goes on beside a new one.
static OVERLAP_SECONDS: Rule = Rule {
    name: "component.token_overlap_seconds",
    default: rules::Preset::Number(OVERLAP, 365 * DAY),
    about: (
        "重新获取 component_access_token 后，旧的还能用多少秒，设在第三方平台上；0 表示立即失效",
        "for how many seconds the component_access_token before goes on when another is fetched; set on the third-party \
         platform; 0: it dies at once",
    ),
    source: "its page is silent; 300 is documented of accounts' tokens. The platform's staff: fetching often ends the older one",
};

/// `api_component_token`: each call issues a new one beside the one before.
fn get(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let ticket = asked.text("component_verify_ticket")?;
    let now = turn.now.0;
    ticket::check(turn.world, &asked.appid, ticket, now)?;
    let overlap = OVERLAP_SECONDS.number(&asked.account(turn.world)?.rules);
    let value = turn.world.next("component_token").access_token();
    TOKENS
        .or_default(turn.world, asked.appid.clone())
        .issue_beside(value.clone(), now, overlap);
    OWNERS.put(turn.world, value.as_str().into(), asked.appid.clone());
    turn.later(now + LIFETIME + REMEMBERED, NAME, json!({"token": value}));
    Ok(Reply::Json(
        json!({"component_access_token": value, "expires_in": LIFETIME}),
    ))
}
