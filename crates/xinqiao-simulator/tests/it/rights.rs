//! Who may call what: the platform's table of 37 rows and four kinds of accounts, asked from outside.
//!
//! Source: doc page "接口权限说明".

use serde_json::{Value, json};
use xinqiao_testkit::{TestApp, TestWorld};

use crate::{appid, echo, element, rights_table::ROWS};

/// A cell of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cell {
    Yes,
    No,
    Apply,
}

use Cell::{Apply, Yes};

/// The columns: kind, verified.
const KINDS: [(&str, bool); 4] = [
    ("subscription", false),
    ("subscription", true),
    ("service", false),
    ("service", true),
];

/// A row of the table.
pub(crate) struct Row {
    /// What the platform calls it.
    pub(crate) title: &'static str,
    /// Unverified and verified subscription account, unverified and verified service account.
    pub(crate) cells: [Cell; 4],
    /// Its name in the control interface.
    pub(crate) id: &'static str,
    /// What it opens to a token; `+` before what takes POST.
    pub(crate) calls: &'static str,
    /// What it lets come.
    pub(crate) events: &'static str,
    /// Functions of the JS-SDK.
    pub(crate) js: &'static str,
}

/// Calls of a row's list that this kind lacks although the row gives the others: the page on mass messages says so.
fn lacks(column: usize, path: &str) -> bool {
    column == 1 && path == "/cgi-bin/message/mass/send"
}

async fn made(world: &TestWorld, column: usize) -> Value {
    let (kind, verified) = KINDS[column];
    world
        .account(json!({"kind": kind, "verified": verified, "mode": "plain"}))
        .await
}

async fn errcode(world: &TestWorld, token: &str, call: &str) -> Option<i64> {
    let (path, body) = match call.strip_prefix('+') {
        Some(path) => (path, json!({})),
        None => (call, Value::Null),
    };
    let joint = if path.contains('?') { '&' } else { '?' };
    let answer = world
        .call(&format!("{path}{joint}access_token={token}"), body)
        .await;
    answer["errcode"].as_i64()
}

async fn check_calls(world: &TestWorld, token: &str, row: &Row, column: usize, open: bool) {
    for call in row.calls.split_whitespace() {
        let code = errcode(world, token, call).await;
        let open = open && !lacks(column, call.trim_start_matches('+'));
        let where_ = format!("{} {call} for {:?}: {code:?}", row.title, KINDS[column]);
        assert_eq!(code != Some(48001), open, "{where_}");
        assert_ne!(code, Some(40001), "{where_}");
        assert_ne!(code, Some(45009), "{where_}");
    }
}

#[test]
fn the_table_has_its_37_rows() {
    assert_eq!(ROWS.len(), 37);
    let calls: usize = { ROWS.iter() }
        .map(|row| row.calls.split_whitespace().count())
        .sum();
    assert!(calls > 230, "{calls}");
}

#[tokio::test]
async fn every_cell_of_the_table_is_kept() {
    let world = TestWorld::start().await;
    world.next_morning().await;
    for column in 0..KINDS.len() {
        let account = made(&world, column).await;
        let token = world.token(&account).await;
        for row in ROWS {
            check_calls(&world, &token, row, column, row.cells[column] == Yes).await;
        }
    }
}

#[tokio::test]
async fn a_right_on_application_is_there_once_it_is_granted() {
    let world = TestWorld::start().await;
    for column in 0..KINDS.len() {
        let account = made(&world, column).await;
        let path = format!("/accounts/{}", appid(&account));
        let token = world.token(&account).await;
        for row in { ROWS.iter() }.filter(|row| row.cells[column] == Apply) {
            check_calls(&world, &token, row, column, false).await;
            let granted = json!({"permissions": {row.id: true}});
            world.must("PATCH", &path, granted).await;
            check_calls(&world, &token, row, column, true).await;
            let taken = json!({"permissions": {row.id: false}});
            world.must("PATCH", &path, taken).await;
            check_calls(&world, &token, row, column, false).await;
        }
    }
}

#[tokio::test]
async fn what_a_row_covers_is_told_with_its_events_and_functions() {
    let world = TestWorld::start().await;
    for column in 0..KINDS.len() {
        let account = made(&world, column).await;
        let told = world
            .get(&format!("/accounts/{}/rights", appid(&account)))
            .await;
        for row in ROWS {
            let own = { told["items"].as_array().unwrap().iter() }
                .find(|own| own["id"] == row.id)
                .unwrap();
            assert_eq!(own["title"]["zh"], row.title);
            assert_eq!(own["allowed"], row.cells[column] == Yes, "{own}");
            let words = |list: &'static str| json!(list.split_whitespace().collect::<Vec<_>>());
            assert_eq!(own["js"], words(row.js), "{}", row.title);
            assert_eq!(own["events"], words(row.events), "{}", row.title);
        }
    }
}

#[tokio::test]
async fn events_of_a_row_come_to_whom_it_gives_them() {
    let world = TestWorld::start().await;
    for (column, kind) in KINDS.into_iter().enumerate() {
        let account = made(&world, column).await;
        let appid = appid(&account);
        let app = TestApp::start().await;
        let saved = json!({"url": app.url});
        world
            .must("PUT", &format!("/accounts/{appid}/callback"), saved)
            .await;
        let user = world.user("小林").await;
        world
            .act(&user, json!({"do": "follow", "account": appid}))
            .await;
        for row in ROWS {
            // The catalog has one of them as JSON only, which is not triggered.
            let json = "message.shortvideo";
            for event in { row.events.split_whitespace() }.filter(|event| *event != json) {
                let event = format!("official_account.{event}");
                let before = app.pushes().len();
                let done = world
                    .must(
                        "POST",
                        "/trigger",
                        json!({"account": appid, "user": user, "event": event}),
                    )
                    .await;
                let come = done["deliveries"].as_array().unwrap().len();
                let wanted = usize::from(row.cells[column] == Yes);
                assert_eq!(come, wanted, "{event} for {kind:?}");
                assert_eq!(app.pushes().len(), before + wanted, "{event}");
            }
        }
    }
}

#[tokio::test]
async fn everybody_is_told_messages_and_may_reply_in_passing() {
    let world = TestWorld::start().await;
    for column in 0..KINDS.len() {
        let account = made(&world, column).await;
        let appid = appid(&account);
        let app = TestApp::start().await;
        echo(&app);
        let saved = json!({"url": app.url});
        world
            .must("PUT", &format!("/accounts/{appid}/callback"), saved)
            .await;
        let user = world.user("小林").await;
        world
            .act(&user, json!({"do": "follow", "account": appid}))
            .await;
        world.say(&user, appid, "在吗").await;
        let last = app.pushes().pop().unwrap();
        assert_eq!(element(&last.body, "Content"), "在吗");
        let inbox = world.inbox(&user, appid).await;
        assert_eq!(inbox.last().unwrap()["content"], "你说 在吗", "{inbox:?}");
    }
}

#[tokio::test]
async fn who_logs_people_in_proves_it_by_secret_and_needs_the_right_too() {
    let world = TestWorld::start().await;
    for (column, wanted) in [48001, 48001, 48001, 40029].into_iter().enumerate() {
        let account = made(&world, column).await;
        let (appid, secret) = (appid(&account), account["secret"].as_str().unwrap());
        let path = format!(
            "/sns/oauth2/access_token?appid={appid}&secret={secret}&code=none&grant_type=authorization_code"
        );
        let answer = world.call(&path, Value::Null).await;
        assert_eq!(answer["errcode"], wanted, "{answer}");
    }
}

#[tokio::test]
async fn a_menu_is_not_told_of_to_whom_the_right_was_taken() {
    let world = TestWorld::start().await;
    let (account, user, app) = crate::connected(&world, "plain").await;
    let appid = appid(&account);
    let token = world.token(&account).await;
    let menu = json!({"button": [{"type": "click", "name": "今日", "key": "T"}]});
    let path = format!("/cgi-bin/menu/create?access_token={token}");
    assert_eq!(world.call(&path, menu).await["errcode"], 0);
    let click = json!({"do": "click", "account": appid, "key": "T"});
    let done = world.act(&user, click.clone()).await;
    assert_eq!(done["deliveries"].as_array().unwrap().len(), 1);
    let before = app.pushes().len();
    let path = format!("/accounts/{appid}");
    world
        .must("PATCH", &path, json!({"permissions": {"ui.menu": false}}))
        .await;
    let done = world.act(&user, click).await;
    assert_eq!(done["deliveries"], json!([]));
    assert_eq!(app.pushes().len(), before);
    let rows = world.get("/timeline").await;
    let rows = rows["items"].as_array().unwrap();
    let why = { rows.iter() }.find(|row| row["diagnosis"]["received"] == "ui.menu");
    assert_eq!(why.unwrap()["diagnosis"]["rule"], "permission.denied");
}

#[tokio::test]
async fn rights_fall_back_when_the_verification_ends() {
    let world = TestWorld::start().await;
    let account = made(&world, 3).await;
    let now = world.get("/clock").await["now"].as_i64().unwrap();
    let path = format!("/accounts/{}", appid(&account));
    world
        .must("PATCH", &path, json!({"verified_until": now + 600}))
        .await;
    let token = world.token(&account).await;
    assert_ne!(
        errcode(&world, &token, "/cgi-bin/user/get").await,
        Some(48001)
    );
    world.advance(601).await;
    assert_eq!(
        errcode(&world, &token, "/cgi-bin/user/get").await,
        Some(48001)
    );
    // An unverified service account keeps its menu.
    assert_ne!(
        errcode(&world, &token, "/cgi-bin/menu/get").await,
        Some(48001)
    );
}

#[tokio::test]
async fn another_state_of_the_table_is_a_switch() {
    let world = TestWorld::start().await;
    let account = made(&world, 1).await;
    let unverified = made(&world, 0).await;
    let (token, other) = (world.token(&account).await, world.token(&unverified).await);
    let staff = "/customservice/getkflist";
    let count = "/cgi-bin/draft/count";
    assert_eq!(errcode(&world, &token, staff).await, Some(48001));
    assert_eq!(errcode(&world, &other, count).await, Some(48001));
    for (account, table) in [(&account, "2025-07.staff"), (&unverified, "2025-06")] {
        let path = format!("/accounts/{}", appid(account));
        let switched = json!({"rules": {"permission.table": table}});
        world.must("PATCH", &path, switched).await;
    }
    assert_ne!(errcode(&world, &token, staff).await, Some(48001));
    assert_ne!(errcode(&world, &other, count).await, Some(48001));
    assert_eq!(errcode(&world, &other, staff).await, Some(48001));
}

#[tokio::test]
async fn a_test_account_has_rights_of_its_own_and_a_hundred_followers() {
    let world = TestWorld::start().await;
    let account = world
        .account(json!({"kind": "service", "verified": false, "test": true}))
        .await;
    assert_eq!(account["test"], true);
    let token = world.token(&account).await;
    for call in [
        "+/cgi-bin/message/custom/send",
        "+/cgi-bin/qrcode/create",
        "/cgi-bin/user/get",
    ] {
        assert_ne!(errcode(&world, &token, call).await, Some(48001), "{call}");
    }
    assert_eq!(
        errcode(&world, &token, "/customservice/getkflist").await,
        Some(48001)
    );
    // Its quotas are the test account's.
    let asked = json!({"cgi_path": "/cgi-bin/user/get"});
    let path = format!("/cgi-bin/openapi/quota/get?access_token={token}");
    assert_eq!(world.call(&path, asked).await["quota"]["daily_limit"], 100);
    let many = |count: u64| json!({"count": count, "follow": [appid(&account)]});
    let (status, refused) = world.control("POST", "/users", many(101)).await;
    assert_eq!(status, 422, "{refused}");
    world.must("POST", "/users", many(100)).await;
    let user = world.user("第一百零一").await;
    let follow = json!({"do": "follow", "account": appid(&account)});
    let path = format!("/users/{user}/actions");
    let (status, refused) = world.control("POST", &path, follow).await;
    assert_eq!(status, 422, "{refused}");
    let merchant = json!({"kind": "website", "test": true});
    assert_eq!(world.control("POST", "/accounts", merchant).await.0, 400);
}
