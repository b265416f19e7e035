//! A service account: a menu, a customer message, a template message.
//!
//! `cargo run --example official_account -- APPID SECRET OPENID`, against WeChat; a simulator stands in for
//! it in the test below.

use xinqiao::{
    Client, Error,
    official_account::{
        menu::{self, Button},
        message::custom,
    },
    types::OpenId,
};

/// Puts up a menu and greets a user who has written within two days.
async fn greet(shop: &Client, openid: OpenId) -> Result<usize, Error> {
    let menu = menu::Create::checked([
        Button::click("今日特价", "TODAY"),
        Button::folder(
            "更多",
            [Button::view("网上商店", "https://shop.example.com/")],
        ),
    ]);
    let menu = menu.expect("these names are short enough");
    let _ = shop.send(menu).await?;
    let _ = shop
        .send(custom::Send::text(openid.clone(), "欢迎来喝咖啡"))
        .await?;
    let choices = [("1", "手冲"), ("2", "拿铁")];
    let _ = shop
        .send(custom::Send::menu(
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
async fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().unwrap_or_default();
    let shop = xinqiao::official_account(next(), next());
    greet(&shop, OpenId::from(next())).await.map(|_| ())
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
