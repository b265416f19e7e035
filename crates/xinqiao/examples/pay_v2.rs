//! Asks for an order and refunds it, with the APIv2 key and the client certificate.
//!
//! `cargo run --example pay_v2 -- apiclient_cert.p12` with the numbers below replaced.

use std::{env, error::Error, fs};

use xinqiao::{
    pay_v2::{
        Identity, Merchant, notify,
        pay::Orderquery,
        refund_policy::{Source, refund},
        secapi::pay::Refund,
    },
    types::Fen,
};

const APPID: &str = "wxd678efh567hg6787";
const MCHID: &str = "1900000109";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let Some(file) = env::args().nth(1) else {
        return Err("give the merchant's .p12 file".into());
    };
    let identity = Identity::from_pkcs12(&fs::read(file)?, MCHID)?;
    let merchant = Merchant::new(MCHID, "the APIv2 key").with_identity(identity);
    let client = xinqiao::pay_v2(merchant)?;

    // The client fills in number, nonce and signature where they are empty.
    let query = Orderquery::new("", APPID, "", "").out_trade_no("T2026020100002");
    let order = client.send(query).await?;
    fs::write("order.txt", format!("{order:?}"))?;

    let request = Refund::new("", APPID, "", "", "R2026020100002", Fen(100), Fen(40))
        .out_trade_no("T2026020100002");
    let answer = refund(&client, request, Source::UnsettledThenAvailable).await?;
    fs::write("refund.txt", format!("{answer:?}"))?;
    Ok(())
}

/// What the web server behind `notify_url` answers.
pub fn notice(merchant: &Merchant, body: &[u8]) -> &'static str {
    match notify::payment(merchant, body) {
        // Store the notice, answer, and work on it afterwards.
        Ok(_notice) => notify::SUCCESS,
        Err(_) => notify::FAIL,
    }
}
