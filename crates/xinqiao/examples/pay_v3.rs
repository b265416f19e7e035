//! Places an order in a page (JSAPI), gives the page what it needs to pay, refunds a part, and takes notices.
//!
//! `cargo run --example pay_v3 -- apiclient_key.pem pub_key.pem` with the numbers below replaced.

use std::{env, error::Error, fs};

use xinqiao::{
    Client,
    pay_v3::{
        Merchant,
        base::RefundsAmount,
        invoke, notify, pay,
        pay::transactions::Jsapi,
        refund::domestic::Refunds,
        refund_policy::{Source, refund},
    },
    types::{Fen, OpenId},
};

const APPID: &str = "wxd678efh567hg6787";
const MCHID: &str = "1900000109";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut files = env::args().skip(1);
    let (Some(key), Some(public_key)) = (files.next(), files.next()) else {
        return Err("give the merchant's private key and WeChat Pay's public key".into());
    };
    let serial = "7A11F09EFDC096DE15EBE81A47057A7232F1B8E1";
    let merchant = Merchant::new(
        MCHID,
        serial,
        &fs::read_to_string(key)?,
        "the APIv3 key, 32 bytes of it",
    )?
    .with_public_key("PUB_KEY_ID_…", &fs::read_to_string(public_key)?)?;
    let client = xinqiao::pay_v3(merchant)?;

    let page = order(&client, OpenId::new("oUpF8uMuAJO_M2pxb1Q9zNjWeS6o")).await?;
    fs::write("pay.json", page)?;
    let answer = give_back(&client).await?;
    fs::write("refund.json", answer)?;
    Ok(())
}

/// Places an order; gives what the page hands to `WeixinJSBridge`.
async fn order(client: &Client, openid: OpenId) -> Result<String, xinqiao::Error> {
    let amount = pay::Amount::new(Fen(100));
    let payer = pay::JsapiPayerItem::new(openid);
    let order = Jsapi::new(MCHID, APPID, "一杯咖啡", "T2026020100001", amount, payer)
        .notify_url("https://shop.example.com/wxpay/notify");
    let answer = client.send(order).await?;
    let page = invoke::jsapi(client, APPID, &answer.prepay_id).await?;
    Ok(page.to_json().to_string())
}

/// Refunds a part; the balance helps out if today's takings do not suffice.
async fn give_back(client: &Client) -> Result<String, xinqiao::Error> {
    let amount = RefundsAmount::new(Fen(100), Fen(40), "CNY");
    let request = Refunds::new("R2026020100001", amount).out_trade_no("T2026020100001");
    let answer = refund(client, request, Source::UnsettledThenAvailable).await?;
    Ok(answer.status)
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
