//! Tokens of people: a code gives one, `refresh_token` renews it for thirty days, and it tells who the person is.
//!
//! They are apart from the account's own token: one where the other belongs is 40001.
//!
//! Source: doc pages "网页授权", "授权后接口调用（UnionID）"; community for what a code past its time answers.

use serde_json::{Value, json};
use xinqiao_catalog::{AuthKind, Product, code, id::open_platform as open, surface::Credential};

use super::{
    super::{KINDS, fans::NOT_BOUND},
    CODES, NAME, REFRESH, REFRESH_LIFETIME, Refresh, TOKENS, Token, Whose, caller,
    link::PROFILE,
    website::SCOPE,
};
use crate::{
    accounts::{
        ACCOUNTS,
        tokens::{LIFETIME, REMEMBERED, Standing},
    },
    door::{
        Asked, Refusal, Reply, Verdict,
        credential::{
            Asking, Caller, Finder, Proof, by_secret_alone, claimed_by_secret, must_stand,
            of_nobody,
        },
        stateful,
    },
    kernel::{Id, Turn, World},
    people::{self, user},
    products::Feature,
};

pub(in super::super) static FEATURE: Feature = Feature {
    name: "official_account.web_token",
    behaviours: &[
        stateful(
            open::sns::oauth2::ACCESS_TOKEN,
            "a_code_works_once_and_five_minutes",
            exchange,
        ),
        stateful(
            open::sns::oauth2::REFRESH_TOKEN,
            "a_token_is_renewed_for_thirty_days",
            refresh,
        ),
        stateful(
            open::sns::oauth2::component::ACCESS_TOKEN,
            ON_BEHALF_OF,
            exchange_on_behalf,
        ),
        stateful(
            open::sns::oauth2::component::REFRESH_TOKEN,
            ON_BEHALF_OF,
            refresh_on_behalf,
        ),
        stateful(open::sns::AUTH, TOLD, check),
        stateful(open::sns::USER_INFO, TOLD, info),
    ],
    finders: &[
        Finder {
            proof: Proof::SecretAt(open::sns::oauth2::ACCESS_TOKEN),
            products: &[Product::OpenPlatform],
            claimed: claimed_by_secret,
            find: by_secret_alone,
        },
        Finder {
            proof: Proof::Auth(AuthKind::Sns),
            products: &[Product::OpenPlatform],
            claimed,
            find: by_token,
        },
    ],
    ..Feature::EMPTY
};
const ON_BEHALF_OF: &str = "a_platform_lets_people_log_in_to_an_account_that_authorized_it";
const TOLD: &str = "a_person_is_told_as_far_as_they_agreed";

/// The grant types of the two calls.
const BY_CODE: &str = "authorization_code";
const BY_REFRESH: &str = "refresh_token";

/// Whom a token says to speak of.
fn claimed(world: &World, credential: &Credential) -> Option<Caller> {
    match credential {
        Credential::Token { value, .. } => {
            let token = TOKENS.get(world, value.expose())?;
            Some(caller(&token.whose))
        }
        _ => None,
    }
}

/// Missing 41001, of an account 40001, past its two hours 42001, of nobody 40014.
fn by_token(
    turn: &Turn<'_>,
    asking: &Asking<'_>,
    whose: &mut Option<Caller>,
) -> Result<Caller, Refusal> {
    let text = asking.token(code::ACCESS_TOKEN_MISSING)?;
    let Some(token) = TOKENS.get(turn.world, text) else {
        return Err(of_nobody(text));
    };
    let caller = caller(&token.whose);
    *whose = Some(caller.clone());
    let standing = if turn.now.0 < token.expires {
        Standing::Good
    } else {
        Standing::Expired
    };
    must_stand(Some(standing))?;
    Ok(caller)
}

fn must_grant(asked: &Asked, type_: &str) -> Result<(), Refusal> {
    if asked.given("grant_type") == Some(type_) {
        Ok(())
    } else {
        Err(Refusal::code(code::INVALID_GRANT_TYPE))
    }
}

/// `sns/oauth2/access_token`.
fn exchange(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    must_grant(asked, BY_CODE)?;
    let whose = take(turn, asked, &asked.appid, None)?;
    Ok(Reply::Json(issued(turn, whose)))
}

/// `sns/oauth2/component/access_token`: the platform's token takes the secret's place.
fn exchange_on_behalf(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let (component, appid) = asked.on_behalf(turn.world)?;
    must_grant(asked, BY_CODE)?;
    let whose = take(turn, asked, &appid, Some(&component))?;
    Ok(Reply::Json(issued(turn, whose)))
}

/// Whose code it is; it is used up.
///
/// WECHAT: a code past its time is 40029, as one that never was; 42003 is hardly ever seen.
fn take(
    turn: &mut Turn<'_>,
    asked: &Asked,
    appid: &Id,
    component: Option<&Id>,
) -> Result<Whose, Refusal> {
    let given = asked.given("code").unwrap_or_default();
    if given.is_empty() {
        return Err(Refusal::code(code::CODE_MISSING));
    }
    let now = turn.now.0;
    let Some(row) = CODES.get_mut(turn.world, given) else {
        return Err(Refusal::code(code::INVALID_CODE));
    };
    let own = (&row.whose.appid, row.whose.component.as_ref());
    if own != (appid, component) {
        let named = |(appid, component): (&Id, Option<&Id>)| match component {
            Some(component) => format!("{appid} (component_appid {component})"),
            None => appid.to_string(),
        };
        let (received, expected) = (named((appid, component)), named(own));
        let refuse = Refusal::code(code::INVALID_CODE);
        return Err(refuse.because("web_login.code_of_another", Some(received), Some(expected)));
    }
    if row.used {
        return Err(Refusal::code(code::CODE_USED));
    }
    if now >= row.expires {
        let late = format!("{} s", now - row.expires);
        let refuse = Refusal::code(code::INVALID_CODE);
        return Err(refuse.because("web_login.code_expired", Some(late), None));
    }
    row.used = true;
    Ok(row.whose.clone())
}

/// What a code gives.
fn issued(turn: &mut Turn<'_>, whose: Whose) -> Value {
    let refresh: Id = turn.world.next("web_refresh_token").access_token().into();
    let token = issue(turn, &whose, &refresh);
    let expires = turn.now.0 + REFRESH_LIFETIME;
    turn.later(expires + REMEMBERED, NAME, json!({"refresh": &*refresh}));
    let mut answer = json!({
        "access_token": &*token,
        "expires_in": LIFETIME,
        "refresh_token": &*refresh,
        "openid": &*whose.openid,
        "scope": whose.scope,
    });
    // WECHAT: base tells no unionid.
    match (unionid(turn.world, &whose), tells_profile(&whose.scope)) {
        (Some(unionid), true) => answer["unionid"] = json!(unionid),
        (Some(_), false) => turn.remark = Some("unionid.scope"),
        (None, true) => turn.remark = Some(NOT_BOUND),
        (None, false) => {}
    }
    if whose.snapshot {
        answer["is_snapshotuser"] = json!(1);
    }
    let row = Refresh {
        whose,
        expires,
        token,
    };
    REFRESH.put(turn.world, refresh, row);
    answer
}

/// A new token.
fn issue(turn: &mut Turn<'_>, whose: &Whose, refresh: &Id) -> Id {
    let token: Id = turn.world.next("web_token").access_token().into();
    let expires = turn.now.0 + LIFETIME;
    let row = Token {
        whose: whose.clone(),
        expires,
        refresh: refresh.clone(),
    };
    TOKENS.put(turn.world, token.clone(), row);
    turn.later(expires + REMEMBERED, NAME, json!({"token": &*token}));
    token
}

/// `sns/oauth2/refresh_token`.
fn refresh(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    must_grant(asked, BY_REFRESH)?;
    let appid = asked.given("appid").unwrap_or_default();
    if appid.is_empty() {
        return Err(Refusal::code(code::APPID_MISSING));
    }
    let Some((appid, _)) = ACCOUNTS.entry(turn.world, appid) else {
        return Err(Refusal::code(code::INVALID_APPID));
    };
    let appid = appid.clone();
    renewed(turn, asked, &appid, None)
}

/// `sns/oauth2/component/refresh_token`.
fn refresh_on_behalf(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let (component, appid) = asked.on_behalf(turn.world)?;
    must_grant(asked, BY_REFRESH)?;
    renewed(turn, asked, &appid, Some(&component))
}

/// WECHAT: a token that still lives stays, with a new end; one that does not is replaced. The refresh token is not
/// prolonged by its use.
fn renewed(turn: &mut Turn<'_>, asked: &Asked, appid: &Id, component: Option<&Id>) -> Verdict {
    let given: Id = asked.given("refresh_token").unwrap_or_default().into();
    let known = REFRESH.get(turn.world, &*given);
    let own =
        |row: &&Refresh| (&row.whose.appid, row.whose.component.as_ref()) == (appid, component);
    let Some(row) = known.filter(own).cloned() else {
        return Err(Refusal::code(code::INVALID_REFRESH_TOKEN));
    };
    let now = turn.now.0;
    if now >= row.expires {
        return Err(Refusal::code(code::REFRESH_TOKEN_EXPIRED));
    }
    let alive = TOKENS
        .get_mut(turn.world, &*row.token)
        .filter(|token| now < token.expires);
    let token = if let Some(token) = alive {
        token.expires = now + LIFETIME;
        row.token
    } else {
        issue(turn, &row.whose, &given)
    };
    if let Some(kept) = REFRESH.get_mut(turn.world, &*given) {
        kept.token = token.clone();
    }
    Ok(Reply::Json(json!({
        "access_token": &*token,
        "expires_in": LIFETIME,
        "refresh_token": &*given,
        "openid": &*row.whose.openid,
        "scope": row.whose.scope,
    })))
}

/// Whose token it is; the openid beside it must be the same person's.
fn person(world: &World, asked: &Asked) -> Result<Whose, Refusal> {
    let token = asked.query.get("access_token").map(String::as_str);
    let row = TOKENS.get(world, token.unwrap_or_default());
    let row = row.ok_or_else(|| Refusal::code(code::INVALID_CREDENTIAL))?;
    if asked.given("openid") != Some(&*row.whose.openid) {
        return Err(Refusal::code(code::INVALID_OPENID));
    }
    Ok(row.whose.clone())
}

/// `sns/auth`.
fn check(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    person(turn.world, asked)?;
    Ok(Reply::Acknowledged)
}

/// `sns/userinfo`.
///
/// WECHAT: since 2021-10-20 sex is 0 and the place empty; the names of the fields stay. A person without a portrait has an
/// empty headimgurl.
fn info(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let whose = person(turn.world, asked)?;
    if !tells_profile(&whose.scope) {
        let refuse = Refusal::code(code::API_UNAUTHORIZED);
        return Err(refuse.because("unionid.scope", Some(whose.scope), Some(PROFILE.to_owned())));
    }
    let person = people::USERS.get(turn.world, &whose.user);
    let nickname = match person {
        _ if whose.snapshot => NOBODY,
        Some(user) => &user.nickname,
        None => "",
    };
    let mut answer: Value = json!({
        "openid": &*whose.openid,
        "nickname": nickname,
        "sex": 0,
        "city": "",
        "province": "",
        "country": "",
        "headimgurl": "",
        "privilege": [],
    });
    match unionid(turn.world, &whose) {
        Some(unionid) => answer["unionid"] = json!(unionid),
        None => turn.remark = Some(NOT_BOUND),
    }
    Ok(Reply::Json(answer))
}

/// What the virtual person of a snapshot is called.
const NOBODY: &str = "微信用户";

/// Whether a person who agreed to this is told what they are called.
fn tells_profile(scope: &str) -> bool {
    [PROFILE, SCOPE].contains(&scope)
}

/// WECHAT: an application of the open platform stands under an account there from the start, an official account only when
/// it is bound to one.
fn unionid(world: &World, whose: &Whose) -> Option<String> {
    let account = ACCOUNTS.get(world, &*whose.appid)?;
    let own = (!KINDS.contains(&account.kind)).then_some(&*whose.appid);
    let open = account.open_account.as_deref().or(own)?;
    if whose.snapshot {
        // As virtual as the openid, and as constant.
        return Some(world.named("snapshot_unionid", &whose.openid).unionid());
    }
    Some(user::unionid(world, whose.user, open))
}
