//! Reports of where people are.

use serde_json::{Value, json};
use xinqiao_testkit::{TestApp, TestWorld};

use crate::{appid, connected, element, events};

struct Map {
    world: TestWorld,
    account: Value,
    fan: String,
    app: TestApp,
}

impl Map {
    async fn open(reports: &str) -> Self {
        let world = TestWorld::start().await;
        let (account, fan, app) = connected(&world, "plain").await;
        let map = Self {
            world,
            account,
            fan,
            app,
        };
        map.choose(reports).await;
        map
    }

    async fn choose(&self, reports: &str) {
        let path = format!("/accounts/{}", appid(&self.account));
        let rules = json!({"rules": {"location.reports": reports}});
        self.world.must("PATCH", &path, rules).await;
    }

    async fn act(&self, mut act: Value) -> (u16, Value) {
        act["account"] = json!(appid(&self.account));
        let path = format!("/users/{}/actions", self.fan);
        self.world.control("POST", &path, act).await
    }

    fn reports(&self) -> usize {
        let pushes = self.app.pushes();
        { pushes.iter() }
            .filter(|push| element(&push.body, "Event") == "LOCATION")
            .count()
    }
}

#[tokio::test]
async fn a_place_is_reported_on_entering() {
    let map = Map::open("on_entering").await;
    map.act(json!({"do": "enter"})).await;
    assert_eq!(map.reports(), 0, "nobody agreed yet");
    let place = json!({"do": "report_location", "lat": 23.137_466, "lng": 113.352_425});
    assert_eq!(map.act(place.clone()).await.0, 200);
    let push = map.app.pushes().last().unwrap().body.clone();
    assert_eq!(element(&push, "Event"), "LOCATION");
    assert_eq!(element(&push, "Latitude"), "23.137466");
    assert_eq!(element(&push, "Longitude"), "113.352425");
    assert_eq!(element(&push, "Precision"), "65.0");
    map.act(json!({"do": "enter"})).await;
    assert_eq!(map.reports(), 2);
    map.world.advance(20).await;
    assert_eq!(map.reports(), 2, "once an entering");

    let nowhere = json!({"do": "report_location", "lat": 91, "lng": 0});
    assert_eq!(map.act(nowhere).await.0, 400);
    map.choose("never").await;
    let (status, refused) = map.act(place.clone()).await;
    assert_eq!(status, 422, "{refused}");
    let why = refused["error"]["message"].as_str().unwrap();
    assert!(why.contains("location.reports"), "{why}");
    map.act(json!({"do": "enter"})).await;
    assert_eq!(map.reports(), 2);
    // Who follows anew is asked anew.
    map.choose("on_entering").await;
    map.act(json!({"do": "unfollow"})).await;
    assert_eq!(map.act(place).await.0, 422);
    map.act(json!({"do": "follow"})).await;
    map.act(json!({"do": "enter"})).await;
    assert_eq!(map.reports(), 2);
}

#[tokio::test]
async fn an_open_chat_reports_every_five_seconds() {
    let map = Map::open("every_5_seconds").await;
    let place = json!({"do": "report_location", "lat": 30.1, "lng": 120.1, "precision": 10});
    map.act(place).await;
    assert_eq!(map.reports(), 1);
    map.world.advance(10).await;
    assert_eq!(events(&map.app, "LOCATION", 3).await.len(), 3);
    map.act(json!({"do": "leave"})).await;
    map.world.advance(60).await;
    map.act(json!({"do": "enter"})).await;
    assert_eq!(map.reports(), 4, "left, and entered again");
    // Nobody looks at a phone for ever.
    map.world.advance(86_400).await;
    assert_eq!(events(&map.app, "LOCATION", 16).await.len(), 16);
    map.act(json!({"do": "enter"})).await;
    assert_eq!(map.reports(), 17);
}

/// An imported world may say that ever so many reports are to come.
#[tokio::test]
async fn reports_of_an_imported_world_come_to_an_end() {
    let map = Map::open("every_5_seconds").await;
    let place = json!({"do": "report_location", "lat": 30.1, "lng": 120.1});
    map.act(place).await;
    let kept = map.world.get("/export").await.to_string();
    let endless = kept.replace("\"left\":12", &format!("\"left\":{}", u64::MAX));
    assert_ne!(endless, kept);
    let endless = serde_json::from_str(&endless).unwrap();
    map.world.must("POST", "/import", endless).await;
    map.world.advance(86_400).await;
    assert_eq!(events(&map.app, "LOCATION", 13).await.len(), 13);
}
