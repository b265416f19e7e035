//! From bytes to rows.

use std::sync::Arc;

use memchr::memchr;

use crate::xml::Document;

/// How long a row, or an error that came instead of a bill, may be.
const LONGEST: usize = 1 << 20;

/// What stands before each value.
const QUOTE: char = '`';

/// Columns with texts of the merchant, which may hold what separates values elsewhere.
const FREE: [&str; 2] = ["商品名称", "商户数据包"];

/// Why a text is no bill.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BillTextError {
    /// An error came instead of the bill.
    #[error("no bill but an error: {code} {message}")]
    Failure {
        /// The platform's code, or its `return_code` where there is none.
        code: String,
        /// The platform's message.
        message: String,
    },
    /// It begins as no bill does.
    #[error(
        "this is no bill: it begins with `{0}`, not with names of columns; is it packed or encrypted?"
    )]
    NoBill(String),
    /// A row does not fit the columns: the bill is cut off, or was changed by a spreadsheet.
    #[error(
        "line {line} has {found} values for {columns} columns: use the file as it was downloaded"
    )]
    Misfit {
        /// The row's line, from 1.
        line: usize,
        /// How many values it has.
        found: usize,
        /// How many columns there are.
        columns: usize,
    },
    /// A row is longer than any can be.
    #[error("line {line} has no end within a mebibyte: this is no bill")]
    TooLong {
        /// The line, from 1.
        line: usize,
    },
}

/// A row of a bill, with the names of its columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    columns: Arc<[String]>,
    values: Vec<String>,
    line: usize,
}

impl Row {
    /// A value by its column's name as the bill writes it (`商户订单号`).
    pub fn get(&self, column: &str) -> Option<&str> {
        let at = self.columns.iter().position(|name| name == column)?;
        self.values.get(at).map(String::as_str)
    }

    /// Names of the columns.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The values, one for each column.
    pub fn values(&self) -> &[String] {
        &self.values
    }

    /// Where the row stands in the bill: its line, from 1.
    pub const fn line(&self) -> usize {
        self.line
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Table {
    /// Too little came to tell.
    Unknown,
    Rows,
    Sums,
    /// It is an error of the platform, waited for.
    Failure,
}

/// Reads a bill while it arrives: give it bytes with [`push`](Self::push), take rows with [`next_row`](Self::next_row),
/// and say with [`finish`](Self::finish) that no more will come.
#[derive(Debug)]
pub struct Reader {
    held: Vec<u8>,
    /// What of `held` was read.
    read: usize,
    /// What of `held` was searched for an end of line.
    searched: usize,
    ended: bool,
    table: Table,
    line: usize,
    /// The names of the table that is open.
    current: Arc<[String]>,
    /// The names of the table with the rows.
    columns: Arc<[String]>,
    sums: Option<Row>,
    /// A row that goes on behind a line break in one of its texts.
    open: Option<(usize, String)>,
}

impl Default for Reader {
    fn default() -> Self {
        Self::new()
    }
}

impl Reader {
    /// A reader that has seen nothing.
    pub fn new() -> Self {
        Self {
            held: Vec::new(),
            read: 0,
            searched: 0,
            ended: false,
            table: Table::Unknown,
            line: 0,
            current: Arc::new([]),
            columns: Arc::new([]),
            sums: None,
            open: None,
        }
    }

    /// Takes the next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.held.drain(..self.read);
        self.searched -= self.read;
        self.read = 0;
        self.held.extend_from_slice(bytes);
    }

    /// No more bytes will come.
    pub fn finish(&mut self) {
        self.ended = true;
    }

    /// Names of the columns; empty until the first line came.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The sums, once they came.
    pub fn sums(&self) -> Option<&Row> {
        self.sums.as_ref()
    }

    /// The next row of the first table. None: more bytes are needed, or this is the end.
    ///
    /// # Errors
    /// This is no bill, or a row does not fit the columns.
    pub fn next_row(&mut self) -> Result<Option<Row>, BillTextError> {
        if self.table == Table::Failure {
            return self.failure();
        }
        while let Some(line) = self.next_line()? {
            self.line += 1;
            if line.is_empty() && self.open.is_none() {
                continue;
            }
            if self.table == Table::Unknown {
                let line = line.strip_prefix('\u{feff}').unwrap_or(&line);
                self.header(line)?;
                continue;
            }
            if let Some(row) = self.row(&line)? {
                match self.table {
                    Table::Sums => self.sums = Some(row),
                    _ => return Ok(Some(row)),
                }
            }
        }
        if self.table == Table::Failure {
            return self.failure();
        }
        match self.open.take() {
            Some((line, text)) if self.ended => Err(self.misfit(line, values(&text).len())),
            open => {
                self.open = open;
                Ok(None)
            }
        }
    }

    /// A line without its end; none if its end is still to come, or there is no more.
    fn next_line(&mut self) -> Result<Option<String>, BillTextError> {
        if self.table == Table::Unknown && self.is_failure() {
            self.table = Table::Failure;
            return Ok(None);
        }
        let rest = self.held.get(self.searched..).unwrap_or_default();
        let end = match memchr(b'\n', rest) {
            Some(at) => self.searched + at,
            None if self.ended && self.read < self.held.len() => self.held.len(),
            None => {
                self.searched = self.held.len();
                let line = self.line + 1;
                let open = self.held.len() - self.read;
                return if open > LONGEST {
                    Err(BillTextError::TooLong { line })
                } else {
                    Ok(None)
                };
            }
        };
        let line = self.held.get(self.read..end).unwrap_or_default();
        if line.len() > LONGEST {
            let line = self.line + 1;
            return Err(BillTextError::TooLong { line });
        }
        let line = String::from_utf8_lossy(line);
        let line = line.trim_end_matches(['\r', '\0']).to_owned();
        self.read = (end + 1).min(self.held.len());
        self.searched = self.read;
        Ok(Some(line))
    }

    /// Whether what came begins as XML or JSON do.
    fn is_failure(&self) -> bool {
        let bytes = self.held.get(self.read..).unwrap_or_default();
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        matches!(bytes.trim_ascii_start().first(), Some(b'<' | b'{'))
    }

    /// The error that came instead of the bill, once all of it is there.
    fn failure(&mut self) -> Result<Option<Row>, BillTextError> {
        let bytes = self.held.get(self.read..).unwrap_or_default();
        if bytes.len() > LONGEST {
            return Err(BillTextError::TooLong { line: 1 });
        }
        if !self.ended {
            return Ok(None);
        }
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let bytes = bytes.trim_ascii();
        if let Ok(document) = Document::parse(bytes) {
            let root = document.root();
            let text = |names: &[&str]| {
                let mut texts = names.iter().filter_map(|name| root.child_text(name));
                let text = texts.find(|text| !text.is_empty());
                text.map(Into::into).unwrap_or_default()
            };
            return Err(BillTextError::Failure {
                code: text(&["error_code", "err_code", "return_code"]),
                message: text(&["err_code_des", "return_msg"]),
            });
        }
        if let Ok(value) = serde_json::from_slice::<serde_json::Value>(bytes)
            && let Some(code) = value["code"].as_str()
        {
            return Err(BillTextError::Failure {
                code: code.to_owned(),
                message: value["message"].as_str().unwrap_or_default().to_owned(),
            });
        }
        Err(no_bill(&String::from_utf8_lossy(bytes)))
    }

    fn header(&mut self, line: &str) -> Result<(), BillTextError> {
        // WECHAT: some files have the quotes before the names, too.
        let names = line.split(',').map(|name| name.trim_start_matches(QUOTE));
        let names: Vec<String> = names.map(|name| name.trim().to_owned()).collect();
        let odd = |name: &String| name.contains(|letter: char| letter.is_control());
        if names.len() < 2 || names.iter().any(odd) || line.contains('\u{fffd}') {
            return Err(no_bill(line));
        }
        // WECHAT: the sums have names such as 总交易单数 and 资金流水总笔数.
        let sums = names.first().is_some_and(|name| name.contains('总'));
        self.table = if sums { Table::Sums } else { Table::Rows };
        self.current = names.into();
        if self.table == Table::Rows && self.columns.is_empty() {
            self.columns = Arc::clone(&self.current);
        }
        Ok(())
    }

    /// Takes a line behind the first header: a row, the beginning of one, or the next header.
    fn row(&mut self, line: &str) -> Result<Option<Row>, BillTextError> {
        let (first, text) = match self.open.take() {
            // WECHAT: names of goods may hold line breaks.
            Some((first, begun)) if begun.len() + line.len() <= LONGEST => {
                (first, format!("{begun}\n{line}"))
            }
            Some((line, _)) => return Err(BillTextError::TooLong { line }),
            None if line.starts_with(QUOTE) => (self.line, line.to_owned()),
            None => return self.header(line).map(|()| None),
        };
        let mut values = values(&text);
        let columns = self.current.len();
        if values.len() < columns {
            // Only a merchant's text goes on behind a line break.
            let last = values
                .len()
                .checked_sub(1)
                .and_then(|at| self.current.get(at));
            if !last.is_some_and(|name| FREE.contains(&name.as_str())) {
                return Err(self.misfit(first, values.len()));
            }
            self.open = Some((first, text));
            return Ok(None);
        }
        // WECHAT: sums may have empty values more than names.
        while values.len() > columns && values.last().is_some_and(String::is_empty) {
            values.pop();
        }
        if values.len() > columns {
            // A merchant's text holds a comma and a quote: what is too much belongs to it.
            let free = |name: &String| FREE.contains(&name.as_str());
            let Some(at) = self.current.iter().position(free) else {
                return Err(self.misfit(first, values.len()));
            };
            let surplus = values.len() - columns;
            let joined = values[at..=at + surplus].join(",`");
            values.splice(at..=at + surplus, [joined]);
        }
        Ok(Some(Row {
            columns: Arc::clone(&self.current),
            values,
            line: first,
        }))
    }

    fn misfit(&self, line: usize, found: usize) -> BillTextError {
        BillTextError::Misfit {
            line,
            found,
            columns: self.current.len(),
        }
    }
}

/// The values of a line.
///
/// WECHAT: names of goods may hold commas and are not quoted; a value begins with a back-quote, so a comma ends a value
/// only before one.
fn values(line: &str) -> Vec<String> {
    let line = line.strip_prefix(QUOTE).unwrap_or(line);
    line.split(",`").map(str::to_owned).collect()
}

fn no_bill(text: &str) -> BillTextError {
    let begin = text.chars().take(24);
    BillTextError::NoBill(begin.filter(|letter| !letter.is_control()).collect())
}
