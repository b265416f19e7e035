//! Cross-border pay (境外支付): an order whose QR code the customer scans.
//!
//! Set `WECHAT_PAY_MCHID`, `WECHAT_PAY_SERIAL`, `WECHAT_PAY_V3_KEY` and `WECHAT_APPID`, then
//! `cargo run --example pay_global --features pay-global -- apiclient_key.pem`. It prints the text of the code.

#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use std::{env, error::Error, fs};

use xinqiao::pay_global::{
    Merchant,
    transactions::{AmountInfo, CreateNative},
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let key = env::args()
        .nth(1)
        .ok_or("give the merchant's private key")?;
    let mchid = env::var("WECHAT_PAY_MCHID")?;
    let merchant = Merchant::new(
        mchid.as_str(),
        env::var("WECHAT_PAY_SERIAL")?,
        &fs::read_to_string(key)?,
        env::var("WECHAT_PAY_V3_KEY")?,
    )?;
    let client = xinqiao::pay_global(merchant)?;

    // Amounts are in the smallest unit of the currency; the category code is the shop's.
    let amount = AmountInfo::new(1000, "HKD");
    let order = CreateNative::new(
        "A cup of coffee",
        "G2026020100001",
        "NATIVE",
        amount,
        "5812",
    )
    .mchid(mchid)
    .appid(env::var("WECHAT_APPID")?)
    .notify_url("https://shop.example.com/wxpay/notify");
    let answer = client.send(order).await?;
    println!("{}", answer.code_url);
    Ok(())
}
