//! `xinqiao pay bill`: a bill's file as a table, as JSON, and its sums against its rows.

use serde_json::{Map, Value, json};
use xinqiao_client::bill::{
    self, Amount, Bill, BillError, BillTextError, Columns, Fund, FundSums, Row, Trade, TradeSums,
    ValueError,
};

use crate::fail::{Fail, Outcome};
use crate::lang::Lang;
use crate::{input, talk, width};

/// What to read, and how much of it.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// The bill as it was downloaded, packed or not; - for standard input
    file: String,
    /// Only these columns, separated by commas (default: the most telling ones)
    #[arg(long, value_delimiter = ',', conflicts_with = "all")]
    columns: Vec<String>,
    /// All columns, each row as a block of lines
    #[arg(long)]
    all: bool,
    /// Only the sums, and whether they fit the rows
    #[arg(long, conflicts_with_all = ["columns", "all"])]
    sums: bool,
    /// As JSON: columns, rows, summary, and what does not add up
    #[arg(long, conflicts_with_all = ["columns", "all", "sums"])]
    json: bool,
}

/// Columns that say most, of trade bills and of fund bills.
const TELLING: [&str; 12] = [
    "交易时间",
    "商户订单号",
    "交易状态",
    "应结订单金额",
    "总金额",
    "退款金额",
    "手续费",
    "记账时间",
    "业务名称",
    "收支类型",
    "收支金额(元)",
    "账户结余(元)",
];

/// What the platform answers for a day on which nothing was traded: the second generation, and the third.
const EMPTY: [&str; 2] = ["20002", "NO_STATEMENT_EXIST"];

/// Reads a bill and shows it; sums that do not fit are a failure.
pub(crate) fn run(options: &Options, lang: Lang) -> Outcome {
    let bytes = match options.file.as_str() {
        "-" => input::bytes(None, lang)?,
        path => input::file(path.strip_prefix('@').unwrap_or(path), lang)?,
    };
    let bill = match Bill::parse(&unpacked(&bytes, lang)?) {
        Ok(bill) => bill,
        // WECHAT: a day without trade is an error, in the words of its generation.
        Err(BillTextError::Failure { code, .. }) if EMPTY.contains(&code.as_str()) => {
            Bill::default()
        }
        Err(error) => return Err(unread(&error, lang)),
    };
    let mismatches = mismatches(&bill).map_err(|error| {
        let ValueError {
            line,
            column,
            value,
            ..
        } = &error;
        Fail::failed(match lang {
            Lang::Zh => format!("第 {line} 行的 {column} 不是数：`{value}`"),
            Lang::En => error.to_string(),
        })
    })?;
    if options.json {
        talk::data(as_json(&bill, &mismatches));
        return if mismatches.is_empty() {
            Ok(())
        } else {
            Err(Fail::silent(1))
        };
    }
    if bill.columns.is_empty() {
        talk::data(lang.pick(
            "空账单：这一天没有交易",
            "an empty bill: nothing was traded on that day",
        ));
        return Ok(());
    }
    if options.all {
        blocks(&bill);
    } else if !options.sums {
        let columns = chosen(&bill, &options.columns, lang)?;
        table(&bill, &columns);
    }
    for (name, value) in bill.sums.iter().flat_map(pairs) {
        talk::data(format_args!("{} {value}", width::padded(name, 24)));
    }
    if mismatches.is_empty() {
        return Ok(());
    }
    let said: Vec<String> = mismatches
        .iter()
        .map(|wrong| {
            let Mismatch { sum, told, found } = wrong;
            match lang {
                Lang::Zh => format!("{sum} 写的是 {told}，各行相加是 {found}"),
                Lang::En => format!("{sum} says {told}, the rows add up to {found}"),
            }
        })
        .collect();
    Err(Fail::failed(said.join(lang.pick("；", "; "))))
}

fn unpacked(bytes: &[u8], lang: Lang) -> Result<Vec<u8>, Fail> {
    bill::check(bytes, bill::Hash::None).map_err(|error| {
        Fail::failed(match error {
            BillError::TooLarge => lang.pick(
                "这不是账单：解压后超过 1 GiB",
                "this is no bill: it unpacks to more than 1 GiB",
            ),
            _ => lang.pick(
                "压缩的账单损坏或不完整：请重新下载",
                "the packed bill is damaged or incomplete: download it again",
            ),
        })
    })
}

/// Why a file is no bill; what is none at all was given by mistake.
fn unread(error: &BillTextError, lang: Lang) -> Fail {
    let (wrong_file, chinese) = match error {
        BillTextError::Failure { code, message } => {
            (false, format!("平台没有给出账单：{code} {message}"))
        }
        BillTextError::NoBill(begin) => (
            true,
            format!("这不是账单：开头是 `{begin}`，不是列名；是不是压缩过或加密过？"),
        ),
        BillTextError::Misfit {
            line,
            found,
            columns,
        } => (
            false,
            format!(
                "第 {line} 行有 {found} 个值，而列有 {columns} 个：用下载的原文件，不要用表格软件另存"
            ),
        ),
        BillTextError::TooLong { line } => {
            (true, format!("第 {line} 行超过 1 MiB 没有结束：这不是账单"))
        }
        _ => (true, "这不是账单".to_owned()),
    };
    let words = lang.pick(chinese, error.to_string());
    if wrong_file {
        Fail::usage(words)
    } else {
        Fail::failed(words)
    }
}

/// Names and values of a row.
fn pairs(row: &Row) -> impl Iterator<Item = (&String, &String)> {
    row.columns().iter().zip(row.values())
}

/// A sum that is not what the rows add up to.
#[derive(Debug, PartialEq, Eq)]
struct Mismatch {
    sum: &'static str,
    told: Amount,
    found: Amount,
}

/// Every sum of the bill against its rows; one that the bill does not have is passed over.
fn mismatches(bill: &Bill) -> Result<Vec<Mismatch>, ValueError> {
    let Some(sums) = &bill.sums else {
        return Ok(Vec::new());
    };
    let compared = if bill.columns.iter().any(|name| name == "收支类型") {
        let told: FundSums = sums.read()?;
        let rows: Vec<Fund> = all(&bill.rows)?;
        let of = |direction: &'static str| {
            move |row: &Fund| row.amount.filter(|_| row.direction == direction)
        };
        vec![
            ("收入金额", told.income, total(&rows, of("收入"))),
            ("支出金额", told.expense, total(&rows, of("支出"))),
        ]
    } else {
        let told: TradeSums = sums.read()?;
        let rows: Vec<Trade> = all(&bill.rows)?;
        let sum = |of: fn(&Trade) -> Option<Amount>| total(&rows, of);
        vec![
            (
                "应结订单总金额",
                told.settlement_total,
                sum(|row| row.settlement_total),
            ),
            ("退款总金额", told.refund, sum(|row| row.refund)),
            (
                "充值券退款总金额",
                told.coupon_refund,
                sum(|row| row.coupon_refund),
            ),
            ("手续费总金额", told.fee, sum(|row| row.fee)),
            ("订单总金额", told.order_total, sum(|row| row.order_total)),
            (
                "申请退款总金额",
                told.refund_asked,
                sum(|row| row.refund_asked),
            ),
        ]
    };
    let wrong = compared.into_iter().filter_map(|(sum, told, found)| {
        let (told, found) = (told?, found?);
        (told != found).then_some(Mismatch { sum, told, found })
    });
    Ok(wrong.collect())
}

fn all<C: Columns>(rows: &[Row]) -> Result<Vec<C>, ValueError> {
    rows.iter().map(Row::read).collect()
}

/// The sum over what rows have; nothing if none has it: then there is nothing to compare.
fn total<C>(rows: &[C], of: impl Fn(&C) -> Option<Amount>) -> Option<Amount> {
    let mut amounts = rows.iter().filter_map(of).peekable();
    amounts.peek()?;
    Some(amounts.sum())
}

/// Where the columns stand that are shown.
fn chosen(bill: &Bill, wanted: &[String], lang: Lang) -> Result<Vec<usize>, Fail> {
    let at = |name: &str| bill.columns.iter().position(|known| known == name);
    if wanted.is_empty() {
        let found: Vec<usize> = TELLING.iter().filter_map(|name| at(name)).collect();
        let first = || (0..bill.columns.len().min(6)).collect();
        return Ok(if found.is_empty() { first() } else { found });
    }
    wanted
        .iter()
        .map(|name| {
            at(name).ok_or_else(|| {
                let known = bill.columns.join(lang.pick("、", ", "));
                Fail::usage(match lang {
                    Lang::Zh => format!("账单里没有列 {name}；有：{known}"),
                    Lang::En => format!("the bill has no column {name}; there are: {known}"),
                })
            })
        })
        .collect()
}

fn table(bill: &Bill, columns: &[usize]) {
    /// No column is wider.
    const WIDEST: usize = 32;
    let cell = |row: &[String], at: usize| {
        let text = row.get(at).map(String::as_str).unwrap_or_default();
        width::cut(&text.replace(['\t', '\r', '\n'], " "), WIDEST)
    };
    let widths: Vec<usize> = columns
        .iter()
        .map(|at| {
            let cells = bill
                .rows
                .iter()
                .map(|row| width::of(&cell(row.values(), *at)));
            cells
                .chain([width::of(&bill.columns[*at])])
                .max()
                .unwrap_or_default()
        })
        .collect();
    let rows = bill.rows.iter().map(Row::values);
    for row in std::iter::once(bill.columns.as_slice()).chain(rows) {
        let mut line = String::new();
        for (at, width) in columns.iter().zip(&widths) {
            line.push_str(&width::padded(&cell(row, *at), width + 2));
        }
        if !talk::data(line.trim_end()) {
            return;
        }
    }
    talk::data("");
}

fn blocks(bill: &Bill) {
    for row in &bill.rows {
        for (name, value) in pairs(row).filter(|(_, value)| !value.is_empty()) {
            if !talk::data(format_args!("{} {value}", width::padded(name, 24))) {
                return;
            }
        }
        talk::data("");
    }
}

fn as_json(bill: &Bill, mismatches: &[Mismatch]) -> Value {
    let object = |row: &Row| {
        let pairs = pairs(row).map(|(name, value)| (name.clone(), Value::from(value.as_str())));
        Value::Object(pairs.collect::<Map<String, Value>>())
    };
    let mismatches: Vec<Value> = mismatches
        .iter()
        .map(|wrong| {
            let (told, found) = (wrong.told.to_string(), wrong.found.to_string());
            json!({"sum": wrong.sum, "told": told, "found": found})
        })
        .collect();
    json!({
        "columns": bill.columns,
        "rows": bill.rows.iter().map(object).collect::<Vec<_>>(),
        "sums": bill.sums.as_ref().map(object),
        "mismatches": mismatches,
    })
}
