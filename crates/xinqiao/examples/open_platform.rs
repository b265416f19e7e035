//! A third-party platform (第三方平台): ticket, grant, a call for an account.
//!
//! Set `WECHAT_COMPONENT_APPID` and `WECHAT_COMPONENT_SECRET`, then
//! `cargo run --example open_platform --features open-platform -- TICKET CODE`, with the newest verify ticket and
//! the code of a grant. It prints the account that granted and what it granted.

#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use std::{env, error::Error};

use xinqiao::{official_account::menu, open_platform::Component};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let (Some(ticket), Some(code)) = (arguments.next(), arguments.next()) else {
        return Err("give the verify ticket and the code of a grant".into());
    };
    // A vault of your own keeps ticket and refresh tokens over restarts: `Component::with_vault`.
    let component = Component::new(
        env::var("WECHAT_COMPONENT_APPID")?,
        env::var("WECHAT_COMPONENT_SECRET")?,
    );
    let platform = xinqiao::open_platform(&component);

    // From the push `component_verify_ticket`, every ten minutes.
    component.set_ticket(ticket).await?;
    // From the redirect of the authorization page, or the push `authorized`.
    let grant = component.accept(&platform, &code).await?;
    println!("{grant:?}");

    let shop = platform.with_authorizer(&component, grant.appid);
    let live = shop.send(menu::Get::new()).await?;
    println!("{} buttons", live.menu.button.len());
    Ok(())
}
