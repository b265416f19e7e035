//! People log in to a website (网站应用): the page with a code, and the phone that scans it.
//!
//! The page asks again and again what became of its code, in the platform's own form, so that programs that do without
//! the page find the same. The picture of the code is not drawn: the page shows what it says, which the act `scan` takes.
//!
//! Source: doc page "网站应用微信登录开发指南"; the form of what the page asks from programs that read it (408 nothing yet,
//! 404 scanned, 403 refused, 402 past its time, 405 with a code).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use xinqiao_types::{AccountKind, percent};

use super::{
    NAME,
    act::appid_of,
    code_for, html,
    link::{Link, PageError, on_own_domain, own_domain, query_of},
    tell, tell_refused,
};
use crate::{
    accounts::{
        ACCOUNTS,
        rules::{Preset, Rule},
    },
    door::pages::{Leaf, Visit, path_of},
    kernel::{
        Id, Refused, Table, Turn, World,
        declared::{Holds, Sheet, field, said, text},
        row::{RowState, Words},
    },
    people::act::{Act, Input, Scene},
};

/// Codes that were shown, by uuid.
pub(super) static SCANS: Table<Id, Scan> = Table::traffic("official_account.web_scans", 1);

/// The page.
pub(super) const PAGE: &str = "page.connect.qrconnect";
/// What the page asks.
pub(super) const POLLED: &str = "page.connect.l.qrconnect";
/// The page's script.
pub(super) const SCRIPT: &str = "/xinqiao/qrconnect.js";
/// The scope of websites.
pub(super) const SCOPE: &str = "snsapi_login";
/// How long a code can be scanned.
const SCAN_LIFETIME: i64 = 300;
/// Most codes that are known: a site that loads the page again and again pushes the oldest out.
const SCANS_MOST: usize = 1000;
/// Most bytes of a link's query.
const QUERY_MOST: usize = 4096;
/// Stands for the code in an address that the page fills in.
const PLACE: &str = "__CODE__";

pub(super) static AFTER_REFUSAL: Rule = Rule {
    name: "qrconnect.refused",
    default: Preset::Word("stays", &["stays", "returns"]),
    about: (
        "网站应用登录时用户拒绝：stays 页面留在原处，returns 跳回 redirect_uri，只带 state",
        "when a person refuses to log in to a website: the page `stays`, or `returns` to redirect_uri with the state alone",
    ),
    source: "doc page 网站应用微信登录开发指南: no redirect; its older version: back with the state",
};

const KINDS: &[AccountKind] = &[AccountKind::Website];

pub(super) const OPEN: Act = Act {
    verb: "open",
    title: said(
        "打开网站的登录页并扫码",
        "Open a website's login page and scan",
    ),
    kinds: KINDS,
    about: Some(appid_of),
    fields: &[
        text("url", "链接", "Link"),
        field("consent", "同意", "Agrees", Holds::Flag).optional(),
    ],
    check: None,
    run: open,
};

pub(super) const SCAN: Act = Act {
    verb: "scan",
    title: said("扫网站的登录码", "Scan the code of a website"),
    kinds: KINDS,
    about: Some(said_by),
    fields: &[
        text("ticket", "二维码的内容", "What the code says"),
        field(
            "consent",
            "同意；不给表示只扫不确认",
            "Agrees; scanned only without it",
            Holds::Flag,
        )
        .optional(),
    ],
    check: None,
    run: scan,
};

/// Scans what a browser shows, from the chats where people are.
pub(super) static SHEET: Sheet = Sheet {
    name: "scan",
    title: said("扫一扫", "Scan"),
    kinds: super::KINDS,
    tray: true,
    fields: &[],
};

/// A code on a page.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Scan {
    /// The website.
    pub(super) appid: Id,
    /// What counts of the link's query.
    query: String,
    expires: i64,
    stands: Stands,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Stands {
    Shown,
    /// By this person, who alone may confirm it.
    Scanned(u64),
    Refused,
    /// With the code of the login.
    Agreed(String),
}

/// The parameters that a link is read for again, when its code is scanned.
fn what_counts(query: &str) -> String {
    let read = ["appid", "redirect_uri", "scope", "response_type", "state"];
    let mut kept = String::new();
    for (name, value) in percent::pairs(query).filter(|(name, _)| read.contains(&&**name)) {
        if !kept.is_empty() {
            kept.push('&');
        }
        percent::pair_into(&name, &value, &mut kept);
    }
    kept
}

/// Reads a link; what the page looks at, in its order.
fn read(world: &World, query: &str) -> Result<Link, PageError> {
    let text = |name: &str| -> String {
        let found = percent::pairs(query).find(|(own, _)| own == name);
        found.map_or_else(String::new, |(_, value)| value)
    };
    let appid = text("appid");
    let known = ACCOUNTS.entry(world, &*appid);
    let Some((own, account)) = known.filter(|(_, account)| KINDS.contains(&account.kind)) else {
        let kind = known.map_or_else(String::new, |(_, account)| format!(" ({})", account.kind));
        let received = format!("{appid}{kind}");
        let own = known.map(|(own, _)| own);
        return Err(PageError::other(
            own,
            "AppID 参数错误",
            "qrconnect.appid",
            &received,
            "",
        ));
    };
    let scope = text("scope");
    if scope != SCOPE {
        let words = "Scope 参数错误或没有 Scope 权限";
        return Err(PageError::other(
            Some(own),
            words,
            "qrconnect.scope",
            &scope,
            SCOPE,
        ));
    }
    let redirect_uri = text("redirect_uri");
    if query.len() > QUERY_MOST || !on_own_domain(account, &redirect_uri) {
        let (words, rule) = ("redirect_uri 参数错误", "qrconnect.redirect_uri");
        let domain = own_domain(account);
        return Err(PageError::other(
            Some(own),
            words,
            rule,
            &redirect_uri,
            domain,
        ));
    }
    let response = text("response_type");
    if !response.is_empty() && response != "code" {
        let (words, rule) = ("response_type 参数错误", "web_login.parameter");
        return Err(PageError::other(
            Some(own),
            words,
            rule,
            &response,
            "response_type=code",
        ));
    }
    Ok(Link {
        appid: own.clone(),
        redirect_uri,
        scope,
        state: text("state"),
        force_popup: false,
        snapshot: false,
        component: None,
        advice: None,
    })
}

/// Where a browser goes if the person refuses; nowhere if empty.
fn after_refusal(world: &World, link: &Link) -> String {
    let account = ACCOUNTS.get(world, &*link.appid);
    match AFTER_REFUSAL.word(account.map(|account| &account.rules)) {
        "returns" => link.back(None),
        _ => String::new(),
    }
}

/// The page.
pub(super) fn show(turn: &mut Turn<'_>, visit: &Visit<'_>) -> Leaf {
    if visit.wants_picture() {
        return Leaf::Missing;
    }
    let english = visit.query.get("lang").is_some_and(|lang| lang == "en")
        || !visit.query.contains_key("lang") && visit.in_english();
    let link = match read(turn.world, &visit.call.query) {
        Ok(link) => link,
        Err(refused) => {
            tell_refused(turn, &refused, None);
            return Leaf::Page(html::error(&refused.page_text(), false, english));
        }
    };
    let uuid: Id = turn.world.next_ever("web_scan").word(16).into();
    let expires = turn.now.0 + SCAN_LIFETIME;
    while SCANS.len(turn.world) >= SCANS_MOST {
        let oldest = { SCANS.all(turn.world) }.min_by_key(|(_, scan)| scan.expires);
        let Some(oldest) = oldest.map(|(uuid, _)| uuid.clone()) else {
            break;
        };
        SCANS.remove(turn.world, &*oldest);
    }
    let row = Scan {
        appid: link.appid.clone(),
        query: what_counts(&visit.call.query),
        expires,
        stands: Stands::Shown,
    };
    SCANS.put(turn.world, uuid.clone(), row);
    // It is known for as long again, so that it is told to be past its time.
    turn.later(expires + SCAN_LIFETIME, NAME, json!({"scan": &*uuid}));
    let site = ACCOUNTS.get(turn.world, &*link.appid);
    let site = site.map_or_else(String::new, |account| account.name.clone());
    let (pages, appid) = (&turn.world.origins.pages, &link.appid);
    let says = format!("{pages}/connect/confirm?uuid={uuid}&appid={appid}");
    let mut row = turn.row(&super::VISIT, RowState::Pending);
    row.account = Some(link.appid.to_string());
    row.account_name = Some(site.clone());
    row.title = Words::new(
        "网站的登录页等待扫码",
        "A website's login page waits for a scan",
    );
    row.subtitle = Words::same(says.clone());
    row.label = Words::same(SCOPE);
    turn.show(row);
    let page = html::ToScan {
        site: &site,
        says: &says,
        uuid: &uuid,
        asks: path_of(POLLED),
        to: &link.back(Some(PLACE)),
        refused: &after_refusal(turn.world, &link),
        framed: visit
            .query
            .get("self_redirect")
            .is_some_and(|own| own == "true"),
    };
    Leaf::Framed(html::to_scan(&page, SCRIPT, english))
}

pub(super) fn script(_: &mut Turn<'_>, _: &Visit<'_>) -> Leaf {
    Leaf::Script(include_str!("qrconnect.js").to_owned())
}

/// What became of a code.
pub(super) fn poll(turn: &mut Turn<'_>, visit: &Visit<'_>) -> Leaf {
    let uuid = visit.query.get("uuid").map_or("", String::as_str);
    let (errcode, code) = match SCANS.get(turn.world, uuid) {
        None => (402, ""),
        Some(scan) => match &scan.stands {
            Stands::Agreed(code) => (405, &**code),
            Stands::Refused => (403, ""),
            _ if turn.now.0 >= scan.expires => (402, ""),
            Stands::Scanned(_) => (404, ""),
            Stands::Shown => (408, ""),
        },
    };
    Leaf::Script(format!(
        "window.wx_errcode={errcode};window.wx_code='{code}';"
    ))
}

/// A link to the page is opened, its code scanned, and followed to where it leads; nothing is loaded from there.
fn open(turn: &mut Turn<'_>, scene: &Scene, input: &Input) -> Result<Value, Refused> {
    let url: Option<String> = input.field("url")?;
    let url = url.ok_or_else(|| Refused::invalid("`url` is missing"))?;
    let agrees = input.field("consent")?.unwrap_or(true);
    let Some(query) = query_of(&url, &turn.world.origins.pages, PAGE) else {
        return Err(Refused::unwilling(format!(
            "people log in to a website by links to {PAGE}"
        )));
    };
    let link = match read(turn.world, query) {
        Ok(link) => link,
        Err(refused) => {
            tell_refused(turn, &refused, Some((scene.user, &*scene.nickname)));
            let error = refused.page_text();
            return Ok(
                json!({"deliveries": [], "prompted": false, "final_url": url, "error": error}),
            );
        }
    };
    let code = decided(turn, scene, &link, agrees);
    let to = match code {
        Some(code) => link.back(Some(&code)),
        None => after_refusal(turn.world, &link),
    };
    let to = if to.is_empty() { url } else { to };
    Ok(json!({"deliveries": [], "prompted": true, "final_url": to}))
}

/// The person says yes or no: the code that the website gets.
fn decided(turn: &mut Turn<'_>, scene: &Scene, link: &Link, agrees: bool) -> Option<String> {
    let name = &scene.nickname;
    let who = (scene.user, &**name);
    if !agrees {
        let words = Words::new(
            format!("{name} 扫了网站的登录码，拒绝了"),
            format!("{name} scans the code of a website and refuses"),
        );
        tell(turn, link, who, words, None);
        return None;
    }
    let code = code_for(turn, link, scene.user);
    let to = link.back(Some(&code));
    let words = Words::new(
        format!("{name} 扫码登录网站"),
        format!("{name} logs in to a website"),
    );
    tell(turn, link, who, words, Some(&to));
    Some(code.to_string())
}

/// A value of what a code says.
fn in_code(says: &str, name: &str) -> Option<String> {
    let query = says.split_once('?')?.1;
    percent::pairs(query)
        .find(|(own, _)| own == name)
        .map(|(_, value)| value)
}

/// The website that a code speaks of.
fn said_by(input: &Input) -> Option<String> {
    in_code(input.fields.get("ticket")?.as_str()?, "appid")
}

/// The phone scans a code that a browser shows.
fn scan(turn: &mut Turn<'_>, scene: &Scene, input: &Input) -> Result<Value, Refused> {
    let ticket: Option<String> = input.field("ticket")?;
    let ticket = ticket.ok_or_else(|| Refused::invalid("`ticket` is missing"))?;
    let uuid = in_code(&ticket, "uuid").unwrap_or(ticket);
    let Some(found) = SCANS.get(turn.world, &*uuid).cloned() else {
        return Err(Refused::unknown("code of a login page", &uuid));
    };
    let over = match found.stands {
        Stands::Refused | Stands::Agreed(_) => true,
        Stands::Scanned(user) => user != scene.user,
        Stands::Shown => false,
    };
    if turn.now.0 >= found.expires || over {
        return Err(Refused::unwilling(
            "the code is past its time, was used, or somebody else scanned it; load the page again",
        ));
    }
    let link = read(turn.world, &found.query)
        .map_err(|refused| Refused::unwilling(refused.diagnosis.line()))?;
    if link.appid != scene.appid {
        return Err(Refused::unwilling(format!(
            "the code is of {}, not of {}",
            link.appid, scene.appid
        )));
    }
    let stands = match input.field::<bool>("consent")? {
        None => {
            let name = &scene.nickname;
            let words = Words::new(
                format!("{name} 扫了网站的登录码"),
                format!("{name} scans the code of a website"),
            );
            tell(turn, &link, (scene.user, name), words, None);
            Stands::Scanned(scene.user)
        }
        Some(agrees) => match decided(turn, scene, &link, agrees) {
            Some(code) => Stands::Agreed(code),
            None => Stands::Refused,
        },
    };
    if let Some(row) = SCANS.get_mut(turn.world, &*uuid) {
        row.stands = stands;
    }
    Ok(json!({"deliveries": []}))
}
