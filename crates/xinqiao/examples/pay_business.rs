//! Business pay (微企付): a payment between companies, by a QR code.
//!
//! Set `ENTPAY_PLATFORM_ID`, `ENTPAY_SERIAL` and `ENTPAY_TBEP_SERIAL` to what the operator's console shows, then
//! `cargo run --example pay_business --features pay-business -- platform_key.pem tbep_public_key.pem`. It
//! prints the payment's number and state.

#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use std::{env, error::Error, fs};

use xinqiao::{
    pay_business::{
        Platform,
        payments::{CreateQrCodePay, CreateQrCodePayNotifyUrl, Payee},
    },
    types::Fen,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut files = env::args().skip(1);
    let (Some(key), Some(operator_key)) = (files.next(), files.next()) else {
        return Err("give the platform's private key and the operator's public key".into());
    };
    let platform = Platform::new(
        env::var("ENTPAY_PLATFORM_ID")?,
        env::var("ENTPAY_SERIAL")?,
        &fs::read_to_string(key)?,
        env::var("ENTPAY_TBEP_SERIAL")?,
        &fs::read_to_string(operator_key)?,
    )?;
    let client = xinqiao::pay_business(platform)?;

    // The company's name travels encrypted; the client sees to it.
    let payee = Payee::new("100012345", "信桥咖啡有限公司");
    let notify = CreateQrCodePayNotifyUrl::new("https://shop.example.com/entpay/notify");
    let payment = CreateQrCodePay::new(
        "ENTERPRISE",
        "E2026020100001",
        Fen(100_000),
        "CNY",
        "2026-02-02T10:00:00+08:00",
        payee,
        notify,
    );
    let answer = client.send(payment).await?;
    println!("{}: {}", answer.payment_id, answer.pay_status);
    Ok(())
}
