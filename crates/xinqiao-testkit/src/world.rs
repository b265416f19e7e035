//! A simulator in a test.

use std::time::Duration;

use reqwest::{Client, Method};
use serde_json::{Value, json};
use xinqiao_simulator::{Options, Simulator};
use xinqiao_types::{UnixSeconds, shanghai};

/// A running simulator with shortcuts for what tests do.
#[derive(Debug)]
pub struct TestWorld {
    simulator: Option<Simulator>,
    client: Client,
    control: String,
    api: String,
    host: &'static str,
}

impl TestWorld {
    /// An empty world in memory; an app has 300 ms for an answer instead of five seconds.
    pub async fn start() -> Self {
        let mut options = Options::default();
        options.attempt_timeout = Duration::from_millis(300);
        Self::start_with(options).await
    }

    /// The seeded world, likewise.
    pub async fn start_seeded() -> Self {
        let mut options = Options::default();
        options.seeded = true;
        options.attempt_timeout = Duration::from_millis(300);
        Self::start_with(options).await
    }

    /// A world of your own options.
    pub async fn start_with(options: Options) -> Self {
        let simulator = Simulator::start(options)
            .await
            .expect("the simulator starts");
        let host = "api.weixin.qq.com";
        let api = simulator.endpoints()[host].clone();
        let control = simulator.control();
        let client = Client::builder()
            .no_proxy()
            .build()
            .expect("a client without TLS is made");
        Self {
            simulator: Some(simulator),
            client,
            control,
            api,
            host,
        }
    }

    /// The simulator itself.
    pub fn simulator(&self) -> &Simulator {
        self.simulator.as_ref().expect("it runs until shutdown")
    }

    /// The HTTP client that the shortcuts use.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Origin of api.weixin.qq.com.
    pub fn api(&self) -> &str {
        &self.api
    }

    /// Base of the control interface.
    pub fn control_base(&self) -> &str {
        &self.control
    }

    /// A control call: status and body (null without one).
    pub async fn control(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let mut request = self
            .client
            .request(method, format!("{}{path}", self.control));
        if !body.is_null() {
            request = request
                .header("content-type", "application/json")
                .body(body.to_string());
        }
        let answer = request.send().await.expect("the control interface answers");
        let status = answer.status().as_u16();
        let text = answer.text().await.expect("the answer is text");
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    /// A control call that must succeed.
    pub async fn must(&self, method: &str, path: &str, body: Value) -> Value {
        let (status, value) = self.control(method, path, body).await;
        assert!(status < 300, "{method} {path}: {status} {value}");
        value
    }

    /// `GET` of the control interface.
    pub async fn get(&self, path: &str) -> Value {
        self.must("GET", path, Value::Null).await
    }

    /// Makes an account.
    pub async fn account(&self, fields: Value) -> Value {
        self.must("POST", "/accounts", fields).await
    }

    /// Makes a user.
    pub async fn user(&self, nickname: &str) -> String {
        let user = self
            .must("POST", "/users", json!({"nickname": nickname}))
            .await;
        user["id"].as_str().expect("a user has an id").to_owned()
    }

    /// Something that a user does; waits for the deliveries.
    pub async fn act(&self, user: &str, act: Value) -> Value {
        self.must("POST", &format!("/users/{user}/actions"), act)
            .await
    }

    /// A user says something.
    pub async fn say(&self, user: &str, appid: &str, text: &str) -> Value {
        let message = json!({"type": "text", "content": text});
        self.act(
            user,
            json!({"do": "send", "account": appid, "message": message}),
        )
        .await
    }

    /// What stands in a user's inbox.
    pub async fn inbox(&self, user: &str, appid: &str) -> Vec<Value> {
        let answer = self
            .get(&format!("/users/{user}/inbox?account={appid}"))
            .await;
        answer["items"].as_array().expect("items").clone()
    }

    /// Moves the clock.
    pub async fn advance(&self, seconds: i64) {
        self.must("POST", "/clock", json!({"advance": seconds}))
            .await;
    }

    /// Moves the clock to the next morning in Shanghai, for what counts by the day: a test at eleven at night would
    /// see its day end.
    pub async fn next_morning(&self) {
        let now = self.must("GET", "/clock", Value::Null).await["now"]
            .as_i64()
            .expect("the clock tells the time");
        let morning = shanghai::next_midnight(UnixSeconds(now)) + 8 * 3600;
        self.advance(morning.0 - now).await;
    }

    /// A platform call by path and query: `GET` without a body, else `POST`.
    pub async fn call(&self, path_and_query: &str, body: Value) -> Value {
        self.call_raw(path_and_query, body).await.1
    }

    /// The same with the answer's headers.
    pub async fn call_raw(
        &self,
        path_and_query: &str,
        body: Value,
    ) -> (reqwest::header::HeaderMap, Value) {
        let url = format!("{}{path_and_query}", self.api);
        let request = if body.is_null() {
            self.client.get(url)
        } else {
            self.client
                .post(url)
                .header("content-type", "application/json")
                .body(body.to_string())
        };
        let answer = request
            .header("host", self.host)
            .send()
            .await
            .expect("the platform answers");
        let headers = answer.headers().clone();
        let text = answer.text().await.expect("the answer is text");
        // A test that looks at nothing of an answer must still notice one that the schema does not have.
        assert!(!headers.contains_key("x-xinqiao-misfit"), "{text}");
        (
            headers,
            serde_json::from_str(&text).unwrap_or(Value::String(text)),
        )
    }

    /// A token of `token`.
    pub async fn token(&self, account: &Value) -> String {
        let (appid, secret) = (text(account, "appid"), text(account, "secret"));
        let path =
            format!("/cgi-bin/token?grant_type=client_credential&appid={appid}&secret={secret}");
        let answer = self.call(&path, Value::Null).await;
        text(&answer, "access_token")
    }

    /// A token of `stable_token`.
    pub async fn stable_token(&self, account: &Value, force: bool) -> Value {
        let body = json!({
            "grant_type": "client_credential", "appid": account["appid"],
            "secret": account["secret"], "force_refresh": force,
        });
        self.call("/cgi-bin/stable_token", body).await
    }

    /// Ends the simulator.
    pub async fn shutdown(mut self) {
        if let Some(simulator) = self.simulator.take() {
            simulator.shutdown().await;
        }
    }
}

fn text(value: &Value, name: &str) -> String {
    match value[name].as_str() {
        Some(text) => text.to_owned(),
        None => panic!("no `{name}` in {value}"),
    }
}
