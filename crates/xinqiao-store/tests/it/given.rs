//! What tests of stores share.

use xinqiao_crypto::AesKey;
use xinqiao_message::envelope::{CallbackQuery, Keys, Push, open as open_envelope, seal_push};
use xinqiao_store::{
    DedupKey, Location, MasterKey, Millis, NewEvent, NodeId, Options, Proof, Store, Timing,
};
use xinqiao_types::{AppId, UnixSeconds};

/// 2026-11-21 12:00 in Shanghai.
pub(crate) const NOW: Millis = Millis(1_795_233_600_000);
pub(crate) const DAY_MS: i64 = 86_400_000;

pub(crate) fn master() -> MasterKey {
    MasterKey::parse(&"5a".repeat(32)).unwrap()
}

pub(crate) async fn open_as(node: NodeId, location: Location) -> Store {
    Store::open(Options {
        location,
        master: master(),
        node,
        now: NOW,
        timing: Timing::Caller,
    })
    .await
    .unwrap()
}

pub(crate) fn appid() -> AppId {
    AppId::from("wx5823bf96d3bd56c7")
}

/// A real one: there is no other way to get it.
pub(crate) fn proof() -> Proof {
    let keys = Keys::new("token".into(), "wx1").with_aes_key(&AesKey::from_bytes([1; 32]));
    let push = Push {
        plain: "<xml><MsgType>text</MsgType></xml>",
        to_user_name: "gh_1",
        openid: "o1",
    };
    let now = UnixSeconds(1_700_000_000);
    let sealed = seal_push(&keys, &push, now.0, "42", [9; 16]).unwrap();
    let query = CallbackQuery::parse(&sealed.query);
    open_envelope(&keys, &query, sealed.body.as_bytes(), now)
        .unwrap()
        .proof
        .into()
}

pub(crate) fn event<'a>(
    appid: &'a AppId,
    dedup: DedupKey,
    body: &'a [u8],
    apps: &'a [&'a str],
) -> NewEvent<'a> {
    NewEvent {
        mark: None,
        proof: proof(),
        appid,
        dedup,
        kind: "text",
        received: NOW,
        body,
        apps,
        held_until: NOW.plus(60_000),
    }
}
