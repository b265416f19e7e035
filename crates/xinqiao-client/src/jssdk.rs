//! What a page needs to use the JS-SDK: `wx.config` with its signature.
//!
//! The page's address must be signed exactly as the client loaded it. Servers mostly guess it wrong
//! (behind a proxy, behind a template that escapes `&`), so let the page send `location.href`. On iOS a
//! single-page app keeps the address it was entered by.
//!
//! In WeCom there are two: `wx.config` says which corp the page belongs to and is signed with the corp's ticket;
//! `wx.agentConfig` says which application of the corp, for what only an application may do (chatting with customers,
//! choosing contacts), and is signed with the application's. Each refuses the other's ticket with the same
//! `invalid signature`. [`WorkSigner`] keeps both.
//!
//! Invariant: the ticket is fetched once for all pages, and never leaves the server.
//!
//! Source: `official_account.ticket.get_ticket`, `work.base.get_jsapi_ticket`, `work.ticket.get`.

use std::fmt;

use serde_json::{Value, json};
use xinqiao_catalog::id::{official_account, work};
use xinqiao_crypto::{callback, card, jssdk};
use xinqiao_types::{AccessToken, AppId};

use crate::{
    client::Client,
    error::Error,
    token::{Fetch, Fetched, Flight, Want, lifetime, text},
};

/// How many characters of a ticket are shown: enough to tell two apart.
const SHOWN: usize = 6;

/// What a ticket is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ticket {
    /// `wx.config` of an official account.
    Page,
    /// Cards (卡券): `wx.addCard`, `wx.chooseCard`.
    Card,
    /// `wx.config` in WeCom.
    Corp,
    /// `wx.agentConfig` in WeCom.
    Agent,
}

impl Ticket {
    /// What signs with it in the page.
    pub const fn used_by(self) -> &'static str {
        match self {
            Self::Page => "wx.config",
            Self::Card => "wx.addCard and wx.chooseCard",
            Self::Corp => "wx.config in WeCom",
            Self::Agent => "wx.agentConfig in WeCom",
        }
    }

    /// The endpoint that gives it.
    pub const fn endpoint(self) -> &'static str {
        match self {
            Self::Page | Self::Card => official_account::ticket::GET_TICKET,
            Self::Corp => work::base::GET_JSAPI_TICKET,
            Self::Agent => work::ticket::GET,
        }
    }
}

impl Fetch for Ticket {
    async fn fetch(&self, client: &Client, _want: Want) -> Result<Fetched, Error> {
        let (endpoint, fields) = match self {
            Self::Page => (
                official_account::ticket::GET_TICKET,
                json!({"type": "jsapi"}),
            ),
            Self::Card => (
                official_account::ticket::GET_TICKET,
                json!({"type": "wx_card"}),
            ),
            Self::Corp => (work::base::GET_JSAPI_TICKET, json!({})),
            Self::Agent => (work::ticket::GET, json!({"type": "agent_config"})),
        };
        let answer = client.call(endpoint, fields).await?;
        Ok(Fetched {
            token: AccessToken::new(text(endpoint, &answer, "ticket")?),
            lifetime: lifetime(endpoint, &answer)?,
        })
    }
}

/// Signs pages for one account. Keep one: it holds the ticket.
#[derive(Debug)]
pub struct Signer {
    client: Client,
    ticket: Ticket,
    flight: Flight,
    domains: Vec<String>,
}

/// What `wx.config` (or `wx.agentConfig`) takes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// The account.
    pub appid: AppId,
    /// Seconds.
    pub timestamp: i64,
    /// Chance.
    pub nonce: String,
    /// The signature.
    pub signature: String,
    /// The address that was signed.
    pub url: String,
}

impl Config {
    /// As `wx.config` wants it, with the interfaces that the page will use.
    pub fn to_json(&self, apis: &[&str]) -> Value {
        json!({
            "appId": self.appid.as_str(),
            "timestamp": self.timestamp,
            "nonceStr": self.nonce,
            "signature": self.signature,
            "jsApiList": apis,
        })
    }
}

/// What was signed, for whoever looks for the cause of `invalid signature`. `Display` shows it with the ticket masked.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Explained {
    /// Which ticket signs.
    pub ticket: Ticket,
    /// The text that was signed, with all of the ticket but its beginning masked.
    pub masked: String,
    /// The same with the ticket, for the platform's checking page (JS 接口签名校验工具); it must not leave the server.
    pub string_to_sign: AccessToken,
    /// Whether the signature is that of this text. If not, the ticket was replaced since, or another one signed.
    pub is_current: bool,
    /// Where the address that was signed and the one that the page was loaded from part.
    pub difference: Option<String>,
}

impl fmt::Display for Explained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (used_by, endpoint) = (self.ticket.used_by(), self.ticket.endpoint());
        write!(
            f,
            "{} was signed with the ticket of {endpoint}, which is for {used_by}",
            self.masked
        )?;
        if !self.is_current {
            write!(
                f,
                "; jssdk.ticket: the signature is not that of this text: the ticket was replaced since, or another \
                 kind of ticket signed"
            )?;
        }
        match &self.difference {
            Some(difference) => write!(f, "; jssdk.url_mismatch: {difference}"),
            None => Ok(()),
        }
    }
}

/// What `wx.agentConfig` takes, for one application of a corp.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AgentConfig {
    /// The application.
    pub agentid: i64,
    /// The rest; its `appid` is the corp's id.
    pub config: Config,
}

impl AgentConfig {
    /// As `wx.agentConfig` wants it, with the interfaces that the page will use.
    pub fn to_json(&self, apis: &[&str]) -> Value {
        json!({
            "corpid": self.config.appid.as_str(),
            "agentid": self.agentid,
            "timestamp": self.config.timestamp,
            "nonceStr": self.config.nonce,
            "signature": self.config.signature,
            "jsApiList": apis,
        })
    }
}

/// Signs pages of an application of a WeCom corp: for `wx.config` with the corp's ticket, for `wx.agentConfig` with the
/// application's. Keep one: it holds both tickets.
///
/// ```no_run
/// # mod xinqiao { pub use ::xinqiao_client::*; pub use ::xinqiao_types as types; }
/// # async fn f(client: xinqiao_client::Client, href: &str) -> Result<(), xinqiao_client::Error> {
/// use xinqiao::jssdk::WorkSigner;
///
/// let signer = WorkSigner::new(client, 1_000_002);
/// let page = signer.config(href).await?.to_json(&[]);
/// let agent = signer.agent_config(href).await?.to_json(&["selectExternalContact"]);
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct WorkSigner {
    corp: Signer,
    agent: Signer,
    agentid: i64,
}

impl WorkSigner {
    /// Signs with the client's application, whose id is `agentid`.
    pub fn new(client: Client, agentid: i64) -> Self {
        Self {
            corp: Signer::new(client.clone(), Ticket::Corp),
            agent: Signer::new(client, Ticket::Agent),
            agentid,
        }
    }

    /// As [`Signer::domains`] (可信域名).
    #[must_use]
    pub fn domains(mut self, domains: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let domains: Vec<String> = domains.into_iter().map(Into::into).collect();
        self.corp.domains.clone_from(&domains);
        self.agent.domains = domains;
        self
    }

    /// What `wx.config` takes, for the page with this address.
    ///
    /// # Errors
    /// As [`Signer::config`].
    pub async fn config(&self, href: &str) -> Result<Config, Error> {
        self.corp.config(href).await
    }

    /// What `wx.agentConfig` takes, for the page with this address.
    ///
    /// # Errors
    /// As [`Signer::config`].
    pub async fn agent_config(&self, href: &str) -> Result<AgentConfig, Error> {
        let config = self.agent.config(href).await?;
        Ok(AgentConfig {
            agentid: self.agentid,
            config,
        })
    }

    /// The signer of one of the two, for instance to [`Signer::explain`] a signature.
    pub const fn of(&self, ticket: Ticket) -> &Signer {
        match ticket {
            Ticket::Agent => &self.agent,
            _ => &self.corp,
        }
    }
}

impl Signer {
    /// Signs with the client's account.
    pub fn new(client: Client, ticket: Ticket) -> Self {
        Self {
            client,
            ticket,
            flight: Flight::default(),
            domains: Vec::new(),
        }
    }

    /// The domains that are configured for the account (JS 接口安全域名): pages elsewhere are refused here
    /// instead of failing as `invalid url domain` in the client.
    #[must_use]
    pub fn domains(mut self, domains: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.domains = domains.into_iter().map(Into::into).collect();
        self
    }

    /// Signs a page by the address that it has in the client (`location.href`).
    ///
    /// # Errors
    /// The address cannot be one that a client loads (`jssdk.url_mismatch`), or no ticket can be had.
    pub async fn config(&self, href: &str) -> Result<Config, Error> {
        let url = page_url(href, &self.domains)?;
        let ticket = self.flight.current(&self.client, &self.ticket).await?;
        let (timestamp, nonce) = self.chance();
        let signature = jssdk::signature(ticket.expose(), &nonce, timestamp, url);
        Ok(Config {
            appid: self.client.appid().clone(),
            timestamp,
            signature: signature.to_string(),
            nonce,
            url: url.to_owned(),
        })
    }

    /// What was signed for a page, and whether it still is what would be signed: for `invalid signature`. `loaded` is the
    /// address that the page really has (`location.href`), if it is known.
    ///
    /// # Errors
    /// No ticket can be had.
    pub async fn explain(&self, config: &Config, loaded: Option<&str>) -> Result<Explained, Error> {
        let ticket = self.flight.current(&self.client, &self.ticket).await?;
        let text = |ticket: &str| {
            jssdk::string_to_sign(ticket, &config.nonce, config.timestamp, &config.url)
        };
        let (nonce, time) = (&config.nonce, config.timestamp);
        let signature = jssdk::signature(ticket.expose(), nonce, time, &config.url);
        let begin: String = ticket.expose().chars().take(SHOWN).collect();
        Ok(Explained {
            ticket: self.ticket,
            masked: text(&format!("{begin}***")),
            string_to_sign: AccessToken::new(text(ticket.expose())),
            is_current: signature == *config.signature,
            difference: loaded.and_then(|loaded| difference(&config.url, loaded)),
        })
    }

    /// The `cardExt` of `wx.addCard`, as the text that it is there.
    ///
    /// # Errors
    /// No ticket can be had.
    pub async fn card_ext(
        &self,
        card_id: &str,
        code: Option<&str>,
        openid: Option<&str>,
    ) -> Result<String, Error> {
        let ticket = self.flight.current(&self.client, &self.ticket).await?;
        let (timestamp, nonce) = self.chance();
        let time = timestamp.to_string();
        let mut values = vec![ticket.expose(), time.as_str(), card_id, nonce.as_str()];
        values.extend(code);
        values.extend(openid);
        let mut ext = json!({
            "timestamp": time,
            "nonce_str": nonce,
            "signature": card::signature(&values).to_string(),
        });
        for (name, value) in [("code", code), ("openid", openid)] {
            if let Some(value) = value {
                ext[name] = value.into();
            }
        }
        Ok(ext.to_string())
    }

    fn chance(&self) -> (i64, String) {
        let entropy = &*self.client.inner.settings.entropy;
        let nonce = format!("{:016x}", entropy.next_u64());
        (self.client.clock().unix().0, nonce)
    }
}

/// Takes the fragment off, and refuses what cannot be the address of a page.
fn page_url<'u>(href: &'u str, domains: &[String]) -> Result<&'u str, Error> {
    let refuse = |reason: String| {
        Err(Error::Config(
            format!("jssdk.url_mismatch: {reason}").into(),
        ))
    };
    let url = href.split('#').next().unwrap_or_default();
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"));
    let Some(rest) = rest else {
        return refuse(format!(
            "`{url}` is no web address; send `location.href` from the page, not encoded"
        ));
    };
    if url.contains("&amp;") {
        return refuse(
            "the address holds `&amp;`: a template escaped it; send `location.href` from the page"
                .to_owned(),
        );
    }
    if url.contains(char::is_whitespace) || !url.is_ascii() {
        return refuse(
            "the address holds characters that a browser encodes; send `location.href` as it is"
                .to_owned(),
        );
    }
    let host = rest.split(['/', '?']).next().unwrap_or_default();
    let name = host.split(':').next().unwrap_or_default();
    // WECHAT: a safe domain covers its subdomains.
    let covered = domains.iter().any(|domain| {
        let tail = name.len().checked_sub(domain.len());
        tail.is_some_and(|at| {
            name.is_char_boundary(at)
                && name[at..].eq_ignore_ascii_case(domain)
                && (at == 0 || name[..at].ends_with('.'))
        })
    });
    if !domains.is_empty() && !covered {
        return refuse(format!(
            "`{name}` is not among the JS safe domains ({})",
            domains.join(", ")
        ));
    }
    Ok(url)
}

/// Where the address that was signed and the one that the client loaded part, for `invalid signature`.
///
/// ```
/// # mod xinqiao { pub use ::xinqiao_client::*; pub use ::xinqiao_types as types; }
/// use xinqiao::jssdk::difference;
///
/// let said = difference("http://h5.cn/?a=1", "https://h5.cn/?a=1").unwrap();
/// assert!(said.contains("http:// was signed, https:// was loaded"), "{said}");
/// assert_eq!(difference("https://h5.cn/#top", "https://h5.cn/"), None);
/// ```
pub fn difference(signed: &str, loaded: &str) -> Option<String> {
    let (signed, loaded) = (
        signed.split('#').next().unwrap_or_default(),
        loaded.split('#').next().unwrap_or_default(),
    );
    if signed == loaded {
        return None;
    }
    let scheme = |url: &str| url.split_once("://").map(|(scheme, _)| scheme.to_owned());
    if let (Some(one), Some(two)) = (scheme(signed), scheme(loaded))
        && one != two
    {
        return Some(format!(
            "{one}:// was signed, {two}:// was loaded: a proxy ends TLS, so do not build the address \
             on the server"
        ));
    }
    if signed.replace("&amp;", "&") == loaded {
        return Some(
            "`&amp;` was signed, `&` was loaded: a template escaped the address".to_owned(),
        );
    }
    let same = signed
        .char_indices()
        .zip(loaded.chars())
        .find(|((_, one), two)| one != two)
        .map_or(signed.len().min(loaded.len()), |((at, _), _)| at);
    let rest = |url: &str| url.get(same..).unwrap_or_default().to_owned();
    Some(format!(
        "equal up to `{}`, then `{}` was signed and `{}` was loaded",
        signed.get(..same).unwrap_or_default(),
        rest(signed),
        rest(loaded)
    ))
}

/// The signature of a mobile app's log-in by scan (`sdk_ticket`).
pub fn scan_signature(appid: &AppId, ticket: &str, nonce: &str, timestamp: i64) -> String {
    let joined =
        format!("appid={appid}&noncestr={nonce}&sdk_ticket={ticket}&timestamp={timestamp}");
    callback::signature(&[&joined]).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(href: &str, want: &str) {
        match page_url(href, &["example.com".to_owned()]) {
            Ok(url) => assert_eq!(url, want),
            Err(error) => assert!(error.to_string().contains(want), "{error}"),
        }
    }

    #[test]
    fn an_address_is_signed_as_loaded_or_refused() {
        check("https://example.com/a?b=1#c", "https://example.com/a?b=1");
        check("http://h5.Example.com:8080/", "http://h5.Example.com:8080/");
        check("https://example.com/?a=1&amp;b=2", "a template escaped it");
        check("https%3A%2F%2Fexample.com", "not encoded");
        check("https://example.com/桥", "a browser encodes");
        check("https://badexample.com/", "not among the JS safe domains");
    }
}
