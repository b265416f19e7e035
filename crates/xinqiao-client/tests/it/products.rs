//! The credential of every product: how it is got, where it stands in the request, and what is said when
//! it is missing.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use http::HeaderMap;
use serde_json::{Value, json};
use xinqiao_catalog::{AuthKind, Product};
use xinqiao_client::{
    Chatbot, Client, ClientBuilder, Component, Error, Policy, Suite,
    oauth::{self, Visitor},
    pay_business::Platform,
    session,
    token::{Model, Provider, StaticToken},
    transport::{BoxFuture, Incoming, Outgoing, Transport, TransportError},
};
use xinqiao_crypto::{
    AesKey, MessageCipher, Mismatch, chatbot,
    pay_business::header_field,
    pay_v3::{PrivateKey, PublicKey, Request, answer_message},
};
use xinqiao_types::ManualClock;

const NOW: i64 = 1_800_000_000;

type Handler = dyn Fn(&Outgoing) -> (HeaderMap, Value) + Send + Sync;

/// A platform that is one function, and remembers what it was asked.
#[derive(Clone)]
struct Fake {
    handler: Arc<Handler>,
    asked: Arc<Mutex<Vec<Outgoing>>>,
}

impl std::fmt::Debug for Fake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fake")
    }
}

impl Fake {
    fn new(handler: impl Fn(&Outgoing) -> (HeaderMap, Value) + Send + Sync + 'static) -> Self {
        Self {
            handler: Arc::new(handler),
            asked: Arc::default(),
        }
    }

    /// Answers by the end of the path.
    fn by_path(answers: impl IntoIterator<Item = (&'static str, Value)>) -> Self {
        let answers: BTreeMap<_, _> = answers.into_iter().collect();
        Self::new(move |request| {
            let address = request.address();
            let found = answers.iter().find(|(path, _)| address.ends_with(**path));
            let answer = found.map_or(json!({"errcode": 0}), |(_, answer)| answer.clone());
            (HeaderMap::new(), answer)
        })
    }

    fn builder(&self, id: &str) -> ClientBuilder {
        Client::builder(id)
            .transport(self.clone())
            .clock(ManualClock::at(NOW))
            .policy(Policy::NEVER)
    }

    fn last(&self) -> Outgoing {
        self.asked.lock().unwrap().last().cloned().unwrap()
    }

    fn paths(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        let path = |request: &Outgoing| request.address().rsplit('/').next().unwrap().to_owned();
        asked.iter().map(path).collect()
    }
}

impl Transport for Fake {
    fn send(&self, request: Outgoing) -> BoxFuture<'_, Result<Incoming, TransportError>> {
        let (headers, body) = (self.handler)(&request);
        self.asked.lock().unwrap().push(request);
        Box::pin(async move {
            Ok(Incoming {
                status: 200,
                headers,
                body: body.to_string().into(),
            })
        })
    }
}

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../../xinqiao-crypto/testdata/pay.json")).unwrap()
}

fn key(name: &str) -> String {
    vectors()["keys"][name].as_str().unwrap().to_owned()
}

/// An endpoint of every product with every kind of credential that the catalog knows.
fn kinds() -> Vec<(Product, AuthKind, &'static str)> {
    let mut seen = BTreeSet::new();
    let all = Product::ALL.into_iter().flat_map(|product| {
        xinqiao_catalog::endpoints(product)
            .iter()
            .map(move |endpoint| (product, endpoint.auth.kind, endpoint.id))
    });
    all.filter(|(product, kind, _)| seen.insert((product.name(), format!("{kind:?}"))))
        .collect()
}

#[tokio::test]
async fn a_missing_credential_is_named_with_what_to_configure_for_every_kind() {
    let fake = Fake::by_path([]);
    let bare = fake.builder("wx1").build().unwrap();
    let mut told = BTreeMap::new();
    for (product, kind, id) in kinds() {
        // Path parameters are looked at first.
        let endpoint = xinqiao_catalog::endpoint(id).unwrap();
        let path = endpoint.path_params.fields.iter();
        let fields: serde_json::Map<_, _> = path
            .map(|field| (field.name.to_owned(), json!("1")))
            .collect();
        let is_xml = endpoint.content == xinqiao_catalog::Content::Xml;
        if is_xml {
            continue;
        }
        let answer = bare.call(id, Value::Object(fields)).await;
        match (kind, answer) {
            (AuthKind::None, answer) => assert!(answer.is_ok(), "{id}"),
            // What a bot says first of all may need no key.
            (AuthKind::Chatbot, Ok(_)) => {}
            (_, Err(Error::Credential { endpoint, reason })) => {
                assert_eq!(endpoint, id);
                told.insert(format!("{} {kind:?}", product.name()), reason);
            }
            (_, other) => panic!("{id} of {kind:?}: {other:?}"),
        }
    }
    for (kind, reason) in &told {
        let remedy = [
            "`.",
            "`Client::",
            "`pay_v",
            "`pay_business",
            "give the client a merchant",
        ];
        assert!(
            remedy.iter().any(|part| reason.contains(part)),
            "{kind}: {reason}"
        );
    }
    assert!(told.len() > 12, "{told:?}");
}

#[tokio::test]
async fn every_kind_of_token_is_got_and_stands_where_the_catalog_says() {
    let lives = |name: &str, token: &str| json!({name: token, "expires_in": 7200});
    let fake = Fake::by_path([
        ("/stable_token", lives("access_token", "T-account")),
        ("/gettoken", lives("access_token", "T-corp")),
        (
            "/api_component_token",
            lives("component_access_token", "T-component"),
        ),
        ("/get_suite_token", lives("suite_access_token", "T-suite")),
        (
            "/get_provider_token",
            lives("provider_access_token", "T-provider"),
        ),
        ("/get_model_token", lives("model_access_token", "T-model")),
        (
            "/get_device_token",
            lives("device_access_token", "T-device"),
        ),
        (
            "/v2/token",
            json!({"code": 0, "data": {"access_token": "T-bot"}}),
        ),
    ]);
    let component = Component::new("wxc", "s");
    component.set_ticket("t").await.unwrap();
    let suite = Suite::new("ws", "s");
    suite.set_ticket("t").await.unwrap();
    let model = Model::new("m1", "s");
    model.set_ticket("t").await.unwrap();
    let device = model.device("SN1", "s");
    let bot = Chatbot::new("bot", "bottoken", "me");
    let account = |id: &str| fake.builder(id).secret("s");
    let table: [(&str, ClientBuilder, &str); 12] = [
        ("official_account.menu.get", account("wx1"), "T-account"),
        ("channels.basics.info_get", account("wx1"), "T-account"),
        ("ads.user_actions.add", account("wx1"), "T-account"),
        (
            "ads.user_actions.add",
            fake.builder("ads").tokens(StaticToken::new("T-ads")),
            "T-ads",
        ),
        (
            "mini_program.wxa.check_session",
            account("wx1"),
            "T-account",
        ),
        (
            "open_platform.component.api_create_pre_auth_code",
            fake.builder("wxc").component(&component),
            "T-component",
        ),
        (
            "work.agent.list",
            fake.builder("ww1").corp_secret("s"),
            "T-corp",
        ),
        (
            "work.service.get_pre_auth_code",
            fake.builder("ws").suite(&suite),
            "T-suite",
        ),
        (
            "work.service.get_login_info",
            fake.builder("ww1").provider(Provider::new("ww1", "s")),
            "T-provider",
        ),
        (
            "work.open_hw.device.get_device_detail",
            fake.builder("m1").model(&model),
            "T-model",
        ),
        (
            "work.open_hw.device.get_user_info_by_page",
            fake.builder("m1").device(&device),
            "T-device",
        ),
        (
            "chatbot.v2.bot.query",
            fake.builder("bot").chatbot(&bot),
            "T-bot",
        ),
    ];
    for (id, builder, token) in table {
        let client = builder.build().unwrap();
        client
            .call(id, json!({}))
            .await
            .unwrap_or_else(|error| panic!("{id}: {error}"));
        let sent = fake.last();
        let auth = xinqiao_catalog::endpoint(id).unwrap().auth;
        let param = auth.param;
        if auth.kind == AuthKind::Openai {
            assert_eq!(sent.headers["x-openai-token"], token, "{id}");
        } else {
            assert!(
                sent.url.contains(&format!("?{param}={token}")),
                "{id}: {}",
                sent.url
            );
        }
    }
    // The rest: a user's token, a robot's key, and what merchants sign.
    let user = fake.builder("wx1").build().unwrap();
    let call = user.call("open_platform.sns.user_info", json!({"openid": "o"}));
    call.token("T-user").await.unwrap();
    assert!(fake.last().url.contains("access_token=T-user"));
    let call = user.call("work.webhook.send", json!({"msgtype": "text"}));
    call.token("K-robot").await.unwrap();
    assert!(fake.last().url.contains("key=K-robot"));
}

#[tokio::test]
async fn a_bot_signs_every_call_and_fetches_its_token_once() {
    let fake = Fake::by_path([
        (
            "/v2/token",
            json!({"code": 0, "data": {"access_token": "T1"}}),
        ),
        (
            "/v2/bot/query",
            json!({"code": 0, "msg": "success", "data": {"answer": "好"}}),
        ),
        (
            "/v2/bot/publish",
            json!({"code": 210202, "msg": "no right", "request_id": "r"}),
        ),
    ]);
    let bot = Chatbot::new("bot", "bottoken", "me");
    let client = fake.builder("bot").chatbot(&bot).build().unwrap();
    let fields = json!({"query": "你好", "env": "online"});
    for _ in 0..2 {
        let answer = client
            .call("chatbot.v2.bot.query", fields.clone())
            .await
            .unwrap();
        assert_eq!(answer["data"]["answer"], "好");
    }
    assert_eq!(fake.paths(), ["token", "query", "query"]);
    for sent in fake.asked.lock().unwrap().iter() {
        let header = |name: &str| sent.headers[name].to_str().unwrap();
        let sign = chatbot::sign("bottoken", NOW, header("nonce"), &sent.body.concat());
        assert_eq!(header("sign"), sign.as_str());
        assert_eq!(header("timestamp"), NOW.to_string());
        assert!(!header("request_id").is_empty());
        assert!(!sent.url.contains('?'), "{}", sent.url);
    }
    let first = fake.asked.lock().unwrap()[0].clone();
    assert_eq!(first.headers["x-appid"], "bot");
    assert!(!first.headers.contains_key("x-openai-token"));
    let error = client
        .call("chatbot.v2.bot.publish", json!({}))
        .await
        .unwrap_err();
    assert_eq!(error.code().unwrap().0, 210202, "{error}");
}

#[tokio::test]
async fn an_older_call_of_a_bot_is_encrypted_with_its_key() {
    const AES: &str = "q1Os1ZMe0nG28KUEx9lg3HjK7V5QyXvi212fzsgDqgz";
    let fake = Fake::by_path([]);
    let bot = Chatbot::new("bot", "bottoken", "me");
    let client = fake.builder("bot").chatbot(&bot).build().unwrap();
    let message = json!({"appid": "wx1", "openid": "o1", "msg": "您好]]>", "channel": 0});
    let call = client.call("chatbot.base.send_msg", message.clone());
    assert!(matches!(call.await, Err(Error::Credential { .. })));
    let bot = bot.with_aes_key(AES).unwrap();
    let client = fake.builder("bot").chatbot(&bot).build().unwrap();
    client.call("chatbot.base.send_msg", message).await.unwrap();
    let sent = fake.last();
    assert!(
        sent.url.ends_with("/openapi/sendmsg/bottoken"),
        "{}",
        sent.url
    );
    let body: Value = serde_json::from_slice(&sent.body.concat()).unwrap();
    let cipher = MessageCipher::new(&AesKey::parse(AES).unwrap(), "bot");
    let plain = cipher
        .decrypt(body["encrypt"].as_str().unwrap().as_bytes())
        .unwrap();
    let document = xinqiao_wire::xml::Document::parse(plain.message()).unwrap();
    assert_eq!(document.root().child_text("msg").unwrap(), "您好]]>");
    assert_eq!(document.root().child_text("channel").unwrap(), "0");
    // Asking the bot needs no key.
    let query = json!({"signature": "s", "query": "你好"});
    client
        .call("chatbot.base.ai_bot", query.clone())
        .await
        .unwrap();
    let body: Value = serde_json::from_slice(&fake.last().body.concat()).unwrap();
    assert_eq!(body, query);
}

#[tokio::test]
async fn a_member_of_a_corp_logs_in_to_pages_and_mini_programs() {
    let lives = |name: &str, token: &str| json!({name: token, "expires_in": 7200});
    let who = json!({"errcode": 0, "userid": "zhangsan", "user_ticket": "UT"});
    let shown = json!({"errcode": 0, "userid": "zhangsan", "gender": "1", "mobile": "13800000000"});
    let opened = json!({"errcode": 0, "corpid": "ww1", "userid": "zhangsan", "session_key": "k",
                        "open_userid": "ou"});
    let fake = Fake::by_path([
        ("/gettoken", lives("access_token", "T-corp")),
        ("/get_suite_token", lives("suite_access_token", "T-suite")),
        ("/getuserinfo", who.clone()),
        ("/getuserinfo3rd", who),
        ("/getuserdetail", shown.clone()),
        ("/getuserdetail3rd", shown),
        ("/jscode2session", opened),
    ]);
    let suite = Suite::new("ws", "s");
    suite.set_ticket("t").await.unwrap();
    let clients = [
        (
            fake.builder("ww1").corp_secret("s").build().unwrap(),
            "T-corp",
            "",
        ),
        (
            fake.builder("ws").suite(&suite).build().unwrap(),
            "T-suite",
            "3rd",
        ),
    ];
    for (client, token, suffix) in clients {
        let visitor = oauth::visitor(&client, "code").await.unwrap();
        let Visitor::Member {
            user_ticket: Some(ticket),
            ..
        } = visitor
        else {
            panic!("{visitor:?}");
        };
        let member = oauth::member(&client, &ticket).await.unwrap();
        assert_eq!(
            (member.mobile.as_str(), member.gender.as_str()),
            ("13800000000", "1")
        );
        assert!(!format!("{member:?}").contains("138"));
        let sent = fake.last();
        assert!(sent.address().ends_with(&format!("/getuserdetail{suffix}")));
        assert!(sent.url.contains(token), "{}", sent.url);
        assert_eq!(sent.body.concat(), br#"{"user_ticket":"UT"}"#);
        let session = session::login_work(&client, "js").await.unwrap();
        assert_eq!(
            (session.userid.as_str(), session.corpid.as_str()),
            ("zhangsan", "ww1")
        );
        let sent = fake.last();
        assert!(
            sent.url
                .contains("js_code=js&grant_type=authorization_code"),
            "{}",
            sent.url
        );
        assert_eq!(sent.address().contains("/service/"), !suffix.is_empty());
    }
}

/// An operator of business pay that checks and signs; `sealed` answers are encrypted.
fn operator(answer: Value, forged: bool) -> Fake {
    let own = PrivateKey::from_pem(&key("platform_rsa_private_key")).unwrap();
    let platform = PublicKey::from_pem(&key("merchant_rsa_certificate")).unwrap();
    Fake::new(move |request| {
        let header = request.headers["authorization"].to_str().unwrap();
        let field = |name| header_field(header, name);
        let body = request.body.concat();
        let lines = Request {
            method: request.method.as_str(),
            target: request.url.split_once(".com").unwrap().1,
            timestamp: field("timestamp").parse().unwrap(),
            nonce: field("nonce"),
            body: &body,
        };
        let proved: Result<_, Mismatch> = platform.verify(&lines.message(), field("signature"));
        assert!(proved.is_ok(), "{header}");
        assert_eq!(field("platform_id"), "P1");
        assert_eq!(field("signature_algorithm"), "SHA256withRSA");
        let text = answer.to_string();
        let signed = if forged { "{}" } else { &text };
        let signature = own.sign(&answer_message("1800000000", "n", signed.as_bytes()));
        let proof = format!(
            "nonce=\"n\",timestamp=\"1800000000\",tbep_serial_number=\"O1\",\
             signature=\"{signature}\",signature_algorithm=\"SHA256withRSA\""
        );
        let mut headers = HeaderMap::new();
        headers.insert("tbep-authorization", proof.parse().unwrap());
        (headers, answer.clone())
    })
}

fn platform() -> Platform {
    let private = key("merchant_rsa_private_key");
    Platform::new("P1", "S1", &private, "O1", &key("platform_rsa_certificate")).unwrap()
}

#[tokio::test]
async fn business_pay_is_signed_and_its_answers_are_proved() {
    let answer = json!({"payment_id": "1", "status": "SUCCEEDED"});
    let path = json!({"payment_id": "1"});
    let get = "pay_business.payments.get_by_payment_id";
    let fake = operator(answer.clone(), false);
    let client = fake.builder("P1").merchant(platform()).build().unwrap();
    assert_eq!(client.call(get, path.clone()).await.unwrap(), answer);

    let forged = operator(answer, true);
    let client = forged.builder("P1").merchant(platform()).build().unwrap();
    let error = client.call(get, path.clone()).await.unwrap_err();
    assert!(matches!(error, Error::Signature { .. }), "{error}");

    let failed =
        json!({"trace_id": "t", "error": {"code": "NOT_FOUND", "desc": "no such payment"}});
    let fake = operator(failed, false);
    let client = fake.builder("P1").merchant(platform()).build().unwrap();
    let error = client.call(get, path.clone()).await.unwrap_err();
    let api = error.api().unwrap();
    assert_eq!(
        (api.code.to_string().as_str(), &*api.message),
        ("NOT_FOUND", "no such payment")
    );

    let private = key("merchant_rsa_private_key");
    let both = platform().with_enterprise("E1", "S2", &private).unwrap();
    let fake = operator(json!({}), false);
    let client = fake.builder("P1").merchant(both).build().unwrap();
    client.call(get, path).await.unwrap();
    let sent = fake.last();
    let header = sent.headers["enterprise-authorization"].to_str().unwrap();
    assert_eq!(header_field(header, "ent_id"), "E1");
    let outer =
        header_field(sent.headers["authorization"].to_str().unwrap(), "signature").to_owned();
    let raw = xinqiao_crypto::decode_base64(outer.as_bytes()).unwrap();
    let public = PublicKey::from_pem(&key("merchant_rsa_certificate")).unwrap();
    assert!(
        public
            .verify(&raw, header_field(header, "signature"))
            .is_ok()
    );
}

#[tokio::test]
async fn fields_of_business_pay_that_must_be_encrypted_never_leave_in_plain() {
    let payment = json!({
        "out_payment_id": "1", "amount": 100, "currency": "CNY",
        "payee": {"ent_id": "E", "ent_name": "张三的企业"},
    });
    let fake = operator(json!({"payment_id": "1"}), false);
    let client = fake.builder("P1").merchant(platform()).build().unwrap();
    let answer = client
        .call("pay_business.payments.create_qr_code_pay", payment)
        .await;
    #[cfg(not(feature = "sm"))]
    {
        let error = answer.unwrap_err();
        assert!(matches!(error, Error::Credential { .. }), "{error}");
        assert!(fake.asked.lock().unwrap().is_empty());
    }
    #[cfg(feature = "sm")]
    {
        answer.unwrap();
        let sent = fake.last();
        let header = sent.headers["tbep-encrypt"].to_str().unwrap();
        let operator = PrivateKey::from_pem(&key("platform_rsa_private_key")).unwrap();
        let field_key = operator.decrypt(header_field(header, "enc_key")).unwrap();
        let iv = xinqiao_crypto::decode_base64(header_field(header, "iv").as_bytes()).unwrap();
        let cipher = xinqiao_crypto::pay_business::FieldKey::new(
            field_key.as_bytes().try_into().unwrap(),
            iv.try_into().unwrap(),
        );
        let body: Value = serde_json::from_slice(&sent.body.concat()).unwrap();
        let name = body["payee"]["ent_name"].as_str().unwrap();
        assert_eq!(cipher.decrypt(name).unwrap(), "张三的企业");
        assert_eq!(body["payee"]["ent_id"], "E");
    }
}
