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
    let bind = config.listen.bind;
    let bind = (!bind.is_unspecified()).then(|| bind.to_string());
    let platform = xinqiao_catalog::hosts()
        .iter()
        .map(|host| host.name.to_owned());
    let names = config.listen.hosts.iter().cloned();
    let guard = OriginGuard::new(names.chain(bind).chain(platform));
    router.layer(middleware::from_fn_with_state(
        guard,
        xinqiao_http::own_names_only,
    ))
}
