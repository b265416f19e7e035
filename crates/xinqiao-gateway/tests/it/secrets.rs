//! Canaries: no secret in logs, in the database's files, in answers, in lists.

use crate::{fake::*, log::logged};

#[test]
fn no_secret_is_logged_listed_or_stored_in_clear() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gateway.db");
    let content = "CANARYCONTENT";
    let (log, (shown, real, key)) = logged(async {
        let (platform_server, platform) = platform().await;
        let (app_server, _) =
            app([Say::Text("CANARYREPLY"), Say::Status(500), Say::Raw("{")]).await;
        let mut config = config(&platform_server, Some(&app_server));
        config.store = xinqiao_gateway::StoreAt::File(file.clone());
        let gateway = start(config).await;
        let key = gateway.issue_key("shop", &[]).await.unwrap();
        let mut shown = String::new();
        for id in 1..=3 {
            shown += &push(&gateway, &text_message(id, content)).await.text();
        }
        shown += &post(
            &format!("{}/callback/{APPID}", gateway.public_origin()),
            "bad",
        )
        .await
        .text();
        let api = api(&gateway);
        for secret in [key.key.expose(), "wrong"] {
            let url = format!(
                "{api}/cgi-bin/token?grant_type=client_credential&appid={APPID}&secret={secret}"
            );
            let answer = get(&url).await;
            shown += &answer.text();
            if let Some(token) = answer.json()["access_token"].as_str() {
                shown += &get(&format!("{api}/cgi-bin/menu/get?access_token={token}"))
                    .await
                    .text();
                let broken = format!(
                    "{api}/sns/jscode2session?appid={APPID}&secret={secret}&js_code=1&grant_type=x"
                );
                shown += &get(&broken).await.text();
            }
        }
        for path in [
            "/v1/accounts",
            "/v1/keys",
            "/v1/deliveries",
            "/v1/events",
            "/readyz",
            "/metrics",
            "/v1",
        ] {
            shown += &get(&format!("{}{path}", gateway.origin())).await.text();
        }
        shown += format!("{gateway:?}").as_str();
        let real = platform.lock().unwrap().tokens[0].clone();
        // A while for the last deliveries' ends.
        until(async || {
            deliveries(&gateway)
                .await
                .iter()
                .all(|d| d["attempts"] != 0)
                .then_some(())
        })
        .await;
        gateway.shutdown().await;
        (shown, real, key.key.expose().to_owned())
    });
    assert!(log.contains("A key was issued."), "the log is listened to");
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "key") {
            files.extend(std::fs::read(path).unwrap());
        }
    }
    let has = |hay: &[u8], needle: &str| {
        hay.windows(needle.len())
            .any(|part| part == needle.as_bytes())
    };
    assert!(has(&files, APPID), "the files are the right ones");
    for secret in [
        SECRET,
        TOKEN,
        AES_KEY,
        APP_TOKEN,
        APP_AES_KEY,
        real.as_str(),
    ] {
        assert!(!log.contains(secret), "{secret} is in the log");
        assert!(!has(&files, secret), "{secret} is in the database");
        assert!(!shown.contains(secret), "{secret} is in an answer");
    }
    assert!(
        !log.contains(&key) && !has(&files, &key),
        "the issued key is kept in clear"
    );
    for body in [content, "CANARYREPLY", OPENID] {
        assert!(!has(&files, body), "{body} is in the database");
        assert!(!log.contains(body), "{body} is in the log");
    }
}
