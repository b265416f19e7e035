//! Groups as they were before tags: the same data.

use serde_json::{Value, json};
use xinqiao_testkit::TestWorld;

use crate::{appid, connected};

struct Groups {
    world: TestWorld,
    token: String,
    openid: String,
}

impl Groups {
    async fn open() -> Self {
        let world = TestWorld::start().await;
        let (account, user, _app) = connected(&world, "plain").await;
        let token = world.token(&account).await;
        let user = world.get(&format!("/users/{user}")).await;
        let openid = user["openids"][appid(&account)].as_str().unwrap();
        Self {
            openid: openid.to_owned(),
            world,
            token,
        }
    }

    async fn call(&self, path: &str, body: Value) -> Value {
        let path = format!("/cgi-bin/{path}?access_token={}", self.token);
        self.world.call(&path, body).await
    }

    async fn refused(&self, path: &str, body: Value, code: i64) {
        let answer = self.call(path, body.clone()).await;
        assert_eq!(answer["errcode"], code, "{path} {body}: {answer}");
    }

    async fn group(&self, name: &str) -> i64 {
        let made = self
            .call("groups/create", json!({"group": {"name": name}}))
            .await;
        assert_eq!(made["group"]["name"], name, "{made}");
        made["group"]["id"].as_i64().unwrap()
    }

    async fn counts(&self) -> Vec<(i64, i64)> {
        let all = self.call("groups/get", Value::Null).await;
        let number = |group: &Value, name: &str| group[name].as_i64().unwrap();
        { all["groups"].as_array().unwrap().iter() }
            .map(|group| (number(group, "id"), number(group, "count")))
            .collect()
    }

    async fn put(&self, group: i64) {
        let body = json!({"openid": self.openid, "to_groupid": group});
        let moved = self.call("groups/members/update", body).await;
        assert_eq!(moved["errcode"], 0, "{moved}");
    }

    /// The person's group, and the tags.
    async fn standing(&self) -> (i64, Value) {
        let told = self.call("groups/getid", json!({"openid": self.openid}));
        let group = told.await["groupid"].as_i64().unwrap();
        let path = format!(
            "/cgi-bin/user/info?access_token={}&openid={}",
            self.token, self.openid
        );
        let info = self.world.call(&path, Value::Null).await;
        assert_eq!(info["groupid"], group, "{info}");
        (group, info["tagid_list"].clone())
    }
}

#[tokio::test]
async fn a_group_is_a_tag() {
    let groups = Groups::open().await;
    let first = groups.group("会员").await;
    assert_eq!(groups.counts().await, [(0, 1), (1, 0), (2, 0), (first, 0)]);
    let rename = json!({"group": {"id": first, "name": "老会员"}});
    assert_eq!(groups.call("groups/update", rename).await["errcode"], 0);
    let tags = groups.call("tags/get", Value::Null).await;
    assert_eq!(tags["tags"][1]["name"], "老会员", "{tags}");

    let taken = json!({"group": {"name": "老会员"}});
    groups.refused("groups/create", taken, 45157).await;
    let nobody = json!({"group": {"id": 999, "name": "x"}});
    groups.refused("groups/update", nobody.clone(), 40050).await;
    groups.refused("groups/delete", nobody, 40050).await;
    for built_in in 0..3 {
        let body = json!({"group": {"id": built_in, "name": "x"}});
        groups.refused("groups/update", body.clone(), 45058).await;
        groups.refused("groups/delete", body, 45058).await;
    }
    groups.put(first).await;
    assert_eq!(groups.counts().await, [(0, 0), (1, 0), (2, 0), (first, 1)]);
    let gone = groups.call("groups/delete", json!({"group": {"id": first}}));
    assert_eq!(gone.await["errcode"], 0);
    assert_eq!(groups.counts().await, [(0, 1), (1, 0), (2, 0)]);
    assert_eq!(groups.standing().await, (0, json!([])));
}

#[tokio::test]
async fn who_is_moved_is_in_one_group() {
    let groups = Groups::open().await;
    let (first, second) = (groups.group("一").await, groups.group("二").await);
    groups.put(first).await;
    assert_eq!(groups.standing().await, (first, json!([first])));
    // Who is given a tag is in its group, and in none but the last.
    let body = json!({"openid_list": [groups.openid], "tagid": second});
    groups.call("tags/members/batchtagging", body).await;
    assert_eq!(groups.standing().await, (second, json!([first, second])));
    groups.put(2).await;
    assert_eq!(groups.standing().await, (2, json!([2])));
    groups.put(1).await;
    assert_eq!(groups.standing().await.0, 1);
    let black = groups.call("tags/members/getblacklist", json!({"begin_openid": ""}));
    assert_eq!(black.await["total"], 1);
    groups.put(0).await;
    assert_eq!(groups.standing().await, (0, json!([])));

    let some = json!({"openid_list": [groups.openid], "to_groupid": first});
    let moved = groups.call("groups/members/batchupdate", some);
    assert_eq!(moved.await["errcode"], 0);
    assert_eq!(groups.standing().await.0, first);
    let path = "groups/members/batchupdate";
    let nowhere = json!({"openid_list": [groups.openid], "to_groupid": 999});
    groups.refused(path, nowhere, 40050).await;
    let nobody = json!({"openid_list": ["nobody"], "to_groupid": first});
    groups.refused(path, nobody, 40003).await;
    let many = json!({"openid_list": vec![&*groups.openid; 51], "to_groupid": first});
    groups.refused(path, many, 40032).await;
}
