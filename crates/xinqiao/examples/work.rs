//! WeCom (企业微信): an agent's message to a member, and a third-party application.
//!
//! `cargo run --example work --features work -- CORPID SECRET AGENT MEMBER`

use xinqiao::{
    Client, Error,
    work::{Suite, message},
};

/// A member gets a text from an agent.
async fn remind(corp: &Client, agent: i64, member: &str) -> Result<(), Error> {
    let message = message::Send::text(agent, "十点开会").to_user(member);
    corp.send(message).await.map(|_| ())
}

/// A corp has installed the application: from now on it acts for the corp.
async fn installed(suite: &Suite, ticket: &str, auth_code: &str) -> Result<Client, Error> {
    let application = xinqiao::work_suite(suite);
    suite.set_ticket(ticket).await?;
    let corp = suite.accept(&application, auth_code).await?;
    Ok(application.with_corp(suite, corp))
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let at = |index: usize| arguments.get(index).map(String::as_str).unwrap_or_default();
    let agent = at(2).parse().unwrap_or_default();
    remind(&xinqiao::work(at(0), at(1)), agent, at(3)).await?;
    if arguments.len() > 6 {
        let suite = Suite::new(at(4), at(5));
        let corp = installed(&suite, at(6), at(7)).await?;
        remind(&corp, agent, at(3)).await?;
    }
    Ok(())
}
