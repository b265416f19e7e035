//! Keeps pages of other sites away from a gateway on a developer's machine.
//!
//! `dev` trusts whoever is on this machine, and a page that rebinds its own name to loopback is. In production rights
//! come from keys alone, and the gateway answers to whatever name its reverse proxy passes on.

use xinqiao_http::OriginGuard;

use crate::Config;

/// In `dev`: takes requests for this machine, a listed name or a platform host only.
pub(crate) fn guard(config: &Config) -> Option<OriginGuard> {
    if !config.dev {
        return None;
    }
    let binds = [config.listen.bind, config.proxy.bind]
        .into_iter()
        .filter(|bind| !bind.is_unspecified())
        .map(|bind| bind.to_string());
    let platform = xinqiao_catalog::hosts()
        .iter()
        .map(|host| host.name.to_owned());
    let names = config.listen.hosts.iter().cloned();
    Some(OriginGuard::new(names.chain(binds).chain(platform)))
}
