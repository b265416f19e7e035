//! Buttons of menus: their limits, which count bytes, and how they are found and told.
//!
//! Source: doc pages "创建接口", "查询接口".

use serde_json::{Value, json};
use xinqiao_catalog::code;

use crate::door::Refusal;

const NAME_BYTES: usize = 16;
const SUB_NAME_BYTES: usize = 60;
const KEY_BYTES: usize = 128;
const URL_BYTES: usize = 1024;

/// Types that need a `key`.
const KEYED: &[&str] = &[
    "click",
    "scancode_push",
    "scancode_waitmsg",
    "pic_sysphoto",
    "pic_photo_or_album",
    "pic_weixin",
    "location_select",
];
/// Types that need a file.
const FILED: &[&str] = &["media_id", "view_limited"];
/// Types that need an article.
const ARTICLED: &[&str] = &["article_id", "article_view_limited"];

/// Refuses buttons that the platform refuses. How many there are has been checked with the call's other fields.
pub(super) fn check(buttons: &[Value]) -> Result<(), Refusal> {
    for button in buttons {
        check_name(button, NAME_BYTES, code::INVALID_BUTTON_NAME_SIZE)?;
        match button.get("sub_button").and_then(Value::as_array) {
            Some(subs) if !subs.is_empty() => {
                for sub in subs {
                    let deeper = sub.get("sub_button").and_then(Value::as_array);
                    if deeper.is_some_and(|list| !list.is_empty()) {
                        return Err(Refusal::code(code::INVALID_SUB_MENU_LEVEL));
                    }
                    check_name(sub, SUB_NAME_BYTES, code::INVALID_SUB_BUTTON_NAME_SIZE)?;
                    check_kind(sub, true)?;
                }
            }
            _ => check_kind(button, false)?,
        }
    }
    Ok(())
}

fn check_name(button: &Value, most: usize, code: i64) -> Result<(), Refusal> {
    let name = button
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if name.is_empty() || name.len() > most {
        return Err(Refusal::code(code).because(
            "menu.name",
            Some(format!("{name} ({} bytes)", name.len())),
            Some(format!("1-{most} bytes")),
        ));
    }
    Ok(())
}

fn check_kind(button: &Value, sub: bool) -> Result<(), Refusal> {
    let text = |name: &str| button.get(name).and_then(Value::as_str).unwrap_or_default();
    let pick = |own: i64, of_sub: i64| if sub { of_sub } else { own };
    let kind = text("type");
    if KEYED.contains(&kind) {
        let key = text("key");
        if key.is_empty() || key.len() > KEY_BYTES {
            let code = pick(
                code::INVALID_BUTTON_KEY_SIZE,
                code::INVALID_SUB_BUTTON_KEY_SIZE,
            );
            return Err(Refusal::code(code));
        }
        return Ok(());
    }
    if kind == "view" || kind == "miniprogram" {
        let url = text("url");
        if url.is_empty() || url.len() > URL_BYTES {
            let code = pick(
                code::INVALID_BUTTON_URL_SIZE,
                code::INVALID_SUB_BUTTON_URL_SIZE,
            );
            return Err(Refusal::code(code));
        }
        if !url.contains("://") {
            return Err(Refusal::code(code::INVALID_BUTTON_URL_DOMAIN));
        }
        return Ok(());
    }
    if FILED.contains(&kind) {
        let fine = !text("media_id").is_empty();
        return if fine {
            Ok(())
        } else {
            Err(Refusal::code(code::INVALID_MEDIA_ID))
        };
    }
    if ARTICLED.contains(&kind) {
        return Ok(());
    }
    Err(Refusal::code(pick(
        code::INVALID_BUTTON_TYPE,
        code::INVALID_SUB_BUTTON_TYPE,
    )))
}

/// The button of a menu that has this key or address.
pub(in super::super) fn find_button<'m>(
    buttons: &'m Value,
    key: Option<&str>,
    url: Option<&str>,
) -> Option<&'m Value> {
    let fits = |button: &&Value| {
        let same = |name: &str, wanted: Option<&str>| {
            wanted.is_some_and(|wanted| button.get(name).and_then(Value::as_str) == Some(wanted))
        };
        same("key", key) || same("url", url)
    };
    each(buttons).find(fits)
}

/// Every button on both levels, those below before the one that they belong to.
pub(super) fn each(buttons: &Value) -> impl Iterator<Item = &Value> {
    let top = buttons.as_array().into_iter().flatten();
    top.flat_map(|button| {
        let subs = button.get("sub_button").and_then(Value::as_array);
        subs.into_iter().flatten().chain(std::iter::once(button))
    })
}

/// The host that a button leads to.
pub(super) fn host(button: &Value) -> Option<&str> {
    let (_, rest) = button.get("url")?.as_str()?.split_once("://")?;
    rest.split(['/', '?', '#', ':']).next()
}

/// Buttons as the platform tells them: each with a list of sub-buttons, empty or not.
pub(super) fn completed(buttons: &Value) -> Value {
    let mut buttons = buttons.clone();
    for button in buttons.as_array_mut().into_iter().flatten() {
        complete(button);
    }
    buttons
}

fn complete(button: &mut Value) {
    let Some(fields) = button.as_object_mut() else {
        return;
    };
    if let Some(subs) = fields.get_mut("sub_button").and_then(Value::as_array_mut) {
        for sub in subs {
            complete(sub);
        }
    } else {
        fields.insert("sub_button".to_owned(), json!([]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(buttons: Value, code: i64) {
        let refuse = check(buttons.as_array().unwrap()).unwrap_err();
        assert_eq!(refuse.code, code.into());
    }

    #[test]
    fn limits_count_bytes() {
        let click = |name: &str| json!({"type": "click", "name": name, "key": "K"});
        assert!(check(&[click("今日歌曲吧")]).is_ok(), "15 bytes");
        refused(
            json!([click("今日歌曲推荐")]),
            code::INVALID_BUTTON_NAME_SIZE,
        );
        let deep =
            json!([{"name": "a", "sub_button": [{"name": "b", "sub_button": [click("c")]}]}]);
        refused(deep, code::INVALID_SUB_MENU_LEVEL);
        refused(
            json!([{"name": "a", "type": "unheard", "key": "K"}]),
            code::INVALID_BUTTON_TYPE,
        );
    }

    #[test]
    fn a_button_is_found_on_both_levels() {
        let menu = json!({"button": [
            {"name": "a", "type": "click", "key": "A"},
            {"name": "b", "sub_button": [{"name": "c", "type": "view", "url": "http://x/"}]},
        ]});
        assert_eq!(
            find_button(&menu["button"], Some("A"), None).unwrap()["name"],
            "a"
        );
        assert_eq!(
            find_button(&menu["button"], None, Some("http://x/")).unwrap()["name"],
            "c"
        );
        assert!(find_button(&menu["button"], Some("Z"), None).is_none());
    }
}
