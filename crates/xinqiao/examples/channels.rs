//! Channels (视频号小店): the shop's own data, typed, and a call by free JSON.
//!
//! Set `WECHAT_APPID` and `WECHAT_SECRET` to those of the shop, then
//! `cargo run --example channels --features channels`. It prints the shop's name and state, and how many
//! orders of the last day are waiting to be sent.

#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use std::{env, error::Error};

use serde_json::json;
use xinqiao::{
    channels::basics::InfoGet,
    types::{Clock as _, SystemClock},
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let shop = xinqiao::channels(env::var("WECHAT_APPID")?, env::var("WECHAT_SECRET")?);
    let answer = shop.send(InfoGet::new()).await?;
    println!("{}: {}", answer.info.nickname, answer.info.status);

    let now = SystemClock.unix().0;
    let waiting = json!({
        "create_time_range": {"start_time": now - 86_400, "end_time": now},
        "status": 20,
        "page_size": 10,
    });
    let orders = shop.call("channels.order.list_get", waiting).await?;
    let count = orders["order_id_list"].as_array().map_or(0, Vec::len);
    println!("{count} orders wait to be sent");
    Ok(())
}
