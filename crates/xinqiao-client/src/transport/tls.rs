//! TLS towards the platform, by rustls.
//!
//! Whether a certificate is good is asked of the operating system, so that a company's own roots hold; the
//! feature `webpki-roots` brings a set of public roots along, for images that have none. No certificate of
//! the platform is ever pinned. Without the feature `rustls` there is no TLS, and only
//! what stands in on this machine can be reached.

use std::task::{Context, Poll};

use http::Uri;
use hyper_util::client::legacy::connect::{HttpConnector, proxy::Tunnel};
use tower_service::Service;

use super::{
    connector::{Io, boxed},
    http_client::HttpOptions,
};
use crate::error::BoxError;

/// Makes connections, with TLS where the address asks for it.
#[derive(Clone)]
pub(super) struct Tls {
    #[cfg(feature = "rustls")]
    config: std::sync::Arc<rustls::ClientConfig>,
    direct: Direct,
}

#[cfg(feature = "rustls")]
type Direct = hyper_rustls::HttpsConnector<HttpConnector>;
#[cfg(not(feature = "rustls"))]
type Direct = HttpConnector;

impl Tls {
    pub(super) fn new(options: &HttpOptions) -> Result<Self, Box<str>> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        #[cfg(feature = "rustls")]
        {
            let config = std::sync::Arc::new(secured::config(options)?);
            let direct = Direct::from((tcp, std::sync::Arc::clone(&config)));
            Ok(Self { config, direct })
        }
        #[cfg(not(feature = "rustls"))]
        {
            if options.identity.is_some() || !options.roots.is_empty() {
                return Err("certificates need the feature `rustls`".into());
            }
            Ok(Self { direct: tcp })
        }
    }

    pub(super) fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.direct.poll_ready(context).map_err(Into::into)
    }

    /// A connection to an address.
    pub(super) async fn connect(&mut self, to: Uri) -> Result<Box<dyn Io>, BoxError> {
        refuse_without_tls(&to)?;
        Ok(boxed(self.direct.call(to).await?))
    }

    /// A connection to an address through a proxy's tunnel.
    pub(super) async fn connect_through(
        &mut self,
        proxy: Uri,
        credentials: Option<http::HeaderValue>,
        to: Uri,
    ) -> Result<Box<dyn Io>, BoxError> {
        refuse_without_tls(&to)?;
        let mut tunnel = Tunnel::new(proxy, self.direct.clone());
        if let Some(credentials) = credentials {
            tunnel = tunnel.with_auth(credentials);
        }
        #[cfg(feature = "rustls")]
        let mut tunnel =
            hyper_rustls::HttpsConnector::from((tunnel, std::sync::Arc::clone(&self.config)));
        Ok(boxed(tunnel.call(to).await?))
    }
}

fn refuse_without_tls(to: &Uri) -> Result<(), BoxError> {
    if cfg!(feature = "rustls") || to.scheme_str() != Some("https") {
        return Ok(());
    }
    Err("TLS is not built in: turn the feature `rustls` on, or give the client a transport".into())
}

#[cfg(feature = "rustls")]
mod secured {
    use std::sync::Arc;

    use rustls::{
        ClientConfig, ConfigBuilder, RootCertStore,
        client::WantsClientCert,
        crypto::CryptoProvider,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    };

    use super::HttpOptions;

    pub(super) fn config(options: &HttpOptions) -> Result<ClientConfig, Box<str>> {
        let mut roots = Vec::new();
        for pem in &options.roots {
            let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
            let found = found.map_err(|error| format!("a root certificate is not PEM: {error}"))?;
            if found.is_empty() {
                return Err("a root certificate is not PEM: it holds no certificate".into());
            }
            roots.extend(found);
        }
        let builder = verified(options, roots)?;
        let Some(identity) = &options.identity else {
            return Ok(builder.with_no_client_auth());
        };
        let pem = identity.to_pem();
        let unusable = "the client certificate is unusable";
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
        let key = PrivateKeyDer::from_pem_slice(pem.as_bytes());
        let (Ok(chain), Ok(key)) = (chain, key) else {
            return Err(unusable.into());
        };
        builder
            .with_client_auth_cert(chain, key)
            .map_err(|error| failed(unusable, error))
    }

    /// Says which certificates of servers are good.
    fn verified(
        options: &HttpOptions,
        roots: Vec<CertificateDer<'static>>,
    ) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, Box<str>> {
        let provider = provider();
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| failed("TLS cannot start", error))?;
        if options.only_roots || options.bundled_roots {
            let mut store = RootCertStore::empty();
            for root in roots {
                let added = store.add(root);
                added.map_err(|error| failed("a root certificate is unusable", error))?;
            }
            if options.bundled_roots {
                #[cfg(feature = "webpki-roots")]
                store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
                #[cfg(not(feature = "webpki-roots"))]
                return Err("bundled roots need the feature `webpki-roots`".into());
            }
            return Ok(builder.with_root_certificates(store));
        }
        let verifier = rustls_platform_verifier::Verifier::new_with_extra_roots(roots, provider)
            .map_err(|error| failed("the system's root certificates are unusable", error))?;
        Ok(builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier)))
    }

    fn provider() -> Arc<CryptoProvider> {
        match CryptoProvider::get_default() {
            Some(chosen) => Arc::clone(chosen),
            None => Arc::new(rustls::crypto::aws_lc_rs::default_provider()),
        }
    }

    fn failed(what: &str, error: rustls::Error) -> Box<str> {
        format!("{what}: {error}").into()
    }
}
