//! The app itself: one handler a kind of message.

use std::{collections::BTreeMap, time::Duration};

use axum::Router;
use xinqiao_callback::{
    Callback, Event, LateReply, Message, Reply, Sender, SetupError,
    events::official_account::{
        event::{Click, Subscribe},
        message::{Image, Location, Text, Voice},
    },
};
use xinqiao_catalog::id::official_account::message::custom;
use xinqiao_client::{Client, HttpOptions};
use xinqiao_types::{AesKeyText, AppId, AppSecret, CallbackToken};

use crate::menu;

/// Where the app listens for callbacks.
pub const PATH: &str = "/wx";

/// What the app needs to know.
#[derive(Debug, Clone)]
pub struct Options {
    /// The account.
    pub appid: AppId,
    /// Its secret, or a key that a gateway issued.
    pub secret: AppSecret,
    /// The Token of its server URL.
    pub token: CallbackToken,
    /// The `EncodingAESKey` of its server URL.
    pub aes_key: AesKeyText,
    /// What stands in for platform hosts: host → origin.
    pub endpoints: BTreeMap<String, String>,
    /// How long the slow command works.
    pub slow: Duration,
}

impl Options {
    /// An app for this account, with a slow command of six seconds.
    pub fn new(
        appid: impl Into<AppId>,
        secret: impl Into<AppSecret>,
        token: impl Into<CallbackToken>,
        aes_key: impl Into<AesKeyText>,
    ) -> Self {
        Self {
            appid: appid.into(),
            secret: secret.into(),
            token: token.into(),
            aes_key: aes_key.into(),
            endpoints: BTreeMap::new(),
            slow: Duration::from_secs(6),
        }
    }
}

/// The app's routes. Its menu is made in the background, on the runtime that calls this.
///
/// # Errors
/// The `EncodingAESKey` cannot be used, or no HTTP client can be made.
pub fn router(options: Options) -> Result<Router, SetupError> {
    let (router, client) = parts(options)?;
    tokio::spawn(menu::create(client));
    Ok(router)
}

/// The routes, and the client that should make the menu.
pub(crate) fn parts(options: Options) -> Result<(Router, Client), SetupError> {
    let mut http = HttpOptions::default();
    // What stands in for the platform is on this machine: a proxy would not find it.
    http.ignore_environment = !options.endpoints.is_empty();
    // Reading the system's certificates takes longer than everything else that happens at the start.
    http.only_roots = http.ignore_environment
        && options
            .endpoints
            .values()
            .all(|origin| origin.starts_with("http://"));
    let client = Client::builder(options.appid.clone())
        .secret(options.secret.clone())
        .endpoints(options.endpoints.clone())
        .http(http)
        .build()
        .map_err(|error| SetupError::Other(error.to_string().into()))?;
    let callback = callback(&options, client.clone())?;
    let router = Router::new()
        .route("/", axum::routing::get(async || menu::HELP_TEXT))
        .route_service(PATH, callback);
    Ok((router, client))
}

fn callback(options: &Options, client: Client) -> Result<Callback, SetupError> {
    let slow = options.slow;
    let late = move |reply: LateReply| say_later(client.clone(), reply);
    let callback = Callback::builder(options.appid.clone(), options.token.clone())
        .aes_key(options.aes_key.expose())?
        .on(move |Message(text): Message<Text>, Sender(_)| async move {
            match text.content.trim() {
                "慢" => think(slow).await,
                "帮助" | "?" | "？" | "help" => Reply::text(menu::HELP_TEXT),
                words => Reply::text(friendly(words)),
            }
        })
        .on(|Message(image): Message<Image>| async { Reply::image(image.media_id) })
        .on(|Message(voice): Message<Voice>| async { Reply::voice(voice.media_id) })
        .on(|Message(place): Message<Location>| async move {
            format!(
                "收到位置：{}（{:.4}, {:.4}）",
                place.label, place.location_x, place.location_y
            )
        })
        .on(|Event(_): Event<Subscribe>| async {
            Reply::text(format!("欢迎关注！\n{}", menu::HELP_TEXT))
        })
        .on(move |Event(click): Event<Click>| async move {
            match click.event_key.as_str() {
                menu::SLOW => Some(think(slow).await),
                key => menu::tapped(key).map(Reply::text),
            }
        })
        .late(late)
        .build();
    Ok(callback)
}

/// A friendly answer that contains what was said.
fn friendly(words: &str) -> String {
    match words {
        "你好" | "您好" | "hi" | "hello" | "Hi" | "Hello" => {
            format!("{words}！我是信桥的示例应用，发“帮助”看看我会什么。")
        }
        _ => format!("你说：{words}"),
    }
}

/// Works longer than the platform waits.
async fn think(time: Duration) -> Reply {
    tokio::time::sleep(time).await;
    Reply::text(format!(
        "想了 {:.0} 秒，答案来了：慢工出细活。",
        time.as_secs_f32()
    ))
}

/// Says what came too late as a customer message.
async fn say_later(client: Client, reply: LateReply) {
    let Some(fields) = reply.customer_message() else {
        tracing::warn!("This reply cannot be said as a customer message.");
        return;
    };
    match client.call(custom::SEND, fields).await {
        Ok(_) => tracing::info!(appid = %client.appid(), "Late reply sent as a customer message."),
        Err(error) => {
            tracing::warn!(appid = %client.appid(), error = %error, "Late reply not sent.");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_contains_what_was_said() {
        for words in ["你好", "今天几点开门", "hello"] {
            assert!(friendly(words).contains(words));
        }
    }
}
