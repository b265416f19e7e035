//! A third-party platform (第三方平台): ticket, grant, a call for an account.
//!
//! `cargo run --example open_platform --features open-platform -- APPID SECRET TICKET CODE`

use xinqiao::{Error, official_account::menu, open_platform::Component};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().unwrap_or_default();
    // A vault of your own keeps ticket and refresh tokens over restarts: `Component::with_vault`.
    let component = Component::new(next(), next());
    let platform = xinqiao::open_platform(&component);

    // From the push `component_verify_ticket`, every ten minutes.
    component.set_ticket(next()).await?;
    // From the redirect of the authorization page, or the push `authorized`.
    let grant = component.accept(&platform, &next()).await?;

    let shop = platform.with_authorizer(&component, grant.appid);
    let _ = shop.send(menu::Get::new()).await?;
    Ok(())
}
