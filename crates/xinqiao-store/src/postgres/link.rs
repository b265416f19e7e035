//! Connections: where the server is, and a connection that is made anew when it broke.

use std::{sync::Arc, time::Duration};

use rustls::ClientConfig;
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio::sync::Mutex;
use tokio_postgres::{
    Client, Config, Row,
    config::{Host, TargetSessionAttrs},
    error::SqlState,
};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::Param;
use crate::{OpenError, StoreError};

/// How long a statement may take. The platform waits five seconds for everything.
const LIMIT: Duration = Duration::from_secs(4);
/// How long a connection may take to be made, and to one address of several.
const CONNECT: Duration = Duration::from_secs(3);
const CONNECT_ONE: Duration = Duration::from_secs(1);
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
        // No word of the parser's: it quotes pieces, and one may be of the password.
        let wrong = |reason| OpenError::Url { reason };
        let mut config: Config = { url.parse() }.map_err(|_| {
            wrong("an option, the port or a special character of the password cannot be read; %40 is @ there")
        })?;
        let is_host = |host: &Host| match host {
            Host::Tcp(name) => !name.contains(['@', '/']),
            #[cfg(unix)]
            Host::Unix(_) => true,
        };
        match config.get_hosts() {
            [] => return Err(wrong("it names no host")),
            hosts if !hosts.iter().all(is_host) => {
                return Err(wrong(
                    "an @ or / of the password is to be written %40 or %2F",
                ));
            }
            [_] => {}
            // Of several the one that takes writes, wherever that is after a failover.
            _ => drop(config.target_session_attrs(TargetSessionAttrs::ReadWrite)),
        }
        config
            .application_name("xinqiao")
            .connect_timeout(CONNECT_ONE)
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
        let error = match answered {
            Ok(Ok(rows)) => return Ok(rows),
            Ok(Err(error)) if !is_session_lost(&error) => return Err(error.into()),
            Ok(Err(error)) => error.into(),
            Err(_) => StoreError::Unavailable("it did not answer in time".into()),
        };
        // Whoever comes next is not to wait behind it, nor to stay with a server that takes no writes any more.
        let mut kept = self.client.lock().await;
        if kept.as_ref().is_some_and(|kept| Arc::ptr_eq(kept, &client)) {
            kept.take();
        }
        Err(error)
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

/// Whether another connection may fare better: this one's server is going down, or became a standby.
fn is_session_lost(error: &tokio_postgres::Error) -> bool {
    { error.code() }.is_some_and(|code| {
        *code == SqlState::READ_ONLY_SQL_TRANSACTION || code.code().starts_with("57P")
    })
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
