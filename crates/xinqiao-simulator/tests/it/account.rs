//! An official account with a follower and an app that hears of it, and the calls of the account.

use serde_json::{Value, json};
use xinqiao_testkit::{TestApp, TestWorld};

use crate::{appid, connected_of};

pub(crate) struct Connected {
    pub(crate) world: TestWorld,
    /// The object of the control interface.
    pub(crate) account: Value,
    /// Who follows it.
    pub(crate) user: String,
    pub(crate) app: TestApp,
    pub(crate) token: String,
}

impl Connected {
    /// A service account.
    pub(crate) async fn open() -> Self {
        Self::of("service").await
    }

    /// One of this kind.
    pub(crate) async fn of(kind: &str) -> Self {
        let world = TestWorld::start().await;
        let (account, user, app) = connected_of(&world, kind, "plain").await;
        let token = world.token(&account).await;
        Self {
            world,
            account,
            user,
            app,
            token,
        }
    }

    /// A path with the account's token; what does not begin at the root lies below `/cgi-bin`.
    pub(crate) fn path(&self, path: &str) -> String {
        let below = if path.starts_with('/') {
            ""
        } else {
            "/cgi-bin/"
        };
        let joint = if path.contains('?') { '&' } else { '?' };
        format!("{below}{path}{joint}access_token={}", self.token)
    }

    pub(crate) async fn call(&self, path: &str, body: Value) -> Value {
        self.world.call(&self.path(path), body).await
    }

    pub(crate) async fn refused(&self, path: &str, body: Value, code: i64) {
        let answer = self.call(path, body).await;
        assert_eq!(answer["errcode"], code, "{path}: {answer}");
    }

    pub(crate) async fn openid(&self, user: &str) -> String {
        let user = self.world.get(&format!("/users/{user}")).await;
        let openid = user["openids"][appid(&self.account)].as_str();
        openid.unwrap().to_owned()
    }

    /// Another follower: person and openid.
    pub(crate) async fn follower(&self, name: &str) -> (String, String) {
        let user = self.world.user(name).await;
        let follow = json!({"do": "follow", "account": appid(&self.account)});
        self.world.act(&user, follow).await;
        let openid = self.openid(&user).await;
        (user, openid)
    }
}

/// Lets a struct of a test around it be used as one.
macro_rules! is_connected {
    ($name:ident) => {
        impl std::ops::Deref for $name {
            type Target = crate::account::Connected;

            fn deref(&self) -> &Self::Target {
                &self.0
            }
        }
    };
}
pub(crate) use is_connected;
