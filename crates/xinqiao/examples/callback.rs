//! Receives callbacks (消息推送) in an axum app: text is echoed, a new follower is greeted.
//!
//! Set `WECHAT_APPID`, `WECHAT_TOKEN` and `WECHAT_AES_KEY` to those of the account's page 服务器配置, then
//! `cargo run --example callback --features callback`. It listens on port 3000 under `/wx` and prints the address.

#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use std::{env, error::Error};

use xinqiao::callback::{Callback, Event, Message, Reply};
use xinqiao::official_account::events::{event::Subscribe, message::Text};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let callback = Callback::builder(env::var("WECHAT_APPID")?, env::var("WECHAT_TOKEN")?)
        .aes_key(&env::var("WECHAT_AES_KEY")?)?
        .on(|Message(text): Message<Text>| async move { Reply::text(text.content) })
        .on(|Event(_): Event<Subscribe>| async { Reply::text("欢迎来喝咖啡") })
        .build();
    let app = axum::Router::new().route_service("/wx", callback);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("http://{}/wx", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}
