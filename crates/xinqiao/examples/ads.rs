//! Marketing API (广告): how much money is in the advertiser's accounts.
//!
//! Set `WECHAT_APPID` and `WECHAT_SECRET` to those of the account that advertises, then
//! `cargo run --example ads --features ads`. It prints the fund accounts as JSON.

#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use std::{env, error::Error};

use serde_json::json;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let advertiser = xinqiao::ads(env::var("WECHAT_APPID")?, env::var("WECHAT_SECRET")?);
    let funds = advertiser.call("ads.funds.get", json!({})).await?;
    println!("{:#}", funds["data"]);
    Ok(())
}
