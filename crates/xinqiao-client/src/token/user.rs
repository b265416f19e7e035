//! A user's own tokens, from web, website or app log-in (`/sns/*`).
//!
//! The access token lives two hours, the refresh token thirty days, and refreshing does not extend it:
//! when it is refused the user must authorise again.

use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};
use xinqiao_catalog::id::open_platform::sns::oauth2;
use xinqiao_types::{AccessToken, AppSecret, UnixSeconds};

use super::{
    flight::{Fetch, Fetched, Flies, Flight, Want},
    read,
};
use crate::{client::Client, error::Error};

/// The tokens of one user for one account.
#[derive(Debug)]
pub struct UserTokens {
    flight: Flight,
    own: Own,
}

#[derive(Debug)]
struct Own {
    refresh: Mutex<AppSecret>,
}

impl UserTokens {
    /// From a refresh token that was stored: the access token is fetched when it is needed.
    pub fn new(refresh_token: impl Into<AppSecret>) -> Self {
        Self {
            flight: Flight::default(),
            own: Own {
                refresh: Mutex::new(refresh_token.into()),
            },
        }
    }

    /// From a fresh log-in: `lifetime` seconds are left at `now`.
    pub fn with_token(
        self,
        token: impl Into<AccessToken>,
        lifetime: i64,
        now: UnixSeconds,
    ) -> Self {
        let token = token.into();
        self.flight.keep(&Fetched { token, lifetime }, now);
        self
    }

    /// The refresh token to store.
    pub fn refresh_token(&self) -> AppSecret {
        self.own.held()
    }
}

impl Own {
    fn held(&self) -> AppSecret {
        let held = self.refresh.lock().unwrap_or_else(PoisonError::into_inner);
        held.clone()
    }
}

impl Fetch for Own {
    async fn fetch(&self, client: &Client, _want: Want) -> Result<Fetched, Error> {
        let refresh = self.held();
        let appid = client.appid().as_str();
        let mut fields = json!({
            "grant_type": "refresh_token",
            "appid": appid,
            "refresh_token": refresh.expose(),
        });
        let endpoint = match client.component() {
            None => oauth2::REFRESH_TOKEN,
            Some(component) => {
                fields["component_appid"] = component.appid().as_str().into();
                oauth2::component::REFRESH_TOKEN
            }
        };
        let answer = client.call(endpoint, fields).await?;
        if let Some(new) = answer.get("refresh_token").and_then(Value::as_str) {
            let mut held = self.refresh.lock().unwrap_or_else(PoisonError::into_inner);
            *held = AppSecret::new(new);
        }
        read(endpoint, &answer, "access_token")
    }
}

impl Flies for UserTokens {
    fn flight(&self) -> (&Flight, &impl Fetch) {
        (&self.flight, &self.own)
    }
}
