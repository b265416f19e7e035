//! A third-party platform lets people log in to the accounts that authorized it.

use serde_json::{Value, json};

use crate::{appid, components::Platform};

/// A platform with an address of its own, and a person.
struct Login {
    platform: Platform,
    user: String,
}

impl Login {
    async fn open() -> Self {
        let platform = Platform::start().await;
        let path = format!("/accounts/{}", platform.id());
        let domain = json!({"oauth_domain": "platform.example"});
        platform.world.must("PATCH", &path, domain).await;
        let user = platform.world.user("小林").await;
        Self { platform, user }
    }

    async fn opened(&self) -> Value {
        let (account, component) = (appid(&self.platform.account), self.platform.id());
        let url = format!(
            "https://open.weixin.qq.com/connect/oauth2/authorize?appid={account}\
             &redirect_uri=https%3A%2F%2Fplatform.example%2Fback&response_type=code\
             &scope=snsapi_userinfo&state=s1&component_appid={component}#wechat_redirect"
        );
        let act = json!({"do": "open", "url": url});
        self.platform.world.act(&self.user, act).await
    }

    async fn code(&self) -> String {
        let opened = self.opened().await;
        let to = opened["final_url"].as_str().unwrap();
        let rest = to
            .strip_prefix("https://platform.example/back?code=")
            .unwrap();
        let ending = format!("&state=s1&appid={}", appid(&self.platform.account));
        rest.strip_suffix(&*ending).unwrap().to_owned()
    }

    async fn exchange(&self, token: &str, component: &str, code: &str) -> Value {
        let account = appid(&self.platform.account);
        let path = format!(
            "/sns/oauth2/component/access_token?appid={account}&code={code}\
             &grant_type=authorization_code&component_appid={component}&component_access_token={token}"
        );
        self.platform.world.call(&path, Value::Null).await
    }

    async fn renewed(&self, token: &str, refresh_token: &Value) -> Value {
        let (account, component) = (appid(&self.platform.account), self.platform.id());
        let refresh_token = refresh_token.as_str().unwrap();
        let path = format!(
            "/sns/oauth2/component/refresh_token?appid={account}&grant_type=refresh_token\
             &component_appid={component}&refresh_token={refresh_token}&component_access_token={token}"
        );
        self.platform.world.call(&path, Value::Null).await
    }
}

#[tokio::test]
async fn a_platform_lets_people_log_in_to_an_account_that_authorized_it() {
    let login = Login::open().await;
    let refused = login.opened().await;
    let error = refused["error"].as_str().unwrap();
    assert!(error.contains("10015"), "{refused}");
    login.platform.grant(json!({})).await;

    let (code, token) = (login.code().await, login.platform.token().await);
    let account = &login.platform.account;
    let by_secret = format!(
        "/sns/oauth2/access_token?appid={}&secret={}&code={code}&grant_type=authorization_code",
        appid(account),
        account["secret"].as_str().unwrap()
    );
    let refused = login.platform.world.call(&by_secret, Value::Null).await;
    assert_eq!(refused["errcode"], 40029, "the code is the platform's");
    let foreign = login.exchange(&token, appid(account), &code).await;
    assert_eq!(foreign["errcode"], 40013, "{foreign}");

    let component = login.platform.id();
    let person = login.exchange(&token, component, &code).await;
    assert_eq!(person["scope"], "snsapi_userinfo", "{person}");
    assert_eq!(
        login.exchange(&token, component, &code).await["errcode"],
        40163
    );
    let path = format!(
        "/sns/userinfo?access_token={}&openid={}&lang=zh_CN",
        person["access_token"].as_str().unwrap(),
        person["openid"].as_str().unwrap()
    );
    let info = login.platform.world.call(&path, Value::Null).await;
    assert_eq!(info["nickname"], "小林", "{info}");

    let renewed = login.renewed(&token, &person["refresh_token"]).await;
    assert_eq!(renewed["openid"], person["openid"], "{renewed}");
    let never = login.renewed(&token, &json!("never")).await;
    assert_eq!(never["errcode"], 40030);

    let late = login.code().await;
    login.platform.withdraw().await;
    assert_eq!(
        login.exchange(&token, component, &late).await["errcode"],
        61003
    );
    let renewed = login.renewed(&token, &person["refresh_token"]).await;
    assert_eq!(renewed["errcode"], 61003, "{renewed}");
}

#[tokio::test]
async fn a_platform_comes_back_to_its_own_domain() {
    let login = Login::open().await;
    login.platform.grant(json!({})).await;
    let path = format!("/accounts/{}", login.platform.id());
    let domain = json!({"oauth_domain": "other.example"});
    login.platform.world.must("PATCH", &path, domain).await;
    let refused = login.opened().await;
    assert!(
        refused["error"].as_str().unwrap().contains("10003"),
        "{refused}"
    );
}
