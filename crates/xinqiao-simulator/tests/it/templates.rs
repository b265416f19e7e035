use serde_json::{Value, json};

use crate::{
    account::{Connected, is_connected},
    appid, element, events,
};

/// An account with a follower: the calls of its templates.
struct Desk(Connected);
is_connected!(Desk);

impl Desk {
    async fn open() -> Self {
        Self(Connected::open().await)
    }

    /// The order template of the library, added to the account.
    async fn added(&self) -> String {
        let short = json!({"template_id_short": "TM00015"});
        let made = self.call("template/api_add_template", short).await;
        made["template_id"].as_str().unwrap().to_owned()
    }

    async fn send(&self, template: &str, more: Value) -> Value {
        let mut body = json!({
            "touser": self.openid(&self.user).await, "template_id": template, "url": "http://shop.example/1",
            "data": {
                "first": {"value": "您好"}, "orderMoneySum": {"value": "30.00元", "color": "#FF0000"},
                "orderProductName": {"value": "一二三四五六七八九十一二三四五六七八九十多"},
            },
        });
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        self.call("message/template/send", body).await
    }

    /// What became of so many messages, as the app was told: number and status.
    async fn finished(&self, times: usize) -> Vec<(String, String)> {
        self.world.advance(2).await;
        let told = events(&self.app, "TEMPLATESENDJOBFINISH", times).await;
        let text = |body: &str, name| element(body, name).to_owned();
        { told.iter() }
            .map(|body| (text(body, "MsgID"), text(body, "Status")))
            .collect()
    }
}

#[tokio::test]
async fn industries_are_chosen_once_a_month() {
    let desk = Desk::open().await;
    let path = desk.path("template/get_industry");
    let none = desk.world.call(&path, Value::Null).await;
    assert_eq!(none["primary_industry"]["first_class"], "");
    let set = |one: &str, two: &str| json!({"industry_id1": one, "industry_id2": two});
    let answer = desk.call("template/api_set_industry", set("1", "16")).await;
    assert_eq!(answer, json!({"errcode": 0, "errmsg": "ok"}));
    let told = desk.world.call(&path, Value::Null).await;
    assert_eq!(
        told,
        json!({
            "primary_industry": {"first_class": "IT科技", "second_class": "互联网|电子商务"},
            "secondary_industry": {"first_class": "教育", "second_class": "培训"},
        })
    );
    let again = desk.call("template/api_set_industry", set("2", "3")).await;
    assert_eq!(again["errcode"], 43100, "{again}");
    desk.world.advance(32 * 86_400).await;
    let token = desk.world.token(&desk.account).await;
    let path = format!("/cgi-bin/template/api_set_industry?access_token={token}");
    let wrong = desk.world.call(&path, set("1", "42")).await;
    assert_eq!(wrong["errcode"], 40102, "{wrong}");
}

#[tokio::test]
async fn templates_are_added_listed_and_deleted() {
    let desk = Desk::open().await;
    let id = desk.added().await;
    assert_eq!(id.len(), 43);
    let path = desk.path("template/get_all_private_template");
    let list = desk.world.call(&path, Value::Null).await;
    let list = list["template_list"].as_array().unwrap();
    assert_eq!(list.len(), 1);
    assert_eq!(
        (&list[0]["template_id"], &list[0]["title"]),
        (&json!(id), &json!("订单支付成功"))
    );
    assert!(
        list[0]["content"]
            .as_str()
            .unwrap()
            .contains("{{orderMoneySum.DATA}}")
    );
    let unknown = json!({"template_id_short": "TM99999"});
    let answer = desk.call("template/api_add_template", unknown).await;
    assert_eq!(answer["errcode"], 40037, "{answer}");
    let chosen =
        json!({"template_id_short": "43216", "keyword_name_list": ["支付金额", "商品名称"]});
    let answer = desk.call("template/api_add_template", chosen).await;
    assert_eq!(answer["errcode"].as_i64().unwrap_or(0), 0, "{answer}");
    let list = desk.world.call(&path, Value::Null).await;
    assert_eq!(
        list["template_list"][1]["content"],
        "支付金额：{{amount3.DATA}}\n商品名称：{{thing2.DATA}}"
    );
    let gone = json!({"template_id": id});
    let answer = desk
        .call("template/del_private_template", gone.clone())
        .await;
    assert_eq!(answer["errcode"], 0);
    let answer = desk.call("template/del_private_template", gone).await;
    assert_eq!(answer["errcode"], 40037);
    for _ in 1..25 {
        desk.added().await;
    }
    let short = json!({"template_id_short": "TM00015"});
    let full = desk.call("template/api_add_template", short).await;
    assert_eq!(full["errcode"], 45026, "{full}");
}

#[tokio::test]
async fn a_template_message_arrives_and_its_event_follows() {
    let desk = Desk::open().await;
    let id = desk.added().await;
    let sent = desk.send(&id, json!({})).await;
    assert_eq!(sent["errcode"], 0, "{sent}");
    let inbox = desk.world.inbox(&desk.user, appid(&desk.account)).await;
    let item = inbox.last().unwrap();
    assert_eq!(
        (&item["via"], &item["type"], &item["title"], &item["url"]),
        (
            &json!("template"),
            &json!("template"),
            &json!("订单支付成功"),
            &json!("http://shop.example/1")
        )
    );
    let lines = json!([
        {"name": "支付金额", "value": "30.00元"},
        {"name": "商品信息", "value": "一二三四五六七八九十一二三四五六七八九十"},
    ]);
    assert_eq!(item["lines"], lines, "first is dropped, values are cut");
    assert_eq!(item["data"]["orderMoneySum"]["value"], "30.00元");
    let number = sent["msgid"].to_string();
    assert_eq!(desk.finished(1).await, [(number, "success".to_owned())]);
    let wrong = desk.send("nonsense", json!({})).await;
    assert_eq!(wrong["errcode"], 40037, "{wrong}");
    let nobody = desk.send(&id, json!({"touser": "nobody"})).await;
    assert_eq!(nobody["errcode"], 40003, "{nobody}");
    let leave = json!({"do": "unfollow", "account": appid(&desk.account)});
    desk.world.act(&desk.user, leave).await;
    let left = desk.send(&id, json!({})).await;
    assert_eq!(left["errcode"], 43004, "{left}");
}

#[tokio::test]
async fn who_blocks_template_messages_gets_none_and_the_event_says_so() {
    let desk = Desk::open().await;
    let id = desk.added().await;
    let act = |allow: bool| json!({"do": "block_templates", "account": appid(&desk.account), "allow": allow});
    desk.world.act(&desk.user, act(false)).await;
    let sent = desk.send(&id, json!({})).await;
    assert_eq!(sent["errcode"], 0, "{sent}");
    assert_eq!(desk.finished(1).await[0].1, "failed:user block");
    assert!(
        desk.world
            .inbox(&desk.user, appid(&desk.account))
            .await
            .is_empty()
    );
    desk.world.act(&desk.user, act(true)).await;
    desk.send(&id, json!({})).await;
    let inbox = desk.world.inbox(&desk.user, appid(&desk.account)).await;
    assert_eq!(inbox.len(), 1);
}

#[tokio::test]
async fn a_client_msg_id_is_sent_once_in_ten_minutes() {
    let desk = Desk::open().await;
    let id = desk.added().await;
    let once = json!({"client_msg_id": "order-7"});
    let first = desk.send(&id, once.clone()).await;
    assert_eq!(desk.send(&id, once.clone()).await, first);
    let inbox = async || {
        desk.world
            .inbox(&desk.user, appid(&desk.account))
            .await
            .len()
    };
    assert_eq!(inbox().await, 1);
    desk.world.advance(601).await;
    let later = desk.send(&id, once).await;
    assert_ne!(later["msgid"], first["msgid"]);
    assert_eq!(inbox().await, 2);
}

#[tokio::test]
async fn rules_say_how_template_messages_are_shown_and_end() {
    let desk = Desk::open().await;
    let rules = json!({"rules": {"template.display": "before_2023", "template.outcome": "failed: system failed"}});
    let account = format!("/accounts/{}", appid(&desk.account));
    desk.world.must("PATCH", &account, rules).await;
    let id = desk.added().await;
    desk.send(&id, json!({})).await;
    assert_eq!(desk.finished(1).await[0].1, "failed: system failed");
    let rules = json!({"rules": {"template.outcome": "success"}});
    desk.world.must("PATCH", &account, rules).await;
    let program = json!({"miniprogram": {"appid": "wx1", "pagepath": "pages/order"}});
    desk.send(&id, program).await;
    let item = desk
        .world
        .inbox(&desk.user, appid(&desk.account))
        .await
        .pop()
        .unwrap();
    assert_eq!(item["lines"][0]["value"], "您好", "{item}");
    assert_eq!(item["pagepath"], "pages/order");
}

#[tokio::test]
async fn templates_of_ones_own_are_written_in_the_control_interface() {
    let desk = Desk::open().await;
    let path = format!("/accounts/{}/templates", appid(&desk.account));
    let own = json!({"title": "到货", "content": "货物：{{thing1.DATA}}"});
    let made = desk.world.must("POST", &path, own).await;
    let list = desk.world.get(&path).await;
    assert_eq!(list["items"], json!([made]));
    let id = made["template_id"].as_str().unwrap();
    let sent = desk
        .send(id, json!({"data": {"thing1": {"value": "绿茶"}}}))
        .await;
    assert_eq!(sent["errcode"], 0, "{sent}");
    let item = desk
        .world
        .inbox(&desk.user, appid(&desk.account))
        .await
        .pop()
        .unwrap();
    assert_eq!(item["lines"], json!([{"name": "货物", "value": "绿茶"}]));
    let empty = json!({"title": "空", "content": "没有值"});
    let (status, _) = desk.world.control("POST", &path, empty).await;
    assert_eq!(status, 400);
}
