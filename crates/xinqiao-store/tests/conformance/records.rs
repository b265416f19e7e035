//! Tokens, keys, accounts' secrets.

use xinqiao_store::{AccountSecrets, Fence, NewStoredKey, NodeId, StoredKey, StoredToken};

use crate::{Db, *};

fn token(text: &str) -> StoredToken {
    StoredToken {
        token: text.into(),
        obtained: NOW,
        expires: NOW.plus(7_200_000),
    }
}

pub(crate) async fn one_node_refreshes_and_an_older_fence_is_refused(db: Db) {
    let store = db.open().await;
    let lease = async |node, at: i64| {
        let (node, now) = (NodeId::new(node), NOW.plus(at));
        let lease = store.lease("stable wx1", &node, now, now.plus(1000));
        lease.await.unwrap()
    };
    let first = lease("a", 0).await.unwrap();
    assert_eq!(lease("b", 500).await, None, "a holds it");
    let second = lease("b", 1000).await.unwrap();
    assert!(second > first);
    assert!(
        !store
            .put_token("stable wx1", first, token("old"))
            .await
            .unwrap()
    );
    assert!(
        store
            .put_token("stable wx1", second, token("new"))
            .await
            .unwrap()
    );
    assert_eq!(
        store.token("stable wx1").await.unwrap().unwrap().token,
        "new"
    );
    assert!(
        lease("a", 1001).await.is_some(),
        "a kept token frees the lease"
    );
    assert!(store.token("stable wx2").await.unwrap().is_none());
    assert!(
        !store
            .put_token("stable wx2", Fence(1), token("x"))
            .await
            .unwrap()
    );
}

pub(crate) async fn a_released_lease_is_free_at_once_and_only_its_holder_releases_it(db: Db) {
    let store = db.open().await;
    let until = NOW.plus(30_000);
    let lease = async |node| {
        let node = NodeId::new(node);
        store.lease("stable wx1", &node, NOW, until).await.unwrap()
    };
    let first = lease("a").await.unwrap();
    assert_eq!(lease("b").await, None);
    assert!(store.release("stable wx1", first).await.unwrap());
    let second = lease("b").await.unwrap();
    assert!(second > first);
    assert!(!store.release("stable wx1", first).await.unwrap());
    assert_eq!(lease("a").await, None, "an older fence released nothing");
}

pub(crate) async fn keys_are_hashes_and_can_be_revoked(db: Db) {
    let store = db.open().await;
    let key = NewStoredKey {
        id: "k1",
        text: "xqk_secret",
        app: "shop",
        accounts: vec![appid()],
        at: NOW,
    };
    store.put_key(key.clone()).await.unwrap();
    let kept = store.keys().await.unwrap();
    assert_eq!(
        (kept[0].hash, &kept[0].accounts),
        (StoredKey::hash_of("xqk_secret"), &vec![appid()])
    );
    assert!(kept[0].is("xqk_secret") && !kept[0].is("xqk_secrets"));
    assert!(store.revoke_key("k1", NOW).await.unwrap());
    assert!(!store.revoke_key("k1", NOW).await.unwrap());
    assert!(store.keys().await.unwrap().is_empty());
}

pub(crate) async fn accounts_secrets_come_back_and_only_for_their_account(db: Db) {
    let store = db.open().await;
    let secrets = AccountSecrets {
        secret: Some("s".into()),
        ..AccountSecrets::default()
    };
    store.put_account_secrets(&appid(), &secrets).await.unwrap();
    assert_eq!(
        store.account_secrets(&appid()).await.unwrap(),
        Some(secrets)
    );
    assert_eq!(
        store.account_secrets(&AppId::from("wx2")).await.unwrap(),
        None
    );
}
