//! Keeps pages of other sites away from a gateway on a developer's machine.
//!
//! `dev` trusts whoever is on this machine, and a page that rebinds its own name to loopback is. In production rights
//! come from keys alone, and the gateway answers to whatever name its reverse proxy passes on.

use axum::{Router, middleware};
use xinqiao_http::OriginGuard;

use crate::Config;

/// In `dev`: only requests for this machine, a listed name or a platform host.
pub(crate) fn only(config: &Config, router: Router) -> Router {
    if !config.dev {
        return router;
    }
    let binds = [config.listen.bind, config.proxy.bind]
        .into_iter()
        .filter(|bind| !bind.is_unspecified())
        .map(|bind| bind.to_string());
    let platform = xinqiao_catalog::hosts()
        .iter()
        .map(|host| host.name.to_owned());
    let names = config.listen.hosts.iter().cloned();
    let guard = OriginGuard::new(names.chain(binds).chain(platform));
    router.layer(middleware::from_fn_with_state(
        guard,
        xinqiao_http::own_names_only,
    ))
}
