//! What the gateway writes to its log.

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use tracing_subscriber::fmt::MakeWriter;

use crate::fake::*;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Everything that is logged while this runs, and what comes of it.
pub(crate) fn logged<T>(run: impl Future<Output = T>) -> (String, T) {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .with_ansi(false)
        .finish();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let done = tracing::subscriber::with_default(subscriber, || runtime.block_on(run));
    let log = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    (log, done)
}

/// The lines of a rule.
fn lines<'l>(log: &'l str, rule: &str) -> Vec<&'l str> {
    let rule = format!("rule=\"{rule}\"");
    log.lines().filter(|line| line.contains(&rule)).collect()
}

#[test]
fn a_refused_call_is_logged_with_what_is_known_of_its_caller() {
    let (log, (id, key)) = logged(async {
        let (platform, _) = platform().await;
        let gateway = start(config(&platform, None)).await;
        let key = gateway.issue_key("shop", &[APPID.into()]).await.unwrap();
        let (api, text) = (api(&gateway), key.key.expose().to_owned());
        let token = |appid: &str, secret: &str| {
            format!(
                "{api}/cgi-bin/token?grant_type=client_credential&appid={appid}&secret={secret}"
            )
        };
        let answer = get(&token(APPID, &text)).await.json();
        let virtual_token = answer["access_token"].as_str().unwrap().to_owned();
        // More often than is written.
        for _ in 0..20 {
            get(&token("wxffffffffffffffff", &text)).await;
        }
        get(&token(APPID, "xqk_000000000000000000000000")).await;
        get(&format!("{api}/cgi-bin/menu/get?access_token={text}")).await;
        get(&format!(
            "{api}/sns/userinfo?access_token={virtual_token}&openid=1"
        ))
        .await;
        gateway.shutdown().await;
        (key.id, text)
    });
    assert!(!log.contains(&key));
    let known = format!("key=\"{id}\" app=\"shop\"");
    let scope = lines(&log, "key.scope");
    let written = scope.iter().filter(|line| line.contains("refused."));
    assert_eq!(written.count(), 5, "{log}");
    for part in [&*known, "endpoint="] {
        assert!(scope[0].contains(part), "{part}: {}", scope[0]);
    }
    assert!(
        !scope[0].contains("wxffff"),
        "what a caller wrote: {}",
        scope[0]
    );
    let unknown = lines(&log, "key.unknown")[0];
    assert!(unknown.contains(&format!("appid=\"{APPID}\"")), "{unknown}");
    assert!(!unknown.contains("key="), "{unknown}");
    assert!(lines(&log, "key.place")[0].contains(&known), "{log}");
    let misplaced = lines(&log, "token.endpoint")[0];
    assert!(misplaced.contains(&known), "{misplaced}");
    assert!(
        misplaced.contains(&format!("appid=\"{APPID}\"")),
        "{misplaced}"
    );
}

#[test]
fn a_callback_to_an_address_that_no_account_has_is_logged() {
    let (log, ()) = logged(async {
        let (platform, _) = platform().await;
        let gateway = start(config(&platform, None)).await;
        let query = "signature=a&timestamp=1&nonce=2";
        let url = format!("{}/nobody/here?{query}", gateway.public_origin());
        for _ in 0..20 {
            assert_eq!(post(&url, "<xml/>").await.text(), "forbidden\n");
        }
        // No callback: nothing is said of it.
        let other = format!("{}/nobody/else?a=b", gateway.public_origin());
        assert_eq!(post(&other, "").await.text(), "forbidden\n");
        gateway.shutdown().await;
    });
    let unknown = lines(&log, "callback.path.unknown");
    let written = unknown
        .iter()
        .filter(|line| line.contains("address=\"/nobody/here\""));
    assert_eq!(written.count(), 5, "{log}");
    assert!(
        unknown.iter().all(|line| !line.contains("signature=a")),
        "{log}"
    );
    assert!(!log.contains("/nobody/else"), "{log}");
}
