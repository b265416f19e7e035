use std::io::Read;

use qrcode::{Color, EcLevel, QrCode};
use reqwest::Response;
use serde_json::{Value, json};

use crate::{
    account::{Connected, is_connected},
    appid, element,
};

/// An account with codes, and the app that hears who scans them.
struct Poster(Connected);
is_connected!(Poster);

impl Poster {
    async fn open() -> Self {
        Self(Connected::open().await)
    }

    async fn create(&self, body: Value) -> Value {
        self.call("qrcode/create", body).await
    }

    async fn code(&self, action: &str, scene: Value) -> Value {
        let body = json!({"action_name": action, "action_info": {"scene": scene}});
        self.create(body).await
    }

    /// What comes of a scan.
    async fn scan(&self, user: &str, ticket: &Value) -> (u16, Value) {
        let act = json!({"do": "scan", "account": appid(&self.account), "ticket": ticket});
        let path = format!("/users/{user}/actions");
        self.world.control("POST", &path, act).await
    }

    /// The picture of a code, as any browser gets it.
    async fn picture(&self, ticket: &str) -> Response {
        let info = self.world.get("/").await;
        let origin = info["endpoints"]["mp.weixin.qq.com"].as_str().unwrap();
        let address = format!("{origin}/cgi-bin/showqrcode?ticket={ticket}");
        self.world.client().get(address).send().await.unwrap()
    }

    fn pushed(&self) -> String {
        self.app.pushes().last().unwrap().body.clone()
    }

    async fn info(&self, user: &str) -> Value {
        let path = format!("user/info?openid={}", self.openid(user).await);
        self.call(&path, Value::Null).await
    }
}

#[tokio::test]
async fn a_code_is_scanned_and_the_event_says_its_scene() {
    let poster = Poster::open().await;
    let code = poster
        .code("QR_STR_SCENE", json!({"scene_str": "门店"}))
        .await;
    assert_eq!(code["expire_seconds"], 60, "{code}");
    let ticket = &code["ticket"];
    assert_eq!(poster.scan(&poster.user, ticket).await.0, 200);
    let push = poster.pushed();
    assert_eq!(element(&push, "Event"), "SCAN");
    assert_eq!(element(&push, "EventKey"), "门店");
    assert_eq!(element(&push, "Ticket"), ticket.as_str().unwrap());
    let number = poster.code("QR_LIMIT_SCENE", json!({"scene_id": 7})).await;
    assert_eq!(number.get("expire_seconds"), None, "{number}");

    let stranger = poster.world.user("小周").await;
    assert_eq!(poster.scan(&stranger, &number["url"]).await.0, 200);
    let push = poster.pushed();
    assert_eq!(element(&push, "Event"), "subscribe");
    assert_eq!(element(&push, "EventKey"), "qrscene_7");
    let info = poster.info(&stranger).await;
    assert_eq!(info["subscribe_scene"], "ADD_SCENE_QR_CODE");
    assert_eq!(
        (&info["qr_scene"], &info["qr_scene_str"]),
        (&json!(7), &json!(""))
    );
    let other = poster.world.user("小吴").await;
    poster.scan(&other, ticket).await;
    assert_eq!(poster.info(&other).await["qr_scene_str"], "门店");
    assert_eq!(
        poster.info(&poster.user).await["qr_scene_str"],
        "",
        "followed before"
    );
    // Who follows another way afterwards did not come by the code.
    for verb in ["unfollow", "follow"] {
        let act = json!({"do": verb, "account": appid(&poster.account)});
        poster.world.act(&stranger, act).await;
    }
    assert_eq!(poster.info(&stranger).await["qr_scene"], 0);
}

#[tokio::test]
async fn temporary_codes_end_and_permanent_ones_are_one_a_scene() {
    let poster = Poster::open().await;
    let scene = json!({"scene": {"scene_id": 1}});
    let asked =
        json!({"action_name": "QR_SCENE", "expire_seconds": 604_800_000, "action_info": scene});
    assert_eq!(poster.create(asked).await["expire_seconds"], 2_592_000);
    let asked = json!({"action_name": "QR_SCENE", "expire_seconds": 100, "action_info": scene});
    let short = poster.create(asked).await;
    let long = poster
        .code("QR_LIMIT_STR_SCENE", json!({"scene_str": "7"}))
        .await;
    let again = poster
        .code("QR_LIMIT_STR_SCENE", json!({"scene_str": "7"}))
        .await;
    let number = poster.code("QR_LIMIT_SCENE", json!({"scene_id": 7})).await;
    assert_eq!(long["ticket"], again["ticket"]);
    assert_ne!(long["ticket"], number["ticket"]);
    let path = format!("/accounts/{}/qr_codes", appid(&poster.account));
    let listed = poster.world.get(&path).await;
    assert_eq!(listed["items"].as_array().unwrap().len(), 4, "{listed}");
    assert_eq!(poster.scan(&poster.user, &short["ticket"]).await.0, 200);
    poster.world.advance(100).await;
    assert_eq!(poster.scan(&poster.user, &short["ticket"]).await.0, 422);
    assert_eq!(poster.scan(&poster.user, &long["ticket"]).await.0, 200);
    assert_eq!(poster.scan(&poster.user, &json!("gQ")).await.0, 422);
}

#[tokio::test]
async fn a_scene_fits_its_action() {
    let poster = Poster::open().await;
    for (action, scene) in [
        ("QR_SCENE", json!({"scene_id": 0})),
        ("QR_SCENE", json!({"scene_str": "x"})),
        ("QR_LIMIT_SCENE", json!({"scene_id": 100_001})),
        ("QR_STR_SCENE", json!({"scene_str": ""})),
        ("QR_STR_SCENE", json!({"scene_str": "字".repeat(65)})),
        ("QR_OTHER", json!({"scene_id": 1})),
    ] {
        let refused = poster.code(action, scene).await;
        assert_eq!(refused["errcode"], 40053, "{action}: {refused}");
    }
    let longest = json!({"scene_str": "字".repeat(64)});
    assert!(poster.code("QR_STR_SCENE", longest).await["ticket"].is_string());
}

#[tokio::test]
async fn a_picture_says_what_the_code_says() {
    let poster = Poster::open().await;
    let code = poster.code("QR_SCENE", json!({"scene_id": 7})).await;
    let ticket = code["ticket"].as_str().unwrap().replace('=', "%3D");
    let answer = poster.picture(&ticket).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "image/png");
    let picture = answer.bytes().await.unwrap();
    let (side, white) = read(&picture);
    // The modules, one pixel of each, without the margin.
    let url = code["url"].as_str().unwrap();
    let wanted = QrCode::with_error_correction_level(url, EcLevel::M).unwrap();
    let first = white.iter().position(|white| !white).unwrap();
    let (margin, width) = (first % side, wanted.width());
    assert_eq!(first / side, margin, "as wide as high");
    let scale = (side - 2 * margin) / width;
    assert!(margin >= 4 * scale, "a margin that readers need");
    for (at, color) in wanted.to_colors().into_iter().enumerate() {
        let pixel = |module: usize| margin + module * scale + scale / 2;
        let (x, y) = (pixel(at % width), pixel(at / width));
        assert_eq!(white[y * side + x], color == Color::Light, "at {x} {y}");
    }
    assert_eq!(poster.picture("gQnobody").await.status(), 404);
    assert_eq!(poster.picture("").await.status(), 404);
    let path = format!("/accounts/{}/qr_codes", appid(&poster.account));
    let listed = poster.world.get(&path).await;
    let address = listed["items"][0]["picture"].as_str().unwrap();
    let shown = poster.world.client().get(address).send().await.unwrap();
    assert_eq!(shown.bytes().await.unwrap(), picture);
    poster.world.advance(60).await;
    assert_eq!(poster.picture(&ticket).await.status(), 404, "it ended");
}

/// Side and pixels of a PNG of one bit a pixel, and whether each is white.
fn read(png: &[u8]) -> (usize, Vec<bool>) {
    let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap()) as usize;
    assert_eq!(&png[12..16], b"IHDR");
    let side = number(16);
    assert_eq!((number(20), &png[24..29]), (side, &[1, 0, 0, 0, 0][..]));
    assert_eq!(&png[37..41], b"IDAT");
    let packed = &png[41..41 + number(33)];
    let mut rows = Vec::new();
    let mut reader = flate2::read::ZlibDecoder::new(packed);
    reader.read_to_end(&mut rows).unwrap();
    let pixels = { rows.chunks(1 + side.div_ceil(8)) }
        .flat_map(|row| (0..side).map(|x| row[1 + x / 8] & (0x80 >> (x % 8)) != 0));
    (side, pixels.collect())
}
