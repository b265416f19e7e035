//! Opening ports, with an error that says what to do.

use std::net::{IpAddr, SocketAddr};

use tokio::net::{TcpListener, TcpSocket};

/// An open port.
#[derive(Debug)]
pub struct Listener {
    pub(crate) tcp: TcpListener,
    address: SocketAddr,
}

/// Why a port could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListenError {
    /// Somebody else has it.
    #[error(
        "port {port} of {bind} is in use; stop the program that holds it, or choose another: --port, for serve listen.port"
    )]
    InUse {
        /// The address asked for.
        bind: IpAddr,
        /// The port asked for.
        port: u16,
    },
    /// The system refuses: low port, foreign address.
    #[error(
        "cannot listen on {bind}:{port}; is it an address of this machine, and above port 1023?"
    )]
    Refused {
        /// The address asked for.
        bind: IpAddr,
        /// The port asked for.
        port: u16,
        /// What the system said.
        source: std::io::Error,
    },
}

impl Listener {
    /// Where it listens, with the real port when 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The origin a local client uses: an unspecified address is reached over loopback.
    pub fn origin(&self) -> String {
        let ip = match self.address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::from([127, 0, 0, 1]),
            IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::from([127, 0, 0, 1]),
            ip => ip,
        };
        format!("http://{}", SocketAddr::new(ip, self.address.port()))
    }
}

/// What the system keeps of an answer that is not read. The connections inherit it. Left to itself it grows to
/// megabytes, a third of which must be read before a slow reader's progress is seen.
const UNREAD_BYTES: u32 = 256 * 1024;

fn open(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.set_send_buffer_size(UNREAD_BYTES)?;
    socket.bind(address)?;
    socket.listen(1024)
}

/// Opens one port; 0 lets the system choose.
///
/// # Errors
/// [`ListenError`] names the port and the remedy.
pub async fn listen(bind: IpAddr, port: u16) -> Result<Listener, ListenError> {
    let failed = |source: std::io::Error| match source.kind() {
        std::io::ErrorKind::AddrInUse => ListenError::InUse { bind, port },
        _ => ListenError::Refused { bind, port, source },
    };
    let tcp = open(SocketAddr::new(bind, port)).map_err(failed)?;
    let address = tcp.local_addr().map_err(failed)?;
    Ok(Listener { tcp, address })
}

/// Opens `count` neighbouring ports from `first` on, or as many random ones when `first` is `None`.
///
/// # Errors
/// [`ListenError`] of the first port that could not be opened; none stays open then.
pub async fn listen_block(
    bind: IpAddr,
    first: Option<u16>,
    count: u16,
) -> Result<Vec<Listener>, ListenError> {
    let mut listeners = Vec::with_capacity(usize::from(count));
    for index in 0..count {
        let port = first.map_or(0, |first| first.saturating_add(index));
        listeners.push(listen(bind, port).await?);
    }
    Ok(listeners)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_taken_port_is_named() {
        let loopback = IpAddr::from([127, 0, 0, 1]);
        let first = listen(loopback, 0).await.unwrap();
        let port = first.address().port();
        let error = listen(loopback, port).await.unwrap_err();
        assert!(
            error
                .to_string()
                .contains(&format!("port {port} of 127.0.0.1 is in use"))
        );
    }

    #[tokio::test]
    async fn an_unspecified_address_is_reached_over_loopback() {
        let listener = listen(IpAddr::from([0, 0, 0, 0]), 0).await.unwrap();
        assert!(listener.origin().starts_with("http://127.0.0.1:"));
    }
}
