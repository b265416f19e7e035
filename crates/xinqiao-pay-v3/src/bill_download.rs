//! Bills (账单): downloads the file, checks its hash, and reads its lines.
//!
//! The platform does not sign the file: the hash in the signed answer before is what proves it. Only the
//! token of a download address is used: no signature ever leaves for another host.
//!
//! Source: doc pages "申请交易账单", "申请资金账单", "下载账单".

use std::io::Read as _;

use flate2::read::GzDecoder;
use sha1::{Digest as _, Sha1};
use xinqiao_client::{Client, Endpoint as _, Error};

use crate::{bill::FundflowbillResponse, billdownload::File};

/// How many bytes an unpacked bill may have.
const LARGEST: u64 = 1 << 30;

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
impl From<FundflowbillResponse> for Ticket {
    fn from(answer: FundflowbillResponse) -> Self {
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
    /// The file cannot be unpacked.
    #[error("the bill cannot be unpacked")]
    Packed(#[source] std::io::Error),
}

/// Downloads a bill and gives the unpacked file.
///
/// Cancel safety: a download has no effect.
///
/// # Errors
/// The download failed, or the file is not the one that was promised.
pub async fn download(client: &Client, ticket: &Ticket) -> Result<Vec<u8>, BillError> {
    let request = address(&ticket.download_url).ok_or(BillError::Address)?;
    let file = client.send(request).await?;
    check(&file.file.bytes, ticket)
}

/// Unpacks a file if it is packed, and compares its hash.
///
/// # Errors
/// The file is not the one that was promised.
pub fn check(file: &[u8], ticket: &Ticket) -> Result<Vec<u8>, BillError> {
    if !ticket.hash_type.eq_ignore_ascii_case("SHA1") {
        return Err(BillError::HashType(ticket.hash_type.clone()));
    }
    // WECHAT: the hash is that of the unpacked file, also when a packed one was asked for.
    let plain = if file.starts_with(&[0x1f, 0x8b]) {
        let mut plain = Vec::new();
        let read = GzDecoder::new(file).take(LARGEST).read_to_end(&mut plain);
        read.map_err(BillError::Packed)?;
        plain
    } else {
        file.to_vec()
    };
    let digits: Vec<String> = Sha1::digest(&plain)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    if digits.concat().eq_ignore_ascii_case(&ticket.hash_value) {
        Ok(plain)
    } else {
        Err(BillError::Hash)
    }
}

/// Takes token and form out of a download address.
fn address(url: &str) -> Option<File> {
    let (_, rest) = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))?
        .split_once('/')?;
    let (path, query) = rest.split_once('?')?;
    if File::INFO.path.strip_prefix('/') != Some(path) {
        return None;
    }
    let value = |name: &str| {
        query.split('&').find_map(|pair| {
            let (found, value) = pair.split_once('=')?;
            (found == name).then(|| decode(value))?
        })
    };
    let file = File::new(value("token").filter(|token| !token.is_empty())?);
    Some(match value("tartype") {
        Some(form) => file.tartype(form),
        None => file,
    })
}

fn decode(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let digits = [bytes.next()?, bytes.next()?];
            out.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
        } else {
            out.push(byte);
        }
    }
    String::from_utf8(out).ok()
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
        let file = address(&url(File::INFO.path)).unwrap();
        assert_eq!(
            (file.token.as_str(), file.tartype.as_deref()),
            ("E-b+y_", Some("gzip"))
        );
        assert!(address(&url("/v3/other")).is_none());
        assert!(address("ftp://x/y?token=1").is_none());
        assert!(address(&format!("https://h{}?token=", File::INFO.path)).is_none());
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
