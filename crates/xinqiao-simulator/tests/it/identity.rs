//! Who may register what: e-mails, subjects, verification, secrets, test accounts.

use serde_json::{Value, json};
use xinqiao_testkit::{TestApp, TestWorld};

use crate::{appid, components::Platform, element};

pub(crate) const DAY: i64 = 86_400;

/// What a refused call of the control interface answers: its status and the rule that forbids it.
pub(crate) async fn refused(
    world: &TestWorld,
    method: &str,
    path: &str,
    body: Value,
) -> (u16, String) {
    let (status, answer) = world.control(method, path, body).await;
    assert!(answer["error"]["message"].is_string(), "{answer}");
    let rule = answer["error"]["rule"].as_str().unwrap_or_default();
    (status, rule.to_owned())
}

pub(crate) fn by(status: u16, rule: &str) -> (u16, String) {
    (status, rule.to_owned())
}

async fn now(world: &TestWorld) -> i64 {
    world.get("/clock").await["now"].as_i64().unwrap()
}

/// A world that stands still: what lasts a year ends to the second.
pub(crate) async fn still() -> TestWorld {
    let world = TestWorld::start().await;
    world.must("POST", "/clock", json!({"freeze": true})).await;
    world
}

#[tokio::test]
async fn an_e_mail_is_good_for_one_of_everything() {
    let world = TestWorld::start().await;
    let mail = |name: &str| json!({"email": format!("{name}@example.com")});
    let account = world.account(mail("shop")).await;
    world.must("POST", "/open-accounts", mail("open")).await;
    let user = world.must("POST", "/users", mail("person")).await;
    assert_eq!(user["email"], "person@example.com");
    for place in ["/accounts", "/open-accounts", "/users"] {
        for name in ["shop", "open", "person", "SHOP"] {
            let answer = refused(&world, "POST", place, mail(name)).await;
            assert_eq!(answer, by(409, "registration.email"), "{place} {name}");
        }
        let bad = json!({"email": "nobody"});
        assert_eq!(world.control("POST", place, bad).await.0, 400, "{place}");
    }
    let path = format!("/accounts/{}", appid(&account));
    let taken = refused(&world, "PATCH", &path, mail("person")).await;
    assert_eq!(taken, by(409, "registration.email"));
    // An address that its holder gives up is free.
    world.must("PATCH", &path, mail("other")).await;
    world.must("POST", "/users", mail("shop")).await;
    world.must("DELETE", &path, Value::Null).await;
    world.must("POST", "/open-accounts", mail("other")).await;
}

#[tokio::test]
async fn who_holds_an_e_mail_is_known_after_an_import() {
    let world = TestWorld::start().await;
    let mail = |name: &str| json!({"email": format!("{name}@example.com")});
    world.account(mail("shop")).await;
    world.must("POST", "/open-accounts", mail("open")).await;
    world.must("POST", "/users", mail("person")).await;
    let kept = world.get("/export").await;
    world.must("POST", "/reset", json!({})).await;
    world.must("POST", "/import", kept).await;
    for name in ["shop", "open", "person"] {
        let answer = refused(&world, "POST", "/accounts", mail(name)).await;
        assert_eq!(answer, by(409, "registration.email"), "{name}");
    }
}

#[tokio::test]
async fn a_subject_registers_so_many_accounts_of_a_kind() {
    let world = TestWorld::start().await;
    let of = |name: &str, subject: &str, kind: &str| json!({"kind": kind, "subject": {"name": name, "kind": subject}});
    for (subject, kind, most) in [
        ("person", "subscription", 1),
        ("company", "service", 2),
        ("sole_trader", "subscription", 2),
        ("other", "service", 2),
        ("person", "miniprogram", 5),
        ("sole_trader", "miniprogram", 5),
    ] {
        for _ in 0..most {
            world.account(of("甲", subject, kind)).await;
        }
        let answer = refused(&world, "POST", "/accounts", of("甲", subject, kind)).await;
        assert_eq!(
            answer,
            by(422, "registration.subject_count"),
            "{subject} {kind}"
        );
        world.account(of("乙", subject, kind)).await;
    }
    // Both kinds of official accounts count together, governments and media have more.
    let both = refused(
        &world,
        "POST",
        "/accounts",
        of("甲", "company", "subscription"),
    )
    .await;
    assert_eq!(both, by(422, "registration.subject_count"));
    for _ in 0..3 {
        world.account(of("甲", "government", "subscription")).await;
        world.account(of("甲", "media", "service")).await;
    }
    let service = refused(&world, "POST", "/accounts", of("丙", "person", "service")).await;
    assert_eq!(service, by(422, "registration.subject_kind"));
    let mut test = of("丙", "person", "service");
    test["test"] = json!(true);
    world.account(test).await;
    let unknown = world
        .control("POST", "/accounts", of("丙", "club", "service"))
        .await;
    assert_eq!(unknown.0, 400, "{}", unknown.1);
    assert!(
        unknown.1["error"]["message"]
            .as_str()
            .unwrap()
            .contains("sole_trader")
    );
}

#[tokio::test]
async fn a_subject_that_gives_an_account_up_may_register_another() {
    let world = TestWorld::start().await;
    let one = json!({"kind": "subscription", "subject": {"name": "甲", "kind": "person"}});
    let account = world.account(one.clone()).await;
    assert_eq!(account["verified"], false, "a person cannot be verified");
    let path = format!("/accounts/{}", appid(&account));
    let to = json!({"subject": {"name": "乙", "kind": "person"}});
    world.must("PATCH", &path, to).await;
    let second = world.account(one.clone()).await;
    let back = json!({"subject": {"name": "甲", "kind": "person"}});
    let answer = refused(&world, "PATCH", &path, back).await;
    assert_eq!(answer, by(422, "registration.subject_count"));
    let other = format!("/accounts/{}", appid(&second));
    world.must("DELETE", &other, Value::Null).await;
    world.account(one).await;
}

#[tokio::test]
async fn a_person_is_not_verified() {
    let world = TestWorld::start().await;
    let person = json!({"name": "甲", "kind": "person"});
    let mut new = json!({"kind": "subscription", "subject": person, "verified": true});
    let answer = refused(&world, "POST", "/accounts", new.clone()).await;
    assert_eq!(answer, by(422, "verification.person"));
    new.as_object_mut().unwrap().remove("verified");
    let account = world.account(new).await;
    let path = format!("/accounts/{}", appid(&account));
    let answer = refused(&world, "PATCH", &path, json!({"verified": true})).await;
    assert_eq!(answer, by(422, "verification.person"));
    let review = format!("{path}/verification");
    let answer = refused(&world, "POST", &review, json!({})).await;
    assert_eq!(answer, by(422, "verification.person"));
    let company = world.account(json!({"kind": "subscription"})).await;
    assert_eq!(company["verified"], true);
    let path = format!("/accounts/{}", appid(&company));
    let to = world
        .must(
            "PATCH",
            &path,
            json!({"subject": {"name": "乙", "kind": "person"}}),
        )
        .await;
    assert_eq!(
        to["verified"], false,
        "who becomes a person's loses it: {to}"
    );
}

async fn errcode(world: &TestWorld, account: &Value, path: &str) -> i64 {
    let token = world.token(account).await;
    let answer = world
        .call(&format!("{path}?access_token={token}"), Value::Null)
        .await;
    answer["errcode"].as_i64().unwrap_or_default()
}

#[tokio::test]
async fn a_verification_costs_lasts_a_year_and_is_renewed() {
    let world = still().await;
    let account = world
        .account(json!({"kind": "service", "verified": false}))
        .await;
    let app = TestApp::start().await;
    let path = format!("/accounts/{}", appid(&account));
    let saved = json!({"url": app.url, "mode": "plain"});
    world.must("PUT", &format!("{path}/callback"), saved).await;
    let before = app.pushes().len();
    assert_eq!(errcode(&world, &account, "/cgi-bin/user/get").await, 48001);

    let review = format!("{path}/verification");
    let failing = json!({"result": "fail", "reason": "营业执照不清晰"});
    let failed = world.must("POST", &review, failing).await;
    assert_eq!(
        (&failed["verified"], &failed["review"]["fee"]),
        (&json!(false), &json!(30_000))
    );
    let push = app.push(before).await;
    assert_eq!(element(&push.body, "Event"), "qualification_verify_fail");
    assert_eq!(element(&push.body, "FailReason"), "营业执照不清晰");

    let start = now(&world).await;
    let passed = world.must("POST", &review, json!({})).await;
    let end = start + 365 * DAY;
    assert_eq!(
        passed["deliveries"].as_array().unwrap().len(),
        2,
        "{passed}"
    );
    let shown = world.get(&path).await;
    assert_eq!(shown["verified"], true);
    assert_eq!(shown["verified_until"], end);
    assert_eq!(shown["review_date"], start);
    assert_eq!(shown["review"], json!({"result": "pass", "fee": 30_000}));
    let push = app.push(before + 1).await;
    assert_eq!(element(&push.body, "Event"), "qualification_verify_success");
    assert_eq!(element(&push.body, "ExpiredTime"), end.to_string());
    let push = app.push(before + 2).await;
    assert_eq!(element(&push.body, "Event"), "naming_verify_success");
    assert_eq!(errcode(&world, &account, "/cgi-bin/user/get").await, 0);

    let early = refused(&world, "POST", &review, json!({})).await;
    assert_eq!(early, by(422, "verification.not_yet"));
    world.advance(275 * DAY).await;
    let push = app.push(before + 3).await;
    assert_eq!(element(&push.body, "Event"), "annual_renew");
    assert_eq!(element(&push.body, "ExpiredTime"), end.to_string());
    let renewed = world.must("POST", &review, json!({})).await;
    assert_eq!(
        renewed["verified_until"],
        end + 365 * DAY,
        "from the old end"
    );
    app.push(before + 5).await;

    // The first end passes, the second counts.
    world.advance(90 * DAY + 1).await;
    assert_eq!(errcode(&world, &account, "/cgi-bin/user/get").await, 0);
    world.advance(365 * DAY - 2).await;
    let push = app.push(before + 6).await;
    assert_eq!(element(&push.body, "Event"), "annual_renew");
    assert_eq!(errcode(&world, &account, "/cgi-bin/user/get").await, 0);
    world.advance(1).await;
    let push = app.push(before + 7).await;
    assert_eq!(element(&push.body, "Event"), "verify_expired");
    assert_eq!(errcode(&world, &account, "/cgi-bin/user/get").await, 48001);
    let shown = world.get(&path).await;
    assert_eq!(
        (&shown["verified"], &shown["verified_until"]),
        (&json!(false), &json!(end + 365 * DAY))
    );
    let rows = world.get("/timeline").await;
    let told = |row: &&Value| {
        row["title"]["en"]
            .as_str()
            .unwrap_or_default()
            .starts_with("The verification of")
    };
    assert_eq!(
        rows["items"]
            .as_array()
            .unwrap()
            .iter()
            .filter(told)
            .count(),
        1
    );

    let again = world.must("POST", &review, json!({})).await;
    assert_eq!(again["verified_until"], now(&world).await + 365 * DAY);
    let card = &world.get("/declared").await["cards"]["identity"];
    let shown: Vec<&Value> = { card["fields"].as_array().unwrap().iter() }
        .map(|field| &field["name"])
        .collect();
    for field in ["review_date", "verified_until"] {
        assert!(shown.contains(&&json!(field)), "{card}");
        assert!(again[field].is_i64(), "{again}");
    }
}

#[tokio::test]
async fn an_end_that_is_set_by_hand_comes_too() {
    let world = still().await;
    let account = world.account(json!({"kind": "service"})).await;
    let path = format!("/accounts/{}", appid(&account));
    let end = now(&world).await + 60;
    world
        .must("PATCH", &path, json!({"verified_until": end}))
        .await;
    world.advance(60).await;
    assert_eq!(world.get(&path).await["verified"], false);
    let again = world
        .must("PATCH", &path, json!({"verified_until": end + 60}))
        .await;
    assert_eq!(again["verified"], true);
    world.advance(60).await;
    assert_eq!(world.get(&path).await["verified"], false);
    let by_hand = world.must("PATCH", &path, json!({"verified": true})).await;
    assert_eq!(by_hand["verified"], true);
    assert_eq!(errcode(&world, &account, "/cgi-bin/user/get").await, 0);
}

#[tokio::test]
async fn what_is_verified_and_what_it_costs() {
    let world = still().await;
    let review = |account: &Value| format!("/accounts/{}/verification", appid(account));
    let state = json!({"kind": "service", "subject": {"name": "市图书馆", "kind": "government"}, "verified": false});
    let state = world.account(state).await;
    let free = world.must("POST", &review(&state), json!({})).await;
    assert_eq!(free["review"]["fee"], 0);
    let test = world
        .account(json!({"kind": "service", "test": true}))
        .await;
    let answer = refused(&world, "POST", &review(&test), json!({})).await;
    assert_eq!(answer, by(422, "verification.test_account"));
    let site = world.account(json!({"kind": "website"})).await;
    let answer = refused(&world, "POST", &review(&site), json!({})).await;
    assert_eq!(answer, by(422, "verification.kind"));
    let mini = world.account(json!({"kind": "miniprogram"})).await;
    let paid = world.must("POST", &review(&mini), json!({})).await;
    assert_eq!(paid["review"]["fee"], 30_000);
    let odd = world
        .control("POST", &review(&mini), json!({"result": "perhaps"}))
        .await;
    assert_eq!(odd.0, 400);
}

#[tokio::test]
async fn a_secret_is_shown_once_where_that_is_switched() {
    let world = TestWorld::start().await;
    let rules = json!({"rules": {"secret.shown": "once"}});
    let account = world.account(rules).await;
    let path = format!("/accounts/{}", appid(&account));
    let secret = account["secret"].as_str().unwrap();
    assert_eq!(secret.len(), 32);
    assert_eq!(world.get(&path).await["secret"], "");
    let listed = world.get("/accounts").await;
    assert_eq!(listed["items"][0]["secret"], "");
    let patched = world.must("PATCH", &path, json!({"name": "新名"})).await;
    assert_eq!(patched["secret"], "");
    assert!(!world.token(&account).await.is_empty());

    let fresh = world
        .must("POST", &format!("{path}/secret"), json!({}))
        .await;
    assert_eq!(fresh["secret"].as_str().unwrap().len(), 32);
    assert_ne!(fresh["secret"], secret);
    assert_eq!(world.get(&path).await["secret"], "");
    let open = world.account(json!({})).await;
    let shown = world.get(&format!("/accounts/{}", appid(&open))).await;
    assert_eq!(shown["secret"], open["secret"], "without the switch always");
}

#[tokio::test]
async fn a_frozen_secret_stops_its_own_calls_and_nothing_else() {
    let platform = Platform::start().await;
    let world = &platform.world;
    let token = platform.token().await;
    let grant = platform.grant(json!({})).await;
    let granted = platform.exchange(&token, &grant["auth_code"]).await;
    let granted = &granted["authorization_info"]["authorizer_access_token"];
    let (account, path) = (
        &platform.account,
        format!("/accounts/{}", appid(&platform.account)),
    );
    let own = world.token(account).await;
    let frozen = json!({"secret_state": "frozen"});
    world.must("PATCH", &path, frozen).await;
    let (id, secret) = (appid(account), account["secret"].as_str().unwrap());
    for call in [
        format!("/cgi-bin/token?grant_type=client_credential&appid={id}&secret={secret}"),
        format!(
            "/sns/oauth2/access_token?grant_type=authorization_code&appid={id}&secret={secret}&code=x"
        ),
    ] {
        assert_eq!(
            world.call(&call, Value::Null).await["errcode"],
            40243,
            "{call}"
        );
    }
    let body = json!({"grant_type": "client_credential", "appid": id, "secret": secret});
    let answer = world.call("/cgi-bin/stable_token", body).await;
    assert_eq!(answer["errcode"], 40243, "{answer}");
    let wrong = format!("/cgi-bin/token?grant_type=client_credential&appid={id}&secret=x");
    assert_eq!(world.call(&wrong, Value::Null).await["errcode"], 40125);
    // Tokens that were issued, and those of a third-party platform, go on.
    for token in [own.as_str(), granted.as_str().unwrap()] {
        let call = format!("/cgi-bin/user/get?access_token={token}");
        assert_eq!(world.call(&call, Value::Null).await["total"], 0);
    }
    let active = json!({"secret_state": "active"});
    world.must("PATCH", &path, active).await;
    assert!(!world.token(account).await.is_empty());
}

#[tokio::test]
async fn a_test_account_has_templates_of_its_own() {
    let world = TestWorld::start().await;
    let test = json!({"kind": "service", "test": true, "verified": false});
    let account = world.account(test).await;
    let user = world.user("小林").await;
    world
        .act(&user, json!({"do": "follow", "account": appid(&account)}))
        .await;
    let path = format!("/accounts/{}/templates", appid(&account));
    let own = json!({"title": "到货提醒", "content": "{{name.DATA}} 到了"});
    let template = world.must("POST", &path, own).await;
    let token = world.token(&account).await;
    let listed = format!("/cgi-bin/template/get_all_private_template?access_token={token}");
    let listed = world.call(&listed, Value::Null).await;
    assert_eq!(listed["template_list"][0]["title"], "到货提醒", "{listed}");
    let me = world.get(&format!("/users/{user}")).await;
    let send = json!({
        "touser": me["openids"][appid(&account)], "template_id": template["template_id"],
        "data": {"name": {"value": "锄头"}},
    });
    let call = format!("/cgi-bin/message/template/send?access_token={token}");
    let sent = world.call(&call, send).await;
    assert_eq!(sent["errcode"], 0, "{sent}");
    let inbox = world.inbox(&user, appid(&account)).await;
    assert_eq!(inbox[0]["via"], "template", "{inbox:?}");
}
