//! What a page needs to use the JS-SDK: `wx.config` with its signature.
//!
//! The page's address must be signed exactly as the client loaded it. Servers mostly guess it wrong
//! (behind a proxy, behind a template that escapes `&`), so let the page send `location.href`. On iOS a
//! single-page app keeps the address it was entered by.
//!
//! Invariant: the ticket is fetched once for all pages, and never leaves the server.
//!
//! Source: `official_account.ticket.get_ticket`, `work.base.get_jsapi_ticket`, `work.ticket.get`.

use serde_json::{Value, json};
use xinqiao_catalog::id::{official_account, work};
use xinqiao_crypto::{callback, card, jssdk};
use xinqiao_types::{AccessToken, AppId};

use crate::{
    client::Client,
    error::Error,
    token::{Fetch, Fetched, Flight, Want, lifetime, text},
};

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
/// use xinqiao_client::jssdk::difference;
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
