//! Bills of both generations while they arrive: unpacked, hashed, read row by row.
//!
//! A bill may be large, so [`BillStream`] holds one row of it at a time, and [`save`] none. The crates of the payment
//! products say where a bill comes from (`pay_v2::bill_file`, `pay_v3::bill_file`).
//!
//! Invariants: content decides whether a file is packed, whatever was asked for; an error that came instead of the file is
//! never given out as a bill; only at the end of a bill is it known to be whole, and a file that is not the one that was
//! promised is an error there.
//!
//! Source: doc pages "下载交易账单", "下载资金账单", "下载账单".

use std::{
    io::Write as _,
    path::{Path, PathBuf},
};

use flate2::write::GzDecoder;
use sha1::{Digest as _, Sha1};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use xinqiao_crypto::Hex;
pub use xinqiao_wire::bill::{
    Amount, Bill, BillTextError, Columns, Fund, FundSums, Reader, Row, Trade, TradeSums, ValueError,
};

use crate::{error::Error, file_stream::FileStream};

/// How many bytes an unpacked bill may have.
const LARGEST: u64 = 1 << 30;
/// How many packed bytes are unpacked at once; each gives a thousand at most.
const BITE: usize = 4 << 10;

/// Why there is no bill.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BillError {
    /// The call failed.
    #[error(transparent)]
    Call(#[from] Error),
    /// The file is no bill, or its rows do not fit its columns.
    #[error(transparent)]
    Text(#[from] BillTextError),
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

/// What proves that a file is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hash {
    /// Nothing does: trade bills of the second generation.
    None,
    /// The SHA-1 of the unpacked file, in hexadecimal digits.
    Plain(String),
    /// The SHA-1 of the file as it came or unpacked, in hexadecimal digits.
    ///
    /// WECHAT: pages do not say which of the two the second generation's `Digest` is of.
    Either(String),
}

/// A bill's rows while they arrive.
///
/// Dropping it abandons the download.
#[derive(Debug)]
pub struct BillStream {
    file: Option<(FileStream, Unpacker)>,
    reader: Reader,
}

impl BillStream {
    /// Reads a file that is arriving.
    pub fn new(file: FileStream, hash: Hash) -> Self {
        Self {
            file: Some((file, Unpacker::new(hash))),
            reader: Reader::new(),
        }
    }

    /// The bill of a day on which nothing happened.
    pub fn empty() -> Self {
        Self {
            file: None,
            reader: Reader::new(),
        }
    }

    /// The next row; none at the end of a bill that is whole. Only then do the rows before count: work on them in a
    /// transaction, or [`save`] the bill first.
    ///
    /// Cancel safety: no rows are lost.
    ///
    /// # Errors
    /// The download failed, this is no bill, or it is not the one that was promised.
    pub async fn next(&mut self) -> Result<Option<Row>, BillError> {
        loop {
            if let Some(row) = self.reader.next_row()? {
                return Ok(Some(row));
            }
            let Some((file, unpacker)) = &mut self.file else {
                return Ok(None);
            };
            match file.chunk().await? {
                Some(chunk) => self.reader.push(&unpacker.push(&chunk)?),
                None => {
                    let rest = unpacker.finish();
                    self.file = None;
                    self.reader.push(&rest?);
                    self.reader.finish();
                }
            }
        }
    }

    /// Names of the columns; empty until the first row came.
    pub fn columns(&self) -> &[String] {
        self.reader.columns()
    }

    /// The sums, at the end of the bill; none in that of a day on which nothing happened.
    pub fn sums(&self) -> Option<&Row> {
        self.reader.sums()
    }

    /// The rest of the bill, in memory.
    ///
    /// Cancel safety: rows are lost.
    ///
    /// # Errors
    /// As [`Self::next`].
    pub async fn collect(mut self) -> Result<Bill, BillError> {
        let mut bill = Bill::default();
        while let Some(row) = self.next().await? {
            bill.rows.push(row);
        }
        bill.columns = self.columns().to_vec();
        bill.sums = self.sums().cloned();
        Ok(bill)
    }
}

/// Writes the unpacked file while it arrives; gives its length. Only after success is what was written the bill.
///
/// Cancel safety: part of the bill may have been written.
///
/// # Errors
/// The download failed, or the file is not the one that was promised.
pub async fn write(
    mut file: FileStream,
    hash: Hash,
    writer: &mut (impl AsyncWrite + Unpin),
) -> Result<u64, BillError> {
    let mut unpacker = Unpacker::new(hash);
    while let Some(chunk) = file.chunk().await? {
        let plain = unpacker.push(&chunk)?;
        writer.write_all(&plain).await.map_err(BillError::Write)?;
    }
    let plain = unpacker.finish()?;
    writer.write_all(&plain).await.map_err(BillError::Write)?;
    writer.flush().await.map_err(BillError::Write)?;
    Ok(unpacker.taken)
}

/// Saves the unpacked file under a path; gives its length. It is written beside the path, under its name with `.part`,
/// and takes the path when its hash is right.
///
/// Cancel safety: the path is untouched; the `.part` may stay.
///
/// # Errors
/// As [`write()`]. The path is then untouched, and no `.part` stays.
pub async fn save(
    download: FileStream,
    hash: Hash,
    path: impl AsRef<Path>,
) -> Result<u64, BillError> {
    let path = path.as_ref();
    let part = part_of(path);
    let saved = async {
        let mut file = tokio::fs::File::create(&part)
            .await
            .map_err(BillError::Write)?;
        let size = write(download, hash, &mut file).await?;
        file.sync_all().await.map_err(BillError::Write)?;
        drop(file);
        tokio::fs::rename(&part, path)
            .await
            .map_err(BillError::Write)?;
        Ok(size)
    };
    let saved = saved.await;
    if saved.is_err() {
        // What is reported is why there is no file, not that it could not be cleaned up.
        let _ = tokio::fs::remove_file(&part).await;
    }
    saved
}

fn part_of(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    path.with_file_name(name)
}

/// Unpacks a whole file if it is packed, and compares its hash.
///
/// # Errors
/// The file is not the one that was promised.
pub fn check(file: &[u8], hash: Hash) -> Result<Vec<u8>, BillError> {
    let mut unpacker = Unpacker::new(hash);
    let mut plain = unpacker.push(file)?;
    plain.extend(unpacker.finish()?);
    Ok(plain)
}

/// Unpacks and hashes a bill while it arrives.
#[derive(Debug)]
struct Unpacker {
    wanted: Hash,
    form: Form,
    /// Of what came, and of what it holds.
    came: Sha1,
    plain: Sha1,
    taken: u64,
}

#[derive(Debug)]
enum Form {
    /// Too little came to tell.
    Unknown(Vec<u8>),
    Plain,
    Packed(Box<GzDecoder<Vec<u8>>>),
}

/// What a packed file begins with.
const GZIP: [u8; 2] = [0x1f, 0x8b];

impl Unpacker {
    fn new(wanted: Hash) -> Self {
        Self {
            wanted,
            form: Form::Unknown(Vec::new()),
            came: Sha1::new(),
            plain: Sha1::new(),
            taken: 0,
        }
    }

    /// Takes a chunk; gives what it holds.
    fn push(&mut self, chunk: &[u8]) -> Result<Vec<u8>, BillError> {
        if let Hash::Either(_) = self.wanted {
            self.came.update(chunk);
        }
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
        let digits =
            |hash: &mut Sha1| Hex::<40>::from(<[u8; 20]>::from(std::mem::take(hash).finalize()));
        let is = |found: Hex<40>, wanted: &str| found.as_str().eq_ignore_ascii_case(wanted);
        let (plain, came) = (digits(&mut self.plain), digits(&mut self.came));
        let right = match &self.wanted {
            Hash::None => true,
            Hash::Plain(wanted) => is(plain, wanted),
            Hash::Either(wanted) => is(plain, wanted) || is(came, wanted),
        };
        if right {
            Ok(rest)
        } else {
            Err(BillError::Hash)
        }
    }

    fn count(&mut self, plain: Vec<u8>) -> Result<Vec<u8>, BillError> {
        self.plain.update(&plain);
        self.taken += plain.len() as u64;
        if self.taken > LARGEST {
            return Err(BillError::TooLarge);
        }
        Ok(plain)
    }
}
