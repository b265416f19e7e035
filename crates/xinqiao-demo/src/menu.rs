//! The app's menu: what it looks like, what a tap says, and how it comes to be.

use std::time::Duration;

use serde_json::{Value, json};
use xinqiao_catalog::{code, id::official_account::menu};
use xinqiao_client::Client;

/// Keys of the buttons.
const TODAY: &str = "DEMO_TODAY";
const HELP: &str = "DEMO_HELP";
/// The key of the button that starts the slow command.
pub(crate) const SLOW: &str = "DEMO_SLOW";

/// What the app can do, in its own words.
pub(crate) const HELP_TEXT: &str = "我是信桥的示例应用。\n· 发文字：我会回应\n· 发图片或语音：我原样发回\n· 发“慢”：六秒后用客服消息回答\n· 点菜单：试试按钮";

fn buttons() -> Value {
    json!({"button": [
        {"type": "click", "name": "今日推荐", "key": TODAY},
        {"name": "更多", "sub_button": [
            {"type": "click", "name": "慢一点", "key": SLOW},
            {"type": "click", "name": "帮助", "key": HELP},
        ]},
    ]})
}

/// What a tap says; nothing for a button that is not ours.
pub(crate) fn tapped(key: &str) -> Option<String> {
    match key {
        TODAY => Some("今日推荐：桥头手冲，配一块核桃酥。".to_owned()),
        HELP => Some(HELP_TEXT.to_owned()),
        _ => None,
    }
}

/// Makes the menu, as soon as the platform answers. Gives up where the account may not have one.
pub(crate) async fn create(client: Client) {
    let mut pause = Duration::from_millis(100);
    for attempt in 1..=10_u32 {
        match client.call(menu::CREATE, buttons()).await {
            Ok(_) => {
                tracing::info!(appid = %client.appid(), "Menu made.");
                return;
            }
            Err(error)
                if error
                    .code()
                    .is_some_and(|code| code.0 == code::API_UNAUTHORIZED) =>
            {
                tracing::info!(appid = %client.appid(), error = %error, "No menu for this account.");
                return;
            }
            Err(error) => {
                tracing::debug!(appid = %client.appid(), error = %error, attempt, "Menu not made yet.");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(5));
            }
        }
    }
    tracing::warn!(appid = %client.appid(), "Menu could not be made.");
}
