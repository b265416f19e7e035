//! The yardstick: an axum server that reads a body and answers twenty bytes, on one thread. Takes the port as its argument.

use axum::Router;
use axum::body::Bytes;
use axum::routing::{get, post};

/// The allocator of the program that it is compared with.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

async fn answer(body: Bytes) -> String {
    // As long as a short answer, and dependent on the body, so that reading it cannot be left out.
    format!("{:020}", body.len())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let port: u16 = std::env::args().nth(1).unwrap_or_default().parse()?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    let router = Router::new()
        .route("/healthz", get(|| async { "ok" }))
        .fallback(post(answer));
    axum::serve(listener, router).await?;
    Ok(())
}
