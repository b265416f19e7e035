//! `--tls`: one port that is every host of the platform, over TLS with the project's own authority, for programs in which the
//! hosts are written down and that no `exec` starts.
//!
//! It stands for the simulator, never for the gateway.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use tokio_util::sync::{CancellationToken, DropGuard};
use xinqiao_types::{SystemClock, SystemEntropy};

use crate::exec::{Authority, Files, Hosts, Outside, Proxy, Upstream, Voucher};
use crate::fail::Fail;
use crate::lang::Lang;
use crate::project::{Ready, Tls};

/// The open port; it closes when this is dropped.
#[derive(Debug)]
pub(super) struct Door {
    pub(super) facts: Tls,
    _open: DropGuard,
}

/// Opens it.
pub(super) async fn open(
    (bind, port): (IpAddr, u16),
    ready: &Ready,
    project: &Path,
    lang: Lang,
) -> Result<Door, Fail> {
    let hosts = Hosts::parse(&ready.endpoints)?;
    let names = hosts.names();
    let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
    let authority = Authority::open(project, &names, clock, entropy)?;
    let files = Files::write(&authority)?;
    let stop = CancellationToken::new();
    let open = stop.clone().drop_guard();
    let proxy = Proxy::new(
        hosts,
        authority,
        Upstream::default(),
        Outside::Closed,
        Voucher::new(ready),
    )?;
    let address = SocketAddr::new(bind, port);
    let address = proxy.listen_door(address, stop).await.map_err(|error| {
        let why = lang.io(&error);
        Fail::failed(match lang {
            Lang::Zh => format!(
                "--tls：无法在 {address} 监听：{why}；换一个端口，或用 --tls 0；低于 1024 的端口需要权限"
            ),
            Lang::En => format!(
                "--tls: cannot listen on {address}: {why}; take another port, or --tls 0; ports below 1024 need rights"
            ),
        })
    })?;
    Ok(Door {
        facts: Tls {
            address,
            ca: files.authority,
            bundle: files.bundle,
        },
        _open: open,
    })
}
