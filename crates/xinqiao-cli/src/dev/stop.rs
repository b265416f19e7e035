//! The wish to end: SIGINT or SIGTERM.

use tokio::sync::watch;

/// Hears every such signal from the moment it is made.
#[derive(Debug)]
pub(crate) struct Stop(watch::Receiver<u32>);

impl Stop {
    /// Begins to listen; without it a signal ends the process at once.
    pub(crate) fn listen() -> std::io::Result<Self> {
        let (count, heard) = watch::channel(0);
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let mut interrupt = signal(SignalKind::interrupt())?;
            let mut terminate = signal(SignalKind::terminate())?;
            tokio::spawn(async move {
                loop {
                    tokio::select! {
                        _ = interrupt.recv() => {}
                        _ = terminate.recv() => {}
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
