//! Bills (账单): downloads the file, checks its hash, and reads its lines.
//!
//! A bill may be large, so [`save`] and [`write`] unpack and hash it while it arrives; [`download`] gives a
//! small one in memory.
//!
//! The platform does not sign the file: the hash in the signed answer before is what proves it. Only the
//! token of a download address is used: no signature ever leaves for another host.
//!
//! Source: doc pages "申请交易账单", "申请资金账单", "下载账单".

use std::{
    io::Write as _,
    path::{Path, PathBuf},
};

use flate2::write::GzDecoder;
use sha1::{Digest as _, Sha1};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use xinqiao_client::{Client, Endpoint as _, Error};
use xinqiao_crypto::Hex;
use xinqiao_types::percent;

use crate::{bill::GetFundFlowBillResponse, bill_download::DownloadFile};

/// How many bytes an unpacked bill may have.
const LARGEST: u64 = 1 << 30;
/// How many packed bytes are unpacked at once; each gives a thousand at most.
const BITE: usize = 4 << 10;

/// A bill that is ready to be downloaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// How the hash was made; `SHA1`.
    pub hash_type: String,
    /// The hash of the unpacked file, in hexadecimal digits.
    pub hash_value: String,
    /// Where the file is, for a few minutes.
    pub download_url: String,
}

/// The answers to requests for trade bills and fund bills are one type.
impl From<GetFundFlowBillResponse> for Ticket {
    fn from(answer: GetFundFlowBillResponse) -> Self {
        Self {
            hash_type: answer.hash_type,
            hash_value: answer.hash_value,
            download_url: answer.download_url,
        }
    }
}

/// Why there is no bill.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BillError {
    /// The call failed.
    #[error(transparent)]
    Call(#[from] Error),
    /// The address is no download address of WeChat Pay.
    #[error("the bill's address is no download address of the platform")]
    Address,
    /// The hash is of an unknown kind.
    #[error("the bill's hash is a {0}, SHA1 is known")]
    HashType(String),
    /// The file is not the one that the hash belongs to.
    #[error("the bill's hash does not match: download it again")]
    Hash,
    /// The file cannot be unpacked: it is damaged, or ends early.
    #[error("the bill cannot be unpacked: download it again")]
    Packed(#[source] std::io::Error),
    /// The file is longer than a bill can be.
    #[error("the bill has more than {LARGEST} bytes")]
    TooLarge,
    /// The file could not be written here.
    #[error("the bill cannot be written")]
    Write(#[source] std::io::Error),
}

/// Downloads a bill and gives the unpacked file, in memory.
///
/// Cancel safety: a download has no effect.
///
/// # Errors
/// The download failed, or the file is not the one that was promised.
pub async fn download(client: &Client, ticket: &Ticket) -> Result<Vec<u8>, BillError> {
    let mut plain = Vec::new();
    write(client, ticket, &mut plain).await?;
    Ok(plain)
}

/// Downloads a bill and writes the unpacked file while it arrives; gives its length. Only after success is
/// what was written the bill.
///
/// Cancel safety: part of the bill may have been written.
///
/// # Errors
/// The download failed, or the file is not the one that was promised.
pub async fn write(
    client: &Client,
    ticket: &Ticket,
    writer: &mut (impl AsyncWrite + Unpin),
) -> Result<u64, BillError> {
    let mut unpacker = Unpacker::new(ticket)?;
    let request = address(&ticket.download_url).ok_or(BillError::Address)?;
    let mut file = client.send(request).stream().await?;
    while let Some(chunk) = file.chunk().await? {
        let plain = unpacker.push(&chunk)?;
        writer.write_all(&plain).await.map_err(BillError::Write)?;
    }
    let plain = unpacker.finish()?;
    writer.write_all(&plain).await.map_err(BillError::Write)?;
    writer.flush().await.map_err(BillError::Write)?;
    Ok(unpacker.taken)
}

/// Downloads a bill and saves the unpacked file under a path; gives its length. It is written beside the
/// path, under its name with `.part`, and takes the path when its hash is right.
///
/// Cancel safety: the path is untouched; the `.part` may stay.
///
/// # Errors
/// As [`write()`]. The path is then untouched, and no `.part` stays.
pub async fn save(
    client: &Client,
    ticket: &Ticket,
    path: impl AsRef<Path>,
) -> Result<u64, BillError> {
    let path = path.as_ref();
    let part = part_of(path);
    let saved = async {
        let mut file = tokio::fs::File::create(&part)
            .await
            .map_err(BillError::Write)?;
        let size = write(client, ticket, &mut file).await?;
        file.sync_all().await.map_err(BillError::Write)?;
        drop(file);
        tokio::fs::rename(&part, path)
            .await
            .map_err(BillError::Write)?;
        Ok(size)
    };
    let saved = saved.await;
    if saved.is_err() {
        // What is reported is why there is no bill, not that it could not be cleaned up.
        let _ = tokio::fs::remove_file(&part).await;
    }
    saved
}

fn part_of(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    path.with_file_name(name)
}

/// Unpacks a file if it is packed, and compares its hash.
///
/// # Errors
/// The file is not the one that was promised.
pub fn check(file: &[u8], ticket: &Ticket) -> Result<Vec<u8>, BillError> {
    let mut unpacker = Unpacker::new(ticket)?;
    let mut plain = unpacker.push(file)?;
    plain.extend(unpacker.finish()?);
    Ok(plain)
}

/// Unpacks and hashes a bill while it arrives.
struct Unpacker<'t> {
    ticket: &'t Ticket,
    form: Form,
    hash: Sha1,
    taken: u64,
}

enum Form {
    /// Too little came to tell.
    Unknown(Vec<u8>),
    Plain,
    Packed(Box<GzDecoder<Vec<u8>>>),
}

/// What a packed file begins with.
const GZIP: [u8; 2] = [0x1f, 0x8b];

impl<'t> Unpacker<'t> {
    fn new(ticket: &'t Ticket) -> Result<Self, BillError> {
        if !ticket.hash_type.eq_ignore_ascii_case("SHA1") {
            return Err(BillError::HashType(ticket.hash_type.clone()));
        }
        Ok(Self {
            ticket,
            form: Form::Unknown(Vec::new()),
            hash: Sha1::new(),
            taken: 0,
        })
    }

    /// Takes a chunk; gives what it holds.
    fn push(&mut self, chunk: &[u8]) -> Result<Vec<u8>, BillError> {
        let mut first = Vec::new();
        let mut chunk = chunk;
        if let Form::Unknown(held) = &mut self.form {
            held.extend_from_slice(chunk);
            if held.len() < GZIP.len() {
                return Ok(Vec::new());
            }
            first.append(held);
            chunk = &first;
            self.form = if chunk.starts_with(&GZIP) {
                Form::Packed(Box::new(GzDecoder::new(Vec::new())))
            } else {
                Form::Plain
            };
        }
        let plain = match &mut self.form {
            Form::Packed(decoder) => {
                // In small bites, so that a bomb does not fill the memory.
                let mut plain = Vec::new();
                for bite in chunk.chunks(BITE) {
                    decoder.write_all(bite).map_err(BillError::Packed)?;
                    plain.append(decoder.get_mut());
                    if self.taken + plain.len() as u64 > LARGEST {
                        return Err(BillError::TooLarge);
                    }
                }
                plain
            }
            _ => chunk.to_vec(),
        };
        self.count(plain)
    }

    /// Gives the rest, if the hash is right.
    ///
    /// WECHAT: the hash is that of the unpacked file, also when a packed one was asked for.
    fn finish(&mut self) -> Result<Vec<u8>, BillError> {
        let rest = match std::mem::replace(&mut self.form, Form::Plain) {
            Form::Unknown(held) => held,
            Form::Plain => Vec::new(),
            Form::Packed(decoder) => decoder.finish().map_err(BillError::Packed)?,
        };
        let rest = self.count(rest)?;
        let found = Hex::<40>::from(<[u8; 20]>::from(std::mem::take(&mut self.hash).finalize()));
        if found.as_str().eq_ignore_ascii_case(&self.ticket.hash_value) {
            Ok(rest)
        } else {
            Err(BillError::Hash)
        }
    }

    fn count(&mut self, plain: Vec<u8>) -> Result<Vec<u8>, BillError> {
        self.hash.update(&plain);
        self.taken += plain.len() as u64;
        if self.taken > LARGEST {
            return Err(BillError::TooLarge);
        }
        Ok(plain)
    }
}

/// Takes token and form out of a download address.
fn address(url: &str) -> Option<DownloadFile> {
    let (_, rest) = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))?
        .split_once('/')?;
    let (path, query) = rest.split_once('?')?;
    if DownloadFile::INFO.path.strip_prefix('/') != Some(path) {
        return None;
    }
    let value = |name: &str| {
        query.split('&').find_map(|pair| {
            let (found, value) = pair.split_once('=')?;
            (found == name).then(|| percent::decode_exactly(value))?
        })
    };
    let file = DownloadFile::new(value("token").filter(|token| !token.is_empty())?);
    Some(match value("tartype") {
        Some(form) => file.tar_type(form),
        None => file,
    })
}

/// A bill's lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bill {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// One row each; amounts are yuan with decimals.
    pub rows: Vec<Vec<String>>,
    /// Names of the sums.
    pub summary_columns: Vec<String>,
    /// The sums; counts may be written with a decimal.
    pub summary: Vec<String>,
}

impl Bill {
    /// Reads a bill's text.
    ///
    /// WECHAT: goods names may hold commas and are not quoted; a value begins with a back-quote, so a comma
    /// ends a value only before one.
    pub fn parse(file: &str) -> Self {
        let file = file.strip_prefix('\u{feff}').unwrap_or(file);
        let mut bill = Self::default();
        let names = |line: &str| line.split(',').map(str::to_owned).collect::<Vec<_>>();
        for line in file
            .lines()
            .map(str::trim_end)
            .filter(|line| !line.is_empty())
        {
            match line.strip_prefix('`') {
                None if bill.columns.is_empty() => bill.columns = names(line),
                None => bill.summary_columns = names(line),
                Some(values) => {
                    let values: Vec<String> = values.split(",`").map(str::to_owned).collect();
                    if bill.summary_columns.is_empty() {
                        bill.rows.push(values);
                    } else {
                        bill.summary = values;
                    }
                }
            }
        }
        bill
    }

    /// A row's value by the name of its column.
    pub fn value<'b>(&self, row: &'b [String], column: &str) -> Option<&'b str> {
        let at = self.columns.iter().position(|name| name == column)?;
        row.get(at).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_download_addresses_are_taken() {
        let url =
            |path: &str| format!("https://api.mch.weixin.qq.com{path}?token=E-b%2By_&tartype=gzip");
        let file = address(&url(DownloadFile::INFO.path)).unwrap();
        assert_eq!(
            (file.token.as_str(), file.tar_type.as_deref()),
            ("E-b+y_", Some("gzip"))
        );
        assert!(address(&url("/v3/other")).is_none());
        assert!(address("ftp://x/y?token=1").is_none());
        assert!(address(&format!("https://h{}?token=", DownloadFile::INFO.path)).is_none());
    }

    #[test]
    fn commas_in_goods_names_split_nothing() {
        let bill =
            Bill::parse("\u{feff}商品名称,金额\r\n`茶,大杯,`1.00\r\n总数,总额\r\n`1,`1.00\r\n");
        assert_eq!(bill.rows, [["茶,大杯", "1.00"]]);
        assert_eq!(bill.value(&bill.rows[0], "金额"), Some("1.00"));
        assert_eq!(bill.summary, ["1", "1.00"]);
    }
}
