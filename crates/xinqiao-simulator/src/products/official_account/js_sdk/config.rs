//! What `wx.config` is judged by: the account, the page's domain, the signature, and the rights of what it lists.
//!
//! WECHAT: a list with functions that the account has no right to is `config:ok`; the call itself is refused then.

use serde::Deserialize;
use xinqiao_catalog::rules::permission;
use xinqiao_crypto::{constant_time_eq, jssdk};
use xinqiao_types::percent;

use super::{
    super::web_login::link::host,
    KINDS, SUBDOMAINS, calls,
    ticket::{self, OF_CARDS, OF_PAGES},
};
use crate::{
    accounts::{ACCOUNTS, account::Account},
    door::masking::hidden,
    kernel::{
        Id, World,
        row::{Diagnosed, SignatureFacts, SignaturePart, diagnose},
    },
};

/// What a page hands over.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Config {
    pub(super) appid: String,
    /// Of the page, as the phone loaded it.
    pub(super) url: String,
    pub(super) timestamp: String,
    pub(super) nonce: String,
    pub(super) signature: String,
    /// Functions, by the platform's names or those of the bridge.
    pub(super) names: Vec<String>,
}

/// It is right.
#[derive(Debug)]
pub(super) struct Judged {
    pub(super) appid: Id,
    pub(super) signature: Option<SignatureFacts>,
    /// Right, but not all of it will work.
    pub(super) advice: Option<Diagnosed>,
}

/// It is wrong.
#[derive(Debug)]
pub(super) struct Fault {
    /// As the page is told it.
    pub(super) text: &'static str,
    pub(super) diagnosis: Diagnosed,
    pub(super) signature: Option<SignatureFacts>,
}

impl Fault {
    fn new(text: &'static str, rule: &str, received: &str, expected: Option<String>) -> Box<Self> {
        Box::new(Self {
            text,
            diagnosis: diagnose(rule, Some(received.to_owned()), expected),
            signature: None,
        })
    }
}

pub(super) fn judge(world: &World, config: &Config, now: i64) -> Result<Judged, Box<Fault>> {
    let known = ACCOUNTS.entry(world, &*config.appid);
    let Some((appid, account)) = known.filter(|(_, account)| KINDS.contains(&account.kind)) else {
        let (text, rule) = ("invalid appid", "jssdk.appid");
        return Err(Fault::new(text, rule, &config.appid, None));
    };
    must_be_safe(account, &config.url)?;
    let signature = must_be_signed(world, appid, config, now)?;
    Ok(Judged {
        appid: appid.clone(),
        signature: Some(signature),
        advice: lacking(account, &config.names, now),
    })
}

/// The page's host is one of the account's domains, or the page lies below one of its paths (`shop.example/mp`).
///
/// WECHAT: a domain has its port with it, if there is one. An app on this machine has another port each time, so for
/// loopback the name will do.
fn must_be_safe(account: &Account, url: &str) -> Result<(), Box<Fault>> {
    let set = account.js_domain.as_deref().unwrap_or_default();
    let mut domains = { set.split([',', ' ']) }.filter(|domain| !domain.is_empty());
    let own = host(url).unwrap_or_default();
    let bare = own.rsplit_once(':').map_or(own, |(bare, _)| bare);
    let below = SUBDOMAINS.word(Some(&account.rules)) == "covered";
    let near = bare == "localhost" || bare.starts_with("127.");
    let path = { url.split(['?', '#']).next() }
        .and_then(|page| page.split_once("://")?.1.split_once('/'))
        .map_or("", |(_, path)| path);
    let fits = |set: &str| {
        let (domain, below_path) = set.split_once('/').unwrap_or((set, ""));
        let below_path = below_path.trim_end_matches('/');
        let under = |host: &str| {
            let (host, domain) = (host.to_ascii_lowercase(), domain.to_ascii_lowercase());
            host.strip_suffix(&*domain)
                .is_some_and(|rest| rest.is_empty() || below && rest.ends_with('.'))
        };
        let inside = { path.strip_prefix(below_path) }
            .is_some_and(|rest| below_path.is_empty() || rest.is_empty() || rest.starts_with('/'));
        !own.is_empty() && inside && (under(own) || near && under(bare))
    };
    if domains.any(fits) {
        return Ok(());
    }
    let expected = if set.is_empty() { "js_domain = ?" } else { set };
    let (text, rule) = ("invalid url domain", "jssdk.domain");
    Err(Fault::new(text, rule, url, Some(expected.to_owned())))
}

/// The signature fits the page, and a ticket that is good.
fn must_be_signed(
    world: &World,
    appid: &Id,
    config: &Config,
    now: i64,
) -> Result<SignatureFacts, Box<Fault>> {
    let url = config.url.split('#').next().unwrap_or_default();
    let made = |ticket: &str, url: &str| jssdk::sign(&signed(config, ticket, url));
    let is = |ticket: &str, url: &str| {
        constant_time_eq(made(ticket, url).as_bytes(), config.signature.as_bytes())
    };
    let mut good = ticket::good(world, appid, OF_PAGES, now).peekable();
    let Some(present) = good.peek().copied() else {
        let (text, rule) = ("invalid signature", "jssdk.no_ticket");
        return Err(Fault::new(text, rule, &config.signature, None));
    };
    let part = |name, value: String| SignaturePart { name, value };
    let facts = |ticket: &str| SignatureFacts {
        algorithm: "sha1",
        parts: vec![
            part("jsapi_ticket", hidden(ticket)),
            part("noncestr", config.nonce.clone()),
            part("timestamp", config.timestamp.clone()),
            part("url", url.to_owned()),
        ],
        received: Some(config.signature.clone()),
        expected: made(ticket, url).to_string(),
    };
    if let Some(ticket) = good.find(|ticket| is(ticket, url)) {
        return Ok(facts(ticket));
    }
    // What else was signed says what the app did wrong.
    let tickets: Vec<&str> = ticket::good(world, appid, OF_PAGES, now).collect();
    let other_url = { others(&config.url).into_iter() }
        .find(|other| tickets.iter().any(|ticket| is(ticket, other)));
    let dead = ticket::over(world, appid, OF_PAGES, now).find(|ticket| is(ticket, url));
    let of_cards = ticket::good(world, appid, OF_CARDS, now).find(|ticket| is(ticket, url));
    let text = "invalid signature";
    let mut fault = if let Some(other) = other_url {
        Fault::new(text, "jssdk.url_mismatch", &other, Some(url.to_owned()))
    } else if let Some(ticket) = dead {
        let expected = Some(hidden(present));
        Fault::new(text, "jssdk.ticket_expired", &hidden(ticket), expected)
    } else if let Some(ticket) = of_cards {
        let expected = Some(hidden(present));
        Fault::new(text, "jssdk.ticket_of_cards", &hidden(ticket), expected)
    } else {
        let string = signed(config, &hidden(present), url);
        Fault::new(text, "jssdk.signature", &config.signature, Some(string))
    };
    fault.signature = Some(facts(present));
    Err(fault)
}

/// What is signed, for an address as it is: with its fragment, if an app left that.
fn signed(config: &Config, ticket: &str, url: &str) -> String {
    jssdk::string_to_sign(ticket, &config.nonce, &config.timestamp, "") + url
}

/// Addresses that apps sign in the place of the page's.
fn others(url: &str) -> Vec<String> {
    let bare = url.split('#').next().unwrap_or_default();
    let path = bare.split('?').next().unwrap_or_default();
    let other_scheme = match bare.split_once("://") {
        Some(("http", rest)) => format!("https://{rest}"),
        Some((_, rest)) => format!("http://{rest}"),
        None => String::new(),
    };
    let mut root = path.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
    let no_slash = root.clone();
    root.push('/');
    vec![
        url.to_owned(),
        path.to_owned(),
        other_scheme,
        percent::encode(bare),
        percent::decode(bare).into_owned(),
        bare.replace('&', "&amp;"),
        bare.trim_end_matches('/').to_owned(),
        root,
        no_slash,
    ]
}

/// Listed functions that will be refused.
fn lacking(account: &Account, names: &[String], now: i64) -> Option<Diagnosed> {
    let facts = account.facts(now);
    let without: Vec<&str> = { names.iter() }
        .map(|name| calls::public_name(name))
        .filter(|name| permission::check_js(name, &facts).is_err())
        .collect();
    if without.is_empty() {
        return None;
    }
    let kind = format!("{} (verified: {})", account.kind, account.is_verified(now));
    Some(diagnose(
        "jssdk.permission",
        Some(without.join(", ")),
        Some(kind),
    ))
}
