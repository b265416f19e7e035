//! Logging in to a mini program (小程序登录): a person opens it, `wx.login` gives a code, and the code tells the server who it
//! is.
//!
//! Codes of the real developer tool and of its mocks are unknown here. An account's rule says for whom they stand.
//!
//! Source: doc pages "小程序登录", "code2Session", "第三方平台 小程序登录".

use serde_json::{Value, json};
use xinqiao_catalog::{Product, code as codes, id::mini_program as mp, id::open_platform as open};

use super::{
    KINDS,
    code::{self, Purpose},
    session,
};
use crate::{
    accounts::{
        ACCOUNTS,
        rules::{Preset, Rule},
    },
    door::{
        Asked, Refusal, Reply, Verdict,
        credential::{Finder, Proof, by_secret_alone, claimed_by_secret},
        stateful,
    },
    kernel::{
        Id, Refused, Turn, World,
        chance::looks_like_our_code,
        declared::{DiagnosisKind, RowKind, Shown, Side, said, text},
        row::{RowState, Words, diagnose},
    },
    people::{
        USERS,
        act::{Act, Input, Scene},
        causes,
        phone::contact,
        user,
    },
    products::Feature,
};

pub(super) static FEATURE: Feature = Feature {
    name: "mini_program.login",
    behaviours: &[
        stateful(
            mp::sns::JS_CODE_2_SESSION,
            "a_login_code_works_once_and_five_minutes",
            exchange,
        ),
        stateful(
            open::sns::COMPONENT_JS_CODE_2_SESSION,
            "a_platform_exchanges_login_codes_of_an_account_that_authorized_it",
            exchange_on_behalf,
        ),
    ],
    finders: &[Finder {
        proof: Proof::SecretAt(mp::sns::JS_CODE_2_SESSION),
        products: &[Product::MiniProgram],
        claimed: claimed_by_secret,
        find: by_secret_alone,
    }],
    acts: &[Act {
        verb: "login",
        title: said("打开小程序", "Open a mini program"),
        kinds: KINDS,
        about: None,
        fields: &[],
        check: None,
        run: open_it,
    }],
    rules: &[&UNKNOWN],
    shows: &[Shown::Row(&TAKEN), Shown::Diagnosis(&DIAGNOSIS)],
    ..Feature::EMPTY
};

static UNKNOWN: Rule = Rule {
    name: "mini_login.unknown_codes",
    default: Preset::Number(0, 1_000_000),
    about: (
        "真实开发者工具的 wx.login code 这里不认识，算谁的：0 谁的都不算（40029）；n 算用户 un 的",
        "for whom a login code stands that this world did not give, as real developer tools do: 0 for nobody (40029), n for the \
         user un",
    ),
    source: "ours: the platform knows every code",
};

/// A code of elsewhere was taken for somebody.
static TAKEN: RowKind = RowKind {
    name: "mini_login",
    title: said("小程序登录", "Mini program log-in"),
    sign: "⇢",
    side: Side::World,
};

static DIAGNOSIS: DiagnosisKind = DiagnosisKind {
    name: "mini_login",
    title: said("小程序登录", "Mini program log-in"),
    rules: &["mini_login"],
    fields: &[
        text("received", "收到", "Received").optional(),
        text("expected", "应该是", "Should be").optional(),
    ],
};

const BY_CODE: &str = "authorization_code";
/// What the developer tool gives as a code where it has no appid: always the same.
const MOCK: &str = "the code is a mock one";
/// Most characters of a code from elsewhere.
const LONGEST: usize = 256;

/// A person opens a mini program, which asks for a code at once.
fn open_it(turn: &mut Turn<'_>, scene: &Scene, _: &Input) -> Result<Value, Refused> {
    let openid = contact(turn.world, scene.user, &scene.appid);
    causes::acted(turn, &scene.appid, &openid);
    session::log_in(turn, &scene.appid, scene.user);
    let code = code::give(turn, &scene.appid, scene.user, Purpose::Login);
    let words = Words::new(
        format!("{} 打开小程序{}", scene.nickname, scene.account_name),
        format!(
            "{} opens the mini program {}",
            scene.nickname, scene.account_name
        ),
    );
    let mut row = scene.row(turn, &openid, words);
    row.subtitle = Words::same("wx.login");
    turn.show(row);
    Ok(json!({"deliveries": [], "errMsg": "login:ok", "code": &*code}))
}

/// `sns/jscode2session`.
fn exchange(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    session_of(turn, asked, &asked.appid)
}

/// `sns/component/jscode2session`: the platform's token takes the secret's place.
fn exchange_on_behalf(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let (_, appid) = asked.on_behalf(turn.world)?;
    session_of(turn, asked, &appid)
}

fn session_of(turn: &mut Turn<'_>, asked: &Asked, appid: &Id) -> Verdict {
    if asked.given("grant_type") != Some(BY_CODE) {
        return Err(Refusal::code(codes::INVALID_GRANT_TYPE));
    }
    let given = asked.given("js_code").unwrap_or_default();
    if given.is_empty() {
        return Err(Refusal::code(codes::CODE_MISSING));
    }
    let stands_for = stands_for(turn.world, appid, given);
    let person = match stands_for {
        Some(person) => person,
        None => code::find(turn, given, appid, Purpose::Login)?,
    };
    let key = session::exchanged(turn, appid, person)?;
    let openid = contact(turn.world, person, appid);
    if stands_for.is_some() {
        if given != MOCK {
            code::take_over(turn, given, appid, person);
        }
        tell(turn, appid, person, &openid);
    } else {
        code::used(turn.world, given);
    }
    let mut answer = json!({"session_key": key, "openid": &*openid});
    if let Some(unionid) = unionid(turn.world, appid, person) {
        answer["unionid"] = json!(unionid);
    }
    Ok(Reply::Json(answer))
}

/// The id over all accounts of one open-platform account, where the mini program is bound to one.
pub(super) fn unionid(world: &World, appid: &Id, person: u64) -> Option<String> {
    let account = ACCOUNTS.get(world, appid)?;
    let open_account = account.open_account.as_deref()?;
    Some(user::unionid(world, person, open_account))
}

/// For whom a code stands that this world did not give, if the account says so.
fn stands_for(world: &World, appid: &Id, given: &str) -> Option<u64> {
    let account = ACCOUNTS.get(world, appid)?;
    let person = u64::try_from(UNKNOWN.number(&account.rules)).ok()?;
    let foreign =
        given.len() <= LONGEST && !looks_like_our_code(given) && !code::is_known(world, given);
    (foreign && USERS.has(world, &person)).then_some(person)
}

/// Says that somebody was let in who never opened the mini program here.
fn tell(turn: &mut Turn<'_>, appid: &Id, person: u64, openid: &Id) {
    let nickname = USERS
        .get(turn.world, &person)
        .map(|user| user.nickname.to_string());
    let nickname = nickname.unwrap_or_default();
    let mut row = turn.row(&TAKEN, RowState::Warn);
    row.account = Some(appid.to_string());
    row.account_name = ACCOUNTS.get(turn.world, appid).map(|own| own.name.clone());
    row.user = Some(user::name(person));
    row.user_name = Some(nickname.clone());
    row.openid = Some(openid.to_string());
    row.title = Words::new(
        format!("不认识的登录 code 算作 {nickname} 的"),
        format!("An unknown login code is taken for {nickname}'s"),
    );
    row.subtitle = Words::new(
        format!("开关 {}", UNKNOWN.name),
        format!("by the rule {}", UNKNOWN.name),
    );
    row.label = Words::new("代入", "mapped");
    row.diagnosis = Some(diagnose("mini_login.unknown_code", None, None));
    turn.show(row);
}
