use serde_json::{Value, json};
use xinqiao_simulator::{Options, Storage};
use xinqiao_testkit::TestWorld;

use crate::appid;

pub(crate) const PNG: &[u8] = b"\x89PNG\r\n\x1a\nrest";
const JPEG: &[u8] = b"\xff\xd8\xff\xe0rest";
const AMR: &[u8] = b"#!AMR\n\x04\x00";
const FILM: &[u8] = b"\x00\x00\x00\x18ftypmp42rest";

/// An account that keeps material.
struct Archive {
    world: TestWorld,
    account: Value,
    token: String,
}

/// Adds permanent material, with a part of JSON if there is one.
pub(crate) async fn add(
    world: &TestWorld,
    token: &str,
    kind: &str,
    bytes: &[u8],
    description: Option<Value>,
) -> Value {
    let to = format!("/cgi-bin/material/add_material?access_token={token}&type={kind}");
    send(world, &to, bytes, description).await
}

/// Uploads a file, with a part of JSON if there is one.
pub(crate) async fn send(
    world: &TestWorld,
    path_and_query: &str,
    bytes: &[u8],
    description: Option<Value>,
) -> Value {
    let mut body = Vec::new();
    if let Some(description) = description {
        let part = format!(
            "--b\r\nContent-Disposition: form-data; name=\"description\"\r\n\r\n{description}\r\n"
        );
        body.extend_from_slice(part.as_bytes());
    }
    body.extend_from_slice(
        b"--b\r\nContent-Disposition: form-data; name=\"media\"; filename=\"a\"\r\n\r\n",
    );
    body.extend_from_slice(bytes);
    body.extend_from_slice(b"\r\n--b--\r\n");
    let url = format!("{}{path_and_query}", world.api());
    let request = { world.client().post(url).body(body) }
        .header("content-type", "multipart/form-data; boundary=b");
    let answer = request.send().await.unwrap();
    assert!(!answer.headers().contains_key("x-xinqiao-misfit"));
    serde_json::from_str(&answer.text().await.unwrap()).unwrap()
}

impl Archive {
    async fn at(world: TestWorld) -> Self {
        let account = world.account(json!({"kind": "service"})).await;
        let token = world.token(&account).await;
        Self {
            world,
            account,
            token,
        }
    }

    async fn open() -> Self {
        Self::at(TestWorld::start().await).await
    }

    async fn add(&self, kind: &str, bytes: &[u8]) -> String {
        let added = add(&self.world, &self.token, kind, bytes, None).await;
        { added["media_id"].as_str() }
            .unwrap_or_else(|| panic!("{added}"))
            .to_owned()
    }

    async fn call(&self, path: &str, body: Value) -> Value {
        let path = format!("/cgi-bin/{path}?access_token={}", self.token);
        self.world.call(&path, body).await
    }

    async fn refused(&self, path: &str, body: Value, code: i64) {
        let answer = self.call(path, body).await;
        assert_eq!(answer["errcode"], code, "{path}: {answer}");
    }

    async fn bytes(&self, media_id: &str) -> Vec<u8> {
        let path = "/cgi-bin/material/get_material";
        let url = format!("{}{path}?access_token={}", self.world.api(), self.token);
        let request = { self.world.client().post(url) }
            .header("content-type", "application/json")
            .body(json!({"media_id": media_id}).to_string());
        let answer = request.send().await.unwrap();
        answer.bytes().await.unwrap().to_vec()
    }

    async fn counts(&self) -> [i64; 4] {
        let counts = self.call("material/get_materialcount", Value::Null).await;
        ["image", "voice", "video", "news"]
            .map(|kind| counts[format!("{kind}_count")].as_i64().unwrap())
    }

    /// The ids of a page.
    async fn page(&self, kind: &str, offset: i64, count: i64) -> Vec<Value> {
        let asked = json!({"type": kind, "offset": offset, "count": count});
        let page = self.call("material/batchget_material", asked).await;
        let items = page["item"].as_array().unwrap();
        assert_eq!(page["item_count"], items.len(), "{page}");
        items.iter().map(|item| item["media_id"].clone()).collect()
    }
}

#[tokio::test]
async fn permanent_material_is_kept_and_fetched() {
    let mut archive = Archive::open().await;
    let picture = add(&archive.world, &archive.token, "image", PNG, None).await;
    let url = picture["url"].as_str().unwrap();
    let picture = picture["media_id"].as_str().unwrap();
    assert!(url.ends_with(&format!("/mmbiz/{picture}/0")), "{url}");
    let voice = add(&archive.world, &archive.token, "voice", AMR, None).await;
    assert_eq!(voice.get("url"), None, "only pictures have an address");
    let about = json!({"title": "片", "introduction": "一段"});
    let film = add(&archive.world, &archive.token, "video", FILM, Some(about)).await;

    archive.world.advance(30 * 86_400).await;
    archive.token = archive.world.token(&archive.account).await;
    assert_eq!(archive.bytes(picture).await, PNG);
    assert_eq!(
        archive.bytes(voice["media_id"].as_str().unwrap()).await,
        AMR
    );
    let told = {
        archive.call(
            "material/get_material",
            json!({"media_id": film["media_id"]}),
        )
    }
    .await;
    assert_eq!(
        (&told["title"], &told["description"]),
        (&json!("片"), &json!("一段"))
    );
    assert!(told["down_url"].is_string(), "{told}");

    let without = add(&archive.world, &archive.token, "video", FILM, None).await;
    assert_eq!(without["errcode"], 40035, "a film needs a title");
    for (kind, bytes, code) in [
        ("news", PNG, 40004),
        ("image", AMR, 40005),
        ("thumb", PNG, 40005),
        ("image", b"", 45001),
    ] {
        let refused = add(&archive.world, &archive.token, kind, bytes, None).await;
        assert_eq!(refused["errcode"], code, "{kind}: {refused}");
    }
    let foreign = Archive::at(archive.world).await;
    let nobody = json!({"media_id": picture});
    foreign
        .refused("material/get_material", nobody, 40007)
        .await;
}

#[tokio::test]
async fn deleted_material_is_gone_unless_the_menu_shows_it() {
    let archive = Archive::open().await;
    let picture = archive.add("image", PNG).await;
    let named = json!({"media_id": picture});
    let below = json!({"type": "media_id", "name": "图", "media_id": picture});
    let menu = json!({"button": [{"name": "多", "sub_button": [below]}]});
    assert_eq!(archive.call("menu/create", menu).await["errcode"], 0);
    archive
        .refused("material/del_material", named.clone(), 48005)
        .await;
    assert_eq!(archive.call("menu/delete", Value::Null).await["errcode"], 0);
    let deleted = archive.call("material/del_material", named.clone()).await;
    assert_eq!(deleted["errcode"], 0);
    archive
        .refused("material/del_material", named.clone(), 40007)
        .await;
    archive.refused("material/get_material", named, 40007).await;
    assert_eq!(archive.counts().await, [0, 0, 0, 0]);
    assert!(archive.page("image", 0, 20).await.is_empty());
}

#[tokio::test]
async fn material_is_counted_and_listed_by_its_kind() {
    let folder = tempfile::tempdir().unwrap();
    let options = || {
        let mut options = Options::default();
        options.storage = Storage::Dir(folder.path().to_owned());
        options
    };
    let archive = Archive::at(TestWorld::start_with(options()).await).await;
    let first = archive.add("image", PNG).await;
    let voice = archive.add("voice", AMR).await;
    let thumb = archive.add("thumb", JPEG).await;
    assert_eq!(archive.counts().await, [2, 1, 0, 0]);
    assert_eq!(archive.page("image", 0, 20).await, [&*thumb, &*first]);
    assert_eq!(archive.page("image", 1, 1).await, [&*first]);
    assert_eq!(archive.page("voice", 0, 1).await, [&*voice]);
    assert!(archive.page("news", 0, 20).await.is_empty());
    for (kind, offset, count, code) in [
        ("image", 0, 0, 40035),
        ("image", 0, 21, 40035),
        ("image", -1, 1, 40035),
        ("thumb", 0, 1, 40004),
    ] {
        let asked = json!({"type": kind, "offset": offset, "count": count});
        archive
            .refused("material/batchget_material", asked, code)
            .await;
    }
    let path = format!("/accounts/{}/material?limit=2", appid(&archive.account));
    let page = archive.world.get(&path).await;
    assert_eq!(page["items"].as_array().unwrap().len(), 2);
    let path = format!("{path}&after={}", page["next"].as_str().unwrap());
    let rest = archive.world.get(&path).await;
    assert_eq!(rest["items"].as_array().unwrap().len(), 1, "{rest}");

    // Order and counts are not kept on the disk.
    let Archive { world, account, .. } = archive;
    world.shutdown().await;
    let world = TestWorld::start_with(options()).await;
    let token = world.token(&account).await;
    let archive = Archive {
        world,
        account,
        token,
    };
    assert_eq!(archive.counts().await, [2, 1, 0, 0]);
    assert_eq!(archive.page("image", 0, 20).await, [&*thumb, &*first]);
    archive.world.shutdown().await;
}

#[tokio::test]
async fn an_account_keeps_a_thousand_recordings() {
    let archive = Archive::open().await;
    for _ in 0..1_000 {
        archive.add("voice", AMR).await;
    }
    let more = add(&archive.world, &archive.token, "voice", AMR, None).await;
    assert_eq!(more["errcode"], 45074, "{more}");
    archive.add("image", PNG).await;
}
