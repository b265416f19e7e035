use serde_json::{Value, json};

use crate::{
    account::{Connected, is_connected},
    appid,
};

/// An account with followers: the calls of its tags.
struct Shop(Connected);
is_connected!(Shop);

impl Shop {
    async fn open() -> Self {
        Self(Connected::open().await)
    }

    async fn tag(&self, name: &str) -> i64 {
        let made = self
            .call("tags/create", json!({"tag": {"name": name}}))
            .await;
        assert_eq!(made["tag"]["name"], name, "{made}");
        made["tag"]["id"].as_i64().unwrap()
    }

    /// More followers, made in bulk.
    async fn followers(&self, count: u64) -> Vec<String> {
        let many = json!({"count": count, "follow": [appid(&self.account)]});
        self.world.must("POST", "/users", many).await;
        let path = format!("/cgi-bin/user/get?access_token={}", self.token);
        let list = self.world.call(&path, Value::Null).await;
        let list = list["data"]["openid"].as_array().unwrap();
        list.iter()
            .map(|openid| openid.as_str().unwrap().to_owned())
            .collect()
    }
}

#[tokio::test]
async fn a_tag_is_made_renamed_and_told() {
    let shop = Shop::open().await;
    let (first, second) = (shop.tag("会员").await, shop.tag("VIP").await);
    assert_eq!((first, second), (100, 101));
    let path = format!("/cgi-bin/tags/get?access_token={}", shop.token);
    let tags = shop.world.call(&path, Value::Null).await;
    let stars = json!({"id": 2, "name": "星标组", "count": 0});
    let members = json!({"id": 100, "name": "会员", "count": 0});
    let vips = json!({"id": 101, "name": "VIP", "count": 0});
    assert_eq!(tags, json!({"tags": [stars, members, vips]}));
    let rename = json!({"tag": {"id": first, "name": "老会员"}});
    assert_eq!(shop.call("tags/update", rename.clone()).await["errcode"], 0);
    assert_eq!(
        shop.call("tags/update", rename).await["errcode"],
        0,
        "its own name"
    );
    let told = format!("/accounts/{}/tags", appid(&shop.account));
    assert_eq!(shop.world.get(&told).await["items"][1]["name"], "老会员");

    let name = |name: &str| json!({"tag": {"name": name}});
    shop.refused("tags/create", name("VIP"), 45157).await;
    shop.refused("tags/create", name(""), 45157).await;
    shop.refused("tags/create", name("星标组"), 45157).await;
    shop.refused("tags/create", name("十一个汉字是三十三字节"), 45158)
        .await;
    shop.refused("tags/update", json!({"tag": {"id": 2, "name": "x"}}), 45058)
        .await;
    shop.refused(
        "tags/update",
        json!({"tag": {"id": 999, "name": "x"}}),
        45159,
    )
    .await;
    for number in 2..100 {
        shop.tag(&format!("t{number}")).await;
    }
    shop.refused("tags/create", name("one more"), 45056).await;
}

#[tokio::test]
async fn people_wear_tags_and_show_them() {
    let shop = Shop::open().await;
    let tag = shop.tag("会员").await;
    let openid = shop.openid(&shop.user).await;
    let both = shop.followers(1).await;
    assert_eq!(both[0], openid);
    let wear = json!({"openid_list": both, "tagid": tag});
    for _ in 0..2 {
        let answer = shop.call("tags/members/batchtagging", wear.clone()).await;
        assert_eq!(answer["errcode"], 0, "{answer}");
    }
    let star = json!({"openid_list": [openid], "tagid": "2"});
    assert_eq!(
        shop.call("tags/members/batchtagging", star).await["errcode"],
        0
    );
    let worn = shop.call("tags/getidlist", json!({"openid": openid})).await;
    assert_eq!(worn, json!({"tagid_list": [tag, 2]}));
    let path = format!(
        "/cgi-bin/user/info?access_token={}&openid={openid}",
        shop.token
    );
    let info = shop.world.call(&path, Value::Null).await;
    assert_eq!(info["tagid_list"], json!([tag, 2]));
    let list = shop
        .call("user/tag/get", json!({"tagid": tag, "next_openid": ""}))
        .await;
    assert_eq!(list["count"], 2);
    let mut sorted = both.clone();
    sorted.sort();
    assert_eq!(list["data"]["openid"], json!(sorted));
    let rest = json!({"tagid": tag, "next_openid": sorted[0]});
    assert_eq!(
        shop.call("user/tag/get", rest).await["data"]["openid"],
        json!([sorted[1]])
    );

    let off = json!({"openid_list": [both[1]], "tagid": tag});
    assert_eq!(
        shop.call("tags/members/batchuntagging", off).await["errcode"],
        0
    );
    let path = format!("/cgi-bin/tags/get?access_token={}", shop.token);
    let tags = shop.world.call(&path, Value::Null).await;
    assert_eq!(tags["tags"][1]["count"], 1);
    shop.world
        .act(
            &shop.user,
            json!({"do": "unfollow", "account": appid(&shop.account)}),
        )
        .await;
    let worn = shop.call("tags/getidlist", json!({"openid": openid})).await;
    assert_eq!(worn["tagid_list"], json!([]), "who unfollows wears no tag");

    let wear = |openids: Value, tag: i64| json!({"openid_list": openids, "tagid": tag});
    let path = "tags/members/batchtagging";
    shop.refused(path, wear(json!([]), tag), 40032).await;
    shop.refused(path, wear(json!(vec![&both[1]; 51]), tag), 40032)
        .await;
    shop.refused(path, wear(json!([both[1]]), 999), 45159).await;
    shop.refused(path, wear(json!(["oNobody"]), tag), 40003)
        .await;
    shop.refused(path, wear(json!([openid]), tag), 43004).await;
    shop.refused(path, json!({"tagid": tag}), 40035).await;
    shop.refused(path, json!({"tagid": {}}), 47001).await;
    for number in 0..20 {
        let tag = shop.tag(&format!("t{number}")).await;
        assert_eq!(
            shop.call(path, wear(json!([both[1]]), tag)).await["errcode"],
            0
        );
    }
    shop.refused(path, wear(json!([both[1]]), tag), 45059).await;
}

#[tokio::test]
async fn a_deleted_tag_is_gone_from_everybody() {
    let shop = Shop::open().await;
    shop.world
        .must("POST", "/clock", json!({"freeze": true}))
        .await;
    let tag = shop.tag("大").await;
    let openids = shop.followers(2500).await;
    for page in openids.chunks(50) {
        let wear = json!({"openid_list": page, "tagid": tag});
        assert_eq!(
            shop.call("tags/members/batchtagging", wear).await["errcode"],
            0
        );
    }
    let delete = json!({"tag": {"id": tag}});
    assert_eq!(shop.call("tags/delete", delete.clone()).await["errcode"], 0);
    shop.refused("tags/delete", delete, 45159).await;
    shop.refused("tags/delete", json!({"tag": {"id": 2}}), 45058)
        .await;
    // Some are freed a second later; nobody sees the tag in between.
    for openid in [openids.first(), openids.last()].into_iter().flatten() {
        let worn = shop.call("tags/getidlist", json!({"openid": openid})).await;
        assert_eq!(worn["tagid_list"], json!([]));
    }
    let rows = async || {
        let export = shop
            .world
            .client()
            .get(format!("{}/export", shop.world.control_base()));
        let export = export.send().await.unwrap().text().await.unwrap();
        let export: Value = serde_json::from_str(&export).unwrap();
        export["tables"]["official_account.tags_worn"]["rows"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(rows().await, 501, "what one second does not free");
    shop.world.advance(1).await;
    assert_eq!(rows().await, 0);
    assert_eq!(shop.tag("新").await, tag + 1, "a number is not given twice");
}

#[tokio::test]
async fn who_is_on_the_blacklist_is_not_written_to() {
    let shop = Shop::open().await;
    let openid = shop.openid(&shop.user).await;
    shop.world
        .say(&shop.user, appid(&shop.account), "在吗")
        .await;
    let write = json!({"touser": openid, "msgtype": "text", "text": {"content": "在"}});
    let list = json!({"openid_list": [openid]});
    assert_eq!(
        shop.call("message/custom/send", write.clone()).await["errcode"],
        0
    );
    assert_eq!(
        shop.call("tags/members/batchblacklist", list.clone()).await["errcode"],
        0
    );
    let told = shop
        .call("tags/members/getblacklist", json!({"begin_openid": ""}))
        .await;
    let want = json!({"total": 1, "count": 1, "data": {"openid": [openid]}, "next_openid": openid});
    assert_eq!(told, want);
    shop.refused("message/custom/send", write.clone(), 43019)
        .await;
    assert_eq!(
        shop.call("tags/members/batchunblacklist", list).await["errcode"],
        0
    );
    assert_eq!(shop.call("message/custom/send", write).await["errcode"], 0);
    let many = json!({"openid_list": vec![&openid; 21]});
    shop.refused("tags/members/batchblacklist", many, 40032)
        .await;
}
