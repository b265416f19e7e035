use serde_json::json;

use super::*;
use crate::{endpoint, id};

#[track_caller]
fn check(id: &str, body: serde_json::Value, want: Option<(&str, i64)>) {
    let endpoint = endpoint(id).expect("the catalog has it");
    let found = validate(endpoint, &body).err();
    let found = found
        .as_ref()
        .map(|violation| (violation.path.as_str(), violation.code));
    assert_eq!(found, want, "{body}");
}

#[test]
fn a_custom_message_needs_a_known_type_and_its_body() {
    let send = id::official_account::message::custom::SEND;
    check(
        send,
        json!({"touser": "o1", "msgtype": "text", "text": {"content": "hi"}}),
        None,
    );
    check(
        send,
        json!({"touser": "o1", "msgtype": "smell"}),
        Some(("msgtype", code::INVALID_MESSAGE_TYPE)),
    );
    check(
        send,
        json!({"touser": "o1", "msgtype": "text"}),
        Some(("text", code::INVALID_ARGUMENT)),
    );
    check(
        send,
        json!({"touser": "o1", "msgtype": "image", "image": {}}),
        Some(("image.media_id", code::INVALID_MEDIA_ID)),
    );
    check(
        send,
        json!({"msgtype": "text", "text": {"content": "hi"}}),
        Some(("touser", code::INVALID_OPENID)),
    );
}

#[test]
fn a_menu_is_checked_through_its_recursion() {
    let create = id::official_account::menu::CREATE;
    let leaf = json!({"type": "click", "name": "今日", "key": "K"});
    check(
        create,
        json!({"button": [{"name": "菜单", "sub_button": [leaf]}]}),
        None,
    );
    check(
        create,
        json!({"button": [leaf, leaf, leaf, leaf]}),
        Some(("button", code::INVALID_BUTTON_COUNT)),
    );
    check(
        create,
        json!({"button": "x"}),
        Some(("button", code::DATA_FORMAT_ERROR)),
    );
    check(create, json!("x"), Some(("", code::DATA_FORMAT_ERROR)));
}

#[test]
fn scalars_are_taken_leniently() {
    let get = id::official_account::message::mass::GET;
    check(get, json!({"msg_id": 1}), None);
    check(get, json!({"msg_id": "1"}), None);
    check(
        get,
        json!({"msg_id": "one"}),
        Some(("msg_id", code::INVALID_ARGUMENT)),
    );
}

#[test]
fn the_query_is_checked_too() {
    let token = endpoint(id::official_account::base::TOKEN).expect("token");
    let pairs = |pairs: &[(&str, &str)]| {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect::<Vec<_>>()
    };
    let full = pairs(&[
        ("grant_type", "client_credential"),
        ("appid", "wx1"),
        ("secret", "s"),
    ]);
    assert_eq!(validate_query(token, &full), Ok(()));
    let found = validate_query(token, &pairs(&[("grant_type", "client_credential")])).err();
    assert_eq!(
        found.map(|violation| violation.code),
        Some(code::APPID_MISSING)
    );
}
