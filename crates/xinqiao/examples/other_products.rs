//! Channels (视频号) by free JSON, with an account's token; marketing by a token that the caller keeps.
//!
//! `cargo run --example other_products --features ads,channels,chatbot -- APPID SECRET MARKETING_TOKEN`

use serde_json::json;
use xinqiao::{Client, Error, token::StaticToken};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().unwrap_or_default();
    let shop = Client::new(next(), next());
    let _ = shop.call("channels.basics.info_get", json!({})).await?;

    let tokens = StaticToken::new(next());
    let _marketing = Client::builder("marketing").tokens(tokens).build()?;
    Ok(())
}
