//! Every issuing endpoint of every product, with an issued key, in every spelling: nothing real comes
//! out, and no key goes to the platform.

use std::sync::{Arc, Mutex};

use axum::{Router, extract::Request, response::IntoResponse};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use xinqiao_catalog::{Endpoint, Issuing, endpoint, hosts, issuing_endpoints};
use xinqiao_gateway::{AccountConfig, Gateway, Upstream};
use xinqiao_types::{AccountKind, AppSecret, percent};

use crate::fake::*;

const COMPONENT: &str = "wxcomponent00000001";
const CORP: &str = "wwcorp0000000001";
const SUITE: &str = "wwsuite000000001";
/// Every real secret of an account begins so.
const REAL_SECRET: &str = "CANARYSECRET";
/// Every real token that the platform hands out begins so.
const REAL_TOKEN: &str = "CANARYREAL";

/// Requests as the platform saw them: line, headers and body in one.
type Seen = Arc<Mutex<Vec<String>>>;

/// A platform that answers everything with real tokens under every name, and repeats what it got.
async fn hostile() -> (Server, Seen) {
    let seen = Seen::default();
    let log = Arc::clone(&seen);
    let router = Router::new().fallback(move |request: Request| {
        let log = Arc::clone(&log);
        async move {
            let (parts, body) = request.into_parts();
            let body = axum::body::to_bytes(body, 8 << 20)
                .await
                .unwrap_or_default();
            let body = String::from_utf8_lossy(&body).into_owned();
            let line = format!("{} {} {:?} {body}", parts.method, parts.uri, parts.headers);
            let number = {
                let mut log = log.lock().unwrap();
                log.push(line.clone());
                log.len()
            };
            let token = |name: &str| format!("{REAL_TOKEN}-{name}-{number}-{}", "t".repeat(90));
            let answer = json!({
                "errcode": 0, "errmsg": "ok", "expires_in": 7200, "echo": line,
                "access_token": token("access"),
                "component_access_token": token("component"),
                "suite_access_token": token("suite"),
                "provider_access_token": token("provider"),
                "permanent_code": token("permanent"),
                "refresh_token": token("refresh"),
                "authorization_info": {
                    "authorizer_appid": "wxauthorizer0000001",
                    "authorizer_access_token": token("authorizer"),
                    "authorizer_refresh_token": token("carried"),
                },
                "authorizer_access_token": token("authorizer"),
                "authorizer_refresh_token": token("carried"),
                "contact_sync": { "access_token": token("contact") },
                "list": [{ "refresh_token": token("listed") }],
                "session_key": "of the user",
            });
            let headers = [
                ("content-type", "application/json"),
                ("x-echo", &*parts.uri.to_string()),
            ];
            (headers, answer.to_string()).into_response()
        }
    });
    (serve(router).await, seen)
}

struct World {
    gateway: Gateway,
    key: String,
    seen: Seen,
    _platform: Server,
}

async fn world() -> World {
    let (server, seen) = hostile().await;
    let mut config = config(&server, None);
    config.dev = false;
    config.upstream = Upstream::Hosts(
        hosts()
            .iter()
            .map(|host| (host.name.to_owned(), server.origin.clone()))
            .collect(),
    );
    for (id, kind, secret) in [
        (
            COMPONENT,
            AccountKind::Component,
            "CANARYSECRETcomponent00000000000",
        ),
        (CORP, AccountKind::Corp, "CANARYSECRETcorp0000000000000000"),
        (SUITE, AccountKind::Corp, "CANARYSECRETsuite000000000000000"),
    ] {
        let mut account = AccountConfig::new(id);
        account.kind = kind;
        account.secret = Some(AppSecret::from(secret));
        config.accounts.push(account);
    }
    let gateway = start(config).await;
    let key = gateway.issue_key("shop", &[]).await.unwrap();
    World {
        gateway,
        key: key.key.expose().to_owned(),
        seen,
        _platform: server,
    }
}

impl World {
    fn origin(&self, host: &str) -> String {
        self.gateway.endpoints()[host].clone()
    }

    fn last_seen(&self) -> String {
        self.seen
            .lock()
            .unwrap()
            .last()
            .cloned()
            .unwrap_or_default()
    }

    /// Sends a request as it is written, and gives the whole answer as text.
    async fn raw(&self, origin: &str, head: &str, body: &str) -> String {
        let address = origin.strip_prefix("http://").unwrap();
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let request = format!(
            "{head}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        // An answer may come before all was sent.
        let (mut read, mut write) = stream.split();
        let mut answer = Vec::new();
        let _ = tokio::join!(
            write.write_all(request.as_bytes()),
            read.read_to_end(&mut answer)
        );
        String::from_utf8_lossy(&answer).into_owned()
    }

    async fn json(&self, host: &str, target: &str, body: Option<Value>) -> Value {
        let url = format!("{}{target}", self.origin(host));
        let request = match &body {
            Some(body) => client()
                .post(url)
                .header("content-type", "application/json")
                .body(body.to_string()),
            None => client().get(url),
        };
        let got = got(request).await;
        let mut answer = got.json();
        if let Some(rule) = got.headers.get("x-xinqiao-rule") {
            answer["rule"] = json!(rule.to_str().unwrap());
        }
        answer
    }

    /// Nothing that the platform saw holds a key, in any spelling.
    #[track_caller]
    fn no_key_was_sent(&self) {
        for line in self.seen.lock().unwrap().iter() {
            let mut text = line.clone();
            for _ in 0..3 {
                assert!(!text.contains("xqk_"), "{line}");
                text = percent::pairs(&text.replace("\\u00", "%").replace('&', " "))
                    .map(|(name, value)| format!("{name}={value}"))
                    .collect::<Vec<_>>()
                    .concat();
            }
        }
    }
}

/// The names of the id and the secret that an endpoint takes.
fn secret_fields(endpoint: &Endpoint) -> Option<(&'static str, &'static str)> {
    let fields = || endpoint.query.fields.iter().chain(&endpoint.request.fields);
    let secret = fields().find(|field| field.credential.ends_with("secret"))?;
    let id =
        fields().find(|field| field.credential.ends_with("id") && field.credential != "agentid")?;
    Some((id.name, secret.name))
}

fn account_for(endpoint: &Endpoint) -> &'static str {
    match endpoint.id {
        id if id.contains("suite") => SUITE,
        id if id.starts_with("work.") => CORP,
        id if id.contains(".component.") => COMPONENT,
        _ => APPID,
    }
}

fn escaped(text: &str) -> String {
    text.bytes()
        .map(|byte| format!("%{byte:02x}"))
        .collect::<Vec<_>>()
        .concat()
}

/// Queries and bodies (with their types) that bring the key in some way.
fn spellings(endpoint: &Endpoint, key: &str) -> Vec<(String, &'static str, String)> {
    let (id, secret) = secret_fields(endpoint).unwrap_or(("appid", "secret"));
    let account = account_for(endpoint);
    let rest = "grant_type=client_credential&js_code=c&code=c";
    let pairs = |secret: &str, key: &str| format!("{rest}&{id}={account}&{secret}={key}");
    let object = |key: &str| {
        json!({
            "grant_type": "client_credential", id: account, secret: key,
            "component_verify_ticket": "t", "suite_ticket": "t", "auth_code": "a",
        })
        .to_string()
    };
    const JSON: &str = "application/json";
    const FORM: &str = "application/x-www-form-urlencoded";
    let hidden = format!("%{:02x}{}", secret.as_bytes()[0], &secret[1..]);
    let unicode = key.bytes().map(|byte| format!("\\u00{byte:02x}"));
    let unicode = unicode.collect::<Vec<_>>().concat();
    let none = String::new;
    let mut all = vec![
        (pairs(secret, key), JSON, none()),
        (pairs(&hidden, key), JSON, none()),
        (pairs(secret, &escaped(key)), JSON, none()),
        (
            pairs(&escaped(secret), &escaped(&escaped(key))),
            JSON,
            none(),
        ),
        (
            format!("{}&{secret}=other", pairs(secret, key)),
            JSON,
            none(),
        ),
        (
            format!("{secret}=other&{}", pairs(secret, key)),
            JSON,
            none(),
        ),
        (
            format!("{}&{hidden}={key}", pairs(secret, key)),
            JSON,
            none(),
        ),
        (format!("{}&state={key}", pairs(secret, key)), JSON, none()),
        (format!("access_token={key}"), JSON, none()),
        (none(), JSON, object(key)),
        (none(), JSON, object("KEY").replace("KEY", &unicode)),
        (
            none(),
            JSON,
            object(key).replace('}', &format!(",\"x\":\"{key}\"}}")),
        ),
        (
            none(),
            JSON,
            object(key).replace('{', &format!("{{\"{secret}\":\"{key}\",")),
        ),
        (none(), FORM, pairs(secret, key)),
        (
            none(),
            "Application/X-WWW-Form-Urlencoded; charset=utf-8",
            pairs(&hidden, key),
        ),
        (
            none(),
            FORM,
            format!("{}&{secret}=other", pairs(secret, key)),
        ),
        (
            format!("{id}={account}"),
            JSON,
            format!("{{\"{secret}\":\"{key}\"}}"),
        ),
    ];
    for kind in [
        "text/plain",
        "text/xml",
        "multipart/form-data; boundary=b",
        "",
    ] {
        all.push((none(), kind, object(key)));
        all.push((none(), kind, pairs(secret, key)));
    }
    all
}

/// Request lines that may stand for the same endpoint.
fn lines(endpoint: &Endpoint, host: &str) -> Vec<String> {
    let path = endpoint.path;
    let method = endpoint.method.name();
    let mut lines = vec![
        format!("{method} {path}"),
        format!("{method} {path}/"),
        format!("{method} /{path}"),
        format!("{method} /x/..{path}"),
        format!("{method} /x/%2e%2e{path}"),
        format!("{method} /.{path}"),
        format!("{method} {}", path.replacen("/c", "/%63", 1)),
        format!("{method} {}", path.to_uppercase()),
        format!("{method} http://{host}{path}"),
        format!("{method} http://{}:80{path}", host.to_uppercase()),
    ];
    for other in ["GET", "POST", "PUT", "HEAD", "OPTIONS", "TRACE"] {
        lines.push(format!("{other} {path}"));
    }
    lines
}

/// What must not be in an answer: secrets, and tokens but those that the catalog lets pass.
fn leaked(issuing: &Issuing, answer: &str) -> bool {
    let endpoint = endpoint(issuing.id).unwrap();
    let passing = |name: &str| endpoint.response.field(name).is_some() && issuing.gives == "user";
    let mut answer = answer.to_owned();
    for (name, token) in [("access_token", "access"), ("refresh_token", "refresh")] {
        if passing(name) {
            answer = answer.replace(&format!("{REAL_TOKEN}-{token}-"), "");
        }
    }
    answer.contains(REAL_SECRET) || answer.contains(REAL_TOKEN)
}

#[tokio::test]
async fn no_issuing_endpoint_gives_or_gets_anything_real() {
    let world = world().await;
    let public = world.gateway.public_origin();
    let mut asked = 0;
    for issuing in issuing_endpoints() {
        let endpoint = endpoint(issuing.id).unwrap();
        let origin = world.origin(endpoint.host);
        // All spellings on the plain line, and all lines with two spellings: enough to cross them.
        let all = spellings(endpoint, &world.key);
        let plain = &lines(endpoint, endpoint.host)[..1];
        let few = [all[0].clone(), all[9].clone(), all[13].clone()];
        let crossed = plain
            .iter()
            .flat_map(|line| all.iter().map(move |spelling| (line.clone(), spelling)));
        let lines = lines(endpoint, endpoint.host);
        let crossed = crossed.chain(
            lines
                .iter()
                .flat_map(|line| few.iter().map(move |spelling| (line.clone(), spelling))),
        );
        let interesting = secret_fields(endpoint).is_some();
        for (at, (line, (query, kind, body))) in crossed.enumerate() {
            // Where no secret is taken, every spelling is refused in the same way.
            if !interesting && at % 7 != 0 {
                continue;
            }
            let mark = if query.is_empty() { "" } else { "?" };
            for (origin, host) in [(&origin, endpoint.host), (&public, endpoint.host)] {
                let head =
                    format!("{line}{mark}{query} HTTP/1.1\r\nhost: {host}\r\ncontent-type: {kind}");
                let answer = world.raw(origin, &head, body).await;
                assert!(
                    !leaked(issuing, &answer),
                    "{}\n{head}\n{body}\n{answer}",
                    issuing.id
                );
                asked += 1;
            }
        }
    }
    let query = format!(
        "grant_type=client_credential&appid={APPID}&secret={}",
        world.key
    );
    let head = format!(
        "GET /cgi-bin/token?{query} HTTP/1.1\r\nhost: api.weixin.qq.com\r\ncontent-encoding: gzip"
    );
    let answer = world
        .raw(&world.origin("api.weixin.qq.com"), &head, "x")
        .await;
    assert!(answer.contains("x-xinqiao-rule: proxy.encoded"), "{answer}");
    world.no_key_was_sent();
    assert!(asked > 1500, "{asked}");
    assert!(
        world
            .seen
            .lock()
            .unwrap()
            .iter()
            .any(|line| line.contains(REAL_SECRET)),
        "the real secret is swapped in somewhere"
    );
    world.gateway.shutdown().await;
}

#[tokio::test]
async fn a_key_is_refused_wherever_else_it_stands() {
    let world = world().await;
    let key = &world.key;
    let origin = world.origin("api.weixin.qq.com");
    for head in [
        format!("GET /cgi-bin/{key}"),
        format!("GET /cgi-bin/menu/get?a={key}"),
        format!("GET /cgi-bin/menu/get?{key}"),
        format!("GET /cgi-bin/menu/get HTTP/1.1\r\nx-app: {key}"),
        format!("GET /cgi-bin/menu/get HTTP/1.1\r\nauthorization: Bearer {key}"),
        format!("GET /cgi-bin/menu/get HTTP/1.1\r\n{key}: 1"),
        format!(
            "GET /cgi-bin/menu/get HTTP/1.1\r\ncookie: a={}",
            escaped(key)
        ),
    ] {
        let version = if head.contains("HTTP/1.1") {
            ""
        } else {
            " HTTP/1.1"
        };
        let head = format!("{head}{version}\r\nhost: api.weixin.qq.com");
        let answer = world.raw(&origin, &head, "").await;
        assert!(
            answer.contains("x-xinqiao-rule: key.place"),
            "{head}\n{answer}"
        );
    }
    let large = "-".repeat(3_000_000);
    for body in [
        format!("<xml>{key}</xml>"),
        format!("{large}{key}"),
        format!("{large}{}{large}", escaped(key)),
    ] {
        let head = "POST /cgi-bin/media/upload HTTP/1.1\r\nhost: api.weixin.qq.com";
        let answer = world.raw(&origin, head, &body).await;
        let refused = answer.contains("x-xinqiao-rule: key.place");
        assert!(refused, "{} bytes\n{answer}", body.len());
    }
    world.no_key_was_sent();
    world.gateway.shutdown().await;
}

#[tokio::test]
async fn strangers_get_nothing_through_the_first_port() {
    let world = world().await;
    let public = world.gateway.public_origin();
    let mut answers = std::collections::BTreeSet::new();
    for host in [
        "api.weixin.qq.com",
        "API.WEIXIN.QQ.COM:443",
        "qyapi.weixin.qq.com",
        "x",
    ] {
        for line in [
            "GET /cgi-bin/menu/get?access_token=77_some",
            "GET /cgi-bin/token?grant_type=client_credential&appid=wx5823bf96d3bd56c7&secret=CANARYSECRET0123456789abcdef0000",
            "GET /cgi-bin/gettoken?corpid=wwcorp0000000001&corpsecret=x",
            "GET /sns/userinfo?access_token=of-a-user&openid=o",
            "POST /v3/pay/transactions/jsapi",
            "GET /no/such/path",
            "GET /v1/keys",
            "GET http://evil.example/",
            "OPTIONS *",
            "TRACE /cgi-bin/menu/get",
        ] {
            let head = format!("{line} HTTP/1.1\r\nhost: {host}");
            let answer = world.raw(&public, &head, "").await;
            let mut lines: Vec<&str> = answer.lines().collect();
            lines.retain(|line| !line.starts_with("date: "));
            answers.insert(lines.join("\n"));
        }
    }
    assert_eq!(answers.len(), 1, "{answers:#?}");
    assert!(
        answers.first().unwrap().starts_with("HTTP/1.1 403 "),
        "{answers:#?}"
    );
    let mut guesses = std::collections::BTreeSet::new();
    for appid in ["wx5823bf96d3bd56c7", "wxnobody"] {
        let query = format!(
            "grant_type=client_credential&appid={appid}&secret=xqk_{}",
            "0".repeat(32)
        );
        let answer = get(&format!("{public}/cgi-bin/token?{query}")).await;
        guesses.insert((answer.status, answer.text()));
    }
    assert_eq!(guesses.len(), 1, "a key that is not ours: {guesses:?}");
    assert!(guesses.first().unwrap().1.contains("errcode"), "for SDKs");
    assert_eq!(world.seen.lock().unwrap().len(), 0, "nothing was relayed");
    world.gateway.shutdown().await;
}

#[tokio::test]
async fn a_third_party_platform_works_with_virtual_tokens_only() {
    const API: &str = "api.weixin.qq.com";
    let world = world().await;
    let body = json!({
        "component_appid": COMPONENT, "component_appsecret": world.key,
        "component_verify_ticket": "ticket@@@x",
    });
    let answer = world
        .json(API, "/cgi-bin/component/api_component_token", Some(body))
        .await;
    assert!(
        world.last_seen().contains("CANARYSECRETcomponent"),
        "the real secret was sent"
    );
    let component = answer["component_access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    let query = format!("component_access_token={component}");

    let body = json!({"component_appid": COMPONENT, "authorization_code": "c"});
    let answer = world
        .json(
            API,
            &format!("/cgi-bin/component/api_query_auth?{query}"),
            Some(body),
        )
        .await;
    let seen = world.last_seen();
    assert!(
        seen.contains("access_token=CANARYREAL-component-1"),
        "{seen} {answer}"
    );
    assert!(!answer.to_string().contains(REAL_TOKEN), "{answer}");
    let info = &answer["authorization_info"];
    let authorizer = info["authorizer_access_token"].as_str().unwrap();
    let refresh = info["authorizer_refresh_token"].as_str().unwrap();

    let body = json!({
        "component_appid": COMPONENT, "authorizer_appid": "wxauthorizer0000001",
        "authorizer_refresh_token": refresh,
    });
    let target = format!("/cgi-bin/component/api_authorizer_token?{query}");
    let answer = world.json(API, &target, Some(body)).await;
    assert!(
        world.last_seen().contains("\"CANARYREAL-carried-2-"),
        "{}",
        world.last_seen()
    );
    assert!(!answer.to_string().contains(REAL_TOKEN), "{answer}");

    world
        .json(
            API,
            &format!("/cgi-bin/menu/get?access_token={authorizer}"),
            None,
        )
        .await;
    assert!(
        world
            .last_seen()
            .contains("access_token=CANARYREAL-authorizer-2")
    );

    // Each is good for what the catalog says, and for nothing else.
    let count = world.seen.lock().unwrap().len();
    for target in [
        format!("/cgi-bin/menu/get?access_token={component}"),
        format!("/cgi-bin/menu/get?access_token={refresh}"),
        format!("/cgi-bin/menu/get?component_access_token={authorizer}"),
        format!("/cgi-bin/menu/get?access_token={authorizer}&access_token=x"),
        format!("/cgi-bin/not/known?access_token={authorizer}"),
        format!("/cgi-bin/x/../menu/get?access_token={authorizer}"),
        format!("/tcb/getqcloudtoken?access_token={authorizer}"),
    ] {
        let head = format!("GET {target} HTTP/1.1\r\nhost: {API}");
        let answer = world.raw(&world.origin(API), &head, "").await;
        assert!(answer.contains("x-xinqiao-rule: "), "{target}\n{answer}");
    }
    let target = format!("/cgi-bin/user/get?access_token={authorizer}");
    let answer = world.json("qyapi.weixin.qq.com", &target, None).await;
    assert_ne!(answer["errcode"], 0, "another product's host");
    assert_eq!(
        world.seen.lock().unwrap().len(),
        count,
        "nothing was relayed"
    );
    world.gateway.shutdown().await;
}

#[tokio::test]
async fn a_corps_id_names_the_one_agent_that_the_key_opens() {
    let (server, seen) = hostile().await;
    let mut config = config(&server, None);
    let host = ("qyapi.weixin.qq.com".to_owned(), server.origin.clone());
    config.upstream = Upstream::Hosts([host].into());
    for agent in [1_000_002, 1_000_003] {
        let mut account = AccountConfig::new(format!("wwagents:{agent}"));
        account.kind = AccountKind::Corp;
        account.corpid = Some("wwagents".into());
        account.agentid = Some(agent);
        account.secret = Some(AppSecret::from(format!(
            "CANARYSECRET{agent}0000000000000000"
        )));
        config.accounts.push(account);
    }
    let gateway = start(config).await;
    let origin = gateway.endpoints()["qyapi.weixin.qq.com"].clone();
    let one = gateway
        .issue_key("one", &["wwagents:1000002".into()])
        .await
        .unwrap();
    let both = gateway.issue_key("both", &[]).await.unwrap();
    let ask = async |key: &xinqiao_gateway::IssuedKey| {
        let key = key.key.expose();
        get(&format!(
            "{origin}/cgi-bin/gettoken?corpid=wwagents&corpsecret={key}"
        ))
        .await
    };
    let answer = ask(&one).await.json();
    assert!(
        answer["access_token"].as_str().unwrap().starts_with("90_"),
        "{answer}"
    );
    assert!(seen.lock().unwrap()[0].contains("corpsecret=CANARYSECRET1000002"));
    let refused = ask(&both).await;
    assert_eq!(refused.headers["x-xinqiao-rule"], "key.ambiguous");
    assert_eq!(seen.lock().unwrap().len(), 1);
    // The agent's own name is ours: the platform knows the corp.
    for colon in [":", "%3A"] {
        let key = both.key.expose();
        let answer = get(&format!(
            "{origin}/cgi-bin/gettoken?corpid=wwagents{colon}1000003&corpsecret={key}"
        ))
        .await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let last = seen.lock().unwrap().last().cloned().unwrap();
        let sent = "corpid=wwagents&corpsecret=CANARYSECRET1000003";
        assert!(last.contains(sent), "{last}");
    }
    gateway.shutdown().await;
}

#[tokio::test]
async fn wecom_works_with_virtual_tokens_only() {
    const WORK: &str = "qyapi.weixin.qq.com";
    let world = world().await;
    let target = format!("/cgi-bin/gettoken?corpid={CORP}&corpsecret={}", world.key);
    let answer = world.json(WORK, &target, None).await;
    assert!(!answer.to_string().contains(REAL_TOKEN), "{answer}");
    assert!(world.last_seen().contains("corpsecret=CANARYSECRETcorp"));
    let token = answer["access_token"].as_str().unwrap();
    // Also through the first port, by its host.
    let head =
        format!("GET /cgi-bin/user/get?access_token={token}&userid=u HTTP/1.1\r\nhost: {WORK}");
    for origin in [world.origin(WORK), world.gateway.public_origin()] {
        let answer = world.raw(&origin, &head, "").await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(
            world
                .last_seen()
                .contains("access_token=CANARYREAL-access-1")
        );
        assert!(!answer.contains("CANARYREAL-access-1"), "{answer}");
    }
    let body = json!({"suite_id": SUITE, "suite_secret": world.key, "suite_ticket": "t"});
    let answer = world
        .json(WORK, "/cgi-bin/service/get_suite_token", Some(body))
        .await;
    let suite = format!(
        "suite_access_token={}",
        answer["suite_access_token"].as_str().unwrap()
    );
    let target = format!("/cgi-bin/service/get_permanent_code?{suite}");
    let answer = world
        .json(WORK, &target, Some(json!({"auth_code": "a"})))
        .await;
    assert!(
        !answer["access_token"]
            .as_str()
            .unwrap()
            .contains(REAL_TOKEN)
    );
    let permanent = answer["permanent_code"].as_str().unwrap();
    let target = format!("/cgi-bin/service/get_corp_token?{suite}");
    let body = json!({"auth_corpid": "wwx", "permanent_code": permanent});
    world.json(WORK, &target, Some(body)).await;
    assert!(
        world.last_seen().contains("\"CANARYREAL-permanent-"),
        "{}",
        world.last_seen()
    );
    world.gateway.shutdown().await;
}
