use serde_json::{Value, json};

use crate::{
    account::{Connected, is_connected},
    appid, element, events,
};

/// A service account with a person: the calls of its notices.
struct Board(Connected);
is_connected!(Board);

impl Board {
    async fn open() -> Self {
        Self(Connected::open().await)
    }

    async fn added(&self) -> String {
        let lines = json!({"tid": "99", "kidList": [1, 2], "sceneDesc": "付款"});
        let made = self.call("/wxaapi/newtmpl/addtemplate", lines).await;
        made["priTmplId"].as_str().unwrap().to_owned()
    }

    async fn answer(&self, template: &str, answer: &str, settings: bool) {
        let act = json!({
            "do": "subscribe", "account": appid(&self.account), "templates": {template: answer},
            "settings": settings,
        });
        self.world.act(&self.user, act).await;
    }

    async fn send(&self, template: &str, amount: &str) -> Value {
        let body = json!({
            "touser": self.openid(&self.user).await, "template_id": template, "page": "http://shop.example/2",
            "data": {"thing1": {"value": "绿茶"}, "amount2": {"value": amount}},
        });
        self.call("/cgi-bin/message/subscribe/bizsend", body).await
    }
}

#[tokio::test]
async fn the_library_of_notices_is_told() {
    let board = Board::open().await;
    let path = "/wxaapi/newtmpl/getcategory";
    let category = board.call(path, Value::Null).await["data"][0]["id"].clone();
    let path = format!("/wxaapi/newtmpl/getpubtemplatetitles?ids={category}&start=0&limit=1");
    let titles = board.call(&path, Value::Null).await;
    assert_eq!(titles["data"].as_array().unwrap().len(), 1);
    assert_eq!(titles["data"][0]["tid"], 99);
    assert_eq!(titles["count"], 2);
    let path = "/wxaapi/newtmpl/getpubtemplatekeywords?tid=99";
    let lines = board.call(path, Value::Null).await;
    assert_eq!(lines["data"][1]["rule"], "amount");
    let path = "/wxaapi/newtmpl/getpubtemplatekeywords?tid=1";
    let none = board.call(path, Value::Null).await;
    assert_eq!(none["errcode"], 200014, "{none}");
}

#[tokio::test]
async fn templates_of_notices_are_added_listed_and_deleted() {
    let board = Board::open().await;
    let id = board.added().await;
    let list = board.call("/wxaapi/newtmpl/gettemplate", Value::Null).await;
    assert_eq!(list["data"][0]["priTmplId"], json!(id));
    assert_eq!(
        list["data"][0]["content"],
        "商品名称:{{thing1.DATA}}\n付款金额:{{amount2.DATA}}\n"
    );
    let wrong = json!({"tid": "99", "kidList": [1, 77], "sceneDesc": "付款"});
    let answer = board.call("/wxaapi/newtmpl/addtemplate", wrong).await;
    assert_eq!(answer["errcode"], 200020, "{answer}");
    let gone = json!({"priTmplId": id});
    board
        .call("/wxaapi/newtmpl/deltemplate", gone.clone())
        .await;
    let again = board.call("/wxaapi/newtmpl/deltemplate", gone).await;
    assert_eq!(again["errcode"], 40037, "{again}");
}

#[tokio::test]
async fn a_notice_needs_a_consent_and_uses_it_up() {
    let board = Board::open().await;
    let id = board.added().await;
    let before = board.send(&id, "¥30.00").await;
    assert_eq!(before["errcode"], 43101, "{before}");
    board.answer(&id, "accept", false).await;
    let popup = events(&board.app, "subscribe_msg_popup_event", 1).await;
    assert_eq!(element(&popup[0], "TemplateId"), id);
    assert_eq!(element(&popup[0], "SubscribeStatusString"), "accept");
    let wrong = board.send(&id, "三十").await;
    assert_eq!(wrong["errcode"], 47003, "{wrong}");
    assert!(
        wrong["errmsg"]
            .as_str()
            .unwrap()
            .contains("data.amount2.value invalid")
    );
    let sent = board.send(&id, "¥30.00").await;
    assert_eq!(sent["errcode"], 0, "{sent}");
    let again = board.send(&id, "¥30.00").await;
    assert_eq!(
        again["errcode"], 43101,
        "one consent is one message: {again}"
    );
    let item = board
        .world
        .inbox(&board.user, appid(&board.account))
        .await
        .pop()
        .unwrap();
    assert_eq!(
        (&item["via"], &item["title"]),
        (&json!("subscribe"), &json!("付款成功通知"))
    );
    assert_eq!(
        item["lines"][1],
        json!({"name": "付款金额", "value": "¥30.00"})
    );
    board.world.advance(2).await;
    let told = events(&board.app, "subscribe_msg_sent_event", 1).await;
    assert_eq!(element(&told[0], "ErrorStatus"), "success");
}

#[tokio::test]
async fn a_refusal_in_the_settings_takes_the_consent_back() {
    let board = Board::open().await;
    let id = board.added().await;
    board.answer(&id, "accept", false).await;
    board.answer(&id, "reject", true).await;
    let told = events(&board.app, "subscribe_msg_change_event", 1).await;
    assert_eq!(element(&told[0], "SubscribeStatusString"), "reject");
    let answer = board.send(&id, "¥30.00").await;
    assert_eq!(answer["errcode"], 43101, "{answer}");
    let path = format!("/users/{}/actions", board.user);
    let act =
        json!({"do": "subscribe", "account": appid(&board.account), "templates": {"no": "accept"}});
    let (status, _) = board.world.control("POST", &path, act).await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn one_message_follows_one_consent() {
    let board = Board::open().await;
    let account = board
        .world
        .get(&format!("/accounts/{}", appid(&board.account)))
        .await;
    let leave = json!({"do": "unfollow", "account": appid(&board.account)});
    board.world.act(&board.user, leave).await;
    let openid = board.openid(&board.user).await;
    let template = account["once_template_id"].clone();
    let body = json!({
        "touser": openid, "template_id": template, "url": "http://shop.example/3", "scene": "7",
        "title": "到货了", "data": {"content": {"value": "您要的绿茶", "color": "#000000"}},
    });
    let send = async |body: Value| {
        board
            .call("/cgi-bin/message/template/subscribe", body)
            .await
    };
    assert_eq!(send(body.clone()).await["errcode"], 43101);
    let confirm = json!({
        "do": "confirm_once", "account": appid(&board.account), "scene": 7,
        "redirect_url": "http://shop.example/back?a=1", "reserved": "r 1",
    });
    let done = board.world.act(&board.user, confirm).await;
    let back = done["final_url"].as_str().unwrap();
    assert!(back.starts_with("http://shop.example/back?a=1&"), "{back}");
    assert!(
        back.contains("action=confirm") && back.contains("reserved=r%201"),
        "{back}"
    );
    let mut other = body.clone();
    other["scene"] = json!("8");
    assert_eq!(send(other).await["errcode"], 43101, "another scene");
    let sent = send(body.clone()).await;
    assert_eq!(sent["errcode"], 0, "{sent}");
    assert_eq!(send(body.clone()).await["errcode"], 43101);
    let item = board
        .world
        .inbox(&board.user, appid(&board.account))
        .await
        .pop()
        .unwrap();
    assert_eq!(
        (&item["via"], &item["title"]),
        (&json!("subscribe"), &json!("到货了"))
    );
    let mut long = body;
    long["title"] = json!("一二三四五六七八九十一二三四五六");
    assert_eq!(send(long).await["errcode"], 45003);
}
