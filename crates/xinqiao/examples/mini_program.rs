//! A mini program's server: log-in, phone number, subscription message.
//!
//! `cargo run --example mini_program -- APPID SECRET CODE`, with the code of `wx.login`.

use xinqiao::{
    Error,
    mini_program::{message::subscribe, session},
};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().unwrap_or_default();
    let program = xinqiao::mini_program(next(), next());
    let user = session::login(&program, &next()).await?;
    session::check(&program, &user.openid, &user.key).await?;

    // The page sends the code of its phone-number button, if it has one.
    if let Some(code) = std::env::args().nth(4) {
        let phone = session::phone_number(&program, &code).await?;
        assert!(!phone.pure.is_empty());
    }
    let ready = subscribe::Send::to(user.openid, "template")
        .field("thing1", "手冲")
        .field("time2", "10:00")
        .page("pages/order");
    let _ = program.send(ready).await?;
    Ok(())
}
