//! The wish to end: SIGINT or SIGTERM, and for whoever asks SIGHUP.

use tokio::sync::watch;

/// Hears every such signal from the moment it is made.
#[derive(Debug)]
pub(crate) struct Stop(watch::Receiver<u32>);

impl Stop {
    /// Begins to listen; without it a signal ends the process at once.
    pub(crate) fn listen() -> std::io::Result<Self> {
        Self::listen_to(false)
    }

    /// Hears also that the terminal is gone, for who has started what the terminal does not reach.
    pub(crate) fn listen_to_hang_ups_too() -> std::io::Result<Self> {
        Self::listen_to(true)
    }

    #[cfg_attr(not(unix), expect(unused_variables, reason = "there are none"))]
    fn listen_to(hang_ups: bool) -> std::io::Result<Self> {
        let (count, heard) = watch::channel(0);
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let mut interrupt = signal(SignalKind::interrupt())?;
            let mut terminate = signal(SignalKind::terminate())?;
            let mut hang_up = if hang_ups {
                Some(signal(SignalKind::hangup())?)
            } else {
                None
            };
            tokio::spawn(async move {
                loop {
                    tokio::select! {
                        _ = interrupt.recv() => {}
                        _ = terminate.recv() => {}
                        Some(()) = async { hang_up.as_mut()?.recv().await } => {}
                    }
                    count.send_modify(|count| *count += 1);
                }
            });
        }
        #[cfg(not(unix))]
        tokio::spawn(async move {
            while tokio::signal::ctrl_c().await.is_ok() {
                count.send_modify(|count| *count += 1);
            }
        });
        Ok(Self(heard))
    }

    /// Waits for a signal; each one that came is used up once, also one from before.
    pub(crate) async fn wait(&mut self) {
        // The sender lives as long as the runtime, so an error cannot stand for a signal.
        let _ = self.0.changed().await;
    }
}
