//! Bills of WeChat Pay.

use std::fmt::Write as _;

use proptest::prelude::*;
use serde_json::Value;
use xinqiao_wire::bill::{
    Amount, Bill, BillTextError, Fund, FundSums, Reader, Row, Trade, TradeSums,
};

/// A file of the vectors.
fn vector(id: &str) -> Vec<u8> {
    let text = include_str!("../../../xinqiao-crypto/testdata/pay.json");
    let all: Value = serde_json::from_str(text).expect("JSON");
    let all = all["vectors"].as_array().expect("a list");
    let found = all.iter().find(|vector| vector["id"] == id);
    let plain = found.expect("a vector")["input"]["plain_base64"].as_str();
    let plain = plain.expect("base64").as_bytes();
    base64_simd::STANDARD.decode_to_vec(plain).expect("base64")
}

fn amount(text: &str) -> Amount {
    text.parse().expect("an amount")
}

#[test]
fn a_trade_bill_is_read_by_the_names_of_its_columns() {
    let bill = Bill::parse(&vector("bill-trade-all")).unwrap();
    assert_eq!((bill.columns.len(), bill.rows.len()), (27, 2));
    let trades: Vec<Trade> = bill.rows.iter().map(|row| row.read().unwrap()).collect();
    assert_eq!(trades[0].time, "2026-02-01 08:01:00");
    assert_eq!(trades[0].goods, "信桥测试-咖啡");
    assert_eq!(trades[0].settlement_total.unwrap().fen().unwrap().0, 100);
    assert_eq!(
        (
            &trades[0].sub_mchid,
            &trades[0].refund_id,
            &trades[0].device
        ),
        (&None, &None, &None)
    );
    assert_eq!(trades[1].state, "REFUND");
    assert_eq!(trades[1].out_refund_no.as_deref(), Some("R2026020100001"));
    let sums: TradeSums = bill.sums.unwrap().read().unwrap();
    assert_eq!(sums.count, Some(2));
    assert_eq!(sums.refund, trades.iter().map(|trade| trade.refund).sum());
    assert_eq!(sums.fee, Some(amount("0.01000")));
}

#[test]
fn a_fund_bill_adds_up() {
    let bill = Bill::parse(&vector("bill-fundflow")).unwrap();
    let funds: Vec<Fund> = bill.rows.iter().map(|row| row.read().unwrap()).collect();
    let sums: FundSums = bill.sums.unwrap().read().unwrap();
    assert_eq!((sums.count, sums.expense_count), (Some(3), Some(2)));
    let change: Amount = funds.iter().filter_map(Fund::change).sum();
    assert_eq!(
        Some(change),
        sums.income.zip(sums.expense).map(|(a, b)| a - b)
    );
    let first = funds[0].balance.unwrap() - funds[0].change().unwrap();
    assert_eq!(first + change, funds[2].balance.unwrap());
}

/// The bill of a merchant of old, of sub-merchants, and of refunds: other columns, the same fields.
#[test]
fn older_names_and_other_kinds_are_read() {
    let old = "交易时间,公众账号ID,商户号,子商户号,商户订单号,总金额,代金券或立减优惠金额,商品名称,商户数据包,手续费,费率\n\
        `t,`wx1,`19,`20,`T1,`1.00,`0.10,`a,`b,`0.00600,`0.60%\n\
        总交易单数,总交易额,总退款金额,总代金券或立减优惠退款金额,手续费总金额\n`1.0,`1.00,`0.0,`0,`0.00600\n";
    let bill = Bill::parse(old.as_bytes()).unwrap();
    let trade: Trade = bill.rows[0].read().unwrap();
    assert_eq!(trade.sub_mchid.as_deref(), Some("20"));
    assert_eq!(
        (trade.settlement_total, trade.coupon),
        (Some(amount("1")), Some(amount("0.1")))
    );
    assert_eq!((trade.order_total, trade.refund_asked_at), (None, None));
    let sums: TradeSums = bill.sums.unwrap().read().unwrap();
    assert_eq!((sums.count, sums.refund), (Some(1), Some(amount("0.0"))));
    let refunds = "交易时间,退款申请时间,退款成功时间,微信退款单号,退款金额\n`a,`b,`c,`5,`-0.10\n";
    let refund: Trade = Bill::parse(refunds.as_bytes()).unwrap().rows[0]
        .read()
        .unwrap();
    assert_eq!(
        (refund.refund_asked_at.as_deref(), refund.refund),
        (Some("b"), Some(amount("-0.1")))
    );
    let wrong = Bill::parse("交易时间,手续费\n`a,`1,000\n".as_bytes()).unwrap();
    let error = wrong.rows[0].read::<Trade>().unwrap_err().to_string();
    assert_eq!(error, "line 2, column 手续费: `1,000` is no amount");
}

#[test]
fn texts_of_the_merchant_split_nothing() {
    let bill = "交易时间,商品名称,商户数据包,手续费\n\
        `t1,`茶,大杯,`a=1,`0.01\n\
        `t2,`一,`二,`b,`0.02\n\
        `t3,`第一行\n第二行,`c\n\nd,`0.03\n";
    let bill = Bill::parse(bill.as_bytes()).unwrap();
    let goods: Vec<_> = bill
        .rows
        .iter()
        .map(|row| row.get("商品名称").unwrap())
        .collect();
    assert_eq!(goods, ["茶,大杯", "一,`二", "第一行\n第二行"]);
    assert_eq!(bill.rows[2].get("商户数据包"), Some("c\n\nd"));
    assert_eq!(
        (bill.rows[2].get("手续费"), bill.rows[2].line()),
        (Some("0.03"), 4)
    );
}

/// A bill whose end is missing must not be taken for one with fewer rows, nor its sums for a row.
#[test]
fn a_bill_that_is_cut_off_is_none() {
    let cut = |bill: &str| Bill::parse(bill.as_bytes()).unwrap_err();
    let misfit = cut("交易时间,商户号,手续费\n`t,`19\n总交易单数,手续费总金额\n`1,`0.01\n");
    assert!(
        matches!(
            misfit,
            BillTextError::Misfit {
                line: 2,
                found: 2,
                columns: 3
            }
        ),
        "{misfit}"
    );
    cut("交易时间,商品名称,手续费\n`t,`茶");
    let too_much = cut("交易时间,手续费\n`t,`1,`2\n");
    assert!(matches!(too_much, BillTextError::Misfit { found: 3, .. }));
}

#[test]
fn an_error_is_no_bill() {
    let xml = "<xml><return_code><![CDATA[FAIL]]></return_code>\n<return_msg><![CDATA[No Bill Exist]]>\
               </return_msg>\n<error_code><![CDATA[20002]]></error_code></xml>";
    let failure = Bill::parse(xml.as_bytes()).unwrap_err();
    assert_eq!(
        failure.to_string(),
        "no bill but an error: 20002 No Bill Exist"
    );
    let json = br#"{"code":"NO_STATEMENT_EXIST","message":"x"}"#;
    assert!(matches!(
        Bill::parse(json),
        Err(BillTextError::Failure { code, .. }) if code == "NO_STATEMENT_EXIST"
    ));
    for other in ["\u{1f}\u{8b}abc,def", "hello", "<html>502", "{"] {
        let error = Bill::parse(other.as_bytes()).unwrap_err();
        assert!(matches!(error, BillTextError::NoBill(_)), "{error:?}");
    }
    assert_eq!(Bill::parse(b"").unwrap(), Bill::default());
}

fn pieces(file: &[u8], size: usize) -> (Vec<Row>, Option<Row>) {
    let mut reader = Reader::new();
    let mut rows = Vec::new();
    for piece in file.chunks(size) {
        reader.push(piece);
        rows.extend(std::iter::from_fn(|| reader.next_row().expect("a bill")));
    }
    reader.finish();
    rows.extend(std::iter::from_fn(|| reader.next_row().expect("a bill")));
    (rows, reader.sums().cloned())
}

#[test]
fn an_error_is_one_in_pieces_too() {
    let mut reader = Reader::new();
    for piece in [
        "\u{feff}",
        "<",
        "xml><return_code>FAIL</return_code>\n",
        "</xml>",
    ] {
        reader.push(piece.as_bytes());
        assert_eq!(reader.next_row(), Ok(None));
    }
    reader.finish();
    assert!(matches!(
        reader.next_row(),
        Err(BillTextError::Failure { .. })
    ));
}

#[test]
fn a_line_without_end_is_refused() {
    let mut reader = Reader::new();
    reader.push("交易时间,手续费\n`".as_bytes());
    let refused = (0..40).find_map(|_| {
        reader.push(&vec![b'x'; 1 << 16]);
        reader.next_row().err()
    });
    assert_eq!(refused, Some(BillTextError::TooLong { line: 2 }));
}

proptest! {
    /// What is written is read, in pieces of any size, whatever merchants write into their texts.
    #[test]
    fn rows_come_back(
        rows in prop::collection::vec(("[^`\\n\\r\u{0}]{0,12}", "[^`\\n\\r\u{0}]{0,6}(\\n[a-z]{0,3}){0,2}", any::<i32>()), 0..20),
        crlf: bool,
        size in 1_usize..64,
    ) {
        let end = if crlf { "\r\n" } else { "\n" };
        let mut file = format!("\u{feff}商户订单号,商品名称,退款金额{end}");
        for (number, goods, fen) in &rows {
            let fen = Amount::from(xinqiao_types::Fen(i64::from(*fen)));
            let _ = write!(file, "`{number},`{goods},`{fen}{end}");
        }
        let _ = write!(file, "总交易单数,退款总金额{end}`{},`0.00{end}", rows.len());
        let (read, sums) = pieces(file.as_bytes(), size);
        prop_assert_eq!(read.len(), rows.len());
        for (row, (number, goods, fen)) in read.iter().zip(&rows) {
            prop_assert_eq!(row.get("商户订单号"), Some(number.as_str()));
            prop_assert_eq!(row.get("商品名称"), Some(goods.as_str()));
            let refund = row.read::<Trade>().unwrap().refund.unwrap();
            prop_assert_eq!(refund.fen().unwrap().0, i64::from(*fen));
        }
        let sums: TradeSums = sums.unwrap().read().unwrap();
        prop_assert_eq!(sums.count, Some(rows.len() as u64));
    }

    #[test]
    fn anything_is_read_or_refused(bytes: Vec<u8>, lines in "(`?[a,`总商品名称\\n]{0,9}){0,9}") {
        let _ = Bill::parse(&bytes);
        let _ = Bill::parse(lines.as_bytes());
    }

    #[test]
    fn amounts_come_back(millionths in -i64::MAX..=i64::MAX) {
        let whole = millionths / 1_000_000;
        let text = format!("{}{whole}.{:06}", if millionths < 0 && whole == 0 { "-" } else { "" },
            (millionths % 1_000_000).unsigned_abs());
        let read: Amount = text.parse().unwrap();
        prop_assert_eq!(read.millionths(), millionths);
        prop_assert_eq!(read.to_string().parse::<Amount>(), Ok(read));
    }
}
