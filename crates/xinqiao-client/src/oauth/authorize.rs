//! The page that the browser is sent to.

use std::fmt::Write as _;

use xinqiao_catalog::Page;
use xinqiao_types::{AppId, percent};

use crate::error::Error;

/// Bytes that the platform keeps of `state`.
const MAX_STATE: usize = 128;

/// Where people log in, which decides page and scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Site {
    /// A page inside WeChat, for a service account.
    OfficialAccount,
    /// A page inside WeChat, for a service account that a third-party platform acts for.
    Component,
    /// A website in any browser, by scanning a code.
    Website,
    /// A page inside WeCom.
    Work,
    /// A website in any browser, with WeCom.
    WorkWebsite,
}

/// What the user is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scope {
    /// Only who it is, silently.
    Base,
    /// Name and picture too, with consent.
    UserInfo,
    /// Log-in on a website.
    Login,
    /// A member's private data, with consent (WeCom).
    PrivateInfo,
}

impl Scope {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Base => "snsapi_base",
            Self::UserInfo => "snsapi_userinfo",
            Self::Login => "snsapi_login",
            Self::PrivateInfo => "snsapi_privateinfo",
        }
    }
}

impl Site {
    const fn page(self) -> &'static str {
        match self {
            Self::OfficialAccount | Self::Work => "page.connect.oauth2.authorize",
            Self::Component => "page.connect.oauth2.authorize.component",
            Self::Website => "page.connect.qrconnect",
            Self::WorkWebsite => "page.work.sso.login",
        }
    }

    /// The scopes that belong to the site; the first is taken unless told otherwise.
    const fn scopes(self) -> &'static [Scope] {
        match self {
            Self::OfficialAccount | Self::Component => &[Scope::Base, Scope::UserInfo],
            Self::Website => &[Scope::Login],
            Self::Work => &[Scope::Base, Scope::PrivateInfo],
            Self::WorkWebsite => &[],
        }
    }
}

/// Builds the URL of a log-in page.
#[derive(Debug, Clone)]
#[must_use]
pub struct Authorize {
    site: Site,
    appid: AppId,
    redirect: String,
    scope: Option<Scope>,
    state: String,
    domains: Vec<String>,
    component: Option<AppId>,
    agent: Option<i64>,
    force_popup: bool,
}

impl Authorize {
    /// A log-in that comes back to `redirect`.
    pub fn new(site: Site, appid: impl Into<AppId>, redirect: impl Into<String>) -> Self {
        Self {
            site,
            appid: appid.into(),
            redirect: redirect.into(),
            scope: site.scopes().first().copied(),
            state: String::new(),
            domains: Vec::new(),
            component: None,
            agent: None,
            force_popup: false,
        }
    }

    /// What the user is asked for.
    pub const fn scope(mut self, scope: Scope) -> Self {
        self.scope = Some(scope);
        self
    }

    /// What comes back unchanged; bind it to the browser's session, against forged log-ins.
    pub fn state(mut self, state: impl Into<String>) -> Self {
        self.state = state.into();
        self
    }

    /// The domains that are configured for the account (网页授权域名): with them, a redirect to another
    /// one is refused here instead of on the user's screen (10003).
    pub fn domains(mut self, domains: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.domains = domains.into_iter().map(Into::into).collect();
        self
    }

    /// The third-party platform that acts for the account.
    pub fn component(mut self, appid: impl Into<AppId>) -> Self {
        self.component = Some(appid.into());
        self
    }

    /// The WeCom agent.
    pub const fn agent(mut self, agent: i64) -> Self {
        self.agent = Some(agent);
        self
    }

    /// Asks for consent even if the user gave it before.
    pub const fn force_popup(mut self) -> Self {
        self.force_popup = true;
        self
    }

    /// The URL.
    ///
    /// # Errors
    /// The scope does not belong to the site, `state` would be cut, the redirect is no web address or not
    /// on a configured domain, or something that the page needs is missing.
    pub fn url(&self) -> Result<String, Error> {
        let refuse = |reason: String| Err(Error::Config(reason.into()));
        let page = page(self.site)?;
        if let Some(scope) = self.scope
            && !self.site.scopes().contains(&scope)
        {
            let site = self.site;
            let good: Vec<_> = site.scopes().iter().map(|scope| scope.as_str()).collect();
            return refuse(format!(
                "oauth.scope: {} does not belong to {site:?}, which takes {}",
                scope.as_str(),
                if good.is_empty() {
                    "no scope".to_owned()
                } else {
                    good.join(" or ")
                }
            ));
        }
        if self.site != Site::Website
            && (self.state.len() > MAX_STATE
                || !self.state.bytes().all(|byte| byte.is_ascii_alphanumeric()))
        {
            return refuse(format!(
                "oauth.state: at most {MAX_STATE} letters and digits; keep the rest under a key"
            ));
        }
        check_redirect(&self.redirect, &self.domains)?;
        if self.site == Site::Component && self.component.is_none() {
            return refuse(
                "oauth.component: give the third-party platform with `.component(…)`".to_owned(),
            );
        }
        Ok(self.write(page))
    }

    /// The page's parameters in the order of the catalog, which old clients insist on.
    fn write(&self, page: &Page) -> String {
        let mut out = format!("https://{}{}", page.host, page.path);
        let mut mark = '?';
        for entry in &page.query {
            let (name, fixed) = match entry.split_once('=') {
                Some((name, fixed)) => (name, Some(fixed)),
                None => (entry.trim_end_matches('?'), None),
            };
            let value = match name {
                "appid" => Some(self.appid.as_str().to_owned()),
                "redirect_uri" => Some(self.redirect.clone()),
                "scope" => self.scope.map(|scope| scope.as_str().to_owned()),
                "state" => Some(self.state.clone()),
                "component_appid" => self.component.as_ref().map(|id| id.as_str().to_owned()),
                "agentid" => self.agent.map(|agent| agent.to_string()),
                "forcePopup" => self.force_popup.then(|| "true".to_owned()),
                // Several fixed values are a choice: an agent's own log-in, or an application's.
                "login_type" => {
                    let kinds = fixed.unwrap_or_default();
                    let mut kinds = kinds.split('|');
                    let own = kinds.next();
                    if self.agent.is_some() {
                        own.map(str::to_owned)
                    } else {
                        kinds.next().or(own).map(str::to_owned)
                    }
                }
                _ => fixed.map(str::to_owned),
            };
            let Some(value) = value else { continue };
            let _ = write!(out, "{mark}{name}=");
            percent::encode_into(&value, &mut out);
            mark = '&';
        }
        if !page.fragment.is_empty() {
            out.push('#');
            out.push_str(page.fragment);
        }
        out
    }
}

fn page(site: Site) -> Result<&'static Page, Error> {
    let id = site.page();
    xinqiao_catalog::page(id)
        .ok_or_else(|| Error::Config(format!("the catalog knows no page `{id}`").into()))
}

/// Checks that a redirect goes to a web address on a configured domain.
fn check_redirect(redirect: &str, domains: &[String]) -> Result<(), Error> {
    let refuse = |reason: String| Err(Error::Config(reason.into()));
    let rest = redirect
        .strip_prefix("https://")
        .or_else(|| redirect.strip_prefix("http://"));
    let host = rest.and_then(|rest| rest.split(['/', '?', '#', '\\']).next());
    // User information before the host would show one domain and lead to another.
    let host = host.filter(|host| !host.is_empty() && !host.contains('@'));
    let Some(host) = host else {
        return refuse(format!(
            "oauth.redirect: `{redirect}` is no web address: write http(s)://host/path, not encoded"
        ));
    };
    if domains.is_empty() {
        return Ok(());
    }
    if let Some(wrong) = domains.iter().find(|domain| domain.contains('/')) {
        return refuse(format!(
            "oauth.domain: `{wrong}` is no domain: without scheme and path, as in the console"
        ));
    }
    if domains
        .iter()
        .any(|domain| domain.eq_ignore_ascii_case(host))
    {
        return Ok(());
    }
    refuse(format!(
        "oauth.domain: `{host}` is not among the account's domains ({}); the whole host must be equal, \
         subdomains do not count",
        domains.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(authorize: Authorize, want: &str) {
        match authorize.url() {
            Ok(url) => assert_eq!(url, want),
            Err(error) => assert!(error.to_string().contains(want), "{error}"),
        }
    }

    const BACK: &str = "https://h5.example.com/back?a=1";

    #[test]
    fn each_site_has_its_page() {
        check(
            Authorize::new(Site::OfficialAccount, "wx1", BACK).state("s"),
            "https://open.weixin.qq.com/connect/oauth2/authorize?appid=wx1\
             &redirect_uri=https%3A%2F%2Fh5.example.com%2Fback%3Fa%3D1&response_type=code\
             &scope=snsapi_base&state=s#wechat_redirect",
        );
        check(
            Authorize::new(Site::Website, "wx1", "https://w.cn").state("s"),
            "https://open.weixin.qq.com/connect/qrconnect?appid=wx1\
             &redirect_uri=https%3A%2F%2Fw.cn&response_type=code&scope=snsapi_login&state=s\
             #wechat_redirect",
        );
        check(
            Authorize::new(Site::Component, "wx1", "https://w.cn").component("wxp"),
            "https://open.weixin.qq.com/connect/oauth2/authorize?appid=wx1\
             &redirect_uri=https%3A%2F%2Fw.cn&response_type=code&scope=snsapi_base&state=\
             &component_appid=wxp#wechat_redirect",
        );
        check(
            Authorize::new(Site::Work, "ww1", "https://w.cn")
                .scope(Scope::PrivateInfo)
                .agent(1000002),
            "https://open.weixin.qq.com/connect/oauth2/authorize?appid=ww1\
             &redirect_uri=https%3A%2F%2Fw.cn&response_type=code&scope=snsapi_privateinfo&state=\
             &agentid=1000002#wechat_redirect",
        );
        check(
            Authorize::new(Site::WorkWebsite, "ww1", "https://w.cn").agent(1000002),
            "https://login.work.weixin.qq.com/wwlogin/sso/login?login_type=CorpApp&appid=ww1\
             &agentid=1000002&redirect_uri=https%3A%2F%2Fw.cn&state=",
        );
    }

    #[test]
    fn a_scope_of_another_kind_of_account_is_refused() {
        check(
            Authorize::new(Site::OfficialAccount, "wx1", BACK).scope(Scope::Login),
            "snsapi_login does not belong to OfficialAccount",
        );
        check(
            Authorize::new(Site::Website, "wx1", BACK).scope(Scope::Base),
            "which takes snsapi_login",
        );
        check(
            Authorize::new(Site::Component, "wx1", BACK),
            "oauth.component",
        );
    }

    #[test]
    fn a_redirect_elsewhere_is_refused() {
        let to =
            |to: &str| Authorize::new(Site::OfficialAccount, "wx1", to).domains(["h5.example.com"]);
        assert!(to(BACK).url().is_ok());
        assert!(to("http://H5.example.com?x").url().is_ok());
        check(to("https://example.com/"), "oauth.domain: `example.com`");
        check(to("https://h5.example.com:8443/"), "oauth.domain");
        check(to("https://h5.example.com@evil.cn/"), "oauth.redirect");
        check(to("https%3A%2F%2Fh5.example.com"), "not encoded");
        check(
            Authorize::new(Site::OfficialAccount, "wx1", BACK).domains(["https://h5.example.com/"]),
            "without scheme and path",
        );
    }

    #[test]
    fn a_state_that_would_be_cut_is_refused() {
        check(
            Authorize::new(Site::OfficialAccount, "wx1", BACK).state("a/b"),
            "oauth.state",
        );
        check(
            Authorize::new(Site::OfficialAccount, "wx1", BACK).state("a".repeat(129)),
            "oauth.state",
        );
    }
}
