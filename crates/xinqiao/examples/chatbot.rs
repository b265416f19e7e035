//! Chatbot (微信对话开放平台): asks a bot.
//!
//! Set `CHATBOT_APPID` and `CHATBOT_TOKEN` as the bot's page shows them, and `CHATBOT_ACCOUNT` to its manager;
//! then `cargo run --example chatbot --features chatbot -- 今天营业吗`. It prints the answer and the skill that
//! gave it.

#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use std::{env, error::Error};

use xinqiao::chatbot::{Chatbot, v2::bot::Query};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let bot = Chatbot::new(
        env::var("CHATBOT_APPID")?,
        env::var("CHATBOT_TOKEN")?,
        env::var("CHATBOT_ACCOUNT")?,
    );
    let question = env::args().nth(1).ok_or("give a question")?;
    // The access token is fetched, kept and renewed by the client; every call is signed.
    let client = xinqiao::chatbot(&bot);
    let answer = client.send(Query::new(question, "online")).await?;
    if let Some(data) = answer.data {
        println!("{} ({})", data.answer, data.skill_name.unwrap_or_default());
    }
    Ok(())
}
