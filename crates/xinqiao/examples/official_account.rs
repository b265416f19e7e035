//! A service account (公众号): a menu, and customer messages to a user who has written.
//!
//! Set `WECHAT_APPID` and `WECHAT_SECRET`, then `cargo run --example official_account -- OPENID`. It prints how many
//! buttons the menu has. In the test below a simulator stands in for WeChat.

#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use std::env;

use xinqiao::{
    Client,
    official_account::{
        menu::{self, Button},
        message::custom,
    },
    types::OpenId,
};

/// Puts up a menu and greets a user who has written within two days.
async fn greet(shop: &Client, openid: OpenId) -> Result<usize, Box<dyn std::error::Error>> {
    let menu = menu::Create::checked([
        Button::click("今日特价", "TODAY"),
        Button::folder(
            "更多",
            [Button::view("网上商店", "https://shop.example.com/")],
        ),
    ])?;
    shop.send(menu).await?;
    shop.send(custom::Send::text(openid.clone(), "欢迎来喝咖啡"))
        .await?;
    let choices = [("1", "手冲"), ("2", "拿铁")];
    shop.send(custom::Send::menu(
        openid,
        "想喝什么？",
        choices,
        "点一下就好",
    ))
    .await?;
    let live = shop.send(menu::Get::new()).await?;
    Ok(live.menu.button.len())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let openid = env::args().nth(1).ok_or("give the openid of a user")?;
    let shop = Client::from_env()?;
    println!("{} buttons", greet(&shop, OpenId::from(openid)).await?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use xinqiao_testkit::TestWorld;

    use super::*;

    #[tokio::test]
    async fn a_user_is_greeted() {
        let world = TestWorld::start_seeded().await;
        let seeded = world.simulator().seeded();
        let (account, user) = (&seeded.accounts[0], &seeded.users[0]);
        world.say(&user.id, &account.appid, "你好").await;
        let shop = Client::builder(account.appid.as_str())
            .secret(account.secret.as_str())
            .endpoints(world.simulator().endpoints())
            .build()
            .expect("no option can fail");
        let openid = OpenId::from(user.openids[&account.appid].as_str());
        assert_eq!(greet(&shop, openid).await.expect("it is allowed"), 2);
        let inbox = world.inbox(&user.id, &account.appid).await;
        let texts = serde_json::to_string(&inbox).expect("it is JSON");
        assert!(
            texts.contains("欢迎来喝咖啡") && texts.contains("手冲"),
            "{texts}"
        );
        world.shutdown().await;
    }
}
