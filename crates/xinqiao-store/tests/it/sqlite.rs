//! What the database itself holds.

use xinqiao_store::{Answer, Appended};

use xinqiao_types::AppId;

use crate::*;

#[tokio::test]
async fn a_repeat_under_another_account_makes_no_data_key() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(file(folder.path())).await;
    let appid = appid();
    let dedup = store.dedup_key(&appid, 1, "1");
    let appended = store.append(event(&appid, dedup, b"x", &[])).await;
    let Ok(Appended::New { event: first, .. }) = appended else {
        panic!("{appended:?}")
    };
    for number in 0..20 {
        let other = AppId::from(format!("wxother{number}"));
        let repeat = store.append(event(&other, dedup, b"x", &[])).await.unwrap();
        let answer = Some(Answer::Silent);
        assert_eq!(
            repeat,
            Appended::Repeat {
                event: first,
                answer
            }
        );
    }
    let connection = rusqlite::Connection::open(folder.path().join("store.db")).unwrap();
    let keys: i64 = connection
        .query_row("SELECT count(*) FROM data_key", [], |row| row.get(0))
        .unwrap();
    assert_eq!(keys, 1);
}
