//! Opening a link on the phone: at once, as a test does it, or in a browser that is that phone from then on.

use serde_json::{Value, json};
use xinqiao_types::percent;

use super::{
    Browser, From, KINDS, NAME, OPENINGS, Opening, PAGE, TICKET_LIFETIME, asks, let_in,
    link::{Link, query_of},
    tell, tell_refused,
    visit::TICKET,
};
use crate::{
    door::pages::path_of,
    kernel::{
        Id, Refused, Turn,
        declared::{Choice, Field, Holds, choice, field, said, text},
        row::Words,
    },
    people::{
        act::{Act, Input, Scene},
        phone::contact,
    },
};

const PLACES: &[Choice] = &[
    choice("session", "会话", "Chat"),
    choice("menu", "菜单", "Menu"),
    choice("web", "别处", "Elsewhere"),
];
const FROM: Field = field("from", "从哪里打开", "Opened from", Holds::Choice(PLACES)).optional();

/// WECHAT: a page that asks at once what people are called is shown as a snapshot; which pages do is the platform's choice.
const SNAPSHOT: Field = field(
    "snapshot",
    "手机以快照页打开",
    "The phone shows a snapshot",
    Holds::Flag,
)
.optional();

pub(super) const OPEN: Act = Act {
    verb: "open",
    title: said("打开授权链接", "Open a login link"),
    kinds: KINDS,
    about: Some(appid_of),
    fields: &[
        text("url", "链接", "Link"),
        field("consent", "同意", "Agrees", Holds::Flag).optional(),
        FROM,
        SNAPSHOT,
    ],
    check: None,
    run: open,
};

pub(super) const BROWSE: Act = Act {
    verb: "browse",
    title: said("在浏览器里打开", "Open in a browser"),
    kinds: KINDS,
    about: None,
    fields: &[text("url", "链接", "Link"), FROM, SNAPSHOT],
    check: None,
    run: browse,
};

/// The account that a login link speaks of.
pub(super) fn appid_of(input: &Input) -> Option<String> {
    let url = input.fields.get("url")?.as_str()?;
    let query = url.split('#').next()?.split_once('?')?.1;
    percent::pairs(query)
        .find(|(name, _)| name == "appid")
        .map(|(_, appid)| appid)
}

/// What both acts take.
fn asked(turn: &Turn<'_>, scene: &Scene, input: &Input) -> Result<(String, Browser), Refused> {
    let url: Option<String> = input.field("url")?;
    let url = url.ok_or_else(|| Refused::invalid("`url` is missing"))?;
    if !url.starts_with("http://") && !url.starts_with("https://") || url.contains(char::is_control)
    {
        return Err(Refused::unwilling(
            "a phone opens http:// and https:// addresses",
        ));
    }
    let browser = Browser {
        user: scene.user,
        nickname: scene.nickname.clone(),
        account: scene.appid.clone(),
        from: input.field("from")?.unwrap_or(From::Web),
        snapshot: input.field("snapshot")?.unwrap_or(false),
        cause: turn.cause.clone(),
        expires: 0,
    };
    Ok((url, browser))
}

/// A login link is opened, answered by the person, and followed to where it leads; nothing is loaded from there.
fn open(turn: &mut Turn<'_>, scene: &Scene, input: &Input) -> Result<Value, Refused> {
    let (url, browser) = asked(turn, scene, input)?;
    let agrees = input.field("consent")?.unwrap_or(true);
    let Some(query) = query_of(&url, &turn.world.origins.pages, PAGE) else {
        return Err(Refused::unwilling(format!(
            "`open` opens links to {PAGE}; `browse` opens any page in a browser"
        )));
    };
    let who = (scene.user, &*scene.nickname);
    let link = match Link::read(turn.world, turn.now.0, query) {
        Ok(link) => link.seen_by(&browser),
        Err(refused) => {
            tell_refused(turn, &refused, Some(who));
            let error = refused.page_text();
            return Ok(
                json!({"deliveries": [], "prompted": false, "final_url": url, "error": error}),
            );
        }
    };
    let prompted = asks(turn.world, &link, &browser, turn.now.0);
    let name = &scene.nickname;
    let (words, to) = if prompted && !agrees {
        let words = Words::new(
            format!("{name} 打开授权链接，拒绝了"),
            format!("{name} opens a login link and refuses"),
        );
        (words, link.back(None))
    } else {
        let words = Words::new(
            format!("{name} 打开授权链接"),
            format!("{name} opens a login link"),
        );
        (words, let_in(turn, &link, scene.user))
    };
    tell(turn, &link, who, words, Some(&to));
    let mut answer = json!({"deliveries": [], "prompted": prompted, "final_url": to});
    if link.snapshot {
        answer["snapshot"] = json!(true);
    }
    Ok(answer)
}

/// The address at which a browser becomes this phone, and from which it goes on to the page. It works once.
fn browse(turn: &mut Turn<'_>, scene: &Scene, input: &Input) -> Result<Value, Refused> {
    let (url, browser) = asked(turn, scene, input)?;
    let path = path_of(PAGE);
    let ticket: Id = turn.world.next_ever("web_ticket").word(32).into();
    let address = format!("{}{path}?{TICKET}={ticket}", turn.world.origins.pages);
    let opening = Opening {
        browser,
        url: url.clone(),
    };
    OPENINGS.put(turn.world, ticket.clone(), opening);
    let at = turn.now.0 + TICKET_LIFETIME;
    turn.later(at, NAME, json!({"ticket": &*ticket}));
    let openid = contact(turn.world, scene.user, &scene.appid);
    let words = Words::new(
        format!("{} 打开网页", scene.nickname),
        format!("{} opens a page", scene.nickname),
    );
    let mut row = scene.row(turn, &openid, words);
    row.subtitle = Words::same(url);
    turn.show(row);
    Ok(json!({"deliveries": [], "open": address}))
}
