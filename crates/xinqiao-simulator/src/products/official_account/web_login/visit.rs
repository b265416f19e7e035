//! The page in a browser: whose phone it is, what the link asks for, whether the person agrees.

use super::{
    BROWSERS, Browser, OPENINGS, asks, html, land, let_in,
    link::{Link, PageError, query_of},
    new_browser, tell, tell_refused,
};
use crate::{
    accounts::ACCOUNTS,
    door::pages::{Leaf, Visit, path_of},
    kernel::{Turn, row::Words},
};

/// Which phone the browser is.
const COOKIE: &str = "xinqiao_phone";
/// The parameter that makes a browser a phone.
pub(super) const TICKET: &str = "xinqiao_ticket";

pub(super) fn show(turn: &mut Turn<'_>, visit: &Visit<'_>) -> Leaf {
    if let Some(ticket) = visit.query.get(TICKET) {
        return enter(turn, visit, ticket);
    }
    // A browser is known where it got its cookie: that is our own address, also where the platform's name leads here.
    if visit.by_real_name() {
        let pages = &turn.world.origins.pages;
        return elsewhere(format!("{pages}{}?{}", visit.call.path, visit.call.query));
    }
    let now = turn.now.0;
    let browser = { visit.cookie(COOKIE) }
        .and_then(|value| BROWSERS.get(turn.world, value))
        .filter(|browser| now < browser.expires)
        .cloned();
    if let Some(browser) = &browser {
        turn.cause.clone_from(&browser.cause);
    }
    let who = browser.as_ref().map(|one| (one.user, &*one.nickname));
    let link = match Link::read(turn.world, now, &visit.call.query) {
        Ok(link) => link,
        Err(refused) => return refuse(turn, visit, &refused, who),
    };
    match browser {
        None => refuse(turn, visit, &PageError::nobodys_phone(&link), None),
        Some(browser) => let_look(turn, visit, &link.seen_by(&browser), &browser),
    }
}

/// Where a browser finds a login page that does not know the platform's name as one of this machine's.
fn within_reach(url: String, pages: &str) -> String {
    let found = [super::PAGE, super::website::PAGE]
        .into_iter()
        .find_map(|page| {
            let query = query_of(&url, pages, page)?;
            Some(format!("{pages}{}?{query}", path_of(page)))
        });
    found.unwrap_or(url)
}

/// The browser is somebody's phone from here on, and goes where the phone wanted to go.
fn enter(turn: &mut Turn<'_>, visit: &Visit<'_>, ticket: &str) -> Leaf {
    if visit.wants_picture() || visit.call.method != "GET" {
        return Leaf::Missing;
    }
    let Some(opening) = OPENINGS.remove(turn.world, ticket) else {
        return Leaf::Page(html::error(
            "请在微信客户端打开链接",
            true,
            visit.in_english(),
        ));
    };
    let to = if visit.by_real_name() {
        opening.url
    } else {
        within_reach(opening.url, &turn.world.origins.pages)
    };
    land(turn, &opening.browser, &to, false);
    let value = new_browser(turn, opening.browser);
    Leaf::Elsewhere {
        to,
        cookie: Some((COOKIE, value)),
    }
}

fn refuse(
    turn: &mut Turn<'_>,
    visit: &Visit<'_>,
    refused: &PageError,
    who: Option<(u64, &str)>,
) -> Leaf {
    tell_refused(turn, refused, who);
    let nobody = who.is_none() && refused.code.is_none();
    Leaf::Page(html::error(
        &refused.page_text(),
        nobody,
        visit.in_english(),
    ))
}

fn let_look(turn: &mut Turn<'_>, visit: &Visit<'_>, link: &Link, browser: &Browser) -> Leaf {
    let who = (browser.user, &*browser.nickname);
    let name = &browser.nickname;
    let asked = asks(turn.world, link, browser, turn.now.0);
    let agreed = if visit.call.method == "POST" {
        visit.form("consent")
    } else {
        None
    };
    match (asked, agreed.as_deref()) {
        (true, None) => {
            let account = ACCOUNTS.get(turn.world, &*link.appid);
            let account = account.map_or("", |account| &account.name).to_owned();
            Leaf::Page(html::consent(&account, name, visit.in_english()))
        }
        (true, Some(answer)) if answer != "yes" => {
            let words = Words::new(
                format!("{name} 拒绝了网页授权"),
                format!("{name} refuses the web login"),
            );
            let to = link.back(None);
            tell(turn, link, who, words, Some(&to));
            land(turn, browser, &to, link.snapshot);
            elsewhere(to)
        }
        _ => {
            let to = let_in(turn, link, browser.user);
            let words = if link.snapshot {
                Words::new(
                    format!("{name} 看网页快照"),
                    format!("{name} looks at a snapshot of the page"),
                )
            } else if asked {
                Words::new(
                    format!("{name} 同意了网页授权"),
                    format!("{name} agrees to the web login"),
                )
            } else {
                Words::new(
                    format!("{name} 静默授权"),
                    format!("{name} logs in silently"),
                )
            };
            tell(turn, link, who, words, Some(&to));
            land(turn, browser, &to, link.snapshot);
            elsewhere(to)
        }
    }
}

fn elsewhere(to: String) -> Leaf {
    Leaf::Elsewhere { to, cookie: None }
}
