//! The chains of tickets, codes and tokens of third-party platforms, WeCom and users.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};
use xinqiao_client::{
    Client, Component, Error, Suite, TokenKind,
    jssdk::{Signer, Ticket, WorkSigner},
    oauth::{self, CodeFault, Exchange, Visitor},
    session,
    token::{
        MemoryVault, Provider, Recovery, StaticToken, TICKET_PATIENCE, UserTokens, Vault, VaultKey,
    },
    transport::{BoxFuture, Incoming, Outgoing, Transport, TransportError},
};
use xinqiao_types::{AppSecret, Clock as _, ManualClock, UnixSeconds};

use crate::platform::START;

/// A platform that answers by path, and remembers what it was asked.
#[derive(Clone, Default)]
struct Answers(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    by_path: BTreeMap<&'static str, Vec<Value>>,
    asked: Vec<(String, String, Value)>,
}

impl std::fmt::Debug for Answers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Answers")
    }
}

impl Answers {
    /// The answers of a path, one after the other; the last one stays.
    fn on(self, path: &'static str, answers: impl IntoIterator<Item = Value>) -> Self {
        let answers = answers.into_iter().collect();
        self.0.lock().unwrap().by_path.insert(path, answers);
        self
    }

    /// The queries and bodies of the calls of a path.
    fn asked(&self, path: &str) -> Vec<(String, Value)> {
        let state = self.0.lock().unwrap();
        let of_path = state.asked.iter().filter(|(asked, ..)| asked == path);
        of_path
            .map(|(_, query, body)| (query.clone(), body.clone()))
            .collect()
    }

    fn client(&self, id: &str) -> xinqiao_client::ClientBuilder {
        Client::builder(id)
            .transport(self.clone())
            .clock(ManualClock::at(START))
    }
}

impl Transport for Answers {
    fn send(&self, request: Outgoing) -> BoxFuture<'_, Result<Incoming, TransportError>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            let address = request.address().to_owned();
            let path = address.splitn(4, '/').nth(3).unwrap_or_default();
            let path = format!("/{path}");
            let query = request.url.split_once('?').map_or("", |(_, query)| query);
            let body = serde_json::from_slice(&request.body.concat()).unwrap_or(Value::Null);
            let mut state = self.0.lock().unwrap();
            state.asked.push((path.clone(), query.to_owned(), body));
            let answers = state.by_path.get_mut(path.as_str());
            let answers = answers.unwrap_or_else(|| panic!("nothing is told for {path}"));
            let answer = if answers.len() > 1 {
                answers.remove(0)
            } else {
                answers[0].clone()
            };
            Ok(Incoming {
                status: 200,
                headers: http::HeaderMap::new(),
                body: answer.to_string().into(),
            })
        })
    }
}

const COMPONENT_TOKEN: &str = "/cgi-bin/component/api_component_token";
const AUTHORIZER_TOKEN: &str = "/cgi-bin/component/api_authorizer_token";
const QUERY_AUTH: &str = "/cgi-bin/component/api_query_auth";
const MENU: &str = "/cgi-bin/menu/get";

fn component_answers() -> Answers {
    let component = |token: &str| json!({"component_access_token": token, "expires_in": 7200});
    let grant = json!({"authorization_info": {
        "authorizer_appid": "wxshop", "authorizer_access_token": "shop1", "expires_in": 7200,
        "authorizer_refresh_token": "refresh1",
        "func_info": [{"funcscope_category": {"id": 1}}, {"funcscope_category": {"id": 15}}],
    }});
    let shop = json!({
        "authorizer_access_token": "shop2", "expires_in": 7200,
        "authorizer_refresh_token": "refresh2",
    });
    Answers::default()
        .on(COMPONENT_TOKEN, [component("comp1"), component("comp2")])
        .on(QUERY_AUTH, [grant])
        .on(AUTHORIZER_TOKEN, [shop])
        .on(MENU, [json!({"menu": {"button": []}})])
        .on(
            "/cgi-bin/component/api_create_preauthcode",
            [json!({"pre_auth_code": "preauthcode@@@1", "expires_in": 1800})],
        )
}

async fn menu(client: &Client) -> Result<Value, Error> {
    client.call("official_account.menu.get", json!({})).await
}

#[tokio::test]
async fn without_a_ticket_a_platform_says_what_is_missing() {
    let answers = component_answers();
    let component = Component::new("wxplatform", "secret");
    let client = answers.client("wxplatform").component(&component).build();
    let client = client.unwrap();
    let error = component.pre_auth_code(&client).await.unwrap_err();
    assert!(
        error.to_string().contains("Component::set_ticket"),
        "{error}"
    );
    assert!(matches!(error, Error::Credential { .. }));

    component.set_ticket("ticket@@@1").await.unwrap();
    let code = component.pre_auth_code(&client).await.unwrap();
    assert_eq!(code, "preauthcode@@@1");
    let asked = answers.asked(COMPONENT_TOKEN);
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].1["component_verify_ticket"], "ticket@@@1");
    let asked = answers.asked("/cgi-bin/component/api_create_preauthcode");
    assert!(asked[0].0.contains("access_token=comp1"), "{}", asked[0].0);
}

#[tokio::test]
async fn a_grant_gives_an_account_its_token() {
    let answers = component_answers();
    let component = Component::new("wxplatform", "secret");
    component.set_ticket("ticket@@@1").await.unwrap();
    let platform = answers.client("wxplatform").component(&component).build();
    let platform = platform.unwrap();
    let grant = component.accept(&platform, "queryauthcode@@@1").await;
    let grant = grant.unwrap();
    assert_eq!(grant.appid.as_str(), "wxshop");
    assert_eq!(grant.permission_sets, [1, 15]);

    let shop = platform.with_authorizer(&component, "wxshop");
    menu(&shop).await.unwrap();
    assert_eq!(answers.asked(MENU)[0].0, "access_token=shop1");
    assert_eq!(answers.asked(AUTHORIZER_TOKEN), []);
}

#[tokio::test]
async fn a_changed_refresh_token_is_saved_and_used() {
    let vault = Arc::new(MemoryVault::default());
    let answers = component_answers();
    let component = Component::with_vault("wxplatform", "secret", Shared(Arc::clone(&vault)));
    component.set_ticket("ticket@@@1").await.unwrap();
    let set = component.set_refresh_token("wxshop", "refresh1").await;
    set.unwrap();
    let platform = answers.client("wxplatform").build().unwrap();
    let shop = platform.with_authorizer(&component, "wxshop");
    let twin = platform.with_authorizer(&component, "wxshop");
    let (one, two) = tokio::join!(menu(&shop), menu(&twin));
    one.unwrap();
    two.unwrap();
    // Both clients of the account share one fetch.
    let asked = answers.asked(AUTHORIZER_TOKEN);
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].1["authorizer_refresh_token"], "refresh1");
    assert!(asked[0].0.contains("access_token=comp1"));
    let key = VaultKey::AuthorizerRefresh {
        component: "wxplatform".into(),
        authorizer: "wxshop".into(),
    };
    let kept = vault.load(&key).await.unwrap().unwrap();
    assert_eq!(kept.expose(), "refresh2");
    assert_eq!(key.to_string(), "authorizer_refresh/wxplatform/wxshop");
}

const START_PUSH: &str = "/cgi-bin/component/api_start_push_ticket";

/// After a loss: the platform is asked to push, the ticket arrives by the callback or in the vault of another process.
#[tokio::test(start_paused = true)]
async fn ticket_stale() {
    let ok = json!({"errcode": 0, "errmsg": "ok"});
    let dead = json!({"errcode": 61005, "errmsg": "component ticket is expired"});
    let good = json!({"component_access_token": "comp1", "expires_in": 7200});
    let vault = Arc::new(MemoryVault::default());
    let component = Component::with_vault("wxplatform", "secret", Shared(Arc::clone(&vault)));

    let answers = Answers::default()
        .on(START_PUSH, [ok.clone()])
        .on(COMPONENT_TOKEN, [good.clone(), dead.clone(), good.clone()]);
    let client = answers.client("wxplatform").component(&component).build();
    let client = client.unwrap();
    let nothing = component
        .recover(&client, TICKET_PATIENCE)
        .await
        .unwrap_err();
    assert!(nothing.to_string().contains("ticket.stale"), "{nothing}");
    assert!(
        nothing.to_string().contains("授权事件接收 URL"),
        "{nothing}"
    );
    assert!(!nothing.to_string().contains("secret"));
    let asked = answers.asked(START_PUSH);
    assert_eq!(
        (asked.len(), &asked[0].1["component_secret"]),
        (1, &json!("secret"))
    );
    assert!(answers.asked(COMPONENT_TOKEN).is_empty());

    let late = async {
        tokio::time::sleep(std::time::Duration::from_secs(90)).await;
        component.set_ticket("ticket@@@1").await.unwrap();
    };
    let (how, ()) = tokio::join!(component.recover(&client, TICKET_PATIENCE), late);
    assert_eq!(how.unwrap(), Recovery::NewTicket);

    // The ticket that is kept is dead; another process gets the next one.
    let key = VaultKey::ComponentTicket {
        component: "wxplatform".into(),
    };
    let other = async {
        tokio::time::sleep(std::time::Duration::from_secs(200)).await;
        vault
            .save(&key, &AppSecret::new("ticket@@@2"))
            .await
            .unwrap();
    };
    let (how, ()) = tokio::join!(component.recover(&client, TICKET_PATIENCE), other);
    assert_eq!(how.unwrap(), Recovery::NewTicket);
    let used = answers.asked(COMPONENT_TOKEN);
    assert_eq!(
        used.last().unwrap().1["component_verify_ticket"],
        "ticket@@@2"
    );
    let how = component.recover(&client, TICKET_PATIENCE).await;
    assert_eq!(how.unwrap(), Recovery::StillGood);
}

#[tokio::test(start_paused = true)]
async fn ticket_suite() {
    let path = "/cgi-bin/service/get_suite_token";
    let good = json!({"suite_access_token": "suite1", "expires_in": 7200});
    let answers = Answers::default().on(path, [good]);
    let suite = Suite::new("wwsuite", "secret");
    let client = answers.client("wwsuite").build().unwrap();
    let nothing = suite.recover(&client, TICKET_PATIENCE).await.unwrap_err();
    assert!(nothing.to_string().contains("刷新 ticket"), "{nothing}");
    let late = async {
        tokio::time::sleep(std::time::Duration::from_secs(30)).await;
        suite.set_ticket("ticket1").await.unwrap();
    };
    let (how, ()) = tokio::join!(suite.recover(&client, TICKET_PATIENCE), late);
    assert_eq!(how.unwrap(), Recovery::NewTicket);
    assert_eq!(answers.asked(path)[0].1["suite_ticket"], "ticket1");
    let how = suite.recover(&client, TICKET_PATIENCE).await;
    assert_eq!(how.unwrap(), Recovery::StillGood);
}

const AUTHORIZER_INFO: &str = "/cgi-bin/component/api_get_authorizer_info";

/// A platform that knows another refresh token than ours, and takes it or not.
async fn refused(answers: &Answers) -> (Result<Value, Error>, String) {
    let vault = Arc::new(MemoryVault::default());
    let component = Component::with_vault("wxplatform", "secret", Shared(Arc::clone(&vault)));
    component.set_ticket("ticket@@@1").await.unwrap();
    let set = component.set_refresh_token("wxshop", "refresh0").await;
    set.unwrap();
    let platform = answers.client("wxplatform").build().unwrap();
    let answer = menu(&platform.with_authorizer(&component, "wxshop")).await;
    let key = VaultKey::AuthorizerRefresh {
        component: "wxplatform".into(),
        authorizer: "wxshop".into(),
    };
    let kept = vault.load(&key).await.unwrap().unwrap();
    (answer, kept.expose().to_owned())
}

#[tokio::test]
async fn a_dead_refresh_token_is_looked_up_once() {
    let dead = json!({"errcode": 61023, "errmsg": "refresh_token is invalid"});
    let info = json!({"authorization_info": {"authorizer_refresh_token": "refresh9"}});
    let shop = json!({"authorizer_access_token": "shop9", "expires_in": 7200});
    let answers = component_answers()
        .on(AUTHORIZER_TOKEN, [dead.clone(), shop])
        .on(AUTHORIZER_INFO, [info.clone()]);
    let (answer, kept) = refused(&answers).await;
    answer.unwrap();
    assert_eq!(kept, "refresh9");
    assert_eq!(answers.asked(MENU)[0].0, "access_token=shop9");
    let asked = answers.asked(AUTHORIZER_TOKEN);
    assert_eq!(asked[1].1["authorizer_refresh_token"], "refresh9");
    assert!(answers.asked(AUTHORIZER_INFO)[0].0.contains("=comp1"));

    // It is dead too, is the one that we have, or cannot be had: then the failure says so, and nothing is changed.
    let ours = json!({"authorization_info": {"authorizer_refresh_token": "refresh0"}});
    let gone = json!({"errcode": 61003, "errmsg": "component is not authorized by this account"});
    for (info, times) in [(info, 2), (ours, 1), (gone, 1)] {
        let answers = component_answers()
            .on(AUTHORIZER_TOKEN, [dead.clone()])
            .on(AUTHORIZER_INFO, [info]);
        let (answer, kept) = refused(&answers).await;
        let error = answer.unwrap_err();
        assert_eq!(error.code().map(|code| code.0), Some(61023));
        assert!(
            error.to_string().contains("authorize the platform again"),
            "{error}"
        );
        assert_eq!(answers.asked(AUTHORIZER_TOKEN).len(), times);
        assert_eq!(answers.asked(AUTHORIZER_INFO).len(), 1);
        assert_eq!(kept, "refresh0");
    }
}

#[tokio::test]
async fn the_catalog_says_whose_token_goes_out() {
    let component = Component::new("wxplatform", "secret");
    component.set_ticket("ticket@@@1").await.unwrap();
    let account = |answers: &Answers| answers.client("wxshop").tokens(StaticToken::new("shop1"));
    let shop = json!({"authorizer_appid": "wxshop"});
    for (id, path, token) in [
        (
            "api_get_authorizer_list",
            "/cgi-bin/component/api_get_authorizer_list",
            "=comp1",
        ),
        (
            "api_get_authorizer_option",
            "/cgi-bin/component/api_get_authorizer_option",
            "=comp1",
        ),
        (
            "api_set_authorizer_option",
            "/cgi-bin/component/api_set_authorizer_option",
            "=comp1",
        ),
        (
            "get_authorizer_option",
            "/cgi-bin/component/get_authorizer_option",
            "access_token=shop1",
        ),
        (
            "set_authorizer_option",
            "/cgi-bin/component/set_authorizer_option",
            "access_token=shop1",
        ),
    ] {
        let answers = component_answers().on(path, [json!({"errcode": 0})]);
        let client = account(&answers).component(&component).build().unwrap();
        let id = format!("open_platform.component.{id}");
        client.call(&id, shop.clone()).await.unwrap();
        let query = &answers.asked(path)[0].0;
        assert!(query.ends_with(token), "{id}: {query}");

        // With the other's credential alone nothing leaves.
        let (client, named) = if token == "=comp1" {
            (account(&answers).build(), "`.component(…)`")
        } else {
            (
                answers.client("wxplatform").component(&component).build(),
                "with_authorizer",
            )
        };
        let error = client.unwrap().call(&id, shop.clone()).await.unwrap_err();
        assert!(matches!(error, Error::Credential { .. }), "{error}");
        assert!(error.to_string().contains(named), "{error}");
        assert_eq!(answers.asked(path).len(), 1);
    }
}

#[tokio::test]
async fn an_account_that_granted_nothing_is_told_apart_from_a_missing_platform() {
    let answers = component_answers();
    let component = Component::new("wxplatform", "secret");
    component.set_ticket("ticket@@@1").await.unwrap();
    let platform = answers.client("wxplatform").build().unwrap();
    let stranger = platform.with_authorizer(&component, "wxother");
    let error = menu(&stranger).await.unwrap_err();
    assert!(
        error.to_string().contains("no refresh token of wxother"),
        "{error}"
    );

    let fields = json!({"component_appid": "wxplatform", "authorizer_appid": "wxshop"});
    let id = "open_platform.component.api_get_authorizer_info";
    let error = platform.call(id, fields).await.unwrap_err();
    assert!(error.to_string().contains("`.component(…)`"), "{error}");
    let error = menu(&platform).await.unwrap_err();
    assert!(error.to_string().contains("`.secret(…)`"), "{error}");
}

#[tokio::test]
async fn a_refused_component_token_is_renewed_once() {
    let answers = component_answers().on(
        QUERY_AUTH,
        [
            json!({"errcode": 42001, "errmsg": "access_token expired"}),
            json!({"authorization_info": {"authorizer_appid": "wxshop"}}),
        ],
    );
    let component = Component::new("wxplatform", "secret");
    component.set_ticket("ticket@@@1").await.unwrap();
    let platform = answers.client("wxplatform").build().unwrap();
    component.accept(&platform, "code").await.unwrap();
    let queries: Vec<_> = answers.asked(QUERY_AUTH).into_iter().collect();
    assert!(queries[0].0.contains("comp1") && queries[1].0.contains("comp2"));
}

const GETTOKEN: &str = "/cgi-bin/gettoken";
const AGENT: &str = "/cgi-bin/agent/list";

#[tokio::test]
async fn a_corp_token_that_comes_back_the_same_is_not_fetched_forever() {
    // WECHAT: gettoken hands out the same token as long as it lives.
    let answers = Answers::default()
        .on(
            GETTOKEN,
            [json!({"errcode": 0, "access_token": "corp1", "expires_in": 7200})],
        )
        .on(
            AGENT,
            [json!({"errcode": 42001, "errmsg": "access_token expired"})],
        );
    let corp = answers.client("wwcorp").corp_secret("agent").build();
    let corp = corp.unwrap();
    let error = corp.call("work.agent.list", json!({})).await.unwrap_err();
    assert_eq!(error.code().unwrap().0, 42001);
    let asked = answers.asked(GETTOKEN);
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[0].0, "corpid=wwcorp&corpsecret=agent");
    assert_eq!(answers.asked(AGENT).len(), 1);
}

#[tokio::test]
async fn a_suite_turns_ticket_and_code_into_a_corps_token() {
    let answers = Answers::default()
        .on(
            "/cgi-bin/service/get_suite_token",
            [json!({"suite_access_token": "suite1", "expires_in": 7200})],
        )
        .on(
            "/cgi-bin/service/get_permanent_code",
            [json!({
                "access_token": "corp1", "expires_in": 7200, "permanent_code": "forever",
                "auth_corp_info": {"corpid": "wwcorp"},
            })],
        )
        .on(
            "/cgi-bin/service/get_corp_token",
            [json!({"access_token": "corp2", "expires_in": 7200})],
        )
        .on(
            AGENT,
            [
                json!({"errcode": 0, "agentlist": []}),
                json!({"errcode": 42001, "errmsg": "access_token expired"}),
                json!({"errcode": 0, "agentlist": []}),
            ],
        );
    let suite = Suite::new("ww-suite", "secret");
    let client = answers.client("ww-suite").suite(&suite).build().unwrap();
    let error = suite.accept(&client, "code").await.unwrap_err();
    assert!(error.to_string().contains("Suite::set_ticket"), "{error}");
    suite.set_ticket("ticket").await.unwrap();
    let corp = suite.accept(&client, "code").await.unwrap();
    let corp = client.with_corp(&suite, corp);
    corp.call("work.agent.list", json!({})).await.unwrap();
    corp.call("work.agent.list", json!({})).await.unwrap();
    let tokens: Vec<_> = answers
        .asked(AGENT)
        .into_iter()
        .map(|(query, _)| query)
        .collect();
    assert_eq!(
        tokens,
        [
            "access_token=corp1",
            "access_token=corp1",
            "access_token=corp2"
        ]
    );
    let asked = answers.asked("/cgi-bin/service/get_corp_token");
    assert_eq!(asked[0].1["permanent_code"], "forever");
    assert_eq!(asked[0].0, "suite_access_token=suite1");
}

#[tokio::test]
async fn each_kind_of_token_comes_from_its_own_source() {
    let answers = Answers::default()
        .on(
            "/cgi-bin/service/get_provider_token",
            [json!({"provider_access_token": "prov1", "expires_in": 7200})],
        )
        .on(
            "/cgi-bin/service/get_register_code",
            [json!({"register_code": "r"})],
        )
        .on(AGENT, [json!({"errcode": 0, "agentlist": []})]);
    let client = answers
        .client("wwprovider")
        .provider(Provider::new("wwprovider", "secret"))
        .source(TokenKind::Account, StaticToken::new("mine"))
        .build()
        .unwrap();
    let fields = json!({"template_id": "t"});
    let id = "work.service.get_register_code";
    client.call(id, fields).await.unwrap();
    client.call("work.agent.list", json!({})).await.unwrap();
    let asked = answers.asked("/cgi-bin/service/get_register_code");
    assert_eq!(asked[0].0, "provider_access_token=prov1");
    assert_eq!(answers.asked(AGENT)[0].0, "access_token=mine");
}

#[tokio::test]
async fn a_users_token_is_refreshed_with_the_users_refresh_token() {
    const USERINFO: &str = "/sns/userinfo";
    let answers = Answers::default()
        .on(
            "/sns/oauth2/refresh_token",
            [json!({
                "access_token": "user2", "expires_in": 7200, "refresh_token": "refresh",
                "openid": "o1", "scope": "snsapi_userinfo",
            })],
        )
        .on(
            USERINFO,
            [
                json!({"errcode": 42001, "errmsg": "access_token expired"}),
                json!({"openid": "o1", "nickname": "n", "headimgurl": ""}),
            ],
        );
    let client = answers.client("wxsite").secret("secret").build().unwrap();
    let now = ManualClock::at(START).unix();
    assert_eq!(now, UnixSeconds(START));
    let user = Arc::new(UserTokens::new("refresh").with_token("user1", 7200, now));
    let client = client.with_user(Arc::clone(&user));
    let fields = json!({"openid": "o1", "lang": "zh_CN"});
    let id = "open_platform.sns.user_info";
    client.call(id, fields).await.unwrap();
    let asked = answers.asked(USERINFO);
    assert!(asked[0].0.starts_with("access_token=user1"));
    assert!(asked[1].0.starts_with("access_token=user2"));
    let asked = answers.asked("/sns/oauth2/refresh_token");
    assert_eq!(
        asked[0].0,
        "grant_type=refresh_token&appid=wxsite&refresh_token=refresh"
    );
    assert_eq!(user.refresh_token().expose(), "refresh");
}

/// A vault that a test can look into.
#[derive(Debug)]
struct Shared(Arc<MemoryVault>);

impl Vault for Shared {
    fn load<'a>(
        &'a self,
        key: &'a VaultKey,
    ) -> BoxFuture<'a, Result<Option<AppSecret>, xinqiao_client::BoxError>> {
        self.0.load(key)
    }

    fn save<'a>(
        &'a self,
        key: &'a VaultKey,
        secret: &'a AppSecret,
    ) -> BoxFuture<'a, Result<(), xinqiao_client::BoxError>> {
        self.0.save(key, secret)
    }
}

fn log_in(openid: &str) -> Value {
    json!({
        "access_token": "user1", "expires_in": 7200, "refresh_token": "refresh",
        "openid": openid, "scope": "snsapi_base", "unionid": "u1",
    })
}

#[tokio::test]
async fn a_code_that_comes_twice_is_exchanged_once() {
    let used = json!({"errcode": 40163, "errmsg": "code been used, rid: 1-2-3"});
    let answers = Answers::default().on("/sns/oauth2/access_token", [log_in("o1"), used]);
    let client = answers.client("wxsite").secret("secret").build().unwrap();
    let exchange = Exchange::new(client.clone());
    let (one, two) = tokio::join!(exchange.log_in("code"), exchange.log_in("code"));
    assert_eq!(one.unwrap().openid, two.unwrap().openid);
    let user = exchange.log_in("code").await.unwrap();
    assert_eq!(user.scopes, ["snsapi_base"]);
    assert_eq!(user.unionid.unwrap().as_str(), "u1");
    assert_eq!(answers.asked("/sns/oauth2/access_token").len(), 1);

    let error = oauth::exchange(&client, "code").await.unwrap_err();
    assert_eq!(oauth::code_fault(&error), Some(CodeFault::Used));
    assert!(error.to_string().contains("code been used"), "{error}");
}

#[tokio::test]
async fn a_platform_exchanges_codes_without_the_accounts_secret() {
    let session = json!({"openid": "o1", "session_key": "AAAAAAAAAAAAAAAAAAAAAA=="});
    let answers = component_answers()
        .on("/sns/oauth2/component/access_token", [log_in("o2")])
        .on("/sns/component/jscode2session", [session]);
    let component = Component::new("wxplatform", "secret");
    component.set_ticket("ticket@@@1").await.unwrap();
    let platform = answers.client("wxplatform").build().unwrap();
    let error = oauth::exchange(&platform, "code").await.unwrap_err();
    assert!(error.to_string().contains("`.secret(…)`"), "{error}");
    let shop = platform.with_authorizer(&component, "wxshop");
    let user = oauth::exchange(&shop, "code").await.unwrap();
    assert_eq!(user.openid.as_str(), "o2");
    let asked = answers.asked("/sns/oauth2/component/access_token");
    assert!(asked[0].0.contains("component_access_token=comp1"));
    assert!(
        asked[0].0.contains("appid=wxshop") && asked[0].0.contains("component_appid=wxplatform")
    );
    let user = session::login(&shop, "code").await.unwrap();
    assert_eq!(user.openid.as_str(), "o1");
}

#[tokio::test]
async fn a_mini_programs_session_and_phone_number() {
    let session = json!({"openid": "o1", "session_key": "AAAAAAAAAAAAAAAAAAAAAA=="});
    let phone = json!({"errcode": 0, "errmsg": "ok", "phone_info": {
        "phoneNumber": "13800000000", "purePhoneNumber": "13800000000", "countryCode": "86",
    }});
    let token = json!({"access_token": "t1", "expires_in": 7200});
    let answers = Answers::default()
        .on("/sns/jscode2session", [session])
        .on("/wxa/business/getuserphonenumber", [phone])
        .on("/wxa/checksession", [json!({"errcode": 0, "errmsg": "ok"})])
        .on("/cgi-bin/stable_token", [token]);
    let client = answers.client("wxmini").secret("secret").build().unwrap();
    let user = session::login(&client, "code").await.unwrap();
    assert!(!format!("{user:?}").contains("AAAA"));
    let asked = answers.asked("/sns/jscode2session");
    assert!(asked[0].0.contains("secret=secret") && asked[0].0.contains("js_code=code"));
    session::check(&client, &user.openid, &user.key)
        .await
        .unwrap();
    let asked = answers.asked("/wxa/checksession");
    assert!(asked[0].0.contains("sig_method=hmac_sha256"));
    let phone = session::phone_number(&client, "code").await.unwrap();
    assert_eq!(phone.pure, "13800000000");
}

#[tokio::test]
async fn pages_are_signed_with_one_ticket() {
    let answers = Answers::default()
        .on(
            "/cgi-bin/stable_token",
            [json!({"access_token": "t1", "expires_in": 7200})],
        )
        .on(
            "/cgi-bin/ticket/getticket",
            [json!({"errcode": 0, "errmsg": "ok", "ticket": "ticket1", "expires_in": 7200})],
        );
    let client = answers.client("wxshop").secret("secret").build().unwrap();
    let signer = Signer::new(client, Ticket::Page).domains(["h5.example.com"]);
    let (one, two) = tokio::join!(
        signer.config("https://h5.example.com/?a=1#top"),
        signer.config("https://h5.example.com/two"),
    );
    let one = one.unwrap();
    assert_eq!(one.url, "https://h5.example.com/?a=1");
    assert_ne!(one.signature, two.unwrap().signature);
    let config = one.to_json(&["chooseImage"]);
    assert_eq!(config["appId"], "wxshop");
    assert_eq!(config["timestamp"], START);
    assert_eq!(config["signature"].as_str().unwrap().len(), 40);
    assert_eq!(answers.asked("/cgi-bin/ticket/getticket").len(), 1);
    let error = signer.config("https://other.cn/").await.unwrap_err();
    assert!(error.to_string().contains("jssdk.url_mismatch"), "{error}");
}

/// `wx.config` is signed with the corp's ticket, `wx.agentConfig` with the application's; what was signed can be seen.
#[tokio::test]
async fn jssdk_ticket() {
    let ticket = |ticket: &str| json!({"errcode": 0, "ticket": ticket, "expires_in": 7200});
    let answers = Answers::default()
        .on(
            GETTOKEN,
            [json!({"errcode": 0, "access_token": "corp1", "expires_in": 7200})],
        )
        .on("/cgi-bin/get_jsapi_ticket", [ticket("corp-ticket-1")])
        .on("/cgi-bin/ticket/get", [ticket("agent-ticket-1")]);
    let client = answers.client("wwcorp").corp_secret("secret").build();
    let signer = WorkSigner::new(client.unwrap(), 1_000_002).domains(["h5.example.com"]);
    let href = "https://h5.example.com/?a=1#top";
    let page = signer.config(href).await.unwrap();
    let agent = signer.agent_config(href).await.unwrap();
    let sign = |ticket: &str, config: &xinqiao_client::jssdk::Config| {
        let (nonce, time) = (&config.nonce, config.timestamp);
        xinqiao_crypto::jssdk::signature(ticket, nonce, time, "https://h5.example.com/?a=1")
            .to_string()
    };
    assert_eq!(page.signature, sign("corp-ticket-1", &page));
    assert_eq!(
        agent.config.signature,
        sign("agent-ticket-1", &agent.config)
    );
    let json = agent.to_json(&["selectExternalContact"]);
    assert_eq!(
        (&json["corpid"], &json["agentid"]),
        (&json!("wwcorp"), &json!(1_000_002))
    );
    assert_eq!(json["jsApiList"], json!(["selectExternalContact"]));
    assert!(
        answers.asked("/cgi-bin/ticket/get")[0]
            .0
            .contains("type=agent_config")
    );
    assert!(signer.agent_config("https://other.cn/").await.is_err());

    let of = signer.of(Ticket::Agent);
    let right = of
        .explain(&agent.config, Some("http://h5.example.com/?a=1"))
        .await
        .unwrap();
    assert!(right.is_current);
    let text = right.string_to_sign.expose();
    assert!(
        text.starts_with("jsapi_ticket=agent-ticket-1&noncestr="),
        "{text}"
    );
    assert!(text.ends_with("&url=https://h5.example.com/?a=1"), "{text}");
    let shown = format!("{right} {right:?}");
    assert!(
        shown.contains("jsapi_ticket=agent-***&") && !shown.contains("agent-ticket"),
        "{shown}"
    );
    assert!(
        shown.contains("wx.agentConfig") && shown.contains("jssdk.url_mismatch"),
        "{shown}"
    );
    let wrong = of.explain(&page, None).await.unwrap();
    assert!(!wrong.is_current && wrong.to_string().contains("jssdk.ticket"));
}

#[tokio::test]
async fn a_wecom_visitor_is_a_member_or_an_outsider() {
    let answers = Answers::default()
        .on(
            GETTOKEN,
            [json!({"errcode": 0, "access_token": "corp1", "expires_in": 7200})],
        )
        .on(
            "/cgi-bin/auth/getuserinfo",
            [
                json!({"errcode": 0, "userid": "lin", "user_ticket": "t"}),
                json!({"errcode": 0, "openid": "o1", "external_userid": "wm1"}),
            ],
        );
    let corp = answers.client("wwcorp").corp_secret("agent").build();
    let corp = corp.unwrap();
    let member = oauth::visitor(&corp, "code").await.unwrap();
    assert!(matches!(member, Visitor::Member { userid, .. } if userid == "lin"));
    let outsider = oauth::visitor(&corp, "code").await.unwrap();
    assert!(matches!(outsider, Visitor::Outsider { openid, .. } if openid.as_str() == "o1"));
}
