//! A merchant with an account, a customer and a server for its notices.

use serde_json::{Value, json};
use xinqiao_crypto::{
    pay_v2::{self, SignType},
    pay_v3::{
        Certificate, KeyRing, PrivateKey, PublicKey, Request, ResourceKey, SCHEME_RSA, Signed,
        invoke_message,
    },
};
use xinqiao_testkit::{Recorded, TestApp, TestWorld};
use xinqiao_types::{ApiV2Key, ApiV3Key, Clock, SystemClock, UnixSeconds};

const HOST: &str = "api.mch.weixin.qq.com";

pub(crate) struct Shop {
    pub(crate) world: TestWorld,
    pub(crate) app: TestApp,
    pub(crate) appid: String,
    pub(crate) user: String,
    pub(crate) openid: String,
    /// The object of the control interface.
    pub(crate) merchant: Value,
    pub(crate) mchid: String,
    pub(crate) serial: String,
    key: PrivateKey,
    pub(crate) ring: KeyRing,
}

/// An answer of the third generation.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) raw: Vec<u8>,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }
}

/// A merchant's private key, and the platform's keys for it.
async fn keys(world: &TestWorld, merchant: &Value) -> (PrivateKey, KeyRing) {
    let mchid = merchant["mchid"].as_str().unwrap();
    let files = world.get(&format!("/merchants/{mchid}/files")).await;
    let file = |name: &str| files[name].as_str().unwrap();
    let mut ring = KeyRing::new();
    ring.add_certificate(&Certificate::from_pem(file("platform_cert.pem")).unwrap());
    let public = PublicKey::from_pem(file("pub_key.pem")).unwrap();
    ring.add_public_key(merchant["platform_public_key_id"].as_str().unwrap(), public);
    let key = PrivateKey::from_pem(file("apiclient_key.pem")).unwrap();
    (key, ring)
}

/// The present second.
pub(crate) fn now() -> i64 {
    SystemClock.now().as_second()
}

impl Shop {
    pub(crate) async fn open() -> Self {
        Self::open_with(json!({})).await
    }

    /// With a merchant of these settings.
    pub(crate) async fn open_with(settings: Value) -> Self {
        Self::open_in(TestWorld::start().await, settings).await
    }

    /// In this world.
    pub(crate) async fn open_in(world: TestWorld, settings: Value) -> Self {
        let account = world.account(json!({"kind": "service"})).await;
        let appid = account["appid"].as_str().unwrap().to_owned();
        let user = world.user("小林").await;
        world
            .act(&user, json!({"do": "follow", "account": appid}))
            .await;
        let person = world.get(&format!("/users/{user}")).await;
        let openid = person["openids"][&appid].as_str().unwrap().to_owned();
        let mut new = json!({"name": "桥头咖啡", "appids": [appid]});
        for (name, value) in settings.as_object().unwrap() {
            new[name] = value.clone();
        }
        let merchant = world.must("POST", "/merchants", new).await;
        let mchid = merchant["mchid"].as_str().unwrap().to_owned();
        let (key, ring) = keys(&world, &merchant).await;
        Self {
            app: TestApp::start().await,
            key,
            serial: merchant["serial_no"].as_str().unwrap().to_owned(),
            world,
            appid,
            user,
            openid,
            merchant,
            mchid,
            ring,
        }
    }

    /// Calls are another merchant's from now on.
    pub(crate) async fn becomes(&mut self, merchant: Value) {
        (self.key, self.ring) = keys(&self.world, &merchant).await;
        merchant["mchid"]
            .as_str()
            .unwrap()
            .clone_into(&mut self.mchid);
        merchant["serial_no"]
            .as_str()
            .unwrap()
            .clone_into(&mut self.serial);
        self.merchant = merchant;
    }

    /// The platform's key for what only it may read, with its name.
    pub(crate) fn encryption_key(&self) -> (String, PublicKey) {
        let certificate = self.merchant["platform_certificate"].as_str().unwrap();
        let certificate = Certificate::from_pem(certificate).unwrap();
        (certificate.serial().to_owned(), certificate.key().clone())
    }

    pub(crate) fn v3_key(&self) -> ApiV3Key {
        ApiV3Key::new(self.merchant["api_v3_key"].as_str().unwrap())
    }

    pub(crate) fn v2_key(&self) -> ApiV2Key {
        ApiV2Key::new(self.merchant["api_v2_key"].as_str().unwrap())
    }

    /// The header `Authorization` of a call that is signed at this second.
    pub(crate) fn authorization(&self, method: &str, target: &str, body: &str, at: i64) -> String {
        let request = Request {
            method,
            target,
            timestamp: at,
            nonce: "5K8264ILTKCH16CQ2502SI8ZNMTM67VS",
            body: body.as_bytes(),
        };
        let signature = self.key.sign(&request.message());
        request.authorization(SCHEME_RSA, &self.mchid, &self.serial, &signature)
    }

    /// A call with this proof.
    pub(crate) async fn send(
        &self,
        method: &str,
        target: &str,
        body: &str,
        authorization: &str,
    ) -> Answer {
        let origin = &self.world.simulator().endpoints()[HOST];
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let request = { self.world.client() }
            .request(method, format!("{origin}{target}"))
            .header("host", HOST)
            .header("accept", "application/json")
            .header("user-agent", "test")
            .header("content-type", "application/json")
            .header("authorization", authorization);
        let answer = request.body(body.to_owned()).send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let raw = answer.bytes().await.unwrap().to_vec();
        let body = serde_json::from_slice(&raw).unwrap_or(Value::Null);
        Answer {
            status,
            headers,
            raw,
            body,
        }
    }

    /// A signed call; the answer's signature must hold.
    pub(crate) async fn call(&self, method: &str, target: &str, body: Value) -> Answer {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let authorization = self.authorization(method, target, &body, now());
        let answer = self.send(method, target, &body, &authorization).await;
        self.verify(&answer);
        answer
    }

    /// An answer's signature must hold.
    pub(crate) fn verify(&self, answer: &Answer) {
        let signed = Signed {
            timestamp: answer.header("wechatpay-timestamp"),
            nonce: answer.header("wechatpay-nonce"),
            signature: answer.header("wechatpay-signature"),
            serial: answer.header("wechatpay-serial"),
            scheme: answer.header("wechatpay-signature-type"),
        };
        let genuine = self.ring.verify(&signed, &answer.raw, UnixSeconds(now()));
        assert!(genuine.is_ok(), "{genuine:?}: {answer:?}");
    }

    /// The body of an order of 100 fen.
    pub(crate) fn order(&self, out_trade_no: &str) -> Value {
        json!({
            "appid": self.appid,
            "mchid": self.mchid,
            "description": "拿铁",
            "out_trade_no": out_trade_no,
            "attach": "桌 7",
            "notify_url": self.app.url,
            "amount": {"total": 100, "currency": "CNY"},
            "payer": {"openid": self.openid},
        })
    }

    /// Places it.
    pub(crate) async fn place(&self, out_trade_no: &str) -> String {
        let path = "/v3/pay/transactions/jsapi";
        let answer = self.call("POST", path, self.order(out_trade_no)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body["prepay_id"].as_str().unwrap().to_owned()
    }

    /// What a page hands to `requestPayment`.
    pub(crate) fn params(&self, prepay_id: &str) -> Value {
        let (time, nonce) = (now().to_string(), "5K8264ILTKCH16CQ2502SI8ZNMTM67VS");
        let package = format!("prepay_id={prepay_id}");
        let message = invoke_message(&self.appid, &time, nonce, &package);
        json!({
            "appId": self.appid,
            "timeStamp": time,
            "nonceStr": nonce,
            "package": package,
            "signType": "RSA",
            "paySign": self.key.sign(&message),
        })
    }

    /// What an app hands to the platform's own library.
    pub(crate) fn app_params(&self, prepay_id: &str) -> Value {
        let (time, nonce) = (now().to_string(), "5K8264ILTKCH16CQ2502SI8ZNMTM67VS");
        let message = invoke_message(&self.appid, &time, nonce, prepay_id);
        json!({
            "appid": self.appid,
            "partnerid": self.mchid,
            "prepayid": prepay_id,
            "package": "Sign=WXPay",
            "noncestr": nonce,
            "timestamp": time,
            "sign": self.key.sign(&message),
        })
    }

    /// The customer pays, or tries to.
    pub(crate) async fn pay(&self, how: Value) -> (u16, Value) {
        let mut act = json!({"do": "pay", "account": self.appid});
        for (name, value) in how.as_object().unwrap() {
            act[name] = value.clone();
        }
        let path = format!("/users/{}/actions", self.user);
        self.world.control("POST", &path, act).await
    }

    /// The notice in a push, verified and opened: the envelope and what is in it.
    pub(crate) fn opened(&self, push: &Recorded) -> (Value, Value) {
        let signed = Signed {
            timestamp: push.header("wechatpay-timestamp"),
            nonce: push.header("wechatpay-nonce"),
            signature: push.header("wechatpay-signature"),
            serial: push.header("wechatpay-serial"),
            scheme: push.header("wechatpay-signature-type"),
        };
        let body = push.body.as_bytes();
        let genuine = self.ring.verify(&signed, body, UnixSeconds(now()));
        assert!(genuine.is_ok(), "{genuine:?}");
        let notice: Value = serde_json::from_str(&push.body).unwrap();
        let text = |name: &str| notice["resource"][name].as_str().unwrap();
        let plain = ResourceKey::new(&self.v3_key())
            .unwrap()
            .open(
                "AEAD_AES_256_GCM",
                text("nonce"),
                text("associated_data"),
                text("ciphertext"),
            )
            .unwrap();
        let plain = serde_json::from_slice(&plain).unwrap();
        (notice, plain)
    }

    /// A call of the second generation: the elements of its answer, whose signature must hold if it has one.
    pub(crate) async fn xml(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        how: SignType,
    ) -> Vec<(String, String)> {
        let elements = elements(&self.text(path, fields, how).await);
        if let Some((_, sign)) = elements.iter().find(|(name, _)| name == "sign") {
            let pairs = elements.iter().map(|(name, value)| (&**name, &**value));
            let genuine = pay_v2::verify(pairs, &self.v2_key(), how, sign);
            assert!(genuine.is_ok(), "{elements:?}");
        }
        elements
    }

    /// A call with an MD5 that names its account and its merchant by itself.
    pub(crate) async fn xml_alone(
        &self,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Vec<(String, String)> {
        let mut all = vec![("nonce_str", "ibuaiVcKdpRxkhJA")];
        all.extend(fields);
        let sign = pay_v2::sign(all.iter().copied(), &self.v2_key(), SignType::Md5);
        all.push(("sign", &sign));
        self.xml_raw(path, &all).await
    }

    /// The same, with its answer as it is.
    pub(crate) async fn text(&self, path: &str, fields: &[(&str, &str)], how: SignType) -> String {
        let all = self.signed(fields, how);
        let all: Vec<(&str, &str)> = { all.iter() }
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        self.post(path, &all).await
    }

    /// The elements of such a call, signed.
    pub(crate) fn signed<'f>(
        &self,
        fields: &[(&'f str, &str)],
        how: SignType,
    ) -> Vec<(&'f str, String)> {
        let mut all = vec![
            ("appid", self.appid.clone()),
            ("mch_id", self.mchid.clone()),
            ("nonce_str", "ibuaiVcKdpRxkhJA".to_owned()),
        ];
        if how == SignType::HmacSha256 {
            all.push(("sign_type", how.as_str().to_owned()));
        }
        all.extend({ fields.iter() }.map(|(name, value)| (*name, (*value).to_owned())));
        let pairs = all.iter().map(|(name, value)| (*name, value.as_str()));
        let sign = pay_v2::sign(pairs, &self.v2_key(), how);
        all.push(("sign", sign));
        all
    }

    /// The same, signed by the caller.
    pub(crate) async fn xml_raw(
        &self,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Vec<(String, String)> {
        elements(&self.post(path, fields).await)
    }

    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> String {
        self.xml_with_headers(path, fields).await.1
    }

    /// A call of the second generation, signed by the caller: the answer as it is, with its headers.
    pub(crate) async fn xml_with_headers(
        &self,
        path: &str,
        fields: &[(&str, &str)],
    ) -> (reqwest::header::HeaderMap, String) {
        let answer = self.xml_over(path, fields, None).await;
        (answer.headers().clone(), answer.text().await.unwrap())
    }

    /// The same, with what a door that ends TLS says of it.
    pub(crate) async fn xml_over(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        tls: Option<&str>,
    ) -> reqwest::Response {
        let origin = &self.world.simulator().endpoints()[HOST];
        let mut xml = xinqiao_wire::xml::Writer::new();
        xml.open("xml");
        for (name, value) in fields {
            xml.cdata(name, value);
        }
        xml.close("xml");
        let mut request = { self.world.client() }
            .post(format!("{origin}{path}"))
            .header("host", HOST)
            .body(xml.finish());
        if let Some(tls) = tls {
            request = request.header(xinqiao_simulator::TLS_HEADER, tls);
        }
        request.send().await.unwrap()
    }
}

/// The elements of a flat XML text.
pub(crate) fn elements(xml: &str) -> Vec<(String, String)> {
    let document = xinqiao_wire::xml::Document::parse(xml.as_bytes());
    let document = document.unwrap_or_else(|error| panic!("{error}: {xml}"));
    { document.root().children() }
        .map(|element| (element.name().to_owned(), element.text().into_owned()))
        .collect()
}
