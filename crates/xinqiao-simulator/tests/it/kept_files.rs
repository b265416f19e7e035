//! Files of a world that is kept: they lie beside it, are answered as they were sent, and go when they are forgotten.

use std::path::Path;

use serde_json::{Value, json};
use xinqiao_simulator::Storage;
use xinqiao_testkit::TestWorld;

use crate::{
    appid,
    material::{self, add},
    persistence::{killable, options},
};

/// A picture that is read in many pieces.
fn picture() -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    bytes.extend((0..180_001_u32).flat_map(u32::to_le_bytes));
    bytes
}

/// What lies beside a world.
fn lying(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder.join("files"))
        .into_iter()
        .flatten();
    { entries }
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

/// Waits until so many files lie there.
async fn lie(folder: &Path, count: usize) {
    for _ in 0..1000 {
        if lying(folder).len() == count {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("{} files lie there, not {count}", lying(folder).len());
}

/// Ends a world and opens it again, in which every file lies on the disk.
async fn again(world: TestWorld, folder: &Path) -> TestWorld {
    world.shutdown().await;
    TestWorld::start_with(options(folder)).await
}

/// Headers that tell of a file, and its bytes.
type Fetched = (u16, [String; 5], Vec<u8>);

async fn fetched(request: reqwest::RequestBuilder) -> Fetched {
    let answer = request.send().await.unwrap();
    let told = [
        "content-type",
        "content-length",
        "content-disposition",
        "content-security-policy",
        "x-content-type-options",
    ];
    let headers = told.map(|name| {
        let value = answer.headers().get(name);
        value.map_or("", |value| value.to_str().unwrap()).to_owned()
    });
    let status = answer.status().as_u16();
    (status, headers, answer.bytes().await.unwrap().to_vec())
}

/// What is answered wherever files are.
async fn everywhere(world: &TestWorld, token: &str, files: &Files) -> Vec<Fetched> {
    let (client, api, own) = (world.client(), world.api(), world.simulator().origin());
    let Files {
        temporary,
        permanent,
        phone,
    } = files;
    let material = format!("{api}/cgi-bin/material/get_material?access_token={token}");
    let pages = &world.simulator().endpoints()["mp.weixin.qq.com"];
    vec![
        fetched(client.get(format!(
            "{api}/cgi-bin/media/get?access_token={token}&media_id={temporary}"
        )))
        .await,
        fetched(
            { client.post(material) }
                .header("content-type", "application/json")
                .body(json!({"media_id": permanent}).to_string()),
        )
        .await,
        fetched(client.get(format!("{pages}/mmbiz/{permanent}/0"))).await,
        fetched(client.get(format!("{own}/mmbiz/{temporary}/0"))).await,
        fetched(client.get(format!("{own}/_sim/v1/media/{phone}"))).await,
    ]
}

/// Files of an account and of the phone.
struct Files {
    temporary: String,
    permanent: String,
    phone: String,
}

async fn upload(world: &TestWorld, token: &str, bytes: &[u8]) -> String {
    let to = format!("/cgi-bin/media/upload?access_token={token}&type=image");
    let sent = material::send(world, &to, bytes, None).await;
    { sent["media_id"].as_str() }
        .unwrap_or_else(|| panic!("{sent}"))
        .to_owned()
}

async fn keep(client: &reqwest::Client, control: &str, bytes: Vec<u8>) -> String {
    let request = { client.post(format!("{control}/media")) }
        .header("content-type", "image/png")
        .body(bytes);
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 201);
    let kept: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    kept["media_id"].as_str().unwrap().to_owned()
}

async fn export(world: &TestWorld) -> String {
    let url = format!("{}/export", world.control_base());
    let answer = world.client().get(url).send().await.unwrap();
    answer.text().await.unwrap()
}

async fn import(world: &TestWorld, document: String) {
    let url = format!("{}/import", world.control_base());
    let request = { world.client().post(url) }
        .header("content-type", "application/json")
        .body(document);
    assert_eq!(request.send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_file_is_answered_alike_from_memory_and_from_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let mut told = Vec::new();
    let mut exports = Vec::new();
    for storage in [Storage::Memory, Storage::Dir(folder.path().to_owned())] {
        let on_disk = storage != Storage::Memory;
        let mut all = options(folder.path());
        all.storage = storage;
        let mut world = TestWorld::start_with(all).await;
        world
            .must("POST", "/clock", json!({"now": 1_800_000_000}))
            .await;
        world.must("POST", "/clock", json!({"freeze": true})).await;
        let account = world.account(json!({"kind": "service"})).await;
        let token = world.token(&account).await;
        let picture = picture();
        let permanent = add(&world, &token, "image", &picture, None).await;
        let files = Files {
            temporary: upload(&world, &token, &picture[..500_001]).await,
            permanent: permanent["media_id"].as_str().unwrap().to_owned(),
            phone: keep(world.client(), world.control_base(), picture.clone()).await,
        };
        if on_disk {
            world = again(world, folder.path()).await;
            assert_eq!(
                lying(folder.path()).len(),
                2,
                "the same bytes lie there once"
            );
        }
        let all = everywhere(&world, &token, &files).await;
        for (status, headers, bytes) in &all {
            assert_eq!((*status, &*headers[0]), (200, "image/png"));
            assert_eq!(headers[1], bytes.len().to_string());
        }
        assert!(all[1].2 == picture && all[0].2 == picture[..500_001]);
        told.push(all);
        exports.push(export(&world).await);
        world.shutdown().await;
    }
    assert!(told[0] == told[1], "every header and byte");
    assert!(exports[0] == exports[1], "every byte");
}

#[tokio::test]
async fn what_the_phone_kept_becomes_a_file_of_the_account_without_being_read() {
    let folder = tempfile::tempdir().unwrap();
    let world = TestWorld::start_with(options(folder.path())).await;
    let seeded = world.simulator().seeded();
    let (appid, user) = (seeded.accounts[0].appid.clone(), seeded.users[0].id.clone());
    let phone = keep(world.client(), world.control_base(), picture()).await;
    let world = again(world, folder.path()).await;
    let message = json!({"type": "image", "media_id": phone});
    let act = json!({"do": "send", "account": appid, "message": message});
    world.act(&user, act).await;
    let world = again(world, folder.path()).await;
    assert_eq!(lying(folder.path()).len(), 1);
    let chat = world
        .get(&format!("/users/{user}/chat?account={appid}"))
        .await;
    let url = chat["items"][0]["media_url"].as_str().unwrap();
    let url = format!("{}{url}", world.simulator().origin());
    let sent = fetched(world.client().get(url)).await;
    assert!(sent.2 == picture());
    world.shutdown().await;
}

#[tokio::test]
async fn a_file_that_was_acknowledged_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let (mut child, control) = killable(folder.path()).await;
    let phone = keep(&reqwest::Client::new(), &control, picture()).await;
    child.kill();
    let world = TestWorld::start_with(options(folder.path())).await;
    let url = format!("{}/media/{phone}", world.control_base());
    let kept = fetched(world.client().get(url)).await;
    assert!(kept.2 == picture());
    assert_eq!(lying(folder.path()).len(), 1);
    world.shutdown().await;
}

#[tokio::test]
async fn a_file_leaves_the_disk_when_its_time_is_over_and_with_its_world() {
    let folder = tempfile::tempdir().unwrap();
    let world = TestWorld::start_with(options(folder.path())).await;
    world.must("POST", "/clock", json!({"freeze": true})).await;
    let account = world.account(json!({"kind": "service"})).await;
    let token = world.token(&account).await;
    upload(&world, &token, &picture()).await;
    let mut other = picture();
    other.push(1);
    let permanent = add(&world, &token, "image", &other, None).await;
    lie(folder.path(), 2).await;
    world.advance(3 * 86_400).await;
    lie(folder.path(), 1).await;
    let token = world.token(&account).await;
    let path = format!("/cgi-bin/material/del_material?access_token={token}");
    let named = json!({"media_id": permanent["media_id"]});
    assert_eq!(world.call(&path, named).await["errcode"], 0);
    lie(folder.path(), 0).await;
    upload(&world, &token, &picture()).await;
    lie(folder.path(), 1).await;
    world.must("POST", "/reset", json!({})).await;
    lie(folder.path(), 0).await;
    world.shutdown().await;
}

#[tokio::test]
async fn a_file_that_is_missing_is_unknown_and_the_world_opens_without_it() {
    let folder = tempfile::tempdir().unwrap();
    let world = TestWorld::start_with(options(folder.path())).await;
    let account = world.account(json!({"kind": "service"})).await;
    let token = world.token(&account).await;
    let temporary = upload(&world, &token, &picture()).await;
    world.shutdown().await;
    std::fs::remove_dir_all(folder.path().join("files")).unwrap();
    let world = TestWorld::start_with(options(folder.path())).await;
    let path = format!("/cgi-bin/media/get?access_token={token}&media_id={temporary}");
    assert_eq!(world.call(&path, Value::Null).await["errcode"], 40007);
    let exported: Value = serde_json::from_str(&export(&world).await).unwrap();
    assert_eq!(exported["files"], json!({}));
    let next = upload(&world, &token, &picture()).await;
    let world = again(world, folder.path()).await;
    let url = format!("{}/mmbiz/{next}/0", world.simulator().origin());
    assert!(fetched(world.client().get(url)).await.2 == picture());
    world.shutdown().await;
}

#[tokio::test]
async fn ids_of_an_imported_world_write_nowhere_else() {
    let outside = tempfile::tempdir().unwrap();
    let folder = outside.path().join("world");
    let world = TestWorld::start_with(options(&folder)).await;
    let account = world.account(json!({"kind": "service"})).await;
    let token = world.token(&account).await;
    let known = upload(&world, &token, &picture()[..1000]).await;
    let absolute = outside.path().join("absolute");
    let foreign = [
        "../../climbed".to_owned(),
        "..\\climbed".to_owned(),
        absolute.to_str().unwrap().to_owned(),
        "nul\0byte".to_owned(),
        "simulator.db".to_owned(),
        "长".repeat(400),
        String::new(),
    ];
    let mut document: Value = serde_json::from_str(&export(&world).await).unwrap();
    for (number, id) in foreign.iter().enumerate() {
        let text = base64_simd::STANDARD.encode_to_string(format!("foreign {number}"));
        document["files"][id] = json!(text);
    }
    import(&world, document.to_string()).await;
    let imported = export(&world).await;
    let world = again(world, &folder).await;
    assert!(export(&world).await == imported);
    let url = format!("{}/mmbiz/{known}/0", world.simulator().origin());
    assert!(fetched(world.client().get(url)).await.2 == picture()[..1000]);
    world.shutdown().await;
    let names = |folder: &Path| {
        let entries = std::fs::read_dir(folder).unwrap();
        let mut names: Vec<String> = { entries }
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    assert_eq!(names(outside.path()), ["world"]);
    assert_eq!(names(&folder), ["files", "simulator.db"]);
    let lying = lying(&folder);
    assert_eq!(lying.len(), 1 + foreign.len());
    for name in lying {
        assert!(name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit()));
    }
}

#[tokio::test]
async fn a_row_shows_a_file_as_it_shows_any_answer() {
    let folder = tempfile::tempdir().unwrap();
    let world = TestWorld::start_with(options(folder.path())).await;
    let account = world.account(json!({"kind": "service"})).await;
    let token = world.token(&account).await;
    let temporary = upload(&world, &token, &picture()[..5000]).await;
    let world = again(world, folder.path()).await;
    let called = json!({
        "endpoint": "official_account.media.get",
        "account": appid(&account),
        "query": {"media_id": temporary},
    });
    let called = world.must("POST", "/call", called).await;
    assert_eq!(called["body"], "(5000 bytes)", "{called}");
    world.shutdown().await;
}
