//! The platform's face.

use serde_json::json;
use xinqiao_gateway::{Gateway, Preflight};
use xinqiao_types::AccountKind;

use crate::fake::*;

async fn virtual_token(gateway: &Gateway, key: &str) -> String {
    let url = format!(
        "{}/cgi-bin/token?grant_type=client_credential&appid={APPID}&secret={key}",
        api(gateway)
    );
    let answer = get(&url).await.json();
    assert_eq!(answer["expires_in"], 7200, "{answer}");
    answer["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_it_does_not_know_passes_byte_for_byte() {
    let (platform_server, platform) = platform().await;
    let gateway = start(config(&platform_server, None)).await;
    let body: Vec<u8> = (0..=255).cycle().take(3_000_000).collect();
    let query = "a=%E4%BD%A0&b=1+2&access_token=real-one-of-another&&c";
    let request = client()
        .post(format!("{}/raw?{query}", api(&gateway)))
        .body(body.clone());
    let got = got(request).await;
    assert_eq!(got.status, 418);
    assert_eq!(
        (&got.headers["content-type"], &got.headers["x-one"]),
        (&"x/y".parse().unwrap(), &"1".parse().unwrap())
    );
    let want = [b"\x00\xff ".as_slice(), query.as_bytes(), b" ", &body].concat();
    assert!(
        got.body == want,
        "{} bytes against {}",
        got.body.len(),
        want.len()
    );
    assert_eq!(platform.lock().unwrap().count("POST /raw?"), 1);
    gateway.shutdown().await;
}

#[tokio::test]
async fn an_issued_key_never_sees_the_real_token() {
    let (platform_server, platform) = platform().await;
    let gateway = start(config(&platform_server, None)).await;
    let key = gateway.issue_key("shop", &[APPID.into()]).await.unwrap();
    let token = virtual_token(&gateway, key.key.expose()).await;
    let real = platform.lock().unwrap().tokens[0].clone();
    assert_ne!(token, real);
    let got = get(&format!(
        "{}/cgi-bin/user/info?access_token={token}&openid={OPENID}",
        api(&gateway)
    ))
    .await;
    // The platform of the tests repeats the whole URL in its answer.
    assert_eq!(got.json()["errcode"], 0, "{}", got.text());
    assert!(
        !got.text().contains(&real) && got.text().contains(&token),
        "{}",
        got.text()
    );
    let seen = platform.lock().unwrap().seen.last().unwrap().clone();
    assert!(
        seen.contains(&real) && seen.contains(OPENID) && !seen.contains(&token),
        "{seen}"
    );
    gateway.shutdown().await;
}

#[tokio::test]
async fn an_upload_with_a_virtual_token_keeps_its_length() {
    let answer = async |headers: axum::http::HeaderMap, body: axum::body::Bytes| {
        let length = headers
            .get("content-length")
            .map(|length| length.to_str().unwrap());
        let counted = length == Some(body.len().to_string().as_str());
        axum::Json(
            json!({"access_token": "77_real", "expires_in": 7200, "counted": counted, "size": body.len()}),
        )
    };
    let router = axum::Router::new().fallback(answer);
    let platform = serve(router.layer(axum::extract::DefaultBodyLimit::disable())).await;
    let (app_server, _) = app([Say::Success]).await;
    let gateway = start(config(&platform, Some(&app_server))).await;
    let key = gateway.issue_key("shop", &[]).await.unwrap();
    let token = virtual_token(&gateway, key.key.expose()).await;
    let url = format!(
        "{}/cgi-bin/media/upload?access_token={token}&type=file",
        api(&gateway)
    );
    for size in [1, 1 << 20, (1 << 20) + 1, 3 << 20] {
        let got = post(&url, vec![b'x'; size]).await.json();
        assert_eq!(
            (&got["counted"], &got["size"]),
            (&true.into(), &size.into()),
            "{got}"
        );
    }
    gateway.shutdown().await;
}

#[tokio::test]
async fn a_download_with_a_virtual_token_is_streamed() {
    let (platform_server, _) = platform().await;
    let gateway = start(config(&platform_server, None)).await;
    let key = gateway.issue_key("shop", &[]).await.unwrap();
    let token = virtual_token(&gateway, key.key.expose()).await;
    let got = get(&format!(
        "{}/cgi-bin/media/get?access_token={token}&media_id=1",
        api(&gateway)
    ))
    .await;
    assert_eq!(
        (
            got.body.len(),
            got.headers["content-type"].to_str().unwrap()
        ),
        (100_000, "image/jpeg")
    );
    gateway.shutdown().await;
}

#[tokio::test]
async fn calls_that_take_the_secret_get_the_real_one() {
    let (platform_server, _) = platform().await;
    let gateway = start(config(&platform_server, None)).await;
    let key = gateway.issue_key("shop", &[]).await.unwrap();
    let url = format!(
        "{}/sns/jscode2session?appid={APPID}&secret={}&js_code=c&grant_type=authorization_code",
        api(&gateway),
        key.key.expose()
    );
    let got = get(&url).await;
    assert_eq!(got.json()["ok"], true, "{}", got.text());
    assert!(!got.text().contains(SECRET), "{}", got.text());
    gateway.shutdown().await;
}

#[tokio::test]
async fn keys_open_only_what_they_were_issued_for() {
    let (platform_server, platform) = platform().await;
    let mut config = config(&platform_server, None);
    config
        .accounts
        .push(xinqiao_gateway::AccountConfig::new("wxother00000000000"));
    let gateway = start(config).await;
    let key = gateway
        .issue_key("shop", &["wxother00000000000".into()])
        .await
        .unwrap();
    let ask = async |appid: &str, secret: &str| {
        let url = format!(
            "{}/cgi-bin/token?grant_type=client_credential&appid={appid}&secret={secret}",
            api(&gateway)
        );
        get(&url).await.json()
    };
    assert_eq!(ask(APPID, key.key.expose()).await["errcode"], 40013);
    assert_eq!(ask("wxnobody", key.key.expose()).await["errcode"], 40013);
    let forged = format!("xqk_{}", "A".repeat(32));
    let answer = ask(APPID, &forged).await;
    assert_eq!(answer["errcode"], 40125, "{answer}");
    assert!(
        answer["errmsg"].as_str().unwrap().contains("rid: "),
        "{answer}"
    );
    assert_eq!(
        platform.lock().unwrap().count("xqk_"),
        0,
        "no key goes upstream"
    );
    gateway.shutdown().await;
}

#[tokio::test]
async fn a_revoked_key_ends_its_tokens() {
    let (platform_server, _) = platform().await;
    let gateway = start(config(&platform_server, None)).await;
    let key = gateway.issue_key("shop", &[]).await.unwrap();
    let token = virtual_token(&gateway, key.key.expose()).await;
    let call = format!("{}/cgi-bin/menu/get?access_token={token}", api(&gateway));
    assert_eq!(get(&call).await.json()["errcode"], 0);
    let revoked = got(client().delete(format!("{}/v1/keys/{}", gateway.origin(), key.id))).await;
    assert_eq!(revoked.status, 204);
    assert_eq!(get(&call).await.json()["errcode"], 40001);
    gateway.shutdown().await;
}

#[tokio::test]
async fn without_adopt_only_virtual_tokens_pass() {
    let (platform_server, platform) = platform().await;
    let mut config = config(&platform_server, None);
    config.adopt = false;
    let gateway = start(config).await;
    let got = get(&format!(
        "{}/cgi-bin/menu/get?access_token=abc",
        api(&gateway)
    ))
    .await;
    assert_eq!(got.json()["errcode"], 40001);
    assert_eq!(platform.lock().unwrap().seen.len(), 0);
    gateway.shutdown().await;
}

#[tokio::test]
async fn preflight_warns_or_refuses_by_the_platforms_own_code() {
    for (mode, refused) in [
        (Preflight::Warn, false),
        (Preflight::Enforce, true),
        (Preflight::Off, false),
    ] {
        let (platform_server, _) = platform().await;
        let mut config = config(&platform_server, None);
        config.preflight = mode;
        config.accounts[0].kind = AccountKind::Subscription;
        config.accounts[0].verified = Some(false);
        let gateway = start(config).await;
        let key = gateway.issue_key("shop", &[]).await.unwrap();
        let token = virtual_token(&gateway, key.key.expose()).await;
        let url = format!(
            "{}/cgi-bin/message/custom/send?access_token={token}",
            api(&gateway)
        );
        let body = json!({"touser": OPENID, "msgtype": "text", "text": {"content": "x"}});
        let got = got(client().post(url).body(body.to_string())).await;
        assert_eq!(
            got.json()["errcode"],
            if refused { 48001 } else { 0 },
            "{}",
            got.text()
        );
        assert_eq!(
            got.headers.contains_key("x-xinqiao-preflight"),
            mode == Preflight::Warn
        );
        gateway.shutdown().await;
    }
}

#[tokio::test]
async fn the_host_header_chooses_the_platform_host() {
    let (platform_server, platform) = platform().await;
    let gateway = start(config(&platform_server, None)).await;
    let url = format!("{}/cgi-bin/user/get?access_token=x", api(&gateway));
    let got = got(client().get(&url).header("host", "qyapi.weixin.qq.com")).await;
    assert_eq!(
        got.status,
        502,
        "no upstream is configured for that host: {}",
        got.text()
    );
    assert_eq!(platform.lock().unwrap().seen.len(), 0);
    let got = get(&url).await;
    assert_eq!(got.json()["errcode"], 40014);
    gateway.shutdown().await;
}

/// A platform of one answer, written out: takes what one connection sends, answers, keeps it all.
async fn written(answer: Vec<Vec<u8>>) -> (Server, std::sync::Arc<std::sync::Mutex<Vec<u8>>>) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let (server, _) = platform().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let log = seen.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (log, answer) = (log.clone(), answer.clone());
            tokio::spawn(async move {
                let mut buffer = [0; 4096];
                let mut request: Vec<u8> = Vec::new();
                // A token request is answered as a token request.
                while !request.windows(4).any(|end| end == b"\r\n\r\n") {
                    let read = stream.read(&mut buffer).await.unwrap_or(0);
                    if read == 0 {
                        return;
                    }
                    request.extend_from_slice(&buffer[..read]);
                }
                if request.starts_with(b"POST /cgi-bin/stable_token") {
                    let body = json!({"access_token": REAL, "expires_in": 7200}).to_string();
                    let head = format!(
                        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                        body.len()
                    );
                    let _ = stream.write_all((head + &body).as_bytes()).await;
                    return;
                }
                log.lock().unwrap().extend_from_slice(&request);
                for piece in answer {
                    let _ = stream.write_all(&piece).await;
                    let _ = stream.flush().await;
                    tokio::task::yield_now().await;
                }
            });
        }
    });
    (server.at(&origin), seen)
}

const REAL: &str = "77_CANARYREALTOKEN-0123456789-0123456789";

fn chunked(head: &str, pieces: &[&[u8]]) -> Vec<Vec<u8>> {
    let mut answer =
        vec![format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n{head}\r\n").into_bytes()];
    for piece in pieces {
        let mut chunk = format!("{:x}\r\n", piece.len()).into_bytes();
        chunk.extend_from_slice(piece);
        chunk.extend_from_slice(b"\r\n");
        answer.push(chunk);
    }
    answer.push(b"0\r\n\r\n".to_vec());
    answer
}

async fn raw(origin: &str, request: &str) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let address = origin.strip_prefix("http://").unwrap();
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn paths_and_queries_are_not_written_anew() {
    let (server, seen) = written(vec![b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()]).await;
    let gateway = start(config(&server, None)).await;
    for target in [
        "/a/../b/./%2e%2e/c%2Fd//e/",
        "/cgi-bin/x?",
        "/x?a=%7e&b=~&%61=[]&c={}|^&&=&d=%zz+%20",
        "/%E4%BD%A0?%E5%A5%BD",
    ] {
        seen.lock().unwrap().clear();
        let request = format!(
            "GET {target} HTTP/1.1\r\nhost: api.weixin.qq.com\r\nconnection: close\r\n\r\n"
        );
        let answer = raw(&api(&gateway), &request).await;
        assert!(answer.starts_with("HTTP/1.1 204"), "{target}\n{answer}");
        let seen = String::from_utf8(seen.lock().unwrap().clone()).unwrap();
        let line = seen.lines().next().unwrap();
        assert_eq!(line, format!("GET {target} HTTP/1.1"));
    }
    gateway.shutdown().await;
}

#[tokio::test]
async fn answers_are_scrubbed_as_they_come_whatever_their_type() {
    let (one, two) = REAL.as_bytes().split_at(9);
    let large = vec![b'-'; 200_000];
    for kind in [
        "image/jpeg",
        "text/plain",
        "application/json",
        "application/octet-stream",
        "video/mp4",
    ] {
        let slashed = SECRET.replace('C', "%43");
        let answer = chunked(
            &format!("content-type: {kind}\r\nx-token: {REAL}\r\n"),
            &[
                &large,
                one,
                two,
                b"+",
                slashed.as_bytes(),
                b"+",
                SECRET.as_bytes(),
                &large,
            ],
        );
        let (server, _) = written(answer).await;
        let gateway = start(config(&server, None)).await;
        let key = gateway.issue_key("shop", &[]).await.unwrap();
        let token = virtual_token(&gateway, key.key.expose()).await;
        let got = get(&format!(
            "{}/cgi-bin/media/get?access_token={token}&media_id=1",
            api(&gateway)
        ))
        .await;
        assert_eq!(got.headers["content-type"], kind);
        assert_eq!(got.headers["x-token"], token.as_str());
        let text = got.text();
        assert!(!text.contains(REAL) && !text.contains(SECRET), "{kind}");
        assert_eq!(text.matches(&token).count(), 2, "{kind}: both are replaced");
        assert!(text.len() > 400_000, "{kind}");
        gateway.shutdown().await;
    }
}

#[tokio::test]
async fn an_answer_reaches_the_app_before_it_is_whole() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    // The platform sends a picture's beginning, and the rest only after the app has got that.
    let (server, _) = platform().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let (go, gone) = tokio::sync::oneshot::channel::<()>();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut buffer = [0; 4096];
        let _ = stream.read(&mut buffer).await.unwrap();
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 8000000\r\n\r\n";
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&vec![7; 1000]).await.unwrap();
        gone.await.unwrap();
        stream.write_all(&vec![7; 7_999_000]).await.unwrap();
    });
    let gateway = start(config(&server.at(&origin), None)).await;
    let url = format!(
        "{}/cgi-bin/media/get?access_token=of-another&media_id=1",
        api(&gateway)
    );
    let mut response = client().get(url).send().await.unwrap();
    assert_eq!(response.content_length(), Some(8_000_000));
    let mut length = response.chunk().await.unwrap().unwrap().len();
    go.send(()).unwrap();
    while let Some(chunk) = response.chunk().await.unwrap() {
        length += chunk.len();
    }
    assert_eq!(length, 8_000_000);
    gateway.shutdown().await;
}

#[tokio::test]
async fn a_compressed_answer_to_a_call_with_our_token_is_nobodys() {
    let (server, seen) = written(chunked("content-encoding: gzip\r\n", &[b"\x1f\x8b..."])).await;
    let gateway = start(config(&server, None)).await;
    let key = gateway.issue_key("shop", &[]).await.unwrap();
    let token = virtual_token(&gateway, key.key.expose()).await;
    let url = format!("{}/cgi-bin/menu/get?access_token={token}", api(&gateway));
    let got = got(client().get(&url).header("accept-encoding", "gzip")).await;
    assert_eq!(got.status, 502);
    assert_eq!(got.headers["x-xinqiao-rule"], "answer.encoded");
    let seen = String::from_utf8_lossy(&seen.lock().unwrap()).into_owned();
    assert!(seen.contains("accept-encoding: identity"), "{seen}");
    gateway.shutdown().await;
}

#[tokio::test]
async fn the_proxy_is_no_tunnel() {
    let (server, platform) = platform().await;
    let mut config = config(&server, None);
    config.dev = false;
    let gateway = start(config).await;
    for (request, status) in [
        (
            "CONNECT api.weixin.qq.com:443 HTTP/1.1\r\nhost: api.weixin.qq.com:443",
            405,
        ),
        ("TRACE /cgi-bin/menu/get HTTP/1.1\r\nhost: x", 405),
        ("OPTIONS * HTTP/1.1\r\nhost: x", 405),
        (
            "GET http://evil.example/ HTTP/1.1\r\nhost: evil.example",
            421,
        ),
        (
            "GET http://api.weixin.qq.com.evil.example/ HTTP/1.1\r\nhost: api.weixin.qq.com",
            421,
        ),
    ] {
        let answer = raw(
            &api(&gateway),
            &format!("{request}\r\nconnection: close\r\n\r\n"),
        )
        .await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{request}\n{answer}"
        );
    }
    assert_eq!(platform.lock().unwrap().seen.len(), 0);
    let upgrade = "GET /raw HTTP/1.1\r\nhost: x\r\nconnection: upgrade, close\r\nupgrade: websocket\r\nte: trailers\r\n\r\n";
    let answer = raw(&api(&gateway), upgrade).await;
    assert!(
        answer.starts_with("HTTP/1.1 418 "),
        "an ordinary call: {answer}"
    );
    gateway.shutdown().await;
}

#[tokio::test]
async fn nothing_is_smuggled_behind_a_request() {
    let (server, platform) = platform().await;
    let gateway = start(config(&server, None)).await;
    let inner = "GET /cgi-bin/smuggled HTTP/1.1\r\nhost: x\r\n\r\n";
    for framing in [
        format!(
            "content-length: {}\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n{inner}",
            inner.len() + 5
        ),
        format!(
            "content-length: 0\r\ncontent-length: {}\r\n\r\n{inner}",
            inner.len()
        ),
        format!("transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n{inner}"),
        format!(
            "transfer-encoding: xchunked\r\ncontent-length: {}\r\n\r\n{inner}",
            inner.len()
        ),
        format!("content-length : {}\r\n\r\n{inner}", inner.len()),
        format!("content-length: +{}\r\n\r\n{inner}", inner.len()),
    ] {
        let request = format!(
            "POST /raw HTTP/1.1\r\nhost: api.weixin.qq.com\r\nconnection: close\r\n{framing}"
        );
        raw(&api(&gateway), &request).await;
    }
    assert_eq!(platform.lock().unwrap().count("/cgi-bin/smuggled?"), 0);
    gateway.shutdown().await;
}

#[tokio::test]
async fn who_tries_keys_is_slowed_down_and_right_keys_are_not() {
    let (server, platform) = platform().await;
    let gateway = start(config(&server, None)).await;
    let key = gateway.issue_key("shop", &[]).await.unwrap();
    let client = client();
    for (origin, wrong) in [(api(&gateway), 200), (gateway.public_origin(), 403)] {
        let ask = async |key: &str| {
            let url = format!(
                "{origin}/cgi-bin/token?grant_type=client_credential&appid={APPID}&secret={key}"
            );
            got(client.get(url)).await.status
        };
        let mut answers = std::collections::BTreeMap::new();
        for number in 0..500 {
            *answers
                .entry(ask(&format!("xqk_{number:032}")).await)
                .or_insert(0) += 1;
        }
        assert!(answers[&429] > 200, "{answers:?}");
        assert!(
            answers.keys().all(|status| [429, wrong].contains(status)),
            "{answers:?}"
        );
        assert_eq!(
            ask(key.key.expose()).await,
            200,
            "nobody is locked out by a neighbour"
        );
    }
    assert_eq!(platform.lock().unwrap().count("xqk_"), 0);
    gateway.shutdown().await;
}

#[tokio::test]
async fn a_users_own_token_needs_no_key_on_the_proxys_ports() {
    let (server, platform) = platform().await;
    let mut config = config(&server, None);
    config.adopt = false;
    let gateway = start(config).await;
    for path in [
        "/sns/userinfo?access_token=U&openid=o",
        "/sns/oauth2/refresh_token?appid=a&grant_type=refresh_token&refresh_token=R",
    ] {
        get(&format!("{}{path}", api(&gateway))).await;
        assert_eq!(platform.lock().unwrap().count(path), 1, "{path}");
    }
    gateway.shutdown().await;
}

/// Nobody here can say that no key of ours is in it.
#[tokio::test]
async fn a_compressed_body_goes_nowhere() {
    let (platform_server, platform) = platform().await;
    let gateway = start(config(&platform_server, None)).await;
    let calls = [
        "/cgi-bin/stable_token",
        "/cgi-bin/menu/create?access_token=real-one-of-another",
        "/nobody/knows",
    ];
    let encodings = [
        "content-encoding: gzip",
        "content-encoding: br",
        "content-encoding: identity, deflate",
        "content-encoding: identity\r\ncontent-encoding: gzip",
        "transfer-encoding: gzip, chunked",
    ];
    let ask = async |origin: &str, path: &str, encoding: &str| {
        let body = if encoding.contains("chunked") {
            "\r\n\r\n4\r\n\x1f!{}\r\n0\r\n\r\n"
        } else {
            "\r\ncontent-length: 4\r\n\r\n\x1f!{}"
        };
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: api.weixin.qq.com\r\nconnection: close\r\n{encoding}"
        );
        said(origin, &format!("{head}{body}")).await
    };
    let public = gateway.public_origin();
    for path in calls {
        for encoding in encodings {
            let answer = ask(&api(&gateway), path, encoding).await;
            assert!(
                answer.contains("x-xinqiao-rule: proxy.encoded"),
                "{path} {encoding}: {answer}"
            );
            let answer = ask(&public, path, encoding).await;
            assert!(
                answer.ends_with("\r\n\r\nforbidden\n"),
                "{path} {encoding}: {answer}"
            );
        }
        assert_eq!(platform.lock().unwrap().seen, [] as [&str; 0], "{path}");
        for encoding in ["content-encoding: identity", "transfer-encoding: chunked"] {
            let answer = ask(&api(&gateway), path, encoding).await;
            assert!(!answer.contains("x-xinqiao-rule"), "{encoding}: {answer}");
        }
        assert_eq!(
            std::mem::take(&mut platform.lock().unwrap().seen).len(),
            2,
            "{path}"
        );
    }
    gateway.shutdown().await;
}

/// What comes back for these bytes.
async fn said(origin: &str, request: &str) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let address = origin.trim_start_matches("http://");
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // Whoever is refused early may be cut off while it writes.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}
