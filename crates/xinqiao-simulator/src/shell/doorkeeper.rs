//! Knows calls that came over TLS: whoever ends TLS before the simulator says so in a header, with a pass.
//!
//! The pass is drawn at each start and told to nobody but who starts the simulator; without it the header says nothing. It
//! is taken away from each call before anybody looks at its headers, so no row shows it.

use std::fmt;

use http::HeaderMap;
use xinqiao_crypto::{Hex, constant_time_eq};
use xinqiao_types::{Entropy, SystemEntropy};

use crate::door::call::Arrival;

/// The header by which a door that ends TLS tells the simulator of it: the pass of
/// [`Simulator::tls_pass`](crate::Simulator::tls_pass) and, where the caller showed a certificate whose key it holds, a
/// blank and the certificate, DER in Base64.
pub const TLS_HEADER: &str = "x-xinqiao-tls";

pub(crate) struct Doorkeeper {
    pass: String,
}

impl fmt::Debug for Doorkeeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Doorkeeper").finish_non_exhaustive()
    }
}

impl Doorkeeper {
    pub(crate) fn new() -> Self {
        let mut pass = [0; 32];
        SystemEntropy.fill(&mut pass);
        Self {
            pass: Hex::from(pass).to_string(),
        }
    }

    pub(crate) fn pass(&self) -> &str {
        &self.pass
    }

    /// How a call came. Takes the header away.
    pub(crate) fn arrival(&self, headers: &mut HeaderMap) -> Arrival {
        let Some(told) = headers.remove(TLS_HEADER) else {
            return Arrival::Plain;
        };
        let told = told.to_str().unwrap_or_default();
        let (pass, certificate) = match told.split_once(' ') {
            Some((pass, certificate)) => (pass, Some(certificate.to_owned())),
            None => (told, None),
        };
        if constant_time_eq(pass.as_bytes(), self.pass.as_bytes()) {
            Arrival::Tls { certificate }
        } else {
            Arrival::Plain
        }
    }
}
