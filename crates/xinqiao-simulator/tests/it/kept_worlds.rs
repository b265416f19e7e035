//! Worlds that earlier programs kept are opened with everything that is in them.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::{Value, json};
use xinqiao_simulator::{Options, Storage};
use xinqiao_testkit::TestWorld;

fn kept(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("testdata/worlds")
        .join(name)
}

fn facts() -> Value {
    let text = std::fs::read_to_string(kept("format-1.facts.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn options(folder: &Path) -> Options {
    let mut options = Options::default();
    options.seed = 7;
    options.seeded = true;
    options.storage = Storage::Dir(folder.to_owned());
    options.attempt_timeout = Duration::from_millis(300);
    options
}

/// The file in a folder of its own.
fn unpacked(name: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(kept(name), folder.path().join("simulator.db")).unwrap();
    folder
}

/// Looks for everything that the script of these worlds left.
async fn look_through(world: &TestWorld) {
    let facts = facts();
    let text = |name: &str| facts[name].as_str().unwrap();
    let (appid, other, openid) = (text("appid"), text("other"), text("openid"));
    assert_eq!(
        world.get("/clock").await,
        json!({"now": 1_800_000_000, "frozen": true})
    );

    let account = world.get(&format!("/accounts/{appid}")).await;
    assert_eq!(account["secret"], facts["secret"]);
    assert_eq!(account["alias"], facts["alias"]);
    assert_eq!(account["mode"], "plain");
    assert_eq!(account["followers"], 8, "小林, two by hand, five in bulk");
    let second = world.get(&format!("/accounts/{other}")).await;
    for (name, value) in [
        ("name", json!("旧账号")),
        ("email", json!("a@example.com")),
        ("open_account", json!("op1")),
        ("subject", json!({"name": "某公司", "kind": "company"})),
        ("ip_whitelist", json!(["10.0.0.0/8", "127.0.0.1"])),
        ("permissions", json!({"msg.custom": true})),
        ("rules", json!({"callback.notice_text": "documentation"})),
        ("followers", json!(1)),
    ] {
        assert_eq!(second[name], value, "{name}");
    }

    let people = world.get("/users").await;
    assert_eq!(people["items"].as_array().unwrap().len(), 9);
    let person = world.get(&format!("/users/{}", text("user"))).await;
    assert_eq!(person["nickname"], "旧人甲");
    assert_eq!(person["phone"], "13800000000");
    assert_eq!(person["openids"][appid], openid);
    assert!(person["unionids"]["op1"].is_string(), "{person}");

    let chat = world
        .get(&format!("/users/{}/chat?account={appid}", text("user")))
        .await;
    let kinds: Vec<(&str, &str)> = chat["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| {
            (
                item["via"].as_str().unwrap(),
                item["type"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        kinds,
        [
            ("user", "text"),
            ("reply", "text"),
            ("user", "image"),
            ("user", "location"),
            ("custom", "wxcard"),
            ("user", "text"),
            ("reply", "text"),
            ("custom", "msgmenu"),
        ]
    );
    assert_eq!(chat["items"][1]["content"], "你说 记住我");
    assert_eq!(chat["items"][4]["card_id"], "pSIMcard");
    assert_eq!(chat["menu"]["button"][0]["key"], "TODAY");
    assert_eq!(chat["window"]["expires_at"], 1_800_000_000 + 48 * 3600);
    let picture = chat["items"][2]["media_url"].as_str().unwrap();
    let picture = format!("{}{picture}", world.simulator().origin());
    let picture = world.client().get(picture).send().await.unwrap();
    assert_eq!(picture.status(), 200);

    let call = |path: String, body: Value| async move { world.call(&path, body).await };
    for token in ["token", "token_before", "stable_token"] {
        let token = text(token);
        let path = format!("/cgi-bin/user/info?access_token={token}&openid={openid}");
        let info = call(path, Value::Null).await;
        assert_eq!(info["remark"], "老朋友", "{info}");
    }
    let token = text("token");
    let media = format!(
        "{}/cgi-bin/media/get?access_token={token}&media_id={}",
        world.api(),
        text("media_id")
    );
    let media = world.client().get(media).send().await.unwrap();
    let bytes = media.bytes().await.unwrap();
    assert_eq!(&bytes[..], b"\x89PNG\r\n\x1a\nxxxxxxxxxxxxxxxxxxxx");
    let path = format!("/cgi-bin/customservice/getkflist?access_token={token}");
    let staff = call(path, Value::Null).await;
    assert_eq!(staff["kf_list"][0]["kf_nick"], "小客服");
    // The limit is 3, one call was set as made and one was made.
    let menu = format!("/cgi-bin/menu/get?access_token={token}");
    assert!(call(menu.clone(), Value::Null).await["menu"].is_object());
    assert_eq!(call(menu, Value::Null).await["errcode"], 45009);
    assert_eq!(world.get("/faults").await["items"][0]["times"], 2);

    // New ids do not repeat old ones.
    let user = world.user("新人").await;
    assert_eq!(user, "u10");
}

#[tokio::test]
async fn a_world_of_format_1_is_opened_with_everything_in_it() {
    let folder = unpacked("format-1.db");
    let world = TestWorld::start_with(options(folder.path())).await;
    look_through(&world).await;
    let app = world
        .get(&format!(
            "/deliveries?account={}",
            facts()["appid"].as_str().unwrap()
        ))
        .await;
    assert_eq!(
        app["items"].as_array().unwrap().len(),
        7,
        "deliveries are kept"
    );
    world.shutdown().await;
    let again = TestWorld::start_with(options(folder.path())).await;
    assert_eq!(
        again.get("/users").await["items"].as_array().unwrap().len(),
        10
    );
    again.shutdown().await;
}

#[tokio::test]
async fn a_world_of_format_1_whose_program_was_killed_is_opened_likewise() {
    let folder = unpacked("format-1-killed.db");
    let world = TestWorld::start_with(options(folder.path())).await;
    look_through(&world).await;
    world.shutdown().await;
}

#[tokio::test]
async fn a_world_with_its_files_in_a_table_is_opened_and_they_move_to_the_folder() {
    let folder = unpacked("format-2.db");
    let world = TestWorld::start_with(options(folder.path())).await;
    look_through(&world).await;
    world.shutdown().await;
    let lying = std::fs::read_dir(folder.path().join("files")).unwrap();
    let mut lengths: Vec<u64> = { lying }
        .map(|entry| entry.unwrap().metadata().unwrap().len())
        .collect();
    lengths.sort_unstable();
    assert_eq!(lengths, [28, 74], "two of the three have the same bytes");
    let file = rusqlite::Connection::open(folder.path().join("simulator.db")).unwrap();
    let columns = "SELECT group_concat(name) FROM pragma_table_info('files')";
    let columns: String = file.query_row(columns, [], |row| row.get(0)).unwrap();
    assert_eq!(columns, "id,name,length");
    let files = "SELECT count(*) FROM files";
    let files: i64 = file.query_row(files, [], |row| row.get(0)).unwrap();
    drop(file);
    assert_eq!(files, 3);
    let again = TestWorld::start_with(options(folder.path())).await;
    let media = format!(
        "{}/mmbiz/{}/0",
        again.simulator().origin(),
        facts()["media_id"].as_str().unwrap()
    );
    let media = again.client().get(media).send().await.unwrap();
    let bytes = media.bytes().await.unwrap();
    assert_eq!(&bytes[..], b"\x89PNG\r\n\x1a\nxxxxxxxxxxxxxxxxxxxx");
    again.shutdown().await;
}

#[tokio::test]
async fn an_export_of_format_1_is_imported_with_everything_in_it() {
    let world = TestWorld::start().await;
    let document = std::fs::read_to_string(kept("format-1.export.json")).unwrap();
    let answer = world
        .client()
        .post(format!("{}/import", world.control_base()))
        .header("content-type", "application/json")
        .body(document)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    look_through(&world).await;
    world.shutdown().await;
}
