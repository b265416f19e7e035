//! WeChat Pay with the APIv2 key (微信支付 v2): charges a customer's code at the till, then refunds a part.
//!
//! Set `WECHAT_PAY_MCHID`, `WECHAT_PAY_V2_KEY` and `WECHAT_APPID`, then
//! `cargo run --example pay_v2 -- apiclient_cert.p12 CODE`, with the code that the till has scanned. It prints how
//! the payment ended and the number of the refund.

#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use std::{env, error::Error, fs, time::Duration};

use xinqiao::{
    pay_v2::{
        Identity, Merchant,
        code_payment::{self, Outcome},
        notify,
        pay::MicroPay,
        refund_policy::{Source, refund},
        sec_api::pay::Refund,
    },
    types::Fen,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let (Some(file), Some(code)) = (arguments.next(), arguments.next()) else {
        return Err("give the merchant's .p12 file and a customer's code".into());
    };
    let (mchid, appid) = (env::var("WECHAT_PAY_MCHID")?, env::var("WECHAT_APPID")?);
    let identity = Identity::from_pkcs12(&fs::read(file)?, &mchid)?;
    let merchant = Merchant::new(mchid, env::var("WECHAT_PAY_V2_KEY")?).with_identity(identity);
    let client = xinqiao::pay_v2(merchant)?;

    // The client fills in number, nonce and signature where they are empty. A customer may have to type a
    // password: the order is asked for until it is paid, or reversed when the time is up.
    let number = "T2026020100002";
    let order = MicroPay::new(
        "",
        appid.as_str(),
        "",
        "",
        "一杯咖啡",
        number,
        Fen(100),
        code,
        "127.0.0.1",
    );
    match code_payment::pay(&client, order, Duration::from_secs(40)).await? {
        Outcome::Paid { transaction_id } => println!("paid: {transaction_id}"),
        other => {
            println!("not paid: {other:?}");
            return Ok(());
        }
    }

    let request =
        Refund::new("", appid, "", "", "R2026020100002", Fen(100), Fen(40)).out_trade_no(number);
    let answer = refund(&client, request, Source::UnsettledThenAvailable).await?;
    println!("refund {}", answer.refund_id);
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
