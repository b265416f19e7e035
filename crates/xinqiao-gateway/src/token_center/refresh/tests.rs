//! Two nodes at one store: the other one is played at the store itself.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicUsize, Ordering},
};

use axum::Router;
use tokio::sync::Semaphore;
use tokio_util::sync::{CancellationToken, DropGuard};
use xinqiao_store::{Location, MasterKey, NodeId, Options, Store, Timing};
use xinqiao_types::{AppSecret, SystemEntropy};

use super::*;
use crate::{AccountConfig, Config, Context, Upstream};

const APPID: &str = "wx5823bf96d3bd56c7";
const CREDENTIAL: &str = "stable wx5823bf96d3bd56c7";

/// A platform that has been asked `asked` times and answers once for each permit of `answers`.
struct Platform {
    asked: AtomicUsize,
    answers: Semaphore,
    body: &'static str,
}

impl Platform {
    async fn answer(&self) -> &'static str {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.answers.acquire().await.unwrap().forget();
        self.body
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    async fn until_asked(&self) {
        let asked = async {
            while self.asked() == 0 {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let in_time = tokio::time::timeout(Duration::from_secs(20), asked).await;
        in_time.expect("the platform is asked");
    }
}

async fn node(body: &'static str) -> (Arc<Shared>, Arc<Platform>, DropGuard) {
    let platform = Arc::new(Platform {
        asked: AtomicUsize::new(0),
        answers: Semaphore::new(0),
        body,
    });
    let listener = xinqiao_http::listen([127, 0, 0, 1].into(), 0)
        .await
        .unwrap();
    let origin = listener.origin();
    let stop = CancellationToken::new();
    let answering = Arc::clone(&platform);
    let router = Router::new().fallback(move || {
        let platform = Arc::clone(&answering);
        async move { platform.answer().await }
    });
    tokio::spawn(xinqiao_http::serve(listener, router, stop.clone()));
    let mut config = Config {
        upstream: Upstream::Hosts([("api.weixin.qq.com".to_owned(), origin)].into()),
        ..Config::default()
    };
    let mut account = AccountConfig::new(APPID);
    account.secret = Some(AppSecret::from("SECRET0123456789abcdef0000000000"));
    config.accounts.push(account);
    let store = Store::open(Options {
        location: Location::Memory,
        master: MasterKey::generate(&SystemEntropy),
        node: NodeId::default(),
        now: Millis(0),
        timing: Timing::Caller,
    })
    .await;
    let context = Context::default();
    let shared = Shared::new(config, context, store.unwrap(), HashMap::new()).await;
    (shared.unwrap(), platform, stop.drop_guard())
}

/// The other node takes the lease `later` milliseconds from now.
async fn other_leases(shared: &Shared, later: i64) -> Option<Fence> {
    let (other, now) = (NodeId::new("other"), shared.now().plus(later));
    let until = now.plus(LEASE_MS);
    let lease = shared.store.lease(CREDENTIAL, &other, now, until);
    lease.await.unwrap()
}

/// The other node keeps a token that it got just now.
async fn other_keeps(shared: &Shared, fence: Fence) {
    let obtained = shared.world();
    let token = StoredToken {
        token: "OF_THE_OTHER".into(),
        obtained: Millis(obtained.0 * 1000),
        expires: Millis((obtained.0 + 7200) * 1000),
    };
    let kept = shared.store.put_token(CREDENTIAL, fence, token).await;
    assert!(kept.unwrap());
}

fn fresh(shared: &Arc<Shared>) -> tokio::task::JoinHandle<Result<Arc<Token>, TokenError>> {
    let shared = Arc::clone(shared);
    tokio::spawn(async move { shared.tokens.fresh(&shared, APPID).await })
}

const GOOD: &str = r#"{"access_token":"OF_THIS_NODE","expires_in":7200}"#;

#[tokio::test]
async fn who_finds_the_lease_taken_uses_the_token_of_its_holder() {
    let (shared, platform, _stop) = node(GOOD).await;
    let fence = other_leases(&shared, 0).await.unwrap();
    let waiting = fresh(&shared);
    tokio::time::sleep(Duration::from_millis(50)).await;
    other_keeps(&shared, fence).await;
    let token = waiting.await.unwrap().unwrap();
    assert_eq!(token.text.expose(), "OF_THE_OTHER");
    assert_eq!(platform.asked(), 0);
}

#[tokio::test]
async fn who_loses_the_lease_while_asking_uses_the_token_of_the_newer_holder() {
    let (shared, platform, _stop) = node(GOOD).await;
    let waiting = fresh(&shared);
    platform.until_asked().await;
    assert_eq!(other_leases(&shared, 0).await, None, "the lease is held");
    let fence = other_leases(&shared, LEASE_MS).await.unwrap();
    platform.answers.add_permits(1);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(shared.store.token(CREDENTIAL).await.unwrap().is_none());
    other_keeps(&shared, fence).await;
    let token = waiting.await.unwrap().unwrap();
    assert_eq!(token.text.expose(), "OF_THE_OTHER");
    assert_eq!(
        shared.tokens.owner("OF_THIS_NODE"),
        None,
        "never handed out"
    );
}

#[tokio::test]
async fn a_token_that_another_node_replaced_is_not_refreshed_again() {
    let (shared, platform, _stop) = node(GOOD).await;
    platform.answers.add_permits(1);
    let own = fresh(&shared).await.unwrap().unwrap();
    assert_eq!(own.text.expose(), "OF_THIS_NODE");
    let fence = other_leases(&shared, 0).await.unwrap();
    other_keeps(&shared, fence).await;
    let healed = shared.tokens.refused(&shared, APPID, "OF_THIS_NODE", 40001);
    assert_eq!(healed.await.unwrap().text.expose(), "OF_THE_OTHER");
    assert_eq!(platform.asked(), 1);
    assert!(
        other_leases(&shared, 0).await.is_some(),
        "the lease is free"
    );
}

#[tokio::test]
async fn a_refusal_frees_the_lease_for_other_nodes_at_once() {
    let (shared, platform, _stop) = node(r#"{"errcode":40125,"errmsg":"invalid appsecret"}"#).await;
    platform.answers.add_permits(1);
    let refused = fresh(&shared).await.unwrap();
    assert!(matches!(
        refused,
        Err(TokenError::Refused { code: 40125, .. })
    ));
    assert!(other_leases(&shared, 0).await.is_some());
}
