//! WeCom: corporations, applications and their members.

use serde_json::{Value, json};
use xinqiao_crypto::AesKey;
use xinqiao_message::{
    Message,
    envelope::{CallbackQuery, Keys, WorkReceiver, open, seal_reply, verify_url},
};
use xinqiao_testkit::{TestApp, TestWorld, Told};
use xinqiao_types::{CallbackMode, CallbackToken, Clock as _, CorpId, SystemClock};

use crate::{
    causes::{act, call, rows},
    text_reply,
};

/// A corporation with one application.
pub(crate) struct Office {
    pub(crate) world: TestWorld,
    corp: Value,
    api: String,
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap()
}

impl Office {
    pub(crate) async fn open() -> Self {
        let world = TestWorld::start().await;
        let corp = world.must("POST", "/corps", json!({"name": "桥"})).await;
        let api = world.simulator().endpoints()["qyapi.weixin.qq.com"].clone();
        Self { world, corp, api }
    }

    pub(crate) fn corpid(&self) -> &str {
        text(&self.corp, "corpid")
    }

    fn agent(&self) -> &Value {
        &self.corp["agents"][0]
    }

    /// The application's account.
    pub(crate) fn account(&self) -> &str {
        text(self.agent(), "appid")
    }

    pub(crate) async fn call(&self, path: &str, body: Value) -> Value {
        self.call_at(&format!("/cgi-bin/{path}"), body).await
    }

    async fn call_at(&self, path: &str, body: Value) -> Value {
        self.call_raw(path, body).await.1
    }

    /// The same with the answer's headers.
    pub(crate) async fn call_raw(
        &self,
        path: &str,
        body: Value,
    ) -> (reqwest::header::HeaderMap, Value) {
        let url = format!("{}{path}", self.api);
        let request = if body.is_null() {
            self.world.client().get(url)
        } else {
            self.world.client().post(url).body(body.to_string())
        };
        let answer = request
            .header("host", "qyapi.weixin.qq.com")
            .send()
            .await
            .unwrap();
        let headers = answer.headers().clone();
        let answer = answer.text().await.unwrap();
        let answer = serde_json::from_str(&answer).unwrap_or_else(|_| panic!("{path}: {answer}"));
        (headers, answer)
    }

    async fn gettoken(&self, secret: &str) -> Value {
        let path = format!(
            "/cgi-bin/gettoken?corpid={}&corpsecret={secret}",
            self.corpid()
        );
        self.call_at(&path, Value::Null).await
    }

    /// A token of the application.
    pub(crate) async fn agent_token(&self) -> String {
        let got = self.gettoken(text(self.agent(), "secret")).await;
        text(&got, "access_token").to_owned()
    }

    /// A token of the contacts' secret.
    pub(crate) async fn contacts_token(&self) -> String {
        let got = self.gettoken(text(&self.corp, "contacts_secret")).await;
        text(&got, "access_token").to_owned()
    }

    /// A person who works here.
    pub(crate) async fn person(&self, userid: &str) -> String {
        let corp = json!({"corpid": self.corpid(), "userid": userid});
        let new = json!({"nickname": format!("{userid} 先生"), "corp": corp});
        let user = self.world.must("POST", "/users", new).await;
        assert_eq!(user["corp"]["userid"], userid);
        text(&user, "id").to_owned()
    }
}

#[track_caller]
fn ok(answer: &Value) {
    assert_eq!(answer["errcode"], 0, "{answer}");
}

#[track_caller]
fn refused(answer: &Value, code: i64) {
    assert_eq!(answer["errcode"], code, "{answer}");
}

#[tokio::test]
async fn a_secret_has_one_token_while_it_lives() {
    let office = Office::open().await;
    let frozen = json!({"freeze": true});
    office.world.must("POST", "/clock", frozen).await;
    let first = office.gettoken(text(office.agent(), "secret")).await;
    ok(&first);
    assert_eq!(first["errmsg"], "ok");
    assert_eq!(first["expires_in"], 7200);
    office.world.advance(7000).await;
    let again = office.gettoken(text(office.agent(), "secret")).await;
    assert_eq!(again["access_token"], first["access_token"]);
    assert_eq!(again["expires_in"], 200);
    let contacts = office.contacts_token().await;
    assert_ne!(contacts, text(&first, "access_token"));

    let list = |token: &str| format!("department/list?access_token={token}");
    let old = list(text(&first, "access_token"));
    ok(&office.call(&old, Value::Null).await);
    office.world.advance(200).await;
    refused(&office.call(&old, Value::Null).await, 42001);
    let new = office.agent_token().await;
    assert_ne!(new, text(&first, "access_token"));
    ok(&office.call(&list(&new), Value::Null).await);
    office.world.advance(86_400).await;
    refused(&office.call(&old, Value::Null).await, 40014);
}

#[tokio::test]
async fn what_asking_again_says_of_a_token_is_a_switch() {
    let office = Office::open().await;
    let frozen = json!({"freeze": true});
    office.world.must("POST", "/clock", frozen).await;
    let secret = text(office.agent(), "secret").to_owned();
    let path = format!("/accounts/{}", text(office.agent(), "appid"));
    let first = office.gettoken(&secret).await;
    let call = format!(
        "department/list?access_token={}",
        text(&first, "access_token")
    );
    for (word, after, says) in [
        ("full", 1000, 7200),
        ("remaining", 1000, 5200),
        ("renewed", 5000, 7200),
    ] {
        let rules = json!({"rules": {"work.token_asked_again": word}});
        office.world.must("PATCH", &path, rules).await;
        office.world.advance(after).await;
        let again = office.gettoken(&secret).await;
        assert_eq!(again["access_token"], first["access_token"], "{word}");
        assert_eq!(again["expires_in"], says, "{word}");
    }
    // Its life began anew 200 seconds before its first end; it is remembered for a day from its last.
    office.world.advance(7199).await;
    ok(&office.call(&call, Value::Null).await);
    office.world.advance(1).await;
    refused(&office.call(&call, Value::Null).await, 42001);
    office.world.advance(86_399).await;
    refused(&office.call(&call, Value::Null).await, 42001);
    office.world.advance(1).await;
    refused(&office.call(&call, Value::Null).await, 40014);
}

#[tokio::test]
async fn a_wrong_corporation_secret_or_token_is_told_as_wecom_tells_it() {
    let office = Office::open().await;
    let secret = text(office.agent(), "secret");
    let get = |query: String| {
        let office = &office;
        async move { office.call(&format!("gettoken?{query}"), Value::Null).await }
    };
    refused(
        &get(format!("corpid=wwnone&corpsecret={secret}")).await,
        40013,
    );
    refused(&get(format!("corpsecret={secret}")).await, 41002);
    refused(&get(format!("corpid={}", office.corpid())).await, 41004);
    let wrong = office.gettoken("wrong").await;
    refused(&wrong, 40001);
    let message = text(&wrong, "errmsg");
    assert!(
        message.starts_with("invalid credential, hint: ["),
        "{message}"
    );
    assert!(message.contains("from ip: 127.0.0.1"), "{message}");
    assert!(message.ends_with("query?e=40001"), "{message}");
    refused(&office.call("user/get?userid=a", Value::Null).await, 41001);
    let strange = "user/get?access_token=strange&userid=a";
    refused(&office.call(strange, Value::Null).await, 40014);

    // What is not built says so: another kind of secret is not taken for one of a corporation.
    let body = json!({"corpid": office.corpid(), "provider_secret": secret});
    let url = format!("{}/cgi-bin/service/get_provider_token", office.api);
    let asked = office.world.client().post(url).body(body.to_string());
    let asked = asked.header("host", "qyapi.weixin.qq.com").send();
    assert_eq!(asked.await.unwrap().status(), 501);

    let token = office.agent_token().await;
    let only = json!({"ip_whitelist": ["203.0.113.9"]});
    let path = format!("/accounts/{}", office.account());
    office.world.must("PATCH", &path, only).await;
    let list = format!("department/list?access_token={token}");
    refused(&office.call(&list, Value::Null).await, 60020);
    ok(&office.gettoken(secret).await);
    office
        .world
        .must("DELETE", &format!("/corps/{}", office.corpid()), json!({}))
        .await;
    refused(&office.call(&list, Value::Null).await, 40014);
    refused(&office.gettoken(secret).await, 40013);
}

#[tokio::test]
async fn a_member_is_made_by_the_contacts_secret_and_told() {
    let office = Office::open().await;
    let (contacts, agent) = (office.contacts_token().await, office.agent_token().await);
    let create = format!("user/create?access_token={contacts}");
    let new = json!({
        "userid": "ZhangSan", "name": "张三", "mobile": "13800000000", "gender": 1,
        "department": [1], "position": "产品经理",
    });
    let made = office.call(&create, new.clone()).await;
    ok(&made);
    assert_eq!(made["errmsg"], "created");
    refused(&office.call(&create, new.clone()).await, 60102);
    let get = |token: &str, userid: &str| {
        let path = format!("user/get?access_token={token}&userid={userid}");
        let office = &office;
        async move { office.call(&path, Value::Null).await }
    };
    let told = get(&contacts, "zhangsan").await;
    ok(&told);
    assert_eq!(told["userid"], "ZhangSan");
    assert_eq!(
        told["gender"], "1",
        "a text here, a number where it is made"
    );
    assert_eq!(told["status"], 4, "not joined");
    assert_eq!(told["department"], json!([1]));
    // WECHAT: an application is not told numbers and addresses any more.
    let told = get(&agent, "ZhangSan").await;
    assert_eq!(
        (&told["name"], &told["position"]),
        (&json!("张三"), &json!("产品经理"))
    );
    assert!(
        told.get("mobile").is_none() && told.get("gender").is_none(),
        "{told}"
    );
    refused(&get(&agent, "nobody").await, 60111);

    let mine = format!("user/create?access_token={agent}");
    refused(&office.call(&mine, new.clone()).await, 48002);
    for (field, value, code) in [
        ("userid", json!("-x"), 40003),
        ("name", json!("x".repeat(65)), 60112),
        ("mobile", json!("abc"), 60103),
        ("mobile", json!("13800000000"), 60104),
        ("email", json!("nowhere"), 60105),
        ("department", json!([9]), 60003),
        ("is_leader_in_dept", json!([0, 1]), 60132),
        ("mobile", json!(""), 60129),
    ] {
        let mut body = new.clone();
        body["userid"] = json!("lisi");
        body["mobile"] = json!("13900000000");
        body[field] = value;
        refused(&office.call(&create, body).await, code);
    }
}

#[tokio::test]
async fn a_member_is_changed_and_what_is_not_given_stays() {
    let office = Office::open().await;
    let user = office.person("lisi").await;
    let token = office.contacts_token().await;
    let update = format!("user/update?access_token={token}");
    let change = json!({"userid": "LISI", "mobile": "13800000001", "name": "李四"});
    let changed = office.call(&update, change).await;
    ok(&changed);
    assert_eq!(changed["errmsg"], "updated");
    let change = json!({"userid": "lisi", "position": "掌柜"});
    ok(&office.call(&update, change).await);
    let get = format!("user/get?access_token={token}&userid=lisi");
    let told = office.call(&get, Value::Null).await;
    assert_eq!(
        [&told["name"], &told["mobile"], &told["position"]],
        ["李四", "13800000001", "掌柜"]
    );
    assert_eq!(told["status"], 1, "joined");
    let renamed = json!({"userid": "lisi", "new_userid": "li"});
    refused(&office.call(&update, renamed).await, 40035);
    let nobody = json!({"userid": "nobody", "name": "x"});
    refused(&office.call(&update, nobody).await, 60111);

    let disable = json!({"userid": "lisi", "enable": 0});
    ok(&office.call(&update, disable).await);
    let told = office.call(&get, Value::Null).await;
    assert_eq!(told["status"], 2);
    let act = json!({"do": "enter", "account": office.account()});
    let path = format!("/users/{user}/actions");
    let (status, _) = office.world.control("POST", &path, act).await;
    assert_eq!(status, 422);
}

#[tokio::test]
async fn who_is_deleted_is_gone_from_everywhere() {
    let office = Office::open().await;
    let user = office.person("lisi").await;
    let (contacts, agent) = (office.contacts_token().await, office.agent_token().await);
    let send = format!("message/send?access_token={agent}");
    let message = json!({
        "touser": "lisi", "msgtype": "text", "text": {"content": "早"},
        "agentid": office.agent()["agentid"],
    });
    ok(&office.call(&send, message.clone()).await);
    assert_eq!(office.world.inbox(&user, office.account()).await.len(), 1);
    let delete = format!("user/delete?access_token={contacts}&userid=lisi");
    ok(&office.call(&delete, Value::Null).await);
    refused(&office.call(&delete, Value::Null).await, 60111);
    assert!(office.world.inbox(&user, office.account()).await.is_empty());
    refused(&office.call(&send, message.clone()).await, 81013);

    // Another person may have the userid then.
    let other = office.person("lisi").await;
    ok(&office.call(&send, message).await);
    assert_eq!(office.world.inbox(&other, office.account()).await.len(), 1);
    assert!(office.world.inbox(&user, office.account()).await.is_empty());
}

#[tokio::test]
async fn departments_are_a_tree() {
    let office = Office::open().await;
    let token = office.contacts_token().await;
    let create = format!("department/create?access_token={token}");
    let make = |name: &str, parent: u64| {
        let body = json!({"name": name, "parentid": parent});
        let (office, create) = (&office, &create);
        async move { office.call(create, body).await }
    };
    let shop = make("门店", 1).await;
    assert_eq!(shop["id"], 2, "{shop}");
    assert_eq!(make("吧台", 2).await["id"], 3);
    assert_eq!(make("仓库", 1).await["id"], 4);
    refused(&make("门店", 1).await, 60008);
    refused(&make("x", 9).await, 60004);
    refused(&make("a:b", 1).await, 60125);

    let list = |query: &str| {
        let path = format!("department/list?access_token={token}{query}");
        let office = &office;
        async move {
            let answer = office.call(&path, Value::Null).await;
            let ids = answer["department"].as_array().unwrap().clone();
            let ids = ids.iter().map(|one| one["id"].as_u64().unwrap());
            ids.collect::<Vec<_>>()
        }
    };
    assert_eq!(list("").await, [1, 2, 4, 3]);
    assert_eq!(list("&id=2").await, [2, 3]);
    let path = format!("department/simplelist?access_token={token}&id=2");
    let simple = office.call(&path, Value::Null).await;
    assert_eq!(simple["department_id"][1]["parentid"], 2);
    let path = format!("department/get?access_token={token}&id=3");
    let one = office.call(&path, Value::Null).await;
    assert_eq!(one["department"]["name"], "吧台");

    let update = format!("department/update?access_token={token}");
    let into_itself = json!({"id": 2, "parentid": 3});
    refused(&office.call(&update, into_itself).await, 60004);
    ok(&office.call(&update, json!({"id": 3, "parentid": 4})).await);
    assert_eq!(list("&id=4").await, [4, 3]);

    let delete = |id: u64| {
        let path = format!("department/delete?access_token={token}&id={id}");
        let office = &office;
        async move { office.call(&path, Value::Null).await }
    };
    refused(&delete(1).await, 60007);
    refused(&delete(4).await, 60006);
    refused(&delete(9).await, 60003);
    let hire = json!({"userid": "a", "department": [3]});
    let path = format!("/corps/{}/members", office.corpid());
    office.world.must("POST", &path, hire).await;
    refused(&delete(3).await, 60005);
    ok(&delete(2).await);
    assert_eq!(list("").await, [1, 4, 3]);
    let told = format!("/corps/{}/departments", office.corpid());
    assert_eq!(office.world.get(&told).await["items"][0]["name"], "桥");
}

#[tokio::test]
async fn a_department_lists_its_members_and_those_below() {
    let office = Office::open().await;
    let token = office.contacts_token().await;
    let create = format!("department/create?access_token={token}");
    ok(&office.call(&create, json!({"name": "门店"})).await);
    for (userid, departments) in [("a", json!([1])), ("b", json!([2])), ("c", json!([1, 2]))] {
        let body = json!({
            "userid": userid, "name": userid, "email": format!("{userid}@example.com"),
            "department": departments,
        });
        let create = format!("user/create?access_token={token}");
        ok(&office.call(&create, body).await);
    }
    let list = |path: &str| {
        let path = format!("{path}&access_token={token}");
        let office = &office;
        async move {
            let answer = office.call(&path, Value::Null).await;
            let members = answer["userlist"].as_array().unwrap().clone();
            let ids = members.iter().map(|one| text(one, "userid").to_owned());
            (ids.collect::<Vec<_>>().join(" "), members[0].clone())
        }
    };
    let (ids, first) = list("user/simplelist?department_id=1").await;
    assert_eq!(ids, "a c");
    assert!(first.get("email").is_none(), "{first}");
    assert_eq!(list("user/list?department_id=2").await.0, "b c");
    let (ids, first) = list("user/list?department_id=1&fetch_child=1").await;
    assert_eq!((&*ids, text(&first, "email")), ("a c b", "a@example.com"));
    let nowhere = format!("user/list?department_id=9&access_token={token}");
    refused(&office.call(&nowhere, Value::Null).await, 60003);
    let told = format!("/corps/{}/members?after=a", office.corpid());
    let told = office.world.get(&told).await;
    assert_eq!(told["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn an_agents_message_reaches_members_and_names_the_others() {
    let office = Office::open().await;
    let (one, two) = (office.person("one").await, office.person("two").await);
    let token = office.agent_token().await;
    let send = format!("message/send?access_token={token}");
    let message = |to: Value, content: &str| {
        let mut body = json!({
            "msgtype": "text", "text": {"content": content}, "agentid": office.agent()["agentid"],
        });
        for (name, list) in to.as_object().unwrap() {
            body[name] = list.clone();
        }
        body
    };
    let sent = office
        .call(
            &send,
            message(json!({"touser": "one|nobody", "toparty": "7"}), "早"),
        )
        .await;
    ok(&sent);
    assert_eq!(
        (&sent["invaliduser"], &sent["invalidparty"]),
        (&json!("nobody"), &json!("7"))
    );
    assert!(!text(&sent, "msgid").is_empty());
    let inbox = office.world.inbox(&one, office.account()).await;
    assert_eq!(
        (&inbox[0]["via"], &inbox[0]["type"], &inbox[0]["content"]),
        (&json!("custom"), &json!("text"), &json!("早"))
    );
    assert!(office.world.inbox(&two, office.account()).await.is_empty());
    for to in [json!({"touser": "@all"}), json!({"toparty": "1"})] {
        let sent = office.call(&send, message(to, "大家好")).await;
        ok(&sent);
        assert!(sent.get("invaliduser").is_none(), "{sent}");
    }
    assert_eq!(office.world.inbox(&two, office.account()).await.len(), 2);

    // WECHAT: a long text is cut, not refused, and at the border of a character.
    let long = "信".repeat(700);
    ok(&office
        .call(&send, message(json!({"touser": "two"}), &long))
        .await);
    let inbox = office.world.inbox(&two, office.account()).await;
    assert_eq!(text(&inbox[2], "content").chars().count(), 682);

    let mut card = message(json!({"touser": "one"}), "");
    card["msgtype"] = json!("textcard");
    card["textcard"] = json!({"title": "票", "description": "d", "url": "https://example.com/"});
    ok(&office.call(&send, card).await);
    let inbox = office.world.inbox(&one, office.account()).await;
    assert_eq!(inbox.last().unwrap()["title"], "票");

    let wrong = |field: &str, value: Value| {
        let mut body = message(json!({"touser": "one"}), "x");
        body[field] = value;
        body
    };
    let refuse = |body: Value, code: i64| {
        let (office, send) = (&office, &send);
        async move { refused(&office.call(send, body).await, code) }
    };
    refuse(message(json!({}), "x"), 82001).await;
    refuse(message(json!({"touser": "nobody"}), "x"), 81013).await;
    refuse(wrong("agentid", json!(1)), 40056).await;
    refuse(wrong("msgtype", json!("song")), 40008).await;
    refuse(wrong("text", json!({"content": ""})), 44004).await;
    let contacts = office.contacts_token().await;
    let send = format!("message/send?access_token={contacts}");
    let foreign = message(json!({"touser": "one"}), "x");
    refused(&office.call(&send, foreign).await, 301_002);
}

pub(crate) fn keys(office: &Office) -> Keys {
    let corp = CorpId::new(office.corpid());
    let token = CallbackToken::new(text(office.agent(), "token"));
    let key = AesKey::parse(text(office.agent(), "aes_key")).unwrap();
    Keys::work(token, &key, WorkReceiver::Agent { corp: &corp })
}

/// An app that reads what it gets and answers texts.
pub(crate) async fn connected(office: &Office) -> TestApp {
    let app = TestApp::start().await;
    let own = keys(office);
    app.handshakes(move |asked| {
        let query = CallbackQuery::parse(&asked.query);
        let echo = verify_url(&own, &query, SystemClock.unix()).unwrap();
        Told::body(echo.body())
    });
    let own = keys(office);
    app.otherwise(move |asked| {
        let query = CallbackQuery::parse(&asked.query);
        let opened = open(&own, &query, asked.body.as_bytes(), SystemClock.unix()).unwrap();
        let message = Message::parse(opened.xml).unwrap();
        let Some(said) = message.text() else {
            return Told::body("");
        };
        assert_eq!(message.head.agent_id, Some(1_000_002));
        let said = format!("你说 {said}");
        let reply = text_reply(&message.head.from, &message.head.to, &said);
        let sealed = seal_reply(
            &own,
            CallbackMode::Safe,
            &reply,
            7,
            "n",
            *b"0123456789abcdef",
        );
        Told::body(sealed.unwrap())
    });
    app
}

#[tokio::test]
async fn the_check_of_an_agents_address_is_sealed_for_the_corporation() {
    let office = Office::open().await;
    let app = connected(&office).await;
    let path = format!("/accounts/{}/callback", office.account());
    let put = |body: Value| office.world.control("PUT", &path, body);
    let (status, saved) = put(json!({"url": app.url})).await;
    assert_eq!((status, saved), (200, json!({"verified": true})));
    let asked = app.requests().remove(0);
    assert!(asked.query("signature").is_none(), "{}", asked.query);
    // Who answers what came, without opening it, has not proved to have the key.
    app.handshakes(|asked| Told::body(asked.query("echostr").unwrap_or_default()));
    let (status, failed) = put(json!({"url": app.url})).await;
    assert_eq!(
        (status, &failed["rule"]),
        (422, &json!("handshake.mismatch"))
    );
    let plain = json!({"url": app.url, "mode": "plain"});
    assert_eq!(put(plain).await.0, 422);
}

#[tokio::test]
async fn a_members_message_arrives_sealed_and_its_reply_is_shown() {
    let office = Office::open().await;
    let user = office.person("lisi").await;
    let app = connected(&office).await;
    let path = format!("/accounts/{}/callback", office.account());
    let own = keys(&office);
    let saved = json!({"url": app.url});
    office.world.must("PUT", &path, saved).await;
    let answer = office.world.say(&user, office.account(), "你好").await;
    assert_eq!(
        answer["deliveries"][0]["reply"]["content"], "你说 你好",
        "{answer}"
    );
    let push = app.pushes().pop().unwrap();
    assert!(push.content_type.starts_with("text/xml"));
    assert!(push.query("openid").is_none() && push.query("encrypt_type").is_none());
    assert!(
        push.body.contains("<AgentID><![CDATA[1000002]]></AgentID>"),
        "{}",
        push.body
    );
    let query = CallbackQuery::parse(&push.query);
    let opened = open(&own, &query, push.body.as_bytes(), SystemClock.unix()).unwrap();
    let message = Message::parse(opened.xml).unwrap();
    assert_eq!(
        (&*message.head.to, &*message.head.from),
        (office.corpid(), "lisi")
    );
    let inbox = office.world.inbox(&user, office.account()).await;
    assert_eq!((&inbox[0]["via"], inbox.len()), (&json!("reply"), 1));

    let chats = office.world.get(&format!("/users/{user}/chats")).await;
    assert_eq!(
        (
            &chats["items"][0]["account"],
            &chats["items"][0]["followed"]
        ),
        (&json!(office.account()), &json!(true))
    );

    let entered = json!({"do": "enter", "account": office.account()});
    let answer = office.world.act(&user, entered).await;
    assert_eq!(
        answer["deliveries"][0]["attempts"][0]["status"], 200,
        "{answer}"
    );

    // WECHAT: where nobody answers the member is shown nothing.
    app.otherwise(|_| Told::status(500));
    let answer = office.world.say(&user, office.account(), "在吗").await;
    let attempts = answer["deliveries"][0]["attempts"].as_array().unwrap();
    assert_eq!(attempts.len(), 3);
    assert_eq!(office.world.inbox(&user, office.account()).await.len(), 1);

    let stranger = office.world.user("路人").await;
    let act = json!({
        "do": "send", "account": office.account(), "message": {"type": "text", "content": "x"},
    });
    let path = format!("/users/{stranger}/actions");
    let (status, refused) = office.world.control("POST", &path, act).await;
    assert_eq!(status, 422, "{refused}");
}

#[tokio::test]
async fn corporations_and_agents_are_made_as_they_are_ordered() {
    let world = TestWorld::start().await;
    let key = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";
    let order = json!({
        "name": "桥", "agents": [{"agentid": 7, "token": "tok7", "aes_key": key}, {"name": "助手"}],
    });
    let corp = world.must("POST", "/corps", order).await;
    let corpid = text(&corp, "corpid").to_owned();
    assert!(corpid.starts_with("ww") && corpid.len() == 18, "{corpid}");
    let (first, second) = (&corp["agents"][1], &corp["agents"][0]);
    assert_eq!(
        (&first["agentid"], &first["token"]),
        (&json!(7), &json!("tok7"))
    );
    assert_eq!(
        (&second["agentid"], &second["name"]),
        (&json!(1_000_002), &json!("助手"))
    );
    assert_eq!(first["appid"], format!("{corpid}:7"));
    let told = world.get(&format!("/accounts/{corpid}:7")).await;
    assert_eq!(
        (&told["aes_key"], &told["mode"]),
        (&json!(key), &json!("safe"))
    );
    let agents = format!("/corps/{corpid}/agents");
    let third = world.must("POST", &agents, json!({})).await;
    assert_eq!(third["agentid"], 1_000_003);
    for (path, body, status) in [
        ("/corps", json!({"corpid": corpid}), 409),
        ("/corps", json!({"corpid": "a:b"}), 400),
        ("/corps", json!({"colour": "red"}), 400),
        (
            "/corps",
            json!({"agents": [{"agentid": 1}, {"agentid": 1}]}),
            409,
        ),
        (&*agents, json!({"agentid": 7}), 409),
        (&*agents, json!({"agentid": 0}), 400),
        (&*agents, json!({"aes_key": "short"}), 400),
        ("/corps/wwnone/agents", json!({}), 404),
        ("/users", json!({"corp": {"userid": "a"}}), 400),
        ("/users", json!({"corp": {"corpid": "wwnone"}}), 404),
        (
            "/users",
            json!({"corp": {"corpid": corpid, "department": [5]}}),
            422,
        ),
        (
            "/users",
            json!({"count": 2, "follow": [first["appid"]]}),
            422,
        ),
    ] {
        let (found, said) = world.control("POST", path, body).await;
        assert_eq!(found, status, "{path}: {said}");
    }
    let corps = world.get("/corps").await;
    assert_eq!(
        corps["items"].as_array().unwrap().len(),
        1,
        "nothing is left of what was refused"
    );
    world
        .must("DELETE", &format!("/corps/{corpid}"), json!({}))
        .await;
    let (status, _) = world
        .control("GET", &format!("/accounts/{corpid}:7"), Value::Null)
        .await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn a_corporation_survives_export_and_import() {
    let office = Office::open().await;
    let user = office.person("lisi").await;
    let (agent, contacts) = (office.agent_token().await, office.contacts_token().await);
    let create = format!("department/create?access_token={contacts}");
    ok(&office.call(&create, json!({"name": "门店"})).await);
    office.world.say(&user, office.account(), "记住").await;
    let client = office.world.client();
    let export = client.get(format!("{}/export", office.world.control_base()));
    let document = export.send().await.unwrap().text().await.unwrap();

    let world = TestWorld::start().await;
    let api = world.simulator().endpoints()["qyapi.weixin.qq.com"].clone();
    let other = Office {
        world,
        corp: office.corp.clone(),
        api,
    };
    let import = other.world.client();
    let import = import.post(format!("{}/import", other.world.control_base()));
    let import = import.header("content-type", "application/json");
    let taken = import.body(document).send().await.unwrap();
    assert_eq!(taken.status(), 200);
    assert_eq!(other.agent_token().await, agent, "the token lives on");
    let mut message = json!({
        "toparty": "1", "msgtype": "text", "text": {"content": "早"},
        "agentid": other.agent()["agentid"],
    });
    let send = format!("message/send?access_token={agent}");
    ok(&other.call(&send, message.clone()).await);
    assert_eq!(other.world.inbox(&user, other.account()).await.len(), 1);
    message["toparty"] = json!("2");
    refused(&other.call(&send, message).await, 81013);
    let chat = format!("/users/{user}/chat?account={}", other.account());
    let chat = other.world.get(&chat).await;
    assert_eq!(chat["items"][0]["content"], "记住");
    let entered = json!({"do": "enter", "account": other.account()});
    other.world.act(&user, entered).await;
    let list = format!("department/list?access_token={agent}&id=1");
    let list = other.call(&list, Value::Null).await;
    assert_eq!(list["department"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_fault_hits_the_agent_that_it_names() {
    let office = Office::open().await;
    let fault = json!({
        "account": office.account(), "path": "/cgi-bin/gettoken", "times": 1, "errcode": -1,
    });
    office.world.must("POST", "/faults", fault).await;
    ok(&office.gettoken(text(&office.corp, "contacts_secret")).await);
    refused(&office.gettoken(text(office.agent(), "secret")).await, -1);
    ok(&office.gettoken(text(office.agent(), "secret")).await);
}

#[tokio::test]
async fn the_seeded_people_work_in_the_seeded_corporation() {
    let world = TestWorld::start_seeded().await;
    let corps = world.get("/corps").await;
    let corp = corps["items"][0].clone();
    let members = format!("/corps/{}/members", text(&corp, "corpid"));
    let members = world.get(&members).await;
    assert_eq!(members["items"][1]["userid"], "xiaolin", "{members}");
    let user = text(&members["items"][1], "user").to_owned();
    let entered = json!({"do": "enter", "account": corp["agents"][0]["appid"]});
    assert_eq!(world.act(&user, entered).await["deliveries"], json!([]));
}

#[tokio::test]
async fn what_an_agent_writes_follows_from_what_the_member_said() {
    let office = Office::open().await;
    let app = connected(&office).await;
    let path = format!("/accounts/{}/callback", office.account());
    office
        .world
        .must("PUT", &path, json!({"url": app.url}))
        .await;
    let user = office.person("zhang").await;
    office.person("li").await;
    let message = json!({"type": "text", "content": "在吗"});
    let say = json!({"do": "send", "account": office.account(), "message": message});
    office.world.act(&user, say).await;
    let token = office.agent_token().await;
    let write = async |to: &str| {
        let text = json!({
            "touser": to, "msgtype": "text", "agentid": 1_000_002, "text": {"content": "在"},
        });
        let path = format!("message/send?access_token={token}");
        ok(&office.call(&path, text).await);
        rows(&office.world).await
    };
    let shown = write("zhang").await;
    let said = act(&shown, "在吗");
    assert_eq!(call(&shown, "/cgi-bin/message/send"), said);
    let of_kind = |kind: &str| shown.iter().rfind(|row| row["kind"] == kind).unwrap();
    for kind in ["callback", "reply"] {
        assert_eq!(of_kind(kind)["cause"], said, "{kind}");
    }
    let passive = { shown.iter() }.find(|row| row["subtitle"]["en"] == "passive reply");
    assert_eq!(passive.unwrap()["cause"], said);
    for to in ["zhang|li", "@all", "li"] {
        let shown = write(to).await;
        assert_eq!(call(&shown, "/cgi-bin/message/send"), "", "{to}");
    }
}

#[tokio::test]
async fn a_profile_with_nothing_in_it_is_told_with_its_list() {
    let office = Office::open().await;
    let token = office.contacts_token().await;
    let new = json!({
        "userid": "lisi", "name": "李四", "department": [1], "mobile": "13800000001", "external_profile": {},
    });
    ok(&office
        .call(&format!("user/create?access_token={token}"), new)
        .await);
    let path = format!("user/get?access_token={token}&userid=lisi");
    let told = office.call(&path, Value::Null).await;
    ok(&told);
    assert_eq!(told["external_profile"], json!({"external_attr": []}));
}
