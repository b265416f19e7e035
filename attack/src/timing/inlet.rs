//! The gateway's inlet over loopback: what a stranger can measure at best.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
};

use xinqiao_gateway::{AccountConfig, Config, Context, Gateway, StoreAt};
use xinqiao_types::{AesKeyText, AppSecret, CallbackToken, Clock, SystemClock};

use super::{
    Comparison,
    opening::{AES_KEY, APPID, CLASSES, Classes, Forged, TOKEN},
};
use crate::chance::Chance;

/// A gateway on a thread of its own, until the process ends.
fn start() -> SocketAddr {
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.expect("a runtime").block_on(async move {
            let mut account = AccountConfig::new(APPID);
            account.secret = Some(AppSecret::new("0123456789abcdef0123456789abcdef"));
            account.token = Some(CallbackToken::new(TOKEN));
            account.aes_key = Some(AesKeyText::new(AES_KEY));
            let mut config = Config {
                accounts: vec![account],
                ..Config::default()
            };
            config.listen.port = 0;
            config.dev = true;
            config.store = StoreAt::Memory;
            let gateway = Gateway::start(config, Context::default())
                .await
                .expect("a gateway");
            let _ = tell.send(gateway.public_origin());
            std::future::pending::<()>().await;
        });
    });
    let origin = told.recv().expect("a gateway");
    origin
        .trim_start_matches("http://")
        .parse()
        .expect("an address")
}

/// How a request is timed.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Timed {
    /// From its first byte to the last one of its answer.
    Itself,
    /// The same of a request that follows it at once: what is done behind an answer shows there.
    TheNextOne,
}

struct Inlet {
    name: String,
    address: SocketAddr,
    stream: Option<TcpStream>,
    classes: Classes,
    drawn: Forged,
    timed: Timed,
    next: Vec<u8>,
    probe: Vec<u8>,
    buffer: Vec<u8>,
}

fn bytes(query: &str, body: &[u8]) -> Vec<u8> {
    let mut out = format!(
        "POST /callback/{APPID}?{query} HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/xml\r\ncontent-length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    out.extend_from_slice(body);
    out
}

impl Inlet {
    fn draw(&mut self, class: bool, chance: &mut Chance) -> Vec<u8> {
        self.classes.draw(class, chance, &mut self.drawn);
        bytes(&self.drawn.query, &self.drawn.body)
    }

    /// Sends a request and reads its answer, whose head and body come in one piece of known length.
    fn exchange(&mut self, request: &[u8]) {
        let address = self.address;
        let stream = self.stream.get_or_insert_with(|| {
            let stream = TcpStream::connect(address).expect("a gateway");
            stream.set_nodelay(true).expect("a socket");
            stream
        });
        stream.write_all(request).expect("a gateway that reads");
        let mut filled = 0;
        loop {
            let count = stream.read(&mut self.buffer[filled..]).expect("an answer");
            assert!(count > 0, "the connection was closed");
            filled += count;
            let text = &self.buffer[..filled];
            let Some(head) = text.windows(4).position(|window| window == b"\r\n\r\n") else {
                continue;
            };
            let head_text = String::from_utf8_lossy(&text[..head]).to_ascii_lowercase();
            let length = head_text
                .lines()
                .find_map(|line| line.strip_prefix("content-length:"));
            let length: usize = length
                .and_then(|text| text.trim().parse().ok())
                .unwrap_or(0);
            if filled >= head + 4 + length {
                assert!(head_text.starts_with("http/1.1 403"), "{head_text}");
                return;
            }
        }
    }
}

impl Comparison for Inlet {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn ready(&mut self, class: bool, chance: &mut Chance) {
        self.next = self.draw(class, chance);
        if self.timed == Timed::TheNextOne {
            let other = chance.once_in(2);
            self.probe = self.draw(other, chance);
            let next = std::mem::take(&mut self.next);
            self.exchange(&next);
        }
    }

    fn go(&mut self) {
        let request = std::mem::take(match self.timed {
            Timed::Itself => &mut self.next,
            Timed::TheNextOne => &mut self.probe,
        });
        self.exchange(&request);
    }
}

pub(super) fn comparisons() -> Vec<Box<dyn Comparison>> {
    let address = start();
    let time = SystemClock.unix().0;
    let mut all: Vec<Box<dyn Comparison>> = Vec::new();
    for timed in [Timed::Itself, Timed::TheNextOne] {
        for (name, classes) in CLASSES
            .into_iter()
            .take(if timed == Timed::Itself { 5 } else { 2 })
        {
            let what = if timed == Timed::Itself {
                "inlet"
            } else {
                "inlet, the next one"
            };
            all.push(Box::new(Inlet {
                name: format!("{what}: {name}"),
                address,
                stream: None,
                classes: Classes { of: classes, time },
                drawn: Forged::default(),
                timed,
                next: Vec::new(),
                probe: Vec::new(),
                buffer: vec![0; 16 << 10],
            }));
        }
    }
    all
}
