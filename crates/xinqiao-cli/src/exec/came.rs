//! How a request came to the proxy, and how the simulator is told of it: TLS ends in the proxy, so what a caller showed in the
//! handshake would be lost.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use base64_simd::STANDARD as BASE64;
use http::header::HeaderValue;
use http::uri::Uri;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use rustls_pki_types::{CertificateDer, UnixTime};
use xinqiao_catalog::Product;

use super::hosts::Origin;
use crate::project::Ready;

/// How a request came.
#[derive(Clone, Debug)]
pub(super) enum Came {
    /// Over HTTP as it is.
    Plain,
    /// The same, with an address that begins with `https`.
    Named,
    /// Over TLS, with the certificate of which the caller holds the key: DER in Base64.
    Tls(Option<Arc<str>>),
}

impl Came {
    /// Over TLS that ended here.
    pub(super) fn over_tls(connection: &rustls::ServerConnection) -> Self {
        let shown = connection.peer_certificates().and_then(<[_]>::first);
        Self::Tls(shown.map(|der| BASE64.encode_to_string(der).into()))
    }

    /// The scheme by which the caller asked.
    pub(super) fn scheme(&self) -> &'static str {
        match self {
            Self::Plain => "http",
            Self::Named | Self::Tls(_) => "https",
        }
    }
}

/// The simulator's origins, and the pass by which it believes what is said of TLS. Nobody else is told the pass.
#[derive(Clone, Default)]
pub(crate) struct Voucher {
    authorities: BTreeSet<String>,
    pass: String,
}

impl Voucher {
    /// For the simulator that runs.
    pub(crate) fn new(ready: &Ready) -> Self {
        Self::of(&ready.endpoints, &ready.tls_pass)
    }

    pub(super) fn of(endpoints: &BTreeMap<String, String>, pass: &str) -> Self {
        let uris = endpoints.values().filter_map(|origin| origin.parse().ok());
        let authority = |uri: Uri| uri.authority().map(ToString::to_string);
        Self {
            authorities: uris.filter_map(authority).collect(),
            pass: pass.to_owned(),
        }
    }

    /// What the header of a request to `origin` says, if there is something to say.
    pub(super) fn header(&self, origin: &Origin, came: &Came) -> Option<HeaderValue> {
        let Came::Tls(certificate) = came else {
            return None;
        };
        if self.pass.is_empty() || !self.authorities.contains(origin.authority()) {
            return None;
        }
        let text = match certificate {
            Some(certificate) => format!("{} {certificate}", self.pass),
            None => self.pass.clone(),
        };
        let mut value = HeaderValue::try_from(text).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

/// Whether some call to a host wants the caller's certificate.
pub(super) fn wants_certificate(host: &str) -> bool {
    let canonical = xinqiao_catalog::host(host).map(|host| host.canonical);
    let mut endpoints = xinqiao_catalog::endpoints(Product::PayV2).iter();
    endpoints.any(|endpoint| endpoint.client_cert && Some(endpoint.host) == canonical)
}

/// Asks for a certificate, takes any or none, and makes sure that whoever shows one holds its key: whose it is, is the
/// simulator's to judge.
#[derive(Debug)]
pub(super) struct Anybodys(pub(super) WebPkiSupportedAlgorithms);

impl ClientCertVerifier for Anybodys {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _certificate: &CertificateDer<'_>,
        _others: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::hosts::{Hosts, Place};

    #[test]
    fn the_simulator_alone_is_told_and_only_of_tls() {
        let one = |origin: &str| {
            BTreeMap::from([("api.mch.weixin.qq.com".to_owned(), origin.to_owned())])
        };
        let (simulator, gateway) = (one("http://127.0.0.1:8603"), one("http://127.0.0.1:8613"));
        let voucher = Voucher::of(&simulator, "secret");
        let told = |endpoints: &_, came: &Came| {
            let hosts = Hosts::parse(endpoints).expect("an origin");
            let Place::Platform(origin) = hosts.place("api.mch.weixin.qq.com") else {
                panic!("a known host")
            };
            voucher.header(origin, came)
        };
        let shown = Came::Tls(Some("AAAA".into()));
        let header = told(&simulator, &shown).expect("a header");
        assert_eq!(header, "secret AAAA");
        assert!(!format!("{header:?}").contains("secret"));
        assert_eq!(
            told(&simulator, &Came::Tls(None)).expect("a header"),
            "secret"
        );
        for came in [Came::Plain, Came::Named] {
            assert_eq!(told(&simulator, &came), None);
        }
        assert_eq!(told(&gateway, &shown), None, "it would pass it on");
    }

    #[test]
    fn a_certificate_is_asked_for_where_calls_want_one() {
        assert!(wants_certificate("api.mch.weixin.qq.com"));
        assert!(!wants_certificate("api.weixin.qq.com"));
        assert!(!wants_certificate("example.com"));
    }
}
