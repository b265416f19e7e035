//! Receives callbacks (消息推送) in an axum app: text is echoed, a new follower is greeted.
//!
//! Set `WECHAT_APPID`, `WECHAT_TOKEN` and `WECHAT_AES_KEY` to those of the account's page 服务器配置, then
//! `cargo run --example callback --features callback`. It listens on port 3000 under `/wx` and prints the address. In the
//! test below a simulator stands in for WeChat.

#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use std::{env, error::Error};

use axum::Router;
use xinqiao::callback::{Callback, Event, Message, Reply, SetupError};
use xinqiao::official_account::events::{event::Subscribe, message::Text};

/// The app: one address for the check and for everything that the platform pushes.
fn app(appid: &str, token: &str, aes_key: &str) -> Result<Router, SetupError> {
    let callback = Callback::builder(appid, token)
        .aes_key(aes_key)?
        .on(|Message(text): Message<Text>| async move { Reply::text(text.content) })
        .on(|Event(_): Event<Subscribe>| async { Reply::text("欢迎来喝咖啡") })
        .build();
    Ok(Router::new().route_service("/wx", callback))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (appid, token) = (env::var("WECHAT_APPID")?, env::var("WECHAT_TOKEN")?);
    let app = app(&appid, &token, &env::var("WECHAT_AES_KEY")?)?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("http://{}/wx", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use xinqiao_testkit::TestWorld;

    use super::*;

    #[tokio::test]
    async fn a_new_follower_is_greeted_and_text_is_echoed() {
        let world = TestWorld::start_seeded().await;
        let seeded = world.simulator().seeded();
        let (account, user) = (&seeded.accounts[0], &seeded.users[0]);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a port is free");
        let url = format!("http://{}/wx", listener.local_addr().expect("it listens"));
        let app = app(&account.appid, &account.token, &account.aes_key).expect("the key is right");
        let server = tokio::spawn(async move { axum::serve(listener, app).await });

        // Saving the address is the check.
        let settings = json!({
            "url": url, "token": account.token, "aes_key": account.aes_key, "mode": "safe",
        });
        let path = format!("/accounts/{}/callback", account.appid);
        world.must("PUT", &path, settings).await;
        for act in ["unfollow", "follow"] {
            let act = json!({"do": act, "account": account.appid});
            world.act(&user.id, act).await;
        }
        world.say(&user.id, &account.appid, "你好").await;
        let inbox = world.inbox(&user.id, &account.appid).await;
        let texts = serde_json::to_string(&inbox).expect("it is JSON");
        assert!(
            texts.contains("欢迎来喝咖啡") && texts.contains("你好"),
            "{texts}"
        );
        server.abort();
        world.shutdown().await;
    }
}
