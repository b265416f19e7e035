//! Tokens of agents, third-party platforms and suites: one refresher for all apps, tickets kept, nothing for whoever
//! has the secret and not the ticket.

use std::sync::{Arc, Mutex};

use axum::{Router, extract::Request, response::IntoResponse};
use serde_json::{Value, json};
use xinqiao_gateway::{AccountConfig, Config, Gateway, StoreAt, Upstream};
use xinqiao_types::{AccountKind, AppSecret, CallbackToken, Clock as _, CorpId, SystemClock};

use crate::fake::*;

const COMPONENT: &str = "wxcomponent0000001";
const CORP: &str = "wwcorp00000000001";
const SUITE: &str = "wwsuite0000000001";
const SECRETS: [&str; 4] = [
    "CANARYSECRETcomponent00000000000",
    "CANARYSECRETagent20000000000000000",
    "CANARYSECRETagent30000000000000000",
    "CANARYSECRETsuite000000000000000",
];

/// A platform that gives a new token at each call, but the same one for the same agent as long as it is not renewed.
#[derive(Default)]
struct State {
    /// Path and body of every call.
    seen: Vec<String>,
    /// The tokens of an agent's secret so far.
    of_agents: Vec<(String, String)>,
    given: usize,
    /// The good token; others are refused with this code.
    refused: Option<(String, i64)>,
    /// Whether an agent's next token is another.
    renew: bool,
}

type Platform = Arc<Mutex<State>>;

impl State {
    fn count(&self, part: &str) -> usize {
        self.seen.iter().filter(|line| line.contains(part)).count()
    }

    fn new_token(&mut self, kind: &str) -> String {
        self.given += 1;
        format!("CANARYREAL-{kind}-{}-{}", self.given, "t".repeat(90))
    }

    fn answer(&mut self, target: &str, body: &Value) -> Value {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let value = |name: &str| {
            { query.split('&') }
                .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
                .unwrap_or("")
        };
        match path {
            "/cgi-bin/gettoken" => {
                let secret = value("corpsecret").to_owned();
                if !SECRETS.contains(&&*secret) {
                    return json!({"errcode": 40001, "errmsg": "invalid credential"});
                }
                let known = self.of_agents.iter().rev().find(|(of, _)| *of == secret);
                let token = match known {
                    Some((_, token)) if !self.renew => token.clone(),
                    _ => self.new_token("agent"),
                };
                self.renew = false;
                self.of_agents.push((secret, token.clone()));
                json!({"errcode": 0, "errmsg": "ok", "access_token": token, "expires_in": 7200})
            }
            "/cgi-bin/component/api_component_token" => {
                if body["component_verify_ticket"] == "ticket@@@good" {
                    let token = self.new_token("component");
                    return json!({"component_access_token": token, "expires_in": 7200});
                }
                let ticket = body["component_verify_ticket"].as_str().unwrap_or("");
                json!({"errcode": 61006, "errmsg": format!("component ticket {ticket} is invalid")})
            }
            "/cgi-bin/service/get_suite_token" => {
                if body["suite_ticket"] == "ticket@@@good" {
                    let token = self.new_token("suite");
                    // As a text, as some pages have it.
                    return json!({"errcode": 0, "errmsg": "ok", "suite_access_token": token, "expires_in": "7200"});
                }
                json!({"errcode": 40085, "errmsg": "invalid suite ticket"})
            }
            _ => match &self.refused {
                Some((bad, code)) if query.contains(bad) => {
                    json!({"errcode": code, "errmsg": "refused"})
                }
                _ => json!({"errcode": 0, "errmsg": "ok"}),
            },
        }
    }
}

async fn platform() -> (Server, Platform) {
    let state = Platform::default();
    let of = state.clone();
    let router = Router::new().fallback(move |request: Request| {
        let state = of.clone();
        async move {
            let (parts, body) = request.into_parts();
            let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
            let target = parts.uri.path_and_query().unwrap().as_str().to_owned();
            let mut state = state.lock().unwrap();
            state
                .seen
                .push(format!("{target} {}", String::from_utf8_lossy(&body)));
            let body = serde_json::from_slice(&body).unwrap_or_default();
            let answer = state.answer(&target, &body);
            ([("content-type", "application/json")], answer.to_string()).into_response()
        }
    });
    (serve(router).await, state)
}

fn accounts() -> Vec<AccountConfig> {
    let mut component = AccountConfig::new(COMPONENT);
    component.kind = AccountKind::Component;
    let agent = |number| {
        let mut agent = AccountConfig::new(format!("{CORP}:{number}"));
        agent.kind = AccountKind::Corp;
        agent.corpid = Some(CorpId::new(CORP));
        agent.agentid = Some(number);
        agent
    };
    let mut suite = AccountConfig::new(SUITE);
    suite.kind = AccountKind::Corp;
    suite.suiteid = Some(SUITE.into());
    suite.provider = Some(CorpId::new("wwprovider"));
    let mut all = vec![component, agent(2), agent(3), suite];
    for (account, secret) in all.iter_mut().zip(SECRETS) {
        account.secret = Some(AppSecret::from(secret));
        account.token = Some(TOKEN.into());
        account.aes_key = Some(AES_KEY.into());
    }
    all
}

fn configured(server: &Server) -> Config {
    let mut config = config(server, None);
    config.accounts = accounts();
    config.upstream = Upstream::Hosts(
        ["api.weixin.qq.com", "qyapi.weixin.qq.com"]
            .map(|host| (host.to_owned(), server.origin.clone()))
            .into(),
    );
    config
}

async fn world() -> (Gateway, Platform, Server) {
    let (server, platform) = platform().await;
    (start(configured(&server)).await, platform, server)
}

fn origin(gateway: &Gateway, host: &str) -> String {
    gateway.endpoints()[host].clone()
}

async fn get_token(gateway: &Gateway, secret: &str) -> Value {
    let origin = origin(gateway, "qyapi.weixin.qq.com");
    get(&format!(
        "{origin}/cgi-bin/gettoken?corpid={CORP}&corpsecret={secret}"
    ))
    .await
    .json()
}

async fn ask(gateway: &Gateway, host: &str, path: &str, body: Value) -> Value {
    let url = format!("{}{path}", origin(gateway, host));
    let request = client()
        .post(url)
        .header("content-type", "application/json");
    got(request.body(body.to_string())).await.json()
}

async fn component_token(gateway: &Gateway, secret: &str, ticket: Option<&str>) -> Value {
    let mut body = json!({"component_appid": COMPONENT, "component_appsecret": secret});
    if let Some(ticket) = ticket {
        body["component_verify_ticket"] = json!(ticket);
    }
    let path = "/cgi-bin/component/api_component_token";
    ask(gateway, "api.weixin.qq.com", path, body).await
}

/// Pushes a ticket as the platform would, under these keys.
async fn push_ticket(gateway: &Gateway, token: &str, ticket: &str, time: i64) -> u16 {
    let xml = format!(
        "<xml><AppId>{COMPONENT}</AppId><CreateTime>{time}</CreateTime>\
         <InfoType>component_verify_ticket</InfoType><ComponentVerifyTicket>{ticket}</ComponentVerifyTicket></xml>"
    );
    push_sealed(gateway, token, COMPONENT, &xml).await
}

async fn push_sealed(gateway: &Gateway, token: &str, account: &str, xml: &str) -> u16 {
    let keys = xinqiao_message::envelope::Keys::new(CallbackToken::from(token), account)
        .with_aes_key(&xinqiao_crypto::AesKey::parse(AES_KEY).unwrap());
    let (query, body) = sealed(&keys, xml);
    let url = format!("{}/callback/{account}?{query}", gateway.public_origin());
    post(&url, body).await.status
}

#[tokio::test]
async fn an_agents_real_secret_gets_the_one_token_and_its_secret_tells_which_agent() {
    let (gateway, platform, _server) = world().await;
    let first = get_token(&gateway, SECRETS[1]).await;
    assert_eq!(
        (&first["errcode"], &first["errmsg"]),
        (&json!(0), &json!("ok"))
    );
    assert_eq!(
        get_token(&gateway, SECRETS[1]).await["access_token"],
        first["access_token"]
    );
    let other = get_token(&gateway, SECRETS[2]).await;
    assert_ne!(other["access_token"], first["access_token"]);
    assert_eq!(
        platform.lock().unwrap().count("/gettoken"),
        2,
        "one call an agent"
    );
    // What is nobody's secret is the platform's to judge.
    let wrong = get_token(&gateway, "wrong").await;
    assert_eq!(wrong["errcode"], 40001, "{wrong}");
    assert_eq!(platform.lock().unwrap().count("corpsecret=wrong"), 1);
}

#[tokio::test]
async fn a_component_token_is_for_whoever_has_the_ticket_too() {
    let (gateway, platform, _server) = world().await;
    let asked = |platform: &Platform| platform.lock().unwrap().count("api_component_token");
    assert_eq!(
        push_ticket(&gateway, TOKEN, "ticket@@@good", 1_700_000_000).await,
        200
    );
    let first = component_token(&gateway, SECRETS[0], Some("ticket@@@good")).await;
    let token = first["component_access_token"].as_str().unwrap();
    assert_eq!(first["expires_in"], 7200);
    let again = component_token(&gateway, SECRETS[0], Some("ticket@@@good")).await;
    assert_eq!(again["component_access_token"], token);
    assert_eq!(asked(&platform), 1);
    // With the secret alone, or a ticket that was not pushed, the platform decides: it is asked, and refuses.
    for ticket in [None, Some(""), Some("ticket@@@bad"), Some("ticket@@@goo")] {
        let before = asked(&platform);
        let refused = component_token(&gateway, SECRETS[0], ticket).await;
        assert_eq!(refused["errcode"], 61006, "{ticket:?}: {refused}");
        assert!(refused.get("component_access_token").is_none());
        assert_eq!(asked(&platform), before + 1);
    }
    let wrong = component_token(&gateway, "wrong", Some("ticket@@@good")).await;
    assert_ne!(
        wrong["component_access_token"], token,
        "the platform answered, not the centre"
    );
}

#[tokio::test]
async fn the_ticket_before_is_known_and_one_that_comes_late_changes_nothing() {
    let (gateway, platform, _server) = world().await;
    for (ticket, time) in [
        ("ticket@@@before", 1_700_000_000),
        ("ticket@@@good", 1_700_000_600),
        ("ticket@@@late", 1_700_000_300),
    ] {
        assert_eq!(push_ticket(&gateway, TOKEN, ticket, time).await, 200);
    }
    for ticket in ["ticket@@@before", "ticket@@@good"] {
        let answer = component_token(&gateway, SECRETS[0], Some(ticket)).await;
        assert!(
            answer["component_access_token"].is_string(),
            "{ticket}: {answer}"
        );
    }
    let state = platform.lock().unwrap();
    assert_eq!(state.count("api_component_token"), 1);
    assert_eq!(
        state.count("ticket@@@good"),
        1,
        "the newest one is used: {:?}",
        state.seen
    );
}

#[tokio::test]
async fn a_forged_ticket_is_not_kept() {
    let (gateway, _platform, _server) = world().await;
    assert_eq!(
        push_ticket(&gateway, "NotTheToken", "ticket@@@forged", 1_700_000_000).await,
        403
    );
    let key = gateway.issue_key("shop", &[]).await.unwrap();
    let answer = component_token(&gateway, key.key.expose(), Some("ticket@@@forged")).await;
    assert_eq!(answer["errcode"], 61006, "{answer}");
}

#[tokio::test]
async fn a_ticket_outlives_the_gateway_and_an_issued_key_gets_a_virtual_token_for_it() {
    let (server, platform) = platform().await;
    let folder = tempfile::tempdir().unwrap();
    let gateway = start(stored(&server, &folder)).await;
    assert_eq!(
        push_ticket(&gateway, TOKEN, "ticket@@@good", 1_700_000_000).await,
        200
    );
    let key = gateway.issue_key("shop", &[]).await.unwrap();
    gateway.shutdown().await;
    let gateway = start(stored(&server, &folder)).await;
    let answer = component_token(&gateway, key.key.expose(), Some("ticket@@@good")).await;
    let token = answer["component_access_token"].as_str().unwrap();
    assert!(token.starts_with("90_"), "{answer}");
    assert!(!answer.to_string().contains("CANARY"));
    // The platform sees the real one, and where it is refused the call is repeated with the next.
    let path = format!("/cgi-bin/component/api_create_preauthcode?component_access_token={token}");
    let body = json!({"component_appid": COMPONENT});
    assert_eq!(
        ask(&gateway, "api.weixin.qq.com", &path, body.clone()).await["errcode"],
        0
    );
    platform.lock().unwrap().refused = Some(("CANARYREAL-component-1-".into(), 42001));
    assert_eq!(
        ask(&gateway, "api.weixin.qq.com", &path, body).await["errcode"],
        0
    );
    let state = platform.lock().unwrap();
    assert_eq!(state.count("api_component_token"), 2, "{:?}", state.seen);
    assert!(
        !state
            .seen
            .iter()
            .any(|line| line.contains("xqk_") || line.contains(token))
    );
}

/// A store that is kept from one gateway to the next.
fn stored(server: &Server, folder: &tempfile::TempDir) -> Config {
    let mut config = configured(server);
    config.store = StoreAt::File(folder.path().join("gateway.db"));
    config.seal.key_file = Some(folder.path().join("gateway.key"));
    config
}

#[tokio::test]
async fn an_older_ticket_that_comes_first_after_a_restart_changes_nothing() {
    let (server, platform) = platform().await;
    let folder = tempfile::tempdir().unwrap();
    let gateway = start(stored(&server, &folder)).await;
    push_ticket(&gateway, TOKEN, "ticket@@@good", 1_700_000_600).await;
    gateway.shutdown().await;
    // The second time nothing but the store tells what the first did to it.
    for ticket in ["ticket@@@late", "ticket@@@later"] {
        let gateway = start(stored(&server, &folder)).await;
        assert_eq!(
            push_ticket(&gateway, TOKEN, ticket, 1_700_000_300).await,
            200
        );
        let answer = component_token(&gateway, SECRETS[0], Some("ticket@@@good")).await;
        assert!(answer["component_access_token"].is_string(), "{answer}");
        gateway.shutdown().await;
    }
    let asked = platform.lock().unwrap().count("api_component_token");
    assert_eq!(asked, 1, "the stored ticket is known all the time");
}

#[tokio::test]
async fn a_ticket_of_a_time_to_come_is_not_kept() {
    let (gateway, platform, _server) = world().await;
    let now = SystemClock.unix().0;
    for (ticket, time) in [
        ("ticket@@@ahead", now + 2 * 24 * 60 * 60),
        ("ticket@@@never", 9_999_999_999),
        ("ticket@@@good", now + 60),
    ] {
        assert_eq!(push_ticket(&gateway, TOKEN, ticket, time).await, 200);
    }
    for _ in 0..2 {
        let answer = component_token(&gateway, SECRETS[0], Some("ticket@@@good")).await;
        assert!(answer["component_access_token"].is_string(), "{answer}");
    }
    let asked = platform.lock().unwrap().count("api_component_token");
    assert_eq!(asked, 1, "the ticket is known, so the centre has the token");
}

/// What was stored and acknowledged by one that did not keep its ticket comes again.
#[tokio::test]
async fn the_ticket_of_a_repeat_is_kept() {
    let (server, platform) = platform().await;
    let folder = tempfile::tempdir().unwrap();
    let mut deaf = stored(&server, &folder);
    deaf.accounts[0].kind = AccountKind::Service;
    let gateway = start(deaf).await;
    push_ticket(&gateway, TOKEN, "ticket@@@good", 1_700_000_000).await;
    gateway.shutdown().await;
    let gateway = start(stored(&server, &folder)).await;
    push_ticket(&gateway, TOKEN, "ticket@@@good", 1_700_000_000).await;
    for _ in 0..2 {
        let answer = component_token(&gateway, SECRETS[0], Some("ticket@@@good")).await;
        assert!(answer["component_access_token"].is_string(), "{answer}");
    }
    let asked = platform.lock().unwrap().count("api_component_token");
    assert_eq!(asked, 1, "the ticket is known, so the centre has the token");
}

#[tokio::test]
async fn a_refusal_says_no_ticket_to_an_app() {
    let (gateway, platform, _server) = world().await;
    for (ticket, time) in [
        ("ticket@@@before", 1_700_000_000),
        ("ticket@@@newest", 1_700_000_600),
    ] {
        push_ticket(&gateway, TOKEN, ticket, time).await;
    }
    let key = gateway.issue_key("shop", &[]).await.unwrap();
    let answer = component_token(&gateway, key.key.expose(), Some("ticket@@@before")).await;
    assert_eq!(answer["errcode"], 61006, "{answer}");
    assert_eq!(platform.lock().unwrap().count("ticket@@@newest"), 1);
    assert!(!answer.to_string().contains("ticket@@@"), "{answer}");
}

#[tokio::test]
async fn virtual_tokens_of_agents_are_healed_and_open_no_other_host() {
    let (gateway, platform, _server) = world().await;
    let appid = format!("{CORP}:2");
    let key = gateway
        .issue_key("shop", &[appid.as_str().into()])
        .await
        .unwrap();
    let tokens = [
        get_token(&gateway, key.key.expose()).await,
        get_token(&gateway, key.key.expose()).await,
    ];
    assert_eq!(
        platform.lock().unwrap().count("/gettoken"),
        1,
        "one refresher for all"
    );
    let token = tokens[1]["access_token"].as_str().unwrap().to_owned();
    let work = origin(&gateway, "qyapi.weixin.qq.com");
    let call = format!("{work}/cgi-bin/user/get?access_token={token}&userid=lin");
    assert_eq!(get(&call).await.json()["errcode"], 0);
    {
        let mut state = platform.lock().unwrap();
        state.refused = Some(("CANARYREAL-agent-1-".into(), 40014));
        state.renew = true;
    }
    assert_eq!(
        get(&call).await.json()["errcode"],
        0,
        "repeated with the new token"
    );
    assert_eq!(platform.lock().unwrap().count("/gettoken"), 2);
    let api = origin(&gateway, "api.weixin.qq.com");
    let elsewhere = get(&format!("{api}/cgi-bin/user/get?access_token={token}")).await;
    assert_eq!(elsewhere.headers["x-xinqiao-rule"], "token.endpoint");
    assert_eq!(platform.lock().unwrap().count("/user/get"), 3);
}

#[tokio::test]
async fn a_token_that_the_platform_goes_on_giving_is_not_asked_for_in_a_storm() {
    let (gateway, platform, _server) = world().await;
    let token = get_token(&gateway, SECRETS[1]).await["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    platform.lock().unwrap().refused = Some((token.clone(), 40014));
    let work = origin(&gateway, "qyapi.weixin.qq.com");
    for _ in 0..5 {
        let answer = get(&format!(
            "{work}/cgi-bin/user/get?access_token={token}&userid=lin"
        ))
        .await;
        assert_eq!(
            answer.json()["errcode"],
            40014,
            "the platform's word reaches the app"
        );
    }
    assert_eq!(platform.lock().unwrap().count("/gettoken"), 2);
}

#[tokio::test]
async fn a_suite_has_its_token_for_the_ticket_that_was_pushed() {
    let (gateway, platform, _server) = world().await;
    let xml = format!(
        "<xml><SuiteId>{SUITE}</SuiteId><InfoType>suite_ticket</InfoType><TimeStamp>1700000000</TimeStamp>\
         <SuiteTicket>ticket@@@good</SuiteTicket></xml>"
    );
    assert_eq!(push_sealed(&gateway, TOKEN, SUITE, &xml).await, 200);
    let body =
        json!({"suite_id": SUITE, "suite_secret": SECRETS[3], "suite_ticket": "ticket@@@good"});
    let path = "/cgi-bin/service/get_suite_token";
    let first = ask(&gateway, "qyapi.weixin.qq.com", path, body.clone()).await;
    assert!(
        first["suite_access_token"]
            .as_str()
            .unwrap()
            .starts_with("CANARYREAL-suite"),
        "{first}"
    );
    let token = &first["suite_access_token"];
    assert_eq!(
        &ask(&gateway, "qyapi.weixin.qq.com", path, body).await["suite_access_token"],
        token
    );
    assert_eq!(platform.lock().unwrap().count("get_suite_token"), 1);
}

#[tokio::test]
async fn being_ready_ends_nobodys_token() {
    let (gateway, platform, _server) = world().await;
    push_ticket(&gateway, TOKEN, "ticket@@@good", 1_700_000_000).await;
    let ready = get(&format!("{}/readyz", gateway.origin())).await.json();
    assert_eq!(ready["status"], "ready", "{ready}");
    let state = platform.lock().unwrap();
    assert_eq!(
        state.count("/gettoken"),
        2,
        "agents' tokens are the same for everybody"
    );
    assert_eq!(
        state.count("api_component_token") + state.count("get_suite_token"),
        0
    );
}
