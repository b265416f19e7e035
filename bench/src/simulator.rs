//! S1: `user/info` of the simulator at 64 connections, beside bare axum.
//!
//! Both servers may use every core, as they do where people run them. The floors are what was measured last.
//!
//! Every call is recognised, its token looked up, its rights checked, its quota spent; it is answered from the world,
//! remembered by its trace id and shown in the timeline. Nothing of that is left out for speed.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::rc::Rc;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::child::{self, Server};
use crate::load::{self, Requests};
use crate::measure;
use crate::table::{Better, Row};

const CONNECTIONS: usize = 64;
const CALLS: usize = 20_000;
const ROUNDS: usize = 5;

/// What a server spent on a call, in CPU µs, and how many it answered in a second.
fn figures(server: &Server, address: SocketAddr, path: &str) -> Result<(f64, f64)> {
    let mut requests = Requests::default();
    for _ in 0..CALLS {
        requests.get(path);
    }
    let before = measure::process_cpu(server.pid())?;
    let outcome = load::run(address, CONNECTIONS, &Rc::new(requests))?;
    let spent = measure::process_cpu(server.pid())?.saturating_sub(before);
    Ok((spent.as_secs_f64() * 1e6 / CALLS as f64, outcome.rate()))
}

/// The JSON that a path answers.
fn asked(address: SocketAddr, path: &str) -> Result<Value> {
    let mut stream = TcpStream::connect(address)?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let body = answer
        .split_once("\r\n\r\n")
        .context("an answer has a body")?
        .1;
    serde_json::from_str(body).with_context(|| format!("{path}: {answer}"))
}

pub(crate) fn run(rows: &mut Vec<Row>) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let port = child::free_block(5)?;
    let mut command = Command::new(child::beside("xinqiao")?);
    command.current_dir(folder.path());
    command.args(["sim", "--seeded", "--port", &port.to_string()]);
    let simulator = Server::start(command, port)?;
    let at = |port: u16| SocketAddr::from(([127, 0, 0, 1], port));
    let api = at(port + 1);
    let accounts = asked(at(port), "/_sim/v1/accounts")?;
    let account = { accounts["items"].as_array().into_iter().flatten() }
        .find(|account| account["kind"] == "service" && account["verified"] == true)
        .context("a seeded world has a verified service account")?;
    let appid = account["appid"].as_str().context("an appid")?;
    let person = asked(at(port), "/_sim/v1/users/u1")?;
    let openid = person["openids"][appid].as_str();
    let openid = openid.context("the seeded person follows it")?;
    let secret = account["secret"].as_str().context("a secret")?;
    let token =
        format!("/cgi-bin/token?grant_type=client_credential&appid={appid}&secret={secret}");
    let token = asked(api, &token)?;
    let token = token["access_token"].as_str().context("a token")?;
    let info = format!("/cgi-bin/user/info?access_token={token}&openid={openid}&lang=zh_CN");
    anyhow::ensure!(
        asked(api, &info)?["subscribe"] == 1,
        "user/info is answered"
    );

    let bare_port = child::free_port()?;
    let mut command = Command::new(child::beside("bare-axum")?);
    command.arg(bare_port.to_string());
    let bare = Server::start(command, bare_port)?;

    let (mut cpu, mut rate) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
    for round in 0..=ROUNDS {
        for (which, (server, address, path)) in [
            (&bare, at(bare_port), "/healthz"),
            (&simulator, api, &*info),
        ]
        .into_iter()
        .enumerate()
        {
            let (spent, answered) = figures(server, address, path)?;
            if round > 0 {
                cpu[which].push(spent);
                rate[which].push(answered);
            }
        }
    }
    let ([bare_cpu, cpu], [bare_rate, rate]) =
        (cpu.map(measure::median), rate.map(measure::median));
    rows.push(Row {
        id: "S1",
        measure: format!("user/info of a kept world, {CONNECTIONS} connections, CPU µs"),
        value: format!("{cpu:.1}"),
        baseline: format!("{bare_cpu:.1} bare axum"),
        ratio: cpu / bare_cpu,
        goal: 5.0,
        floor: 10.0 * 1.15,
        better: Better::Lower,
    });
    rows.push(Row {
        id: "S1",
        measure: "the same, req/s".to_owned(),
        value: format!("{rate:.0}"),
        baseline: format!("{bare_rate:.0} bare axum"),
        ratio: rate / bare_rate,
        goal: 0.40,
        floor: 0.17 * 0.85,
        better: Better::Higher,
    });
    Ok(())
}
