//! Bills of WeChat Pay (账单): tables in text, read line by line while they arrive.
//!
//! A bill is UTF-8 with lines of values, each value with a back-quote before it: a header, rows, and a second table
//! with the sums. Which columns there are depends on merchant, kind and year, so a value is found by its column's
//! name ([`Row::get`]) or read into a type by those names ([`Trade`], [`Fund`], and their sums).
//!
//! Nothing here proves that a bill is whole: that is the hash's business, where there is one.
//!
//! ```
//! use xinqiao_wire::bill::{Bill, Trade};
//!
//! let file = "交易时间,商户订单号,商品名称,应结订单金额\n`2026-02-01 08:01:00,`T1,`茶,大杯,`1.50\n\
//!             总交易单数,应结订单总金额\n`1,`1.50\n";
//! let bill = Bill::parse(file.as_bytes())?;
//! let trade = bill.rows[0].read::<Trade>()?;
//! assert_eq!((&*trade.out_trade_no, &*trade.goods), ("T1", "茶,大杯"));
//! assert_eq!(trade.settlement_total.unwrap().fen().unwrap().0, 150);
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! Source: doc pages "下载交易账单", "下载资金账单", "申请交易账单", "申请资金账单".

mod amount;
mod columns;
mod reader;

pub use self::{
    amount::Amount,
    columns::{Columns, Fund, FundSums, Trade, TradeSums, ValueError},
    reader::{BillTextError, Reader, Row},
};

/// A bill in memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bill {
    /// Names of the columns; none in the bill of a day on which nothing happened, if that is not a bill at all.
    pub columns: Vec<String>,
    /// The rows.
    pub rows: Vec<Row>,
    /// The sums, which stand behind the rows.
    pub sums: Option<Row>,
}

impl Bill {
    /// Reads a whole bill, unpacked.
    ///
    /// # Errors
    /// It is no bill: an error in XML or JSON, or text whose rows do not fit its columns.
    pub fn parse(file: &[u8]) -> Result<Self, BillTextError> {
        let mut reader = Reader::new();
        let mut rows = Vec::new();
        reader.push(file);
        reader.finish();
        while let Some(row) = reader.next_row()? {
            rows.push(row);
        }
        Ok(Self {
            columns: reader.columns().to_vec(),
            rows,
            sums: reader.sums().cloned(),
        })
    }
}
