//! WeCom (企业微信): an agent's message to a member, a member's log-in, and a third-party application.
//!
//! Set `WECOM_CORPID`, `WECOM_SECRET` and `WECOM_AGENT`, then `cargo run --example work --features work -- MEMBER [CODE]`,
//! with the code of a log-in page if there is one. It prints that the message was sent and who logged in.

#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use std::env;

use xinqiao::{
    Client, Environment, Error,
    work::{
        Suite, message,
        oauth::{self, Visitor},
    },
};

/// A member gets a text from an agent.
async fn remind(corp: &Client, agent: i64, member: &str) -> Result<(), Error> {
    let message = message::Send::text(agent, "十点开会").user(member);
    corp.send(message).await.map(|_| ())
}

/// A corp has installed the application: from now on it acts for the corp.
pub async fn installed(suite: &Suite, ticket: &str, auth_code: &str) -> Result<Client, Error> {
    let application = xinqiao::work_suite(suite);
    suite.set_ticket(ticket).await?;
    let corp = suite.accept(&application, auth_code).await?;
    Ok(application.with_corp(suite, corp))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = env::args().skip(1);
    let member = arguments.next().ok_or("give the userid of a member")?;
    let corp = Environment::process().corp()?.build()?;
    remind(&corp, env::var("WECOM_AGENT")?.parse()?, &member).await?;
    println!("sent to {member}");

    // Where to send the browser: `oauth::Authorize` with `Site::Work`.
    if let Some(code) = arguments.next() {
        match oauth::visitor(&corp, &code).await? {
            // The ticket comes with consent only, and is good for half an hour.
            Visitor::Member {
                userid,
                user_ticket: Some(ticket),
                ..
            } => {
                let shown = oauth::member(&corp, &ticket).await?;
                println!(
                    "{userid} shows a phone number: {}",
                    !shown.mobile.is_empty()
                );
            }
            Visitor::Member { userid, .. } => println!("{userid} logged in"),
            other => println!("{other:?}"),
        }
    }
    Ok(())
}
