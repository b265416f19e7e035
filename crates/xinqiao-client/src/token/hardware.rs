//! Tokens of WeCom's smart hardware (智慧硬件): of a model, and of its devices.
//!
//! The chain: a ticket that is pushed for the model, the model's token, a device's secret from its binding,
//! the device's token.
//!
//! Source: `work.open_hw.*` of the catalog.

use std::sync::Arc;

use serde_json::json;
use xinqiao_catalog::id::work::open_hw as id;
use xinqiao_types::AppSecret;

use super::{
    TokenKind,
    component::{load, save},
    flight::{Fetch, Fetched, Flies, Flight, Want},
    read,
    vault::{MemoryVault, Vault, VaultKey},
};
use crate::{client::Client, error::Error};

/// A model of devices. Cheap to clone; clones share the token.
#[derive(Debug, Clone)]
pub struct Model {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    flight: Flight,
    own: OwnModel,
}

#[derive(Debug)]
struct OwnModel {
    id: Box<str>,
    secret: AppSecret,
    vault: Arc<dyn Vault>,
}

impl Model {
    /// A model whose ticket lives as long as the process.
    pub fn new(id: impl Into<String>, secret: impl Into<AppSecret>) -> Self {
        Self::with_vault(id, secret, MemoryVault::default())
    }

    /// A model with a vault of one's own for its ticket.
    pub fn with_vault(
        id: impl Into<String>,
        secret: impl Into<AppSecret>,
        vault: impl Vault + 'static,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                flight: Flight::default(),
                own: OwnModel {
                    id: id.into().into(),
                    secret: secret.into(),
                    vault: Arc::new(vault),
                },
            }),
        }
    }

    /// Keeps the ticket that was pushed for the model. Acknowledge the push after this.
    ///
    /// # Errors
    /// The vault cannot keep it.
    pub async fn set_ticket(&self, ticket: impl Into<AppSecret>) -> Result<(), Error> {
        let own = &self.inner.own;
        save(&*own.vault, &own.ticket_key(), &ticket.into()).await
    }

    /// A device of the model, with its serial number and the secret that its binding gave.
    pub fn device(&self, sn: impl Into<String>, secret: impl Into<AppSecret>) -> Device {
        Device {
            inner: Arc::new(InnerDevice {
                flight: Flight::default(),
                own: OwnDevice {
                    model: self.clone(),
                    sn: sn.into().into(),
                    secret: secret.into(),
                },
            }),
        }
    }
}

impl OwnModel {
    fn ticket_key(&self) -> VaultKey {
        VaultKey::ModelTicket {
            model: self.id.clone(),
        }
    }
}

impl Fetch for OwnModel {
    async fn fetch(&self, client: &Client, _want: Want) -> Result<Fetched, Error> {
        let endpoint = id::GET_MODEL_TOKEN;
        let ticket = load(&*self.vault, &self.ticket_key()).await?;
        let ticket = ticket.ok_or_else(|| Error::Credential {
            endpoint,
            reason: "no model_ticket yet: the platform pushes it; hand it over with \
                     `Model::set_ticket`"
                .into(),
        })?;
        let fields = json!({
            "model_id": &*self.id,
            "model_secret": self.secret.expose(),
            "model_ticket": ticket.expose(),
        });
        let answer = client.call(endpoint, fields).await?;
        read(endpoint, &answer, "model_access_token")
    }
}

impl Flies for Model {
    fn flight(&self) -> (&Flight, &impl Fetch) {
        (&self.inner.flight, &self.inner.own)
    }
}

/// A device. Cheap to clone; clones share the token.
#[derive(Debug, Clone)]
pub struct Device {
    inner: Arc<InnerDevice>,
}

#[derive(Debug)]
struct InnerDevice {
    flight: Flight,
    own: OwnDevice,
}

#[derive(Debug)]
struct OwnDevice {
    model: Model,
    sn: Box<str>,
    secret: AppSecret,
}

impl Device {
    /// The model that it is of.
    pub fn model(&self) -> &Model {
        &self.inner.own.model
    }
}

impl Flies for Device {
    fn flight(&self) -> (&Flight, &impl Fetch) {
        (&self.inner.flight, &self.inner.own)
    }
}

impl Fetch for OwnDevice {
    async fn fetch(&self, client: &Client, _want: Want) -> Result<Fetched, Error> {
        let endpoint = id::GET_DEVICE_TOKEN;
        let client = client.with_source(TokenKind::Model, self.model.clone());
        let fields = json!({"device_sn": &*self.sn, "device_secret": self.secret.expose()});
        let answer = client.call(endpoint, fields).await?;
        read(endpoint, &answer, "device_access_token")
    }
}
