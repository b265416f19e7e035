//! Connections: where the server is, and a connection that is made anew when it broke.

use std::{sync::Arc, time::Duration};

use rustls::ClientConfig;
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio::sync::Mutex;
use tokio_postgres::{Client, Config, Row, config::Host, error::SqlState};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::Param;
use crate::{OpenError, StoreError};

/// How long a statement may take. The platform waits five seconds for everything.
const LIMIT: Duration = Duration::from_secs(4);
/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(3);
/// Lists may take longer.
pub(super) const LIST_LIMIT: Duration = Duration::from_secs(20);

/// Where the database is, and how to get there.
pub(super) struct Server {
    config: Config,
    tls: MakeRustlsConnect,
    /// Without user and password.
    name: String,
}

impl Server {
    /// Reads `postgres://user:password@host/database?sslmode=require`.
    pub(super) fn parse(url: &str) -> Result<Self, OpenError> {
        let mut config: Config = url.parse().map_err(|source: tokio_postgres::Error| {
            // The text itself may hold a password.
            OpenError::Url {
                reason: source.to_string(),
            }
        })?;
        if config.get_hosts().is_empty() {
            let reason = "it names no host".to_owned();
            return Err(OpenError::Url { reason });
        }
        config
            .application_name("xinqiao")
            .connect_timeout(CONNECT)
            .tcp_user_timeout(LIMIT)
            .keepalives_idle(Duration::from_secs(10));
        let name = name(&config);
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(rustls::ConfigBuilder::with_platform_verifier)
            .map_err(|error| OpenError::Database {
                path: name.clone(),
                source: error.into(),
            })?
            .with_no_client_auth();
        Ok(Self {
            config,
            tls: MakeRustlsConnect::new(tls),
            name,
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) async fn connect(&self) -> Result<Client, tokio_postgres::Error> {
        let (client, connection) = self.config.connect(self.tls.clone()).await?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::warn!(%error, "A connection to the store broke.");
            }
        });
        Ok(client)
    }

    pub(super) fn refused(&self, source: tokio_postgres::Error) -> OpenError {
        OpenError::Database {
            path: self.name.clone(),
            source: source.into(),
        }
    }
}

fn name(config: &Config) -> String {
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(host)) => host.clone(),
        #[cfg(unix)]
        Some(Host::Unix(path)) => path.display().to_string(),
        _ => String::new(),
    };
    let port = config.get_ports().first().copied().unwrap_or(5432);
    let database = config.get_dbname().or(config.get_user()).unwrap_or("");
    format!("postgres://{host}:{port}/{database}")
}

/// One connection, made when it is needed and made anew when it broke. Statements sent at once are sent one behind
/// the other without waiting.
pub(super) struct Link {
    server: Arc<Server>,
    client: Mutex<Option<Arc<Client>>>,
}

impl Link {
    pub(super) fn new(server: &Arc<Server>) -> Self {
        Self {
            server: Arc::clone(server),
            client: Mutex::new(None),
        }
    }

    pub(super) fn with(server: &Arc<Server>, client: Client) -> Self {
        Self {
            server: Arc::clone(server),
            client: Mutex::new(Some(Arc::new(client))),
        }
    }

    async fn client(&self) -> Result<Arc<Client>, StoreError> {
        let mut kept = self.client.lock().await;
        if let Some(client) = kept.as_ref()
            && !client.is_closed()
        {
            return Ok(Arc::clone(client));
        }
        let made = tokio::time::timeout(CONNECT, self.server.connect()).await;
        let client = match made {
            Ok(made) => Arc::new(made.map_err(StoreError::from)?),
            Err(_) => return Err(StoreError::Unavailable("it cannot be reached".into())),
        };
        *kept = Some(Arc::clone(&client));
        Ok(client)
    }

    /// Runs a statement of its own. An error that says *retry* leaves open whether it was carried out.
    pub(super) async fn rows(
        &self,
        sql: &str,
        params: &[Param<'_>],
    ) -> Result<Vec<Row>, StoreError> {
        self.rows_within(LIMIT, sql, params).await
    }

    pub(super) async fn rows_within(
        &self,
        limit: Duration,
        sql: &str,
        params: &[Param<'_>],
    ) -> Result<Vec<Row>, StoreError> {
        let client = self.client().await?;
        let answered = tokio::time::timeout(limit, client.query_typed(sql, params)).await;
        if let Ok(answered) = answered {
            return Ok(answered?);
        }
        // Whoever comes next is not to wait behind it.
        self.client.lock().await.take();
        let cancel = client.cancel_token();
        let tls = self.server.tls.clone();
        tokio::spawn(async move { drop(cancel.cancel_query(tls).await) });
        Err(StoreError::Unavailable("it did not answer in time".into()))
    }

    /// Runs a statement and counts the rows that it returns: those that it changed.
    pub(super) async fn changed(
        &self,
        sql: &str,
        params: &[Param<'_>],
    ) -> Result<usize, StoreError> {
        Ok(self.rows(sql, params).await?.len())
    }

    pub(super) async fn close(&self) {
        self.client.lock().await.take();
    }
}

impl From<tokio_postgres::Error> for StoreError {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(refused) = error.as_db_error() else {
            return Self::Unavailable(error.to_string().into());
        };
        let code = refused.code().code();
        let passing = [
            SqlState::T_R_SERIALIZATION_FAILURE,
            SqlState::T_R_DEADLOCK_DETECTED,
            SqlState::READ_ONLY_SQL_TRANSACTION,
            SqlState::LOCK_NOT_AVAILABLE,
        ];
        // 08: connection; 53: out of memory, disk or connections; 57: shut down or cancelled.
        let passes = ["08", "53", "57"].contains(&&code[..2]) || passing.contains(refused.code());
        // Not the detail, which quotes rows.
        let text = format!("{} ({code})", refused.message());
        if code == super::events::KEY_ERASED {
            Self::Sealed("its data key was erased")
        } else if passes {
            Self::Unavailable(text.into())
        } else {
            Self::Database(text.into())
        }
    }
}
