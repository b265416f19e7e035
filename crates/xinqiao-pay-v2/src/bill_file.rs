//! Bills (账单): downloads a trade bill or a fund flow bill, unpacks it, and reads its rows while it arrives.
//!
//! A bill is a file, an error comes in its place as XML: that is a failed call, except for a day on which nothing
//! happened, whose bill is empty.
//!
//! Nothing proves a trade bill of this generation but its sums: compare them with the rows ([`TradeSums::count`]). A
//! fund flow bill comes with a hash, which is checked; it is signed no more than the file.
//!
//! ```no_run
//! # mod xinqiao { pub use ::xinqiao_pay_v2 as pay_v2; }
//! # async fn f(client: xinqiao_client::Client) -> Result<(), Box<dyn std::error::Error>> {
//! use xinqiao::pay_v2::{bill_file::{self, Trade, TradeSums}, pay::DownloadBill};
//!
//! let day = DownloadBill::new("", "wx8888888888888888", "", "", "20260201").tar_type("GZIP");
//! let mut bill = bill_file::rows(&client, day).await?;
//! let mut count = 0;
//! while let Some(row) = bill.next().await? {
//!     let trade: Trade = row.read()?;
//!     println!("{} {} {:?}", trade.state, trade.out_trade_no, trade.settlement_total);
//!     count += 1;
//! }
//! if let Some(sums) = bill.sums() {
//!     assert_eq!(sums.read::<TradeSums>()?.count, Some(count));
//! }
//! # Ok(()) }
//! ```
//!
//! Source: doc pages "下载交易账单", "下载资金账单".

use std::path::Path;

use http::HeaderMap;
use tokio::io::AsyncWrite;
pub use xinqiao_client::bill::{
    Amount, Bill, BillError, BillStream, BillTextError, Columns, Fund, FundSums, Row, Trade,
    TradeSums, ValueError,
};
use xinqiao_client::{
    AnswerCode, Client, Endpoint, Error, FileStream,
    bill::{self, Hash},
};
use xinqiao_crypto::pay_v2::SignType;

use crate::pay::{DownloadBill, DownloadBillResponse, DownloadFundFlow};

/// The code that says that there is nothing to put into a bill.
const NOTHING: &str = "20002";

/// A request whose answer is a bill: [`DownloadBill`] or [`DownloadFundFlow`].
pub trait Request: Endpoint<Response = DownloadBillResponse> + sealed::Sealed + 'static {
    /// As it must be sent.
    #[doc(hidden)]
    #[must_use]
    fn ready(self) -> Self;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for crate::pay::DownloadBill {}
    impl Sealed for crate::pay::DownloadFundFlow {}
}

impl Request for DownloadBill {
    fn ready(self) -> Self {
        self
    }
}

impl Request for DownloadFundFlow {
    /// WECHAT: only HMAC-SHA256 is taken here, whatever the merchant signs with elsewhere.
    fn ready(self) -> Self {
        match self.sign_type {
            None => self.sign_type(SignType::HmacSha256.as_str()),
            Some(_) => self,
        }
    }
}

/// Downloads a bill and reads it row by row while it arrives. The bill of a day on which nothing happened is empty.
///
/// Cancel safety: a download has no effect.
///
/// # Errors
/// The call failed. That the file is damaged is an error at its end.
pub async fn rows(client: &Client, request: impl Request) -> Result<BillStream, BillError> {
    Ok(match open(client, request).await? {
        Some((file, hash)) => BillStream::new(file, hash),
        None => BillStream::empty(),
    })
}

/// Downloads a bill and writes the unpacked file while it arrives; gives its length, 0 for a day on which nothing
/// happened. Only after success is what was written the bill.
///
/// Cancel safety: part of the bill may have been written.
///
/// # Errors
/// The call failed, or the file is damaged.
pub async fn write(
    client: &Client,
    request: impl Request,
    writer: &mut (impl AsyncWrite + Unpin),
) -> Result<u64, BillError> {
    match open(client, request).await? {
        Some((file, hash)) => bill::write(file, hash, writer).await,
        None => Ok(0),
    }
}

/// Downloads a bill and saves the unpacked file under a path; gives its length. None, and no file, for a day on which
/// nothing happened. The file is written beside the path, under its name with `.part`, and takes the path when it is
/// whole.
///
/// Cancel safety: the path is untouched; the `.part` may stay.
///
/// # Errors
/// As [`write()`]. The path is then untouched, and no `.part` stays.
pub async fn save(
    client: &Client,
    request: impl Request,
    path: impl AsRef<Path>,
) -> Result<Option<u64>, BillError> {
    match open(client, request).await? {
        Some((file, hash)) => bill::save(file, hash, path).await.map(Some),
        None => Ok(None),
    }
}

async fn open(
    client: &Client,
    request: impl Request,
) -> Result<Option<(FileStream, Hash)>, BillError> {
    match client.send(request.ready()).stream().await {
        Ok(file) => {
            let hash = digest(file.headers());
            Ok(Some((file, hash)))
        }
        Err(Error::Api(error)) if error.code == AnswerCode::Word(NOTHING.into()) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The hash that a fund flow bill comes with: `Digest: SHA=…`, in hexadecimal digits.
fn digest(headers: &HeaderMap) -> Hash {
    let header = headers.get("digest").and_then(|value| value.to_str().ok());
    let hash = header
        .and_then(|header| header.split_once('='))
        .filter(|(how, _)| {
            let how = how.trim();
            how.eq_ignore_ascii_case("SHA") || how.eq_ignore_ascii_case("SHA1")
        })
        .map(|(_, digits)| digits.trim());
    match hash {
        Some(digits) if digits.len() == 40 => Hash::Either(digits.to_owned()),
        _ => Hash::None,
    }
}
