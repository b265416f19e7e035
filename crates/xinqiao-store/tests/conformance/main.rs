//! What every store does, whichever database it keeps its data in: each test here runs on an SQLite file, in memory
//! and on PostgreSQL, where such a server is installed. A database of another kind is one more column of the macro.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../it/given.rs"]
mod given;

use xinqiao_store::{Location, NodeId, Store};
pub(crate) use xinqiao_types::AppId;
pub(crate) use {given::*, xinqiao_store::Millis};

/// A database that is empty at first, and may be opened again.
pub(crate) struct Db {
    location: Location,
    /// The file's, as long as the database is used.
    folder: Option<tempfile::TempDir>,
}

#[expect(clippy::unnecessary_wraps, reason = "one of them may not be there")]
impl Db {
    fn memory() -> Option<Self> {
        Some(Self {
            location: Location::Memory,
            folder: None,
        })
    }

    fn file() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        Some(Self {
            location: Location::File(folder.path().join("store.db")),
            folder: Some(folder),
        })
    }

    fn postgres() -> Option<Self> {
        Some(Self::at(xinqiao_testdb::server()?.database()))
    }
}

impl Db {
    /// A PostgreSQL database by its address.
    pub(crate) fn at(url: String) -> Self {
        Self {
            location: Location::Postgres(url),
            folder: None,
        }
    }

    /// The address of a PostgreSQL database.
    pub(crate) fn url(&self) -> &str {
        match &self.location {
            Location::Postgres(url) => url,
            other => panic!("{other:?} has no address"),
        }
    }

    /// Whether the database outlives the store that is open.
    pub(crate) fn lasts(&self) -> bool {
        self.folder.is_some() || matches!(self.location, Location::Postgres(_))
    }

    pub(crate) async fn open(&self) -> Store {
        open_as(NodeId::default(), self.location.clone()).await
    }

    pub(crate) async fn open_as(&self, node: &str) -> Store {
        open_as(NodeId::new(node), self.location.clone()).await
    }
}

/// Makes each test run on each of the databases.
macro_rules! on {
    ($($place:ident = $database:ident),+; $tests:tt) => { $(on!(@ $place $database $tests);)+ };
    (@ $place:ident $database:ident { $($module:ident: $($test:ident)+;)+ }) => {
        mod $place {
            $(mod $module {
                $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    if let Some(db) = crate::Db::$database() {
                        crate::$module::$test(db).await;
                    }
                })+
            })+
        }
    };
}

mod deliveries;
mod events;
mod nodes;
mod records;
mod restarts;

on!(file = file, memory = memory, postgres = postgres; {
    events:
        a_repeat_finds_the_first_and_its_answer
        dedup_keys_belong_to_an_account
        a_repeat_after_midnight_is_still_a_repeat
        a_thousand_at_once_all_get_a_place_of_their_own
        lists_page_over_days_and_filter_by_account
        an_event_that_could_not_be_stored_is_no_repeat_when_it_comes_again
        an_erased_account_cannot_be_read_and_others_can
        a_repeat_is_known_until_its_key_is_forgotten_whatever_became_of_the_event
        a_mark_comes_back_with_its_event_and_its_deliveries;
    deliveries:
        a_delivery_is_held_until_it_is_finished_or_its_time_is_up
        what_failed_is_due_again_at_its_time
        the_end_of_a_delivery_settles_the_answer
        an_attempt_that_outlived_its_hold_counts_no_more
        a_delivery_whose_event_is_past_its_retention_is_given_up
        an_end_whose_detail_holds_what_no_text_holds_counts;
    records:
        one_node_refreshes_and_an_older_fence_is_refused
        a_released_lease_is_free_at_once_and_only_its_holder_releases_it
        keys_are_hashes_and_can_be_revoked
        accounts_secrets_come_back_and_only_for_their_account;
});

on!(file_again = file, postgres_again = postgres; {
    restarts:
        a_node_that_starts_takes_up_its_own_and_leaves_what_others_hold
        a_restart_takes_up_what_was_held_at_once
        what_was_stored_is_there_after_a_restart
        a_wrong_master_key_refuses_to_open_and_changes_nothing;
});

on!(postgres_nodes = postgres; {
    nodes:
        a_callback_that_reaches_every_node_is_stored_once
        a_delivery_is_claimed_by_one_node
        an_answer_settled_on_one_node_is_told_on_another
        what_one_node_sealed_another_opens
        an_account_erased_on_one_node_receives_again_on_another
        a_reader_misses_nothing_that_was_committed_before_what_it_saw
        leases_and_holds_go_by_the_databases_clock
        a_node_hears_of_tokens_and_keys_of_others
        a_second_process_of_a_nodes_name_is_the_one_that_acts
        what_a_node_held_that_is_gone_is_due_for_another
        a_node_whose_clock_is_ahead_drops_nothing
        a_day_that_somebody_reads_is_dropped_later_and_holds_nobody_up
        one_job_that_the_database_refuses_does_not_cost_the_others_theirs
        a_server_that_restarts_loses_nothing_and_doubles_nothing;
});
