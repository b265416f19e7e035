//! Web login (网页授权): the page that lets people in, the browser that is somebody's phone, and the tokens of people.
//!
//! * [`link`]: what a link to the page asks for, and why it is refused;
//! * [`visit`]: the page in a browser;
//! * [`act`]: opening a link on the phone;
//! * [`website`]: the page with a code to scan, by which people log in to a website (网站应用);
//! * [`mobile`]: an app asks WeChat on the same phone (移动应用);
//! * [`token`]: code → token → what the person is called.
//!
//! A browser is somebody's phone by a cookie of the page's host. It gets one by a ticket, good once, that opening a
//! link on the phone gives: whoever has none is told to open the link in WeChat.
//!
//! Source: doc page "网页授权"; its return-code table.

mod act;
mod html;
pub(super) mod link;
mod mobile;
pub(super) mod token;
mod visit;
mod website;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use xinqiao_types::shanghai::DAY;

use super::KINDS;
use crate::{
    accounts::{
        self, ACCOUNTS,
        rules::{Preset, Rule},
        tokens::REMEMBERED,
    },
    door::{credential::Caller, pages::Shows},
    kernel::{
        Id, Table, Turn, World,
        declared::{DiagnosisKind, RowKind, Shown, Side, said, text},
        feature::id_in,
        row::{RowState, Words},
    },
    people::{causes, phone::contact, user},
    products::Feature,
};

use self::link::Link;

/// Codes that were given out.
static CODES: Table<Id, Code> = Table::new("official_account.web_codes", 1);
/// Tokens of people.
static TOKENS: Table<Id, Token> = Table::new("official_account.web_tokens", 1);
/// What renews them.
static REFRESH: Table<Id, Refresh> = Table::new("official_account.web_refresh_tokens", 1);
/// Until when a consent of a person is remembered, by account and person.
static CONSENTS: Table<(Id, u64), i64> = Table::new("official_account.web_consents", 1);
/// Links that phones opened and no browser has loaded yet, by ticket.
static OPENINGS: Table<Id, Opening> = Table::traffic("official_account.web_openings", 1);
/// Browsers that are somebody's phone, by the value of their cookie.
static BROWSERS: Table<Id, Browser> = Table::traffic("official_account.web_browsers", 1);
/// The browser that was led to a site last, by the site's origin.
static LANDINGS: Table<Id, Browser> = Table::traffic("official_account.web_landings", 1);

pub(super) static FEATURE: Feature = Feature {
    name: NAME,
    tables: &[
        &CODES,
        &TOKENS,
        &REFRESH,
        &CONSENTS,
        &OPENINGS,
        &BROWSERS,
        &LANDINGS,
        &website::SCANS,
    ],
    pages: &[
        Shows {
            page: PAGE,
            run: visit::show,
        },
        Shows {
            page: website::PAGE,
            run: website::show,
        },
        Shows {
            page: website::POLLED,
            run: website::poll,
        },
        Shows {
            page: website::SCRIPT,
            run: website::script,
        },
    ],
    acts: &[
        act::OPEN,
        act::BROWSE,
        website::OPEN,
        website::SCAN,
        mobile::LOGIN,
    ],
    rules: &[&REMEMBERS, &website::AFTER_REFUSAL],
    shows: &[
        Shown::Row(&VISIT),
        Shown::Diagnosis(&DIAGNOSIS),
        Shown::Sheet(&website::SHEET),
    ],
    due: Some(due),
    topics: &[(accounts::DELETED, account_deleted)],
    ..Feature::EMPTY
};
const NAME: &str = "official_account.web_login";
/// The page that lets people in.
const PAGE: &str = "page.connect.oauth2.authorize";

/// How long a code can be exchanged.
const CODE_LIFETIME: i64 = 300;
/// How long one can be that an application of the open platform got.
///
/// Source: doc page "微信登录常见问题": ten minutes for websites and mobile applications.
const APPLICATIONS_CODE_LIFETIME: i64 = 600;
/// How long a token can be renewed; renewing does not prolong it.
const REFRESH_LIFETIME: i64 = 30 * DAY;
/// How long a browser has to load what was opened on the phone.
const TICKET_LIFETIME: i64 = 3600;
/// How long a browser stays somebody's phone.
const BROWSER_LIFETIME: i64 = DAY;

static REMEMBERS: Rule = Rule {
    name: "web_login_remembers_days",
    default: Preset::Number(0, 3650),
    about: (
        "用户同意 snsapi_userinfo 之后，几天之内不再弹窗（forcePopup=true 时仍弹）；0 表示每次都弹",
        "for how many days a consent to snsapi_userinfo is remembered and not asked for again, unless forcePopup=true; 0 asks each time",
    ),
    source: "doc page 网页授权 names forcePopup, and does not tell how long a consent is remembered",
};

/// Somebody opened the page.
static VISIT: RowKind = RowKind {
    name: "web_login",
    title: said("网页授权", "Web login"),
    sign: "⇢",
    side: Side::World,
};

static DIAGNOSIS: DiagnosisKind = DiagnosisKind {
    name: "web_login",
    title: said("网页授权", "Web login"),
    rules: &["web_login", "qrconnect"],
    fields: &[
        text("received", "链接里是", "In the link").optional(),
        text("expected", "应该是", "Should be").optional(),
    ],
};

/// A code.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Code {
    whose: Whose,
    expires: i64,
    used: bool,
}

/// A token.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Token {
    whose: Whose,
    expires: i64,
    /// What renews it.
    refresh: Id,
}

/// What renews a token.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Refresh {
    whose: Whose,
    expires: i64,
    /// The token that it gave last.
    token: Id,
}

/// Who let whom look, and how far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Whose {
    appid: Id,
    user: u64,
    openid: Id,
    scope: String,
    /// Who exchanges the code: a third-party platform in the account's place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    component: Option<Id>,
    /// Whether it is the virtual person of a snapshot.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    snapshot: bool,
}

/// From where a page is opened: followers who come from the account itself are not asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum From {
    Session,
    Menu,
    Web,
}

/// A browser that is somebody's phone.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Browser {
    pub(super) user: u64,
    pub(super) nickname: String,
    /// In whose chat, or from whose menu, the page was opened.
    account: Id,
    from: From,
    /// Whether the phone shows a snapshot of pages that ask what people are called.
    #[serde(default)]
    snapshot: bool,
    /// The act that opened it.
    pub(super) cause: String,
    expires: i64,
}

/// A link that a phone opened.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Opening {
    browser: Browser,
    url: String,
}

/// Forgets what nobody can ask about any more.
fn due(turn: &mut Turn<'_>, what: &Value) {
    let (world, now) = (&mut *turn.world, turn.now.0);
    if let Some(code) = id_in(what, "code") {
        CODES.remove(world, &*code);
    }
    if let Some(uuid) = id_in(what, "scan") {
        website::SCANS.remove(world, &*uuid);
    }
    if let Some(ticket) = id_in(what, "ticket") {
        OPENINGS.remove(world, &*ticket);
    }
    if let Some(browser) = id_in(what, "browser") {
        BROWSERS.remove(world, &*browser);
    }
    if let Some(origin) = id_in(what, "landing")
        && phone_at(world, &origin, now).is_none()
    {
        LANDINGS.remove(world, &*origin);
    }
    if let Some(refresh) = id_in(what, "refresh") {
        REFRESH.remove(world, &*refresh);
    }
    if let Some(token) = id_in(what, "token") {
        // A token that was renewed lives on.
        match TOKENS
            .get(world, &*token)
            .map(|row| row.expires + REMEMBERED)
        {
            Some(at) if at > now => turn.later(at, NAME, json!({"token": &*token})),
            _ => drop(TOKENS.remove(world, &*token)),
        }
    }
}

fn account_deleted(turn: &mut Turn<'_>, what: &Value) {
    let Some(appid) = id_in(what, "account") else {
        return;
    };
    let world = &mut *turn.world;
    let own = |whose: &Whose| whose.appid == appid || whose.component.as_ref() == Some(&appid);
    let shown: Vec<Id> = { website::SCANS.all(world) }
        .filter(|(_, scan)| scan.appid == appid)
        .map(|(key, _)| key.clone())
        .collect();
    for key in shown {
        website::SCANS.remove(world, &*key);
    }
    let codes: Vec<Id> = { CODES.all(world) }
        .filter(|(_, row)| own(&row.whose))
        .map(|(key, _)| key.clone())
        .collect();
    let tokens: Vec<Id> = { TOKENS.all(world) }
        .filter(|(_, row)| own(&row.whose))
        .map(|(key, _)| key.clone())
        .collect();
    let renewing: Vec<Id> = { REFRESH.all(world) }
        .filter(|(_, row)| own(&row.whose))
        .map(|(key, _)| key.clone())
        .collect();
    for key in codes {
        CODES.remove(world, &*key);
    }
    for key in tokens {
        TOKENS.remove(world, &*key);
    }
    for key in renewing {
        REFRESH.remove(world, &*key);
    }
    CONSENTS.remove_under(world, &appid);
}

/// Whether a person is asked before the account may look.
fn asks(world: &World, link: &Link, browser: &Browser, now: i64) -> bool {
    // WECHAT: a snapshot asks nobody: whoever wants the page itself leaves the snapshot first.
    if !link.wants_profile() || link.snapshot {
        return false;
    }
    // WECHAT: a follower who comes from the account's own chat or menu is never asked, forcePopup or not.
    let inside = browser.from != From::Web && browser.account == link.appid;
    let follows = crate::people::CONTACTS
        .get(world, &(link.appid.clone(), browser.user))
        .is_some_and(|contact| contact.followed);
    if inside && follows {
        return false;
    }
    let agreed = CONSENTS.get(world, &(link.appid.clone(), browser.user));
    link.force_popup || agreed.is_none_or(|until| now >= *until)
}

/// Lets the account look: the address to which the browser is led.
fn let_in(turn: &mut Turn<'_>, link: &Link, person: u64) -> String {
    let code = code_for(turn, link, person);
    link.back(Some(&code))
}

/// Lets the account look: the code that it gets.
fn code_for(turn: &mut Turn<'_>, link: &Link, person: u64) -> Id {
    let openid = if link.snapshot {
        turn.world.next("snapshot_person").openid().into()
    } else {
        contact(turn.world, person, &link.appid)
    };
    causes::acted(turn, &link.appid, &openid);
    let code: Id = turn.world.next("web_code").oauth_code().into();
    let applications = ACCOUNTS
        .get(turn.world, &*link.appid)
        .is_some_and(|account| !KINDS.contains(&account.kind));
    let expires = turn.now.0
        + if applications {
            APPLICATIONS_CODE_LIFETIME
        } else {
            CODE_LIFETIME
        };
    let whose = Whose {
        appid: link.appid.clone(),
        user: person,
        openid,
        scope: link.scope.clone(),
        component: link.component.clone(),
        snapshot: link.snapshot,
    };
    let row = Code {
        whose,
        expires,
        used: false,
    };
    CODES.put(turn.world, code.clone(), row);
    turn.later(expires + REMEMBERED, NAME, json!({"code": &*code}));
    if link.wants_profile() && !link.snapshot {
        let days = ACCOUNTS
            .get(turn.world, &*link.appid)
            .map_or(0, |account| REMEMBERS.number(&account.rules));
        if days > 0 {
            let until = turn.now.0 + days * DAY;
            CONSENTS.put(turn.world, (link.appid.clone(), person), until);
        }
    }
    code
}

/// Shows what came of a link.
fn tell(
    turn: &mut Turn<'_>,
    link: &Link,
    (person, nickname): (u64, &str),
    what: Words,
    to: Option<&str>,
) {
    let mut row = turn.row(&VISIT, RowState::Ok);
    row.account = Some(link.appid.to_string());
    row.account_name = ACCOUNTS
        .get(turn.world, &*link.appid)
        .map(|account| account.name.clone());
    row.user = Some(user::name(person));
    row.user_name = Some(nickname.to_owned());
    row.openid = crate::people::openid(turn.world, person, &link.appid).map(ToString::to_string);
    row.title = what;
    row.subtitle = Words::same(to.map_or_else(|| link.scope.clone(), |to| format!("→ {to}")));
    row.label = Words::same(link.scope.clone());
    if let Some(advice) = &link.advice {
        row.state = RowState::Warn;
        row.diagnosis = Some(advice.clone());
    }
    turn.show(row);
}

/// Shows why a link leads nowhere.
fn tell_refused(turn: &mut Turn<'_>, refused: &link::PageError, who: Option<(u64, &str)>) {
    let mut row = turn.row(&VISIT, RowState::Error);
    row.account = refused.appid.as_ref().map(ToString::to_string);
    row.account_name = { refused.appid.as_deref() }
        .and_then(|appid| ACCOUNTS.get(turn.world, appid))
        .map(|account| account.name.clone());
    if let Some((person, nickname)) = who {
        row.user = Some(user::name(person));
        row.user_name = Some(nickname.to_owned());
    }
    row.title = Words::new("网页授权页显示错误", "The web login page shows an error");
    row.subtitle = Words::same(refused.page_text());
    row.label = Words::same(
        refused
            .code
            .map_or_else(String::new, |code| code.to_string()),
    );
    row.diagnosis = Some((*refused.diagnosis).clone());
    turn.show(row);
}

/// A new browser of somebody, good for a day.
fn new_browser(turn: &mut Turn<'_>, mut browser: Browser) -> String {
    let value: Id = turn.world.next_ever("web_browser").word(32).into();
    browser.expires = turn.now.0 + BROWSER_LIFETIME;
    turn.later(browser.expires, NAME, json!({"browser": &*value}));
    BROWSERS.put(turn.world, value.clone(), browser);
    value.to_string()
}

/// A browser is led to an address: pages of that site are pages in its phone from now on. A snapshot is none: it has no
/// JS-SDK.
///
/// A site sees no cookie of ours, so a page of it can say where it is and not whose. Of several phones on one site the
/// latest is taken; a tab keeps the one that it began with.
fn land(turn: &mut Turn<'_>, browser: &Browser, to: &str, snapshot: bool) {
    let Some(origin) = link::origin(to) else {
        return;
    };
    let (now, origin) = (turn.now.0, Id::from(origin));
    if snapshot {
        LANDINGS.remove(turn.world, &*origin);
        return;
    }
    let expires = now + BROWSER_LIFETIME;
    turn.later(expires, NAME, json!({"landing": &*origin}));
    let browser = Browser {
        expires,
        ..browser.clone()
    };
    LANDINGS.put(turn.world, origin, browser);
}

/// Whose phone the pages of a site are in.
pub(super) fn phone_at<'w>(world: &'w World, origin: &str, now: i64) -> Option<&'w Browser> {
    LANDINGS
        .get(world, origin)
        .filter(|browser| now < browser.expires)
}

/// Who calls with a token of a person.
fn caller(whose: &Whose) -> Caller {
    Caller::User {
        account: whose.appid.clone(),
        openid: whose.openid.clone(),
    }
}
