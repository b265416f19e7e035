//! Log-in on a page inside WeChat, and the page's JS-SDK.
//!
//! `cargo run --example web_login -- APPID SECRET CODE`, with the code that came back.

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
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().unwrap_or_default();
    let shop: Client = xinqiao::official_account(next(), next());
    let page = log_in_page(shop.appid().as_str())?;
    assert!(page.starts_with("https://"));
    let exchange = Exchange::new(shop.clone());
    came_back(&exchange, &next()).await?;
    let signer = Signer::new(shop, Ticket::Page).domains([DOMAIN]);
    page_config(&signer, "https://h5.example.com/?a=1#top").await?;
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
