//! Pages of the platform that people open in a browser: found by host and path in the catalog, shown by a feature.
//!
//! A page is no call: nobody proves to be an account, nothing is counted, and what is wrong is said to the person who
//! looks at it. What the app's developer should know stands in the timeline, by the feature's own rows.
//!
//! Below [`OWN`] stands what the platform does not have: what a page of an app loads to be a page in the phone. It is
//! there for every site, so who is behind it says the browser, by the header `Origin`.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use serde_json::Value;
use xinqiao_types::percent;

use super::{
    behaviour::Desk,
    call::{PlatformAnswer, PlatformCall},
};
use crate::kernel::{House, Turn};

/// Where our own pages are, at the hosts that have pages of the platform.
pub(crate) const OWN: &str = "/xinqiao/";

/// The path of a page in the catalog.
pub(crate) fn path_of(page: &str) -> &'static str {
    xinqiao_catalog::page(page).map_or("", |page| page.path)
}

/// What a page does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shows {
    /// Id of the page in the catalog, or the path of one of our own.
    pub(crate) page: &'static str,
    pub(crate) run: fn(&mut Turn<'_>, &Visit<'_>) -> Leaf,
}

/// Somebody's browser asks for a page.
#[derive(Debug)]
pub(crate) struct Visit<'a> {
    pub(crate) call: &'a PlatformCall,
    pub(crate) query: BTreeMap<String, String>,
}

/// What the browser is given.
#[derive(Debug)]
pub(crate) enum Leaf {
    /// A page.
    Page(String),
    /// A picture.
    Picture {
        content_type: &'static str,
        bytes: Vec<u8>,
    },
    /// There is nothing at this address.
    Missing,
    /// A page that other sites may show in a frame, with a script of this host.
    Framed(String),
    /// A script, for pages of any site.
    Script(String),
    /// What a script asked for.
    Told(Value),
    /// Another address; with a cookie for this page's path.
    Elsewhere {
        to: String,
        cookie: Option<(&'static str, String)>,
    },
}

impl Visit<'_> {
    /// A cookie that the browser brings.
    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        let all = self.call.header("cookie")?.split(';');
        all.filter_map(|pair| pair.trim().split_once('='))
            .find(|(own, _)| *own == name)
            .map(|(_, value)| value)
    }

    /// Whether the browser came under the page's own host name, as it does where that name is led here.
    pub(crate) fn by_real_name(&self) -> bool {
        let host = self.call.header("host").unwrap_or_default();
        host.split(':').next() == Some(&*self.call.host)
    }

    /// Whether a page asks for it as a picture: such a request shows nobody a page, and must not count as a visit.
    pub(crate) fn wants_picture(&self) -> bool {
        self.call.header("sec-fetch-dest") == Some("image")
    }

    /// A field of a form that was sent.
    pub(crate) fn form(&self, name: &str) -> Option<String> {
        let body = String::from_utf8_lossy(&self.call.body).into_owned();
        percent::pairs(&body)
            .find(|(own, _)| own == name)
            .map(|(_, value)| value)
    }

    /// Whether the person reads English rather than Chinese.
    pub(crate) fn in_english(&self) -> bool {
        let languages = self.call.header("accept-language").unwrap_or_default();
        languages.trim_start().starts_with("en")
    }
}

/// Paths of our own pages, which are there for every site; nothing else below [`OWN`] is.
pub(crate) fn own_paths(house: &House) -> Vec<&'static str> {
    let all = house.part::<Desk>().pages.iter();
    all.map(|shows| shows.page)
        .filter(|path| path.starts_with(OWN))
        .collect()
}

impl Desk {
    /// What this page does, if somebody declared it.
    pub(super) fn page(&self, call: &PlatformCall) -> Option<&'static Shows> {
        let of_host = xinqiao_catalog::pages().iter();
        let mut of_host = of_host.filter(|page| page.host == call.host).peekable();
        of_host.peek()?;
        let here = |shows: &&&'static Shows| {
            shows.page == call.path || { of_host.clone() }
                .any(|page| page.path == call.path && page.id == shows.page)
        };
        self.pages.iter().find(here).copied()
    }
}

pub(super) fn answer(turn: &mut Turn<'_>, call: &PlatformCall, shows: &Shows) -> PlatformAnswer {
    let visit = Visit {
        call,
        query: percent::pairs(&call.query).collect(),
    };
    let (status, body, mut headers) = match (shows.run)(turn, &visit) {
        Leaf::Page(html) => {
            // What stands in a link must not run as script of ours.
            let policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";
            let headers = vec![
                ("content-type", "text/html; charset=utf-8".to_owned()),
                ("content-security-policy", policy.to_owned()),
            ];
            (200, html.into(), headers)
        }
        Leaf::Picture {
            content_type,
            bytes,
        } => {
            let headers = vec![
                ("content-type", content_type.to_owned()),
                ("x-content-type-options", "nosniff".to_owned()),
            ];
            (200, bytes, headers)
        }
        Leaf::Missing => (404, Vec::new(), Vec::new()),
        Leaf::Framed(html) => {
            let policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'";
            let headers = vec![
                ("content-type", "text/html; charset=utf-8".to_owned()),
                ("content-security-policy", policy.to_owned()),
            ];
            (200, html.into(), headers)
        }
        Leaf::Script(text) => {
            let kind = "text/javascript; charset=utf-8".to_owned();
            (200, text.into(), vec![("content-type", kind)])
        }
        Leaf::Told(value) => {
            let mut headers = vec![("content-type", "application/json".to_owned())];
            if let Some(origin) = call.header("origin") {
                headers.push(("access-control-allow-origin", origin.to_owned()));
                headers.push(("vary", "origin".to_owned()));
            }
            (200, value.to_string().into(), headers)
        }
        Leaf::Elsewhere { to, cookie } => {
            let mut headers = vec![("location", to)];
            if let Some((name, value)) = cookie {
                let cookie = format!("{name}={value}; Path={}; HttpOnly; SameSite=Lax", call.path);
                headers.push(("set-cookie", cookie));
            }
            (302, Vec::new(), headers)
        }
    };
    headers.push(("cache-control", "no-store".to_owned()));
    // Not `no-referrer`: a browser then sends the page's own form from the origin `null`, which is nobody's.
    headers.push(("referrer-policy", "same-origin".to_owned()));
    PlatformAnswer {
        status,
        headers: { headers.into_iter() }
            .filter_map(|(name, value)| {
                let value = HeaderValue::try_from(value).ok()?;
                Some((HeaderName::from_static(name), value))
            })
            .collect(),
        body: Bytes::from(body).into(),
        ..PlatformAnswer::default()
    }
}
