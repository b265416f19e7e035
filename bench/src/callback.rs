//! P1: a callback in-process, beside the sum of the primitives that it cannot do without.

use std::hint::black_box;

use aes::Aes256;
use anyhow::{Context, Result};
use cbc::cipher::block_padding::NoPadding;
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use sha1::{Digest, Sha1};
use xinqiao_message::envelope::{self, CallbackQuery, Keys};
use xinqiao_message::inbound::Message;
use xinqiao_message::reply::{self, Reply};
use xinqiao_types::UnixSeconds;

use crate::measure;
use crate::sample;
use crate::table::{Better, Row};

/// Verify, decrypt, parse, answer with a text of the same length, encrypt, sign.
fn answer(keys: &Keys, query: &str, body: &[u8], content: &str) -> Result<String> {
    let query = CallbackQuery::parse(query);
    let opened = envelope::open(keys, &query, body, UnixSeconds(sample::TIMESTAMP))?;
    let message = Message::parse(opened.xml)?;
    let xml = reply::encode(
        &Reply::text(content),
        &message.head.from,
        &message.head.to,
        UnixSeconds(sample::TIMESTAMP),
    );
    Ok(envelope::seal_reply(
        keys,
        opened.mode,
        &xml,
        sample::TIMESTAMP,
        "1320562132",
        [7; 16],
    )?)
}

/// Two SHA-1, CBC both ways, base64 both ways, over exactly the bytes of one callback; nothing else.
struct Floor {
    key: [u8; 32],
    received: Vec<u8>,
    reply: Vec<u8>,
    sealed: Vec<u8>,
    scratch: Vec<u8>,
}

impl Floor {
    fn new(push_body: &str, reply_body: &str) -> Result<Self> {
        let received = element(push_body, "Encrypt")?.as_bytes().to_vec();
        let sealed = element(reply_body, "Encrypt")?.as_bytes().to_vec();
        let reply = base64_simd::STANDARD.decode_to_vec(&sealed)?;
        Ok(Self {
            key: [9; 32],
            received,
            reply,
            sealed,
            scratch: Vec::with_capacity(4096),
        })
    }

    fn run(&mut self) {
        let iv: [u8; 16] = [3; 16];
        black_box(Sha1::digest(&self.received));
        let mut bytes = base64_simd::STANDARD
            .decode_to_vec(&self.received)
            .unwrap_or_default();
        let decryptor = cbc::Decryptor::<Aes256>::new(&self.key.into(), &iv.into());
        black_box(decryptor.decrypt_padded::<NoPadding>(&mut bytes).is_ok());
        self.scratch.clear();
        self.scratch.extend_from_slice(&self.reply);
        let length = self.scratch.len();
        let encryptor = cbc::Encryptor::<Aes256>::new(&self.key.into(), &iv.into());
        black_box(
            encryptor
                .encrypt_padded::<NoPadding>(&mut self.scratch, length)
                .is_ok(),
        );
        black_box(base64_simd::STANDARD.encode_to_string(&self.scratch));
        black_box(Sha1::digest(&self.sealed));
    }
}

fn element<'a>(xml: &'a str, name: &str) -> Result<&'a str> {
    let open = format!("<{name}><![CDATA[");
    let start = xml
        .find(&open)
        .with_context(|| format!("no {name} in {xml}"))?
        + open.len();
    let length = xml[start..].find("]]>").context("an open CDATA section")?;
    Ok(&xml[start..start + length])
}

/// Both in turns on this thread.
pub(crate) fn run(rows: &mut Vec<Row>) -> Result<()> {
    let keys = sample::keys()?;
    let push = sample::push(&keys, 6_054_768_590_064_713_728, sample::TIMESTAMP)?;
    let content = sample::content();
    let once = answer(&keys, &push.query, push.body.as_bytes(), &content)?;
    let mut floor = Floor::new(&push.body, &once)?;
    let [ours, primitives] = measure::interleaved(
        20_000,
        [
            &mut || {
                black_box(answer(&keys, &push.query, push.body.as_bytes(), &content).is_ok());
            },
            &mut || floor.run(),
        ],
    )?;
    rows.push(Row {
        id: "P1",
        measure: "callback in-process, CPU µs".into(),
        value: format!("{ours:.2}"),
        baseline: format!("{primitives:.2} sum of primitives"),
        ratio: ours / primitives,
        goal: 1.6,
        floor: 1.92 * 1.15,
        better: Better::Lower,
    });
    Ok(())
}
