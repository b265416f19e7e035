//! Log-in on a page inside WeChat (网页授权), and the page's JS-SDK.
//!
//! Set `WECHAT_APPID` and `WECHAT_SECRET`, then `cargo run --example web_login`: it prints where to send the browser.
//! With the code that came back, `cargo run --example web_login -- CODE`, it prints who logged in and what the
//! page gives to `wx.config`.

#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use std::env;

use xinqiao::{
    Client, Error,
    jssdk::{Config, Signer, Ticket},
    oauth::{Authorize, Exchange, LogIn, Scope, Site, code_fault},
};

const DOMAIN: &str = "h5.example.com";

/// Where to send the browser.
fn log_in_page(appid: &str) -> Result<String, Error> {
    Authorize::new(Site::OfficialAccount, appid, "https://h5.example.com/back")
        .scope(Scope::Base)
        .state("a1")
        .domains([DOMAIN])
        .url()
}

/// Who came back. The same `Exchange` serves all requests, so that a reload is no second exchange.
async fn came_back(exchange: &Exchange, code: &str) -> Result<LogIn, String> {
    exchange
        .log_in(code)
        .await
        .map_err(|error| match code_fault(&error) {
            Some(fault) => fault.remedy().to_owned(),
            None => error.to_string(),
        })
}

/// What the page gives to `wx.config`.
async fn page_config(signer: &Signer, href: &str) -> Result<Config, Error> {
    signer.config(href).await
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let shop: Client =
        xinqiao::official_account(env::var("WECHAT_APPID")?, env::var("WECHAT_SECRET")?);
    let Some(code) = env::args().nth(1) else {
        println!("{}", log_in_page(shop.appid().as_str())?);
        return Ok(());
    };
    let exchange = Exchange::new(shop.clone());
    let user = came_back(&exchange, &code).await?;
    println!("{} logged in", user.openid.as_str());
    let signer = Signer::new(shop, Ticket::Page).domains([DOMAIN]);
    let config = page_config(&signer, "https://h5.example.com/?a=1#top").await?;
    println!("{}", config.to_json(&["chooseImage"]));
    Ok(())
}

#[cfg(test)]
mod tests {
    use xinqiao_testkit::TestWorld;

    use super::*;

    #[tokio::test]
    async fn a_page_is_signed() {
        let world = TestWorld::start_seeded().await;
        let account = &world.simulator().seeded().accounts[0];
        let shop = Client::builder(account.appid.as_str())
            .secret(account.secret.as_str())
            .endpoints(world.simulator().endpoints())
            .build()
            .expect("no option can fail");
        let signer = Signer::new(shop, Ticket::Page).domains([DOMAIN]);
        let config = page_config(&signer, "https://h5.example.com/?a=1#top").await;
        assert_eq!(config.expect("signed").url, "https://h5.example.com/?a=1");
        world.shutdown().await;
    }
}
