//! A merchant with worthless keys, whose network is down.

use std::sync::OnceLock;

use serde_json::Value;
use xinqiao_client::{
    Client, Transport, TransportReason,
    pay_v3::Merchant,
    transport::{BoxFuture, Incoming, Outgoing, TransportError},
};
use xinqiao_types::ManualClock;

/// A text of the payment vectors.
pub(crate) fn vector(group: &str, name: &str) -> &'static str {
    static READ: OnceLock<Value> = OnceLock::new();
    let read = READ.get_or_init(|| {
        let file = include_str!("../../crates/xinqiao-crypto/testdata/pay.json");
        serde_json::from_str(file).expect("JSON")
    });
    read[group][name].as_str().expect("it is in the file")
}

/// The serial of the platform's SM2 certificate.
pub(crate) const SM_SERIAL: &str = "5157F09EFDC096DE15EBE81A47057A7232F1B8E2";

/// A client that knows the platform's keys of every kind and lives at this time.
pub(crate) fn shop_at(now: i64) -> Client {
    let merchant = Merchant::new(
        "1900000109",
        vector("constants", "merchant_serial_no"),
        vector("keys", "merchant_rsa_private_key"),
        vector("constants", "api_v3_key"),
    );
    let id = vector("constants", "wechatpay_public_key_id");
    let key = vector("keys", "wechatpay_public_key");
    let sm = include_str!("../../crates/xinqiao-crypto/testdata/platform_sm2.pem");
    let merchant = merchant
        .and_then(|merchant| merchant.with_public_key(id, key))
        .and_then(|merchant| merchant.with_certificate(vector("keys", "platform_rsa_certificate")))
        .and_then(|merchant| merchant.with_sm_certificate(sm));
    Client::builder("1900000109")
        .merchant(merchant.expect("keys that can be read"))
        .transport(Down)
        .clock(ManualClock::at(now))
        .build()
        .expect("a client")
}

/// The result of a future: signing a request takes a thread of its own.
pub(crate) fn now<T>(future: impl Future<Output = T>) -> T {
    thread_local! {
        static RUNTIME: tokio::runtime::Runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("a runtime");
    }
    RUNTIME.with(|runtime| runtime.block_on(future))
}

/// A network that is down.
#[derive(Debug)]
struct Down;

impl Transport for Down {
    fn send(&self, _request: Outgoing) -> BoxFuture<'_, Result<Incoming, TransportError>> {
        Box::pin(async {
            Err(TransportError {
                reason: TransportReason::Connect,
                sent: false,
                source: "there is no network".into(),
            })
        })
    }
}
