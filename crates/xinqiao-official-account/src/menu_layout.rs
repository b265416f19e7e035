//! Menus (自定义菜单) button by button, checked before they leave.
//!
//! ```
//! # mod xinqiao { pub use ::xinqiao_official_account as official_account; }
//! use xinqiao::official_account::menu::{Button, Create};
//!
//! let create = Create::checked([
//!     Button::click("今日特价", "TODAY"),
//!     Button::folder("更多", [
//!         Button::view("网上商店", "https://shop.example.com/"),
//!         Button::mini_program("点单", "wx0123456789abcdef", "pages/index", "https://h5.example.com/"),
//!     ]),
//! ])?;
//! assert_eq!(create.button.len(), 2);
//! # Ok::<(), xinqiao_official_account::MenuError>(())
//! ```
//!
//! The platform answers a menu that it does not take with one code for the whole; here the error names the
//! button. Names are counted in bytes of UTF-8: a Chinese character has three.

use std::fmt;

use xinqiao_types::{AppId, MediaId};

use crate::menu::{AddConditional, Button, ButtonType, Create, MatchRule};

/// Buttons side by side.
const BUTTONS: usize = 3;
/// Buttons in a folder.
const SUB_BUTTONS: usize = 5;
/// Bytes of the name of a button.
const NAME: usize = 16;
/// Bytes of the name of a button in a folder.
const SUB_NAME: usize = 60;
/// Bytes of a key.
const KEY: usize = 128;
/// Bytes of an address.
const URL: usize = 1024;

/// Why a menu would not be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MenuError {
    /// Where: the names of the buttons down to the one that is wrong.
    pub at: String,
    /// What is wrong with it.
    pub fault: MenuFault,
}

/// What is wrong with a button.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum MenuFault {
    /// Too few or too many buttons.
    Count {
        /// How many there are.
        found: usize,
        /// How many there may be.
        max: usize,
    },
    /// A text is empty or too long.
    Length {
        /// Which one.
        field: &'static str,
        /// How many bytes it has.
        found: usize,
        /// How many it may have.
        max: usize,
    },
    /// A folder in a folder.
    Depth,
    /// Its type needs a field that is missing.
    Missing {
        /// Which one.
        field: &'static str,
    },
}

impl fmt::Display for MenuError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "menu `{}`: ", self.at)?;
        match &self.fault {
            MenuFault::Count { found, max } => {
                write!(f, "{found} buttons, there must be 1 to {max}")
            }
            MenuFault::Length { field, found, max } => {
                write!(f, "`{field}` has {found} bytes, there must be 1 to {max}")
            }
            MenuFault::Depth => f.write_str("a folder cannot hold a folder"),
            MenuFault::Missing { field } => write!(f, "the button's type needs `{field}`"),
        }
    }
}

impl std::error::Error for MenuError {}

impl Button {
    fn typed(kind: ButtonType, name: impl Into<String>) -> Self {
        Button::new(name).type_(kind)
    }

    /// A tap sends the event `CLICK` with this key.
    #[must_use]
    pub fn click(name: impl Into<String>, key: impl Into<String>) -> Self {
        Self::typed(ButtonType::Click, name).key(key.into())
    }

    /// A tap opens a page.
    #[must_use]
    pub fn view(name: impl Into<String>, url: impl Into<String>) -> Self {
        Self::typed(ButtonType::View, name).url(url.into())
    }

    /// A tap opens a page of a linked mini program; clients that cannot open `url`.
    #[must_use]
    pub fn mini_program(
        name: impl Into<String>,
        appid: impl Into<AppId>,
        page: impl Into<String>,
        url: impl Into<String>,
    ) -> Self {
        let button = Self::typed(ButtonType::MiniProgram, name).appid(appid.into());
        button.page_path(page.into()).url(url.into())
    }

    /// A tap scans a code; its content comes as an event.
    #[must_use]
    pub fn scan(name: impl Into<String>, key: impl Into<String>) -> Self {
        Self::typed(ButtonType::ScanCodePush, name).key(key.into())
    }

    /// A tap scans a code and waits for the reply to the event.
    #[must_use]
    pub fn scan_and_wait(name: impl Into<String>, key: impl Into<String>) -> Self {
        Self::typed(ButtonType::ScanCodeWaitMsg, name).key(key.into())
    }

    /// A tap takes or chooses pictures.
    #[must_use]
    pub fn photo(name: impl Into<String>, key: impl Into<String>) -> Self {
        Self::typed(ButtonType::PicPhotoOrAlbum, name).key(key.into())
    }

    /// A tap chooses a place.
    #[must_use]
    pub fn location(name: impl Into<String>, key: impl Into<String>) -> Self {
        Self::typed(ButtonType::LocationSelect, name).key(key.into())
    }

    /// A tap sends a material. No event comes.
    #[must_use]
    pub fn media(name: impl Into<String>, media_id: impl Into<MediaId>) -> Self {
        Self::typed(ButtonType::MediaId, name).media_id(media_id.into())
    }

    /// A tap sends a published article.
    #[must_use]
    pub fn article(name: impl Into<String>, article_id: impl Into<String>) -> Self {
        Self::typed(ButtonType::ArticleId, name).article_id(article_id.into())
    }

    /// A button that opens others.
    #[must_use]
    pub fn folder(name: impl Into<String>, buttons: impl IntoIterator<Item = Button>) -> Self {
        Button::new(name).sub_button(buttons.into_iter().collect::<Vec<_>>())
    }
}

impl Create {
    /// A menu that the platform will take.
    ///
    /// # Errors
    /// The button that it would not take.
    pub fn checked(buttons: impl IntoIterator<Item = Button>) -> Result<Self, MenuError> {
        let buttons = buttons.into_iter().collect::<Vec<_>>();
        check(&buttons)?;
        Ok(Create::new(buttons))
    }
}

impl AddConditional {
    /// A menu for some users (个性化菜单) that the platform will take. There must be a menu for everybody
    /// first.
    ///
    /// # Errors
    /// The button that it would not take.
    pub fn checked(
        buttons: impl IntoIterator<Item = Button>,
        rule: MatchRule,
    ) -> Result<Self, MenuError> {
        let buttons = buttons.into_iter().collect::<Vec<_>>();
        check(&buttons)?;
        Ok(AddConditional::new(buttons, rule))
    }
}

fn check(buttons: &[Button]) -> Result<(), MenuError> {
    let place = |at: &str, fault| MenuError {
        at: at.to_owned(),
        fault,
    };
    count(buttons, BUTTONS).map_err(|fault| place("", fault))?;
    for button in buttons {
        let name = &button.name;
        length("name", name, NAME).map_err(|fault| place(name, fault))?;
        let Some(inner) = &button.sub_button else {
            leaf(button).map_err(|fault| place(name, fault))?;
            continue;
        };
        count(inner, SUB_BUTTONS).map_err(|fault| place(name, fault))?;
        for sub in inner {
            let checked = if sub.sub_button.is_some() {
                Err(MenuFault::Depth)
            } else {
                length("name", &sub.name, SUB_NAME).and_then(|()| leaf(sub))
            };
            checked.map_err(|fault| place(&format!("{name}/{}", sub.name), fault))?;
        }
    }
    Ok(())
}

fn count(buttons: &[Button], max: usize) -> Result<(), MenuFault> {
    let found = buttons.len();
    if (1..=max).contains(&found) {
        Ok(())
    } else {
        Err(MenuFault::Count { found, max })
    }
}

fn length(field: &'static str, text: &str, max: usize) -> Result<(), MenuFault> {
    let found = text.len();
    if (1..=max).contains(&found) {
        Ok(())
    } else {
        Err(MenuFault::Length { field, found, max })
    }
}

/// A button that does something has what its type needs.
fn leaf(button: &Button) -> Result<(), MenuFault> {
    let missing = |field| Err(MenuFault::Missing { field });
    let need = |field: &'static str, value: Option<&str>, max: usize| match value {
        Some(text) => length(field, text, max),
        None => Err(MenuFault::Missing { field }),
    };
    let (key, url) = (button.key.as_deref(), button.url.as_deref());
    let Some(kind) = &button.type_ else {
        return missing("type");
    };
    match kind {
        ButtonType::View => need("url", url, URL),
        ButtonType::MiniProgram => {
            if button.appid.is_none() {
                return missing("appid");
            }
            need("pagepath", button.page_path.as_deref(), URL)?;
            need("url", url, URL)
        }
        ButtonType::MediaId | ButtonType::ViewLimited if button.media_id.is_none() => {
            missing("media_id")
        }
        ButtonType::ArticleId | ButtonType::ArticleViewLimited if button.article_id.is_none() => {
            missing("article_id")
        }
        ButtonType::MediaId
        | ButtonType::ViewLimited
        | ButtonType::ArticleId
        | ButtonType::ArticleViewLimited => Ok(()),
        // Every other type sends an event with its key; what is new is left to the platform.
        ButtonType::Other(_) => Ok(()),
        _ => need("key", key, KEY),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(buttons: impl IntoIterator<Item = Button>, want: Option<&str>) {
        let found = Create::checked(buttons)
            .err()
            .map(|error| error.to_string());
        assert_eq!(found.as_deref(), want);
    }

    #[test]
    fn the_limits_are_said_by_button() {
        let click = || Button::click("特价", "K");
        check([click()], None);
        check(
            [click(), click(), click(), click()],
            Some("menu ``: 4 buttons, there must be 1 to 3"),
        );
        // Five Chinese characters are fifteen bytes, six are eighteen.
        check([Button::click("今日特价咖", "K")], None);
        check(
            [Button::click("今日特价咖啡", "K")],
            Some("menu `今日特价咖啡`: `name` has 18 bytes, there must be 1 to 16"),
        );
        check(
            [Button::folder("更多", [Button::click("今日特价咖啡", "K")])],
            None,
        );
        check(
            [Button::folder("更多", (0..6).map(|_| click()))],
            Some("menu `更多`: 6 buttons, there must be 1 to 5"),
        );
        check(
            [Button::folder("更多", [Button::folder("再", [click()])])],
            Some("menu `更多/再`: a folder cannot hold a folder"),
        );
        check(
            [Button::click("特价", "k".repeat(129))],
            Some("menu `特价`: `key` has 129 bytes, there must be 1 to 128"),
        );
        check(
            [Button::new("空")],
            Some("menu `空`: the button's type needs `type`"),
        );
        check(
            [Button::view("店", "")],
            Some("menu `店`: `url` has 0 bytes, there must be 1 to 1024"),
        );
    }
}
