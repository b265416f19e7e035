//! The schema, as steps forward. A step that was released is never edited.

use tokio_postgres::{Client, types::Type};

use crate::{OpenError, vault::Vault, vault::WrongKey};

/// Step n brings schema n to n + 1.
const STEPS: &[&str] = &[include_str!("steps/1.sql")];

/// Brings the database to the newest schema, one node at a time. A database that has it needs no right to make one.
pub(super) async fn run(client: &mut Client, name: &str) -> Result<(), OpenError> {
    let database = |source: tokio_postgres::Error| OpenError::Database {
        path: name.to_owned(),
        source: source.into(),
    };
    let newer = |found: usize| OpenError::Newer {
        path: name.to_owned(),
        found: found as i64,
        known: STEPS.len() as i64,
    };
    match version(client).await.map_err(database)? {
        found if found == STEPS.len() => return Ok(()),
        found if found > STEPS.len() => return Err(newer(found)),
        _ => {}
    }
    let transaction = client.transaction().await.map_err(database)?;
    transaction
        .batch_execute(
            "SELECT pg_advisory_xact_lock(7305812000);
             CREATE SCHEMA IF NOT EXISTS xinqiao;
             CREATE TABLE IF NOT EXISTS xinqiao.step (number int PRIMARY KEY)",
        )
        .await
        .map_err(database)?;
    let found = transaction
        .query_typed("SELECT count(*) FROM xinqiao.step", &[])
        .await
        .map_err(database)?;
    let found = found.first().map_or(0, |row| row.get::<_, i64>(0));
    let done = usize::try_from(found).unwrap_or(0);
    if done > STEPS.len() {
        return Err(newer(done));
    }
    for (step, number) in STEPS.iter().zip(1..).skip(done) {
        let entered = format!("INSERT INTO xinqiao.step VALUES ({number})");
        transaction.batch_execute(step).await.map_err(database)?;
        transaction
            .batch_execute(&entered)
            .await
            .map_err(database)?;
    }
    transaction.commit().await.map_err(database)
}

async fn version(client: &Client) -> Result<usize, tokio_postgres::Error> {
    let there = "SELECT to_regclass('xinqiao.step') IS NOT NULL";
    let there = client.query_typed(there, &[]).await?;
    if !there.first().is_some_and(|row| row.get(0)) {
        return Ok(0);
    }
    let rows = client
        .query_typed("SELECT count(*) FROM xinqiao.step", &[])
        .await?;
    let count = rows.first().map_or(0, |row| row.get::<_, i64>(0));
    Ok(usize::try_from(count).unwrap_or(0))
}

/// Proves that the master key is the one under which the database was sealed; the first node leaves its mark.
pub(super) async fn prove(client: &Client, vault: &Vault, name: &str) -> Result<(), OpenError> {
    let database = |source: tokio_postgres::Error| OpenError::Database {
        path: name.to_owned(),
        source: source.into(),
    };
    let (check, own) = (vault.check(), vault.fingerprint().as_bytes());
    client
        .query_typed(
            "INSERT INTO xinqiao.meta (name, value) VALUES ('key_check', $1), ('key_fingerprint', $2)
             ON CONFLICT DO NOTHING",
            &[(&check, Type::BYTEA), (&own, Type::BYTEA)],
        )
        .await
        .map_err(database)?;
    let rows = client
        .query_typed(
            "SELECT c.value, f.value FROM xinqiao.meta c, xinqiao.meta f
             WHERE c.name = 'key_check' AND f.name = 'key_fingerprint'",
            &[],
        )
        .await
        .map_err(database)?;
    let proved = rows
        .first()
        .map_or(Ok(()), |row| vault.prove(row.get(0), row.get(1)));
    proved.map_err(|WrongKey(expected)| OpenError::WrongMasterKey {
        path: name.to_owned(),
        expected,
        given: vault.fingerprint().to_owned(),
    })
}
