//! The rows of the timeline: the latest of them, bounded in number and bytes.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError},
};

use xinqiao_http::{EventLog, Text};

use crate::kernel::{
    Id,
    row::{LateRow, Row},
};

/// Most rows.
const ROWS: usize = 5000;
/// Most bytes of rows.
const BYTES: usize = 8 * 1024 * 1024;

/// The latest rows.
#[derive(Debug, Default)]
pub(crate) struct Timeline {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    rows: VecDeque<Entry>,
    bytes: usize,
    last: u64,
}

#[derive(Debug)]
struct Entry {
    id: u64,
    account: Option<Id>,
    user: Option<String>,
    json: Arc<Text>,
}

impl Timeline {
    /// Shows a row: a new one if it has no id yet, else the same one again. Gives its id.
    pub(crate) fn add(&self, stream: &EventLog, row: Row) -> String {
        let known = row.id.parse::<u64>().ok();
        self.put(stream, known, row.into()).to_string()
    }

    /// Shows a new row.
    pub(crate) fn show(&self, stream: &EventLog, row: LateRow) {
        self.put(stream, None, row);
    }

    fn put(&self, stream: &EventLog, known: Option<u64>, row: LateRow) -> u64 {
        let LateRow {
            account,
            user,
            size,
            make,
        } = row;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let id = known.unwrap_or_else(|| {
            kept.last += 1;
            kept.last
        });
        let json = Arc::new(Text::made_when_read(size, move || {
            // A row that cannot be made must not take the whole timeline with it.
            let made = catch_unwind(AssertUnwindSafe(|| {
                let mut row = make();
                row.id = id.to_string();
                serde_json::to_string(&row).ok()
            }));
            made.ok().flatten().unwrap_or_else(|| {
                tracing::error!(id, "A row could not be written.");
                format!("{{\"id\":\"{id}\"}}")
            })
        }));
        stream.share("row", json.clone());
        let entry = Entry {
            id,
            account,
            user,
            json,
        };
        kept.bytes += entry.json.size();
        let place = known.and_then(|id| kept.rows.iter().rposition(|other| other.id == id));
        match place {
            Some(place) => {
                let old = std::mem::replace(&mut kept.rows[place], entry);
                kept.bytes -= old.json.size();
            }
            None if known.is_some() => kept.bytes -= entry.json.size(),
            None => kept.rows.push_back(entry),
        }
        while kept.rows.len() > ROWS || (kept.bytes > BYTES && kept.rows.len() > 1) {
            let Some(oldest) = kept.rows.pop_front() else {
                break;
            };
            kept.bytes -= oldest.json.size();
        }
        id
    }

    /// Rows after an id, of an account, of a user: the oldest first, the latest `limit` of them, as JSON.
    pub(crate) fn list(
        &self,
        after: u64,
        account: Option<&str>,
        user: Option<&str>,
        limit: usize,
    ) -> String {
        let fits = |entry: &&Entry| {
            entry.id > after
                && account.is_none_or(|appid| entry.account.as_deref() == Some(appid))
                && user.is_none_or(|user| entry.user.as_deref() == Some(user))
        };
        // What nobody has read yet is written here, while rows go on coming.
        let mut fitting: Vec<Arc<Text>> = {
            let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            let newest = kept.rows.iter().rev().filter(fits).take(limit);
            newest.map(|entry| entry.json.clone()).collect()
        };
        fitting.reverse();
        let texts: Vec<&str> = fitting.iter().map(|json| &***json).collect();
        format!("{{\"items\":[{}]}}", texts.join(","))
    }

    pub(crate) fn forget(&self) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.rows.clear();
        kept.bytes = 0;
    }
}
