//! Both databases keep the same promises: every test of the suite runs on a real SQLite file and in a real
//! PostgreSQL, each in a database of its own.

#[cfg(test)]
mod suite;

macro_rules! store_suite {
    ($backend:ident) => {
        store_suite! { $backend;
            registers: histories_round_trip, price_books_round_trip, allocations_round_trip;
            facts: looks_round_trip, sightings_round_trip, one_open_sighting, files_round_trip, bills_and_answers_round_trip,
                outages_are_kept_once, imports_are_found_by_content, a_case_is_opened_once;
            months: months_and_runs_round_trip, one_current_run, late_facts_live, statements_advance_once,
                statements_that_withheld_are_found,
                charge_sums_round_trip;
            people: accounts_round_trip, roles_are_proposed_and_decided, secrets_are_found_by_digest_and_end,
                requests_are_seen_by_whom_they_concern, flows_and_to_dos, room_is_held_used_and_freed,
                a_job_has_one_worker, a_change_sent_again_has_its_answer, answers_of_many_are_kept_together;
            commit: nothing_without_audit, dropped_work_leaves_nothing, a_conflict_leaves_nothing, readers_see_one_state,
                a_second_writer_waits_and_is_told;
            chain: in_order_of_commit, a_changed_row_is_found, a_removed_row_is_found;
            values: order_is_by_bytes, any_text_and_number_comes_back, a_hundred_thousand_rows;
            tables: migrating_twice_changes_nothing, a_first_version_is_brought_up_to_date, migrating_at_once, without_tables_it_says_so;
        }
    };
    ($backend:ident; $($area:ident: $($test:ident),+;)+) => {
        #[cfg(test)]
        mod $backend {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    crate::suite::$area::$test(test_support::$backend().await).await;
                }
            )+)+
        }
    };
}

store_suite!(sqlite);
store_suite!(postgres);
