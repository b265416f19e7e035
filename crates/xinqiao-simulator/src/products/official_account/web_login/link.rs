//! A link to the page of web login: what it asks for, and why the page refuses it.
//!
//! WECHAT: names are case-sensitive. The order of the parameters matters to old clients of WeChat only: a link in another
//! order works, and is pointed out. A state longer than it may be is pointed out too.

use std::collections::BTreeMap;

use serde_json::json;
use xinqiao_catalog::{Code, Product, code, id::open_platform as open, rules::permission};
use xinqiao_types::{AccountKind, percent};

use super::Browser;
use crate::{
    accounts::{ACCOUNTS, ON_BEHALF, account::Account},
    door::explain_code,
    kernel::{
        Id, World,
        row::{Diagnosed, diagnose},
    },
};

/// The scope that tells who somebody is, and asks nobody.
const BASE: &str = "snsapi_base";
/// The scope that tells what somebody is called.
pub(super) const PROFILE: &str = "snsapi_userinfo";
/// Most bytes of a state.
const STATE_BYTES: usize = 128;
/// The order in which the documentation writes the parameters.
const ORDER: [&str; 5] = ["appid", "redirect_uri", "response_type", "scope", "state"];

/// What a link asks for.
#[derive(Debug, Clone)]
pub(super) struct Link {
    pub(super) appid: Id,
    pub(super) redirect_uri: String,
    pub(super) scope: String,
    pub(super) state: String,
    pub(super) force_popup: bool,
    /// The page is shown as a snapshot, to nobody in particular.
    pub(super) snapshot: bool,
    /// The third-party platform that lets people log in to the account.
    pub(super) component: Option<Id>,
    /// It works, but not everywhere.
    pub(super) advice: Option<Diagnosed>,
}

/// Why the page shows an error.
#[derive(Debug, Clone)]
pub(super) struct PageError {
    pub(super) appid: Option<Id>,
    pub(super) code: Option<i64>,
    text: String,
    pub(super) diagnosis: Box<Diagnosed>,
}

impl PageError {
    fn code(appid: Option<&Id>, code: i64, received: &str, expected: Option<String>) -> Self {
        let known = xinqiao_catalog::error(Product::OpenPlatform, Code::Number(code));
        let mut diagnosis = explain_code(Product::OpenPlatform, Code::Number(code))
            .unwrap_or_else(|| diagnose("web_login.parameter", None, None));
        diagnosis.received = Some(received.to_owned());
        diagnosis.expected = expected;
        Self {
            appid: appid.cloned(),
            code: Some(code),
            text: known.map_or("", |known| known.text).to_owned(),
            diagnosis: Box::new(diagnosis),
        }
    }

    pub(super) fn other(
        appid: Option<&Id>,
        text: &str,
        rule: &str,
        received: &str,
        expected: &str,
    ) -> Self {
        let expected = (!expected.is_empty()).then(|| expected.to_owned());
        Self {
            appid: appid.cloned(),
            code: None,
            text: text.to_owned(),
            diagnosis: Box::new(diagnose(rule, Some(received.to_owned()), expected)),
        }
    }

    /// The browser is nobody's phone.
    pub(super) fn nobodys_phone(link: &Link) -> Self {
        Self::other(
            Some(&link.appid),
            "请在微信客户端打开链接",
            "web_login.nobodys_phone",
            &link.redirect_uri,
            "",
        )
    }

    /// As the page words it.
    pub(super) fn page_text(&self) -> String {
        match self.code {
            Some(code) => format!("{} 错误码：{code}", self.text),
            None => self.text.clone(),
        }
    }
}

impl Link {
    /// Reads the query of a link; the page's checks in their order.
    pub(super) fn read(world: &World, now: i64, query: &str) -> Result<Self, PageError> {
        let pairs: Vec<(String, String)> = percent::pairs(query).collect();
        let given: BTreeMap<&str, &str> = { pairs.iter() }
            .map(|(name, value)| (&**name, &**value))
            .collect();
        let text = |name: &str| given.get(name).copied().unwrap_or_default();
        let asked = text("appid");
        if asked.is_empty() {
            return Err(PageError::code(None, code::LOGIN_APPID_EMPTY, query, None));
        }
        let Some((appid, account)) = ACCOUNTS.entry(world, asked) else {
            return Err(PageError::code(None, code::INVALID_APPID, asked, None));
        };
        if !matches!(
            account.kind,
            AccountKind::Subscription | AccountKind::Service
        ) {
            let kind = format!("{asked} ({})", account.kind);
            return Err(PageError::code(
                Some(appid),
                code::LOGIN_APPID_KIND,
                &kind,
                None,
            ));
        }
        let component = match given.get("component_appid") {
            Some(component) => Some(on_behalf(world, component, appid)?),
            None => None,
        };
        if text("response_type") != "code" {
            let received = format!("response_type={}", text("response_type"));
            let (rule, expected) = ("web_login.parameter", "response_type=code");
            return Err(PageError::other(
                Some(appid),
                "参数错误",
                rule,
                &received,
                expected,
            ));
        }
        let scope = text("scope");
        if scope.is_empty() {
            return Err(PageError::code(Some(appid), code::SCOPE_EMPTY, query, None));
        }
        let redirect_uri = text("redirect_uri");
        // Who acts for the account comes back to an address of their own.
        let returns = { component.as_deref() }
            .and_then(|id| ACCOUNTS.get(world, id))
            .unwrap_or(account);
        may_return(appid, returns, redirect_uri)?;
        may_ask(appid, account, scope, now, component.is_some())?;
        Ok(Self {
            appid: appid.clone(),
            redirect_uri: redirect_uri.to_owned(),
            scope: scope.to_owned(),
            state: text("state").to_owned(),
            force_popup: text("forcePopup") == "true",
            snapshot: scope == PROFILE && text("forceSnapShot") == "true",
            component,
            advice: advice(&pairs, text("state")),
        })
    }

    /// The link as a phone takes it, which may show a snapshot of its own accord.
    pub(super) fn seen_by(self, browser: &Browser) -> Self {
        Self {
            snapshot: self.snapshot || browser.snapshot && self.wants_profile(),
            ..self
        }
    }

    /// Whether it asks what the person is called.
    pub(super) fn wants_profile(&self) -> bool {
        self.scope == PROFILE
    }

    /// The address to which the browser goes back; without a code the person did not agree.
    ///
    /// WECHAT: code and state come before the fragment, as pages of one address with `#/…` know to their cost.
    pub(super) fn back(&self, code: Option<&str>) -> String {
        let mut query = String::new();
        if let Some(code) = code {
            percent::pair_into("code", code, &mut query);
            query.push('&');
        }
        percent::pair_into("state", &self.state, &mut query);
        if self.component.is_some() {
            // WECHAT: a platform serves many accounts at one address: it is told which one.
            query.push('&');
            percent::pair_into("appid", &self.appid, &mut query);
        }
        let fragment = self.redirect_uri.split_once('#').map(|(_, rest)| rest);
        let mut address = percent::with_query(&self.redirect_uri, &query);
        if let Some(fragment) = fragment {
            address.push('#');
            address.push_str(fragment);
        }
        address
    }
}

/// The platform that a link names, which the account must have authorized.
fn on_behalf(world: &World, component: &str, appid: &Id) -> Result<Id, PageError> {
    let known = ACCOUNTS.entry(world, component);
    let Some((id, _)) = known.filter(|(_, known)| known.kind == AccountKind::Component) else {
        let code = code::INVALID_APPID;
        return Err(PageError::code(Some(appid), code, component, None));
    };
    let what = json!({"component": &**id, "account": &**appid});
    match world.house.objection(world, ON_BEHALF, &what) {
        None => Ok(id.clone()),
        Some(_) => {
            let code = code::LOGIN_COMPONENT_UNAUTHORIZED;
            Err(PageError::code(Some(appid), code, component, None))
        }
    }
}

/// Whether an address is on a domain that the account set; with a port only that port.
pub(super) fn on_own_domain(account: &Account, redirect_uri: &str) -> bool {
    let set = account.oauth_domain.as_deref().unwrap_or_default();
    let allowed = { set.split([',', ' ']) }.filter(|domain| !domain.is_empty());
    let host = host(redirect_uri);
    let fits = |domain: &str| {
        host.is_some_and(|host| {
            let bare = host.rsplit_once(':').map_or(host, |(bare, _)| bare);
            domain.eq_ignore_ascii_case(host) || domain.eq_ignore_ascii_case(bare)
        })
    };
    { allowed }.any(fits)
}

/// The domain that the account set, as it is told.
pub(super) fn own_domain(account: &Account) -> &str {
    let set = account.oauth_domain.as_deref().unwrap_or_default();
    if set.is_empty() {
        "oauth_domain = ?"
    } else {
        set
    }
}

fn may_return(appid: &Id, account: &Account, redirect_uri: &str) -> Result<(), PageError> {
    if on_own_domain(account, redirect_uri) {
        return Ok(());
    }
    let expected = own_domain(account);
    let (code, expected) = (code::REDIRECT_URI_MISMATCH, Some(expected.to_owned()));
    Err(PageError::code(Some(appid), code, redirect_uri, expected))
}

/// Host and port of an address of the web. Who hides another host before an `@` has none.
pub(in super::super) fn host(url: &str) -> Option<&str> {
    let (scheme, rest) = url.split_once("://")?;
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return None;
    }
    let host = rest.split(['/', '?', '#', '\\']).next()?;
    let clean = |byte: u8| byte.is_ascii_graphic() && byte != b'@';
    (!host.is_empty()
        && url.bytes().all(|byte| !byte.is_ascii_control())
        && host.bytes().all(clean))
    .then_some(host)
}

/// Scheme, host and port of an address of the web, as a browser names them.
pub(in super::super) fn origin(url: &str) -> Option<String> {
    let host = host(url)?.to_ascii_lowercase();
    let scheme = url.split_once(':')?.0.to_ascii_lowercase();
    let usual = if scheme == "https" { ":443" } else { ":80" };
    let host = host.strip_suffix(usual).unwrap_or(&host);
    Some(format!("{scheme}://{host}"))
}

fn may_ask(
    appid: &Id,
    account: &Account,
    scope: &str,
    now: i64,
    on_behalf: bool,
) -> Result<(), PageError> {
    let right = xinqiao_catalog::endpoint(if on_behalf {
        open::sns::oauth2::component::ACCESS_TOKEN
    } else {
        open::sns::oauth2::ACCESS_TOKEN
    });
    let has = right.is_none_or(|right| permission::check(right, &account.facts(now)).is_ok());
    if has && [BASE, PROFILE].contains(&scope) {
        return Ok(());
    }
    let verified = account.is_verified(now);
    let received = format!("{scope} ({}, verified: {verified})", account.kind);
    Err(PageError::code(
        Some(appid),
        code::SCOPE_UNAUTHORIZED,
        &received,
        None,
    ))
}

fn advice(pairs: &[(String, String)], state: &str) -> Option<Diagnosed> {
    if state.len() > STATE_BYTES || !state.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Some(diagnose(
            "web_login.state",
            Some(format!("{state} ({})", state.len())),
            Some(format!("a-z A-Z 0-9, ≤ {STATE_BYTES}")),
        ));
    }
    let known = { pairs.iter() }.filter_map(|(name, _)| ORDER.iter().position(|own| own == name));
    let places: Vec<usize> = known.collect();
    (!places.is_sorted()).then(|| {
        let names: Vec<&str> = places.iter().map(|at| ORDER[*at]).collect();
        let (received, expected) = (names.join(", "), ORDER.join(", "));
        diagnose("web_login.order", Some(received), Some(expected))
    })
}

/// The query of an address of a page, whichever of its hosts it names: the platform's, or the origin that stands for it.
pub(super) fn query_of<'u>(url: &'u str, pages: &str, page: &str) -> Option<&'u str> {
    let page = xinqiao_catalog::page(page)?;
    let own = |origin: &str| url.strip_prefix(origin)?.strip_prefix(page.path);
    let secure = format!("https://{}", page.host);
    let plain = format!("http://{}", page.host);
    let rest = [pages, &*secure, &*plain].into_iter().find_map(own)?;
    let query = rest.split('#').next()?;
    match query.strip_prefix('?') {
        Some(query) => Some(query),
        None => query.is_empty().then_some(""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(redirect_uri: &str, expected: &str) {
        let link = Link {
            appid: "wx1".into(),
            redirect_uri: redirect_uri.to_owned(),
            scope: BASE.to_owned(),
            state: "s 1".to_owned(),
            force_popup: false,
            snapshot: false,
            component: None,
            advice: None,
        };
        assert_eq!(link.back(Some("c")), expected);
    }

    #[test]
    fn a_browser_comes_back_with_code_and_state_before_the_fragment() {
        check("http://a/b", "http://a/b?code=c&state=s%201");
        check("http://a/b?x=1", "http://a/b?x=1&code=c&state=s%201");
        check("http://a/#/home", "http://a/?code=c&state=s%201#/home");
    }

    #[test]
    fn an_origin_is_named_as_a_browser_does() {
        for (url, named) in [
            ("http://A.example:80/b?c", "http://a.example"),
            ("https://a.example:8443#d", "https://a.example:8443"),
            ("HTTPS://a.example:443", "https://a.example"),
        ] {
            assert_eq!(origin(url).as_deref(), Some(named));
        }
        assert_eq!(origin("ftp://a.example"), None);
    }

    #[test]
    fn a_host_is_what_a_browser_would_go_to() {
        assert_eq!(host("https://a.example/b?c=//d"), Some("a.example"));
        assert_eq!(host("HTTP://a.example:81#x"), Some("a.example:81"));
        assert_eq!(host("https://a.example\\@b.example/"), Some("a.example"));
        for url in [
            "https://a@b.example/",
            "javascript://a/%0a",
            "a.example",
            "https:///b",
            "http://a\r\nb/",
        ] {
            assert_eq!(host(url), None, "{url}");
        }
    }
}
