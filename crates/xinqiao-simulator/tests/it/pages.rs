//! Lists of the control interface come in pages.

use serde_json::{Value, json};
use xinqiao_testkit::TestWorld;

use crate::{appid, connected};

/// A list, so many items a page: the values of a field, and how many pages there were.
async fn read(world: &TestWorld, path: &str, limit: usize, field: &str) -> (Vec<Value>, usize) {
    let (mut all, mut pages, mut after) = (Vec::new(), 0, String::new());
    loop {
        let joint = if path.contains('?') { '&' } else { '?' };
        let page = world
            .get(&format!("{path}{joint}limit={limit}{after}"))
            .await;
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= limit, "{page}");
        all.extend(items.iter().map(|item| item[field].clone()));
        pages += 1;
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return (all, pages),
        }
    }
}

/// Every page together is the whole list, each item once, in its order.
async fn check(world: &TestWorld, path: &str, field: &str, many: usize) {
    let (whole, pages) = read(world, path, 1000, field).await;
    assert_eq!((whole.len(), pages), (many, 1), "{path}");
    for limit in [1, 2, many] {
        let (all, pages) = read(world, path, limit, field).await;
        assert_eq!(all, whole, "{path} by {limit}");
        assert_eq!(pages, many.div_ceil(limit), "{path} by {limit}");
    }
}

#[tokio::test]
async fn a_list_is_read_page_by_page() {
    let world = TestWorld::start().await;
    let (account, user, _app) = connected(&world, "plain").await;
    let mut accounts = vec![appid(&account).to_owned()];
    for kind in ["service", "subscription", "service", "miniprogram"] {
        let made = world.account(json!({"kind": kind})).await;
        accounts.push(appid(&made).to_owned());
    }
    check(&world, "/accounts", "appid", 5).await;
    world.user("阿明").await;
    check(&world, "/users", "id", 2).await;
    for text in ["一", "二", "三"] {
        world.say(&user, &accounts[0], text).await;
    }
    check(&world, "/deliveries", "id", 4).await;
    let path = format!("/deliveries?account={}", accounts[0]);
    check(&world, &path, "id", 4).await;
    let path = format!("/deliveries?account={}", accounts[1]);
    assert_eq!(world.get(&path).await, json!({"items": []}));
    world.must("POST", "/corps", json!({})).await;
    world.must("POST", "/corps", json!({})).await;
    check(&world, "/corps", "corpid", 2).await;
}

#[tokio::test]
async fn an_inbox_is_read_page_by_page_across_its_chats() {
    let world = TestWorld::start().await;
    let (first, user, _app) = connected(&world, "plain").await;
    let second = world.account(json!({"kind": "service"})).await;
    world
        .act(&user, json!({"do": "follow", "account": appid(&second)}))
        .await;
    let person = world.get(&format!("/users/{user}")).await;
    for (at, account) in [&first, &second, &first, &second, &second]
        .into_iter()
        .enumerate()
    {
        world.say(&user, appid(account), "在吗").await;
        let token = world.token(account).await;
        let text = json!({
            "touser": person["openids"][appid(account)], "msgtype": "text",
            "text": {"content": format!("{at}")},
        });
        let path = format!("/cgi-bin/message/custom/send?access_token={token}");
        assert_eq!(world.call(&path, text).await["errcode"], 0);
    }
    let path = format!("/users/{user}/inbox");
    check(&world, &path, "content", 5).await;
    let (said, _) = read(&world, &path, 2, "content").await;
    assert_eq!(said, ["0", "1", "2", "3", "4"]);
    let path = format!("/users/{user}/inbox?account={}", appid(&second));
    check(&world, &path, "content", 3).await;
}

#[tokio::test]
async fn chats_come_latest_first_and_then_those_without_a_word() {
    let world = TestWorld::start().await;
    let (first, user, _app) = connected(&world, "plain").await;
    let mut silent = Vec::new();
    for kind in ["subscription", "service", "miniprogram"] {
        let made = world.account(json!({"kind": kind})).await;
        silent.push(appid(&made).to_owned());
    }
    let second = world.account(json!({"kind": "service"})).await;
    world
        .act(&user, json!({"do": "follow", "account": appid(&second)}))
        .await;
    for account in [&second, &first] {
        world.say(&user, appid(account), "你好").await;
    }
    let path = format!("/users/{user}/chats");
    check(&world, &path, "account", 4).await;
    let (order, _) = read(&world, &path, 3, "account").await;
    assert_eq!(order[..2], [appid(&first), appid(&second)]);
    let mut rest = vec![silent[0].clone(), silent[1].clone()];
    rest.sort_unstable();
    assert_eq!(order[2..], rest, "nobody chats with a mini program");
}

#[tokio::test]
async fn a_chat_is_read_page_by_page() {
    let world = TestWorld::start().await;
    let (account, user, _app) = connected(&world, "plain").await;
    for text in ["一", "二", "三"] {
        world.say(&user, appid(&account), text).await;
    }
    let path = format!("/users/{user}/chat?account={}", appid(&account));
    let (ids, _) = read(&world, &path, 1000, "id").await;
    check(&world, &path, "id", ids.len()).await;
    let (said, _) = read(&world, &path, 2, "content").await;
    for text in ["一", "二", "三"] {
        assert!(said.contains(&json!(text)), "{said:?}");
    }
    let page = world.get(&format!("{path}&limit=1")).await;
    assert_eq!(page["followed"], true, "every page tells of the chat");
}

#[tokio::test]
async fn faults_and_tags_are_read_page_by_page() {
    let world = TestWorld::start().await;
    let account = world
        .account(json!({"kind": "service", "verified": true}))
        .await;
    let token = world.token(&account).await;
    for number in 0..3 {
        let fault = json!({"path": "/cgi-bin/none", "errcode": -1, "times": number + 1});
        world.must("POST", "/faults", fault).await;
        let path = format!("/cgi-bin/tags/create?access_token={token}");
        let tag = json!({"tag": {"name": format!("第{number}")}});
        assert!(world.call(&path, tag).await["tag"]["id"].is_u64());
    }
    check(&world, "/faults", "id", 3).await;
    let tags = format!("/accounts/{}/tags", appid(&account));
    check(&world, &tags, "name", 4).await;
}

#[tokio::test]
async fn a_page_that_makes_no_sense_is_refused() {
    let world = TestWorld::start().await;
    let (account, user, _app) = connected(&world, "plain").await;
    let tags = format!("/accounts/{}/tags", appid(&account));
    let (inbox, chats) = (
        format!("/users/{user}/inbox"),
        format!("/users/{user}/chats"),
    );
    let chat = format!("/users/{user}/chat?account={}", appid(&account));
    let numbered = [
        "/users",
        "/deliveries",
        "/faults",
        "/timeline",
        &tags,
        &inbox,
        &chat,
    ];
    let named = ["/accounts", "/corps", "/merchants", &chats];
    let refused = async |path: &str, query: &str| {
        let joint = if path.contains('?') { '&' } else { '?' };
        let path = format!("{path}{joint}{query}");
        let (status, refused) = world.control("GET", &path, Value::Null).await;
        assert_eq!(status, 400, "{path}: {refused}");
        let said = refused["error"]["message"].as_str().unwrap().to_owned();
        let field = query.split('=').next().unwrap();
        assert!(
            said.starts_with(&format!("`{field}` is ")),
            "{path}: {said}"
        );
    };
    for path in numbered {
        for after in [
            "nowhere",
            "-1",
            "%2B7",
            "07",
            "1.5",
            "u+7",
            "99999999999999999999",
        ] {
            refused(path, &format!("after={after}")).await;
        }
        refused(path, "limit=many").await;
    }
    for path in named {
        let long = format!("after={}", "x".repeat(1000));
        for query in ["after=a%20b", "after=%00", "after=%E4%B8%AD", &long] {
            refused(path, query).await;
        }
        for query in ["limit=0", "limit=1001", "limit=-1"] {
            refused(path, query).await;
        }
    }
}

#[tokio::test]
async fn what_is_declared_is_told() {
    let world = TestWorld::start().await;
    let told = world.get("/declared").await;
    assert_eq!(told["bubbles"]["text"]["fields"][0]["name"], "content");
    assert_eq!(told["cards"]["tags"]["path"], "/accounts/{appid}/tags");
    let pay = &told["acts"]["pay"][0];
    assert_eq!(pay["title"], json!({"zh": "支付", "en": "Pay"}));
    assert!(pay["kinds"].as_array().unwrap().contains(&json!("service")));
}

/// The phone shows of a message what its kind declares.
#[tokio::test]
async fn a_field_that_no_kind_declares_is_not_shown() {
    let world = TestWorld::start().await;
    let (account, user, _app) = connected(&world, "plain").await;
    world.say(&user, appid(&account), "在吗").await;
    let person = world.get(&format!("/users/{user}")).await;
    let token = world.token(&account).await;
    let text = json!({
        "touser": person["openids"][appid(&account)], "msgtype": "text",
        "text": {"content": "在", "colour": "red"},
    });
    let path = format!("/cgi-bin/message/custom/send?access_token={token}");
    assert_eq!(world.call(&path, text).await["errcode"], 0);
    let said = world.inbox(&user, appid(&account)).await.pop().unwrap();
    assert_eq!(
        (&said["content"], &said["colour"]),
        (&json!("在"), &Value::Null)
    );
}
