//! Runs the demo app by itself, against the platform that the environment names.
//!
//! `XINQIAO_APPID`, `XINQIAO_SECRET`, `XINQIAO_TOKEN`, `XINQIAO_AES_KEY`, `XINQIAO_LISTEN` (default
//! `127.0.0.1:8080`), `XINQIAO_API` (default `https://api.weixin.qq.com`).

use std::{env, net::SocketAddr, process::ExitCode};

use xinqiao_demo::{Options, start};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            #[expect(clippy::print_stderr, reason = "stderr is where a program talks")]
            {
                eprintln!("xinqiao-demo: {message}");
            }
            ExitCode::from(2)
        }
    }
}

async fn run() -> Result<(), String> {
    let need = |name: &str| env::var(name).map_err(|_| format!("set the variable {name}"));
    let mut options = Options::new(
        need("XINQIAO_APPID")?,
        need("XINQIAO_SECRET")?,
        need("XINQIAO_TOKEN")?,
        need("XINQIAO_AES_KEY")?,
    );
    if let Ok(origin) = env::var("XINQIAO_API") {
        options
            .endpoints
            .insert("api.weixin.qq.com".to_owned(), origin);
    }
    let listen = env::var("XINQIAO_LISTEN").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    let listen: SocketAddr = listen.parse().map_err(|_| {
        format!("XINQIAO_LISTEN is `{listen}`, give an address such as 127.0.0.1:8080")
    })?;
    let demo = start(options, listen)
        .await
        .map_err(|error| error.to_string())?;
    #[expect(clippy::print_stdout, reason = "stdout is the program's data")]
    {
        println!("{}", demo.url());
    }
    let stopped = tokio::signal::ctrl_c().await;
    demo.shutdown().await;
    stopped.map_err(|error| error.to_string())
}
