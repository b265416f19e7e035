//! A mini program's server (小程序): log-in, phone number, subscription message.
//!
//! Set `WECHAT_APPID` and `WECHAT_SECRET`, then `cargo run --example mini_program -- CODE [PHONE_CODE]`, with the
//! code of `wx.login` and, if the page has a phone-number button, its code. It prints who logged in, and the
//! country of the phone number.

#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use std::{env, error::Error};

use xinqiao::mini_program::{message::subscribe, session};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let program = xinqiao::mini_program(env::var("WECHAT_APPID")?, env::var("WECHAT_SECRET")?);
    let mut codes = env::args().skip(1);
    let code = codes.next().ok_or("give the code of `wx.login`")?;

    // The session key stays on the server: keep it by user, and hand out a session of your own.
    let user = session::login(&program, &code).await?;
    println!("{} logged in", user.openid.as_str());

    // It is not the code of `wx.login`.
    if let Some(code) = codes.next() {
        let phone = session::phone_number(&program, &code).await?;
        println!("has a phone number of country {}", phone.country);
    }

    // Only a user who agreed to this template, once for every message, gets it; 43101 otherwise.
    let ready = subscribe::Send::to(user.openid, "template id")
        .field("thing1", "手冲")
        .field("time2", "10:00")
        .page("pages/order");
    program.send(ready).await?;
    println!("told");
    Ok(())
}
