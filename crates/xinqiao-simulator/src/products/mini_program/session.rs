//! Sessions of people with mini programs (登录态): the `session_key`, when it is another one, and the calls that check and
//! reset it.
//!
//! Source: doc pages "小程序登录", "检验登录态", "重置登录态", "用户登录态签名". How long a key lives they do not tell, only that use
//! prolongs it, and that a log-in may replace it.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use xinqiao_catalog::{code, id::mini_program as mp, rules::quota};
use xinqiao_crypto::session;
use xinqiao_types::shanghai::DAY;

use crate::{
    accounts::{
        self, ACCOUNTS,
        rules::{Preset, Rule},
    },
    door::{Asked, Refusal, Reply, Verdict, stateful},
    kernel::{Id, Table, Turn, feature::id_in},
    people,
    products::Feature,
};

/// Sessions by account and person.
static SESSIONS: Table<(Id, u64), Session> = Table::new("mini_program.sessions", 1);

pub(super) static FEATURE: Feature = Feature {
    name: "mini_program.sessions",
    tables: &[&SESSIONS],
    behaviours: &[
        stateful(
            mp::wxa::CHECK_SESSION,
            "a_session_is_checked_and_reset_by_its_signature",
            check,
        ),
        stateful(
            mp::wxa::RESET_USER_SESSION_KEY,
            "a_session_is_checked_and_reset_by_its_signature",
            reset,
        ),
    ],
    rules: &[&RENEWED, &LIVES],
    topics: &[(accounts::DELETED, account_deleted)],
    ..Feature::EMPTY
};

static RENEWED: Rule = Rule {
    name: "mini_login.session_key",
    default: Preset::Word("when_expired", &["when_expired", EACH_LOGIN]),
    about: (
        "wx.login 什么时候换一个新的 session_key：when_expired 旧的失效之后；each_login 每次都换，旧的马上解不开新数据",
        "when wx.login brings a new session_key: `when_expired` once the old one is at its end; `each_login` every time, so \
         that the old one reads no new data",
    ),
    source: "doc page 小程序登录: a log-in may replace the key, not each of several in a short time does",
};
const EACH_LOGIN: &str = "each_login";

static LIVES: Rule = Rule {
    name: "mini_login.session_days",
    default: Preset::Number(3, 3650),
    about: (
        "session_key 从最后一次登录起多少天失效",
        "how many days after the last log-in a session_key is at its end",
    ),
    source: "the documentation names no lifetime; the community speaks of three days",
};

/// The catalog's limit of log-ins of one person.
const LIMIT: &str = "mini.jscode2session";
/// The one way of signing.
const METHOD: &str = "hmac_sha256";

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Session {
    key: String,
    ends: i64,
    /// The minute in which log-ins are counted.
    minute: i64,
    exchanged: u64,
}

fn new_key(turn: &mut Turn<'_>) -> String {
    turn.world.next("session_key").session_key()
}

/// The person logs in on the phone: a session begins, or goes on.
pub(super) fn log_in(turn: &mut Turn<'_>, appid: &Id, user: u64) {
    let now = turn.now.0;
    let Some(account) = ACCOUNTS.get(turn.world, appid) else {
        return;
    };
    let ends = now + LIVES.number(&account.rules) * DAY;
    let each = RENEWED.word(Some(&account.rules)) == EACH_LOGIN;
    let at = (appid.clone(), user);
    let lives = SESSIONS
        .get(turn.world, &at)
        .is_some_and(|own| now < own.ends);
    let key = (each || !lives).then(|| new_key(turn));
    let own = SESSIONS.or_default(turn.world, at);
    own.ends = ends;
    if let Some(key) = key {
        own.key = key;
    }
}

/// The key under which the phone seals what it gives the mini program now, if the person has logged in.
pub(super) fn key(turn: &Turn<'_>, appid: &Id, user: u64) -> Option<String> {
    let own = SESSIONS.get(turn.world, &(appid.clone(), user))?;
    (turn.now.0 < own.ends).then(|| own.key.clone())
}

/// The key that a code of this person gives; so many times a minute.
pub(super) fn exchanged(turn: &mut Turn<'_>, appid: &Id, user: u64) -> Result<String, Refusal> {
    if key(turn, appid, user).is_none() {
        log_in(turn, appid, user);
    }
    let minute = turn.now.0.div_euclid(60);
    let own = SESSIONS.or_default(turn.world, (appid.clone(), user));
    if own.minute != minute {
        (own.minute, own.exchanged) = (minute, 0);
    }
    let most = quota::row(LIMIT).map_or(u64::MAX, |limit| limit.max);
    if own.exchanged >= most {
        let received = Some(format!("{} / {most}", own.exchanged + 1));
        let refuse = Refusal::code(code::MINUTE_QUOTA_REACHED);
        return Err(refuse.because("mini_login.too_often", received, None));
    }
    own.exchanged += 1;
    Ok(own.key.clone())
}

/// How the signature of a call stands to the session that it speaks of.
enum Signed {
    Well,
    Wrongly,
    /// In a way that the platform does not know.
    Otherwise,
    /// There is no session, or none any more.
    Nowhere,
}

/// Whose session it is, and how the call is signed.
fn signed(turn: &Turn<'_>, asked: &Asked) -> Result<((Id, u64), Signed), Refusal> {
    let openid = asked.text("openid")?;
    let Some(user) = people::person(turn.world, &asked.appid, openid) else {
        return Err(Refusal::code(code::INVALID_OPENID));
    };
    let (method, signature) = (asked.text("sig_method")?, asked.text("signature")?);
    // WECHAT: the text that is signed is empty: neither the openid nor the query.
    let stands = match key(turn, &asked.appid, user) {
        _ if method != METHOD => Signed::Otherwise,
        None => Signed::Nowhere,
        Some(key) if session::verify_hmac(&key, b"", signature).is_ok() => Signed::Well,
        Some(_) => Signed::Wrongly,
    };
    Ok(((asked.appid.clone(), user), stands))
}

/// `wxa/checksession`.
///
/// WECHAT: whatever is wrong is 87009, a session at its end too (staff in the community).
fn check(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let (_, stands) = signed(turn, asked)?;
    let rule = match stands {
        Signed::Well => return Ok(Reply::Acknowledged),
        Signed::Wrongly => "mini_login.signature",
        Signed::Otherwise => "mini_login.sig_method",
        Signed::Nowhere => "mini_login.session_over",
    };
    Err(Refusal::code(code::INVALID_SESSION_SIGNATURE).because(rule, None, None))
}

/// `wxa/resetusersessionkey`: another key until the same end.
fn reset(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let (at, stands) = signed(turn, asked)?;
    let (code, rule) = match stands {
        Signed::Well => {
            let key = new_key(turn);
            SESSIONS.or_default(turn.world, at).key.clone_from(&key);
            return Ok(Reply::Json(json!({
                "errcode": 0,
                "errmsg": "ok",
                "openid": asked.text("openid")?,
                "session_key": key,
            })));
        }
        Signed::Wrongly => (code::INVALID_SESSION_SIGNATURE, "mini_login.signature"),
        Signed::Otherwise => (code::INVALID_SIG_METHOD, "mini_login.sig_method"),
        Signed::Nowhere => (code::SESSION_KEY_EXPIRED, "mini_login.session_over"),
    };
    Err(Refusal::code(code).because(rule, None, None))
}

fn account_deleted(turn: &mut Turn<'_>, what: &Value) {
    if let Some(appid) = id_in(what, "account") {
        SESSIONS.remove_under(turn.world, &appid);
    }
}
