//! WeChat Pay, APIv3 (微信支付): an order in a page, what the page needs to pay, a refund, notices, a bill.
//!
//! Set `WECHAT_PAY_MCHID`, `WECHAT_PAY_SERIAL`, `WECHAT_PAY_V3_KEY`, `WECHAT_PAY_PUBLIC_KEY_ID` and `WECHAT_APPID`, then
//! `cargo run --example pay_v3 -- apiclient_key.pem pub_key.pem OPENID`. It prints what the page hands to
//! `WeixinJSBridge`. The other functions show what belongs to a shop beside that.

#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use std::{env, error::Error, fs};

use xinqiao::{
    Client,
    pay_v3::{
        Merchant,
        base::RefundAmount,
        bill::GetTradeBill,
        bill_file, invoke, notify, pay,
        pay::transactions::CreateJsapi,
        refund::domestic,
        refund_policy::{Source, refund},
        types::RefundStatus,
    },
    types::{Fen, OpenId},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let (Some(key), Some(public_key), Some(openid)) =
        (arguments.next(), arguments.next(), arguments.next())
    else {
        return Err(
            "give the merchant's private key, WeChat Pay's public key, and an openid".into(),
        );
    };
    let merchant = Merchant::new(
        env::var("WECHAT_PAY_MCHID")?,
        env::var("WECHAT_PAY_SERIAL")?,
        &fs::read_to_string(key)?,
        env::var("WECHAT_PAY_V3_KEY")?,
    )?
    .with_public_key(
        env::var("WECHAT_PAY_PUBLIC_KEY_ID")?,
        &fs::read_to_string(public_key)?,
    )?;
    let client = xinqiao::pay_v3(merchant)?;
    let page = order(&client, &env::var("WECHAT_APPID")?, OpenId::new(openid)).await?;
    println!("{page}");
    Ok(())
}

/// Places an order; gives what the page hands to `WeixinJSBridge`.
async fn order(client: &Client, appid: &str, openid: OpenId) -> Result<String, Box<dyn Error>> {
    let mchid = client
        .merchant()
        .ok_or("the client has no merchant")?
        .mchid();
    let amount = pay::Amount::new(Fen(100));
    let payer = pay::CreateJsapiPayerItem::new(openid);
    let order = CreateJsapi::new(
        mchid.clone(),
        appid,
        "一杯咖啡",
        "T2026020100001",
        amount,
        payer,
    )
    .notify_url("https://shop.example.com/wxpay/notify");
    let answer = client.send(order.clone()).await?;
    let page = invoke::jsapi(client, &order, &answer).await?;
    Ok(page.to_json().to_string())
}

/// Refunds a part; the balance helps out if today's takings do not suffice.
pub async fn give_back(client: &Client) -> Result<RefundStatus, xinqiao::Error> {
    let amount = RefundAmount::new(Fen(100), Fen(40), "CNY");
    let request = domestic::Create::new("R2026020100001", amount).out_trade_no("T2026020100001");
    let answer = refund(client, request, Source::UnsettledThenAvailable).await?;
    Ok(answer.status)
}

/// Saves yesterday's bill, unpacked, if its hash is right; gives its length.
pub async fn bill(client: &Client, date: &str, path: &str) -> Result<u64, Box<dyn Error>> {
    match bill_file::ticket(client, GetTradeBill::new(date)).await? {
        Some(ticket) => Ok(bill_file::save(client, &ticket, path).await?),
        // Nothing happened on that day.
        None => Ok(0),
    }
}

/// What the web server behind `notify_url` does: status and body to answer with.
pub async fn notice(
    client: &Client,
    headers: &http::HeaderMap,
    body: &[u8],
) -> (u16, &'static str) {
    match notify::open(client, headers, body).await {
        // Store the notice by its id, answer, and work on it afterwards.
        Ok(_notice) => (200, notify::SUCCESS),
        Err(error) => (error.status(), notify::FAIL),
    }
}
