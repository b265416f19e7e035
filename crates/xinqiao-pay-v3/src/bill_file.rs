//! Bills (账单): downloads the file, checks its hash, and reads its rows.
//!
//! A bill may be large, so [`rows`], [`save`] and [`write()`] unpack and hash it while it arrives; [`download`] gives a
//! small one in memory.
//!
//! The platform does not sign the file: the hash in the signed answer before is what proves it. Only the
//! token of a download address is used: no signature ever leaves for another host.
//!
//! ```no_run
//! # mod xinqiao { pub use ::xinqiao_pay_v3 as pay_v3; }
//! # async fn f(client: xinqiao_client::Client) -> Result<(), Box<dyn std::error::Error>> {
//! use xinqiao::pay_v3::{bill::GetTradeBill, bill_file::{self, Trade, TradeSums}};
//!
//! // A day without trade has no ticket.
//! let Some(ticket) = bill_file::ticket(&client, GetTradeBill::new("2026-02-01")).await? else { return Ok(()) };
//! let mut bill = bill_file::rows(&client, &ticket).await?;
//! while let Some(row) = bill.next().await? {
//!     let trade: Trade = row.read()?;
//!     println!("{} {:?}", trade.out_trade_no, trade.settlement_total);
//! }
//! let sums: Option<TradeSums> = bill.sums().map(|sums| sums.read()).transpose()?;
//! # Ok(()) }
//! ```
//!
//! Source: doc pages "申请交易账单", "申请资金账单", "下载账单".

use std::path::Path;

use tokio::io::AsyncWrite;
pub use xinqiao_client::bill::{
    Amount, Bill, BillError, BillStream, BillTextError, Columns, Fund, FundSums, Row, Trade,
    TradeSums, ValueError,
};
use xinqiao_client::{
    AnswerCode, Client, Endpoint, Error, FileStream,
    bill::{self, Hash},
};
use xinqiao_types::percent;

use crate::{bill::GetFundFlowBillResponse, bill_download::DownloadFile};

/// The code that says that there is nothing to put into a bill.
const NOTHING: &str = "NO_STATEMENT_EXIST";

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

impl Ticket {
    fn hash(&self) -> Result<Hash, BillError> {
        if self.hash_type.eq_ignore_ascii_case("SHA1") {
            Ok(Hash::Plain(self.hash_value.clone()))
        } else {
            Err(BillError::HashType(self.hash_type.clone()))
        }
    }
}

/// Asks for a trade bill (`bill::GetTradeBill`) or a fund flow bill (`bill::GetFundFlowBill`). None: nothing happened on
/// that day.
///
/// Cancel safety: the call has no effect.
///
/// # Errors
/// As a call; `STATEMENT_CREATING` before about ten in the morning of the next day.
pub async fn ticket<E>(client: &Client, request: E) -> Result<Option<Ticket>, Error>
where
    E: Endpoint<Response = GetFundFlowBillResponse> + 'static,
{
    match client.send(request).await {
        Ok(answer) => Ok(Some(answer.into())),
        Err(Error::Api(error)) if error.code == AnswerCode::Word(NOTHING.into()) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn open(client: &Client, ticket: &Ticket) -> Result<(FileStream, Hash), BillError> {
    let hash = ticket.hash()?;
    let request = address(&ticket.download_url).ok_or(BillError::Address)?;
    Ok((client.send(request).stream().await?, hash))
}

/// Downloads a bill and reads it row by row while it arrives.
///
/// Cancel safety: a download has no effect.
///
/// # Errors
/// The download failed. That the file is not the one that was promised is an error at its end.
pub async fn rows(client: &Client, ticket: &Ticket) -> Result<BillStream, BillError> {
    let (file, hash) = open(client, ticket).await?;
    Ok(BillStream::new(file, hash))
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
    let (file, hash) = open(client, ticket).await?;
    bill::write(file, hash, writer).await
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
    let (file, hash) = open(client, ticket).await?;
    bill::save(file, hash, path).await
}

/// Unpacks a file if it is packed, and compares its hash.
///
/// # Errors
/// The file is not the one that was promised.
pub fn check(file: &[u8], ticket: &Ticket) -> Result<Vec<u8>, BillError> {
    bill::check(file, ticket.hash()?)
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
}
