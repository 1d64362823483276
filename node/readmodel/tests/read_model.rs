//! What the read model promises, on SQLite and, where `TACIT_TEST_POSTGRES_URL` names a server, on
//! PostgreSQL.

#![allow(unreachable_pub, reason = "the modules of a test are nobody else's")]

mod laws;
mod support;

macro_rules! on_both_databases {
    ($($file:ident: $($law:ident)*;)*) => {
        mod sqlite {
            $($(
                #[tokio::test]
                async fn $law() {
                    crate::laws::$file::$law(crate::support::fresh::Engine::Sqlite).await;
                }
            )*)*
        }

        mod postgres {
            $($(
                #[tokio::test]
                #[cfg_attr(not(tacit_test_postgres), ignore = "TACIT_TEST_POSTGRES_URL is not set")]
                async fn $law() {
                    crate::laws::$file::$law(crate::support::fresh::Engine::Postgres).await;
                }
            )*)*
        }
    };
}

on_both_databases! {
    applying:
        a_block_applied_twice_is_applied_once
        blocks_together_leave_the_same_rows_as_one_by_one
        a_block_that_cannot_be_read_leaves_nothing_behind
        a_block_whose_parts_do_not_fit_is_refused
        blocks_out_of_order_are_refused
        a_block_of_another_history_is_refused
        what_was_passed_over_is_listed
        another_chains_rows_are_refused
        two_feeders_write_each_block_once;
    answers:
        the_history_holds_each_call_once_in_the_order_of_the_ledger
        a_history_of_many_pages_loses_and_repeats_nothing
        named_batches_are_those_of_the_history_and_calls_are_counted
        a_history_ends_where_it_began_to_be_read
        a_period_holds_its_first_moment_and_not_its_last
        a_refused_transaction_is_found_with_its_refusal
        a_batch_leads_to_its_transaction
        events_read_as_json
        alarms_come_oldest_first_and_the_newest_are_kept
        the_largest_sequence_number_comes_back;
    movements:
        movements_come_newest_first_and_no_more_than_asked
        sealed_amounts_are_the_bytes_of_the_ledgers_events
        a_filter_chooses_among_movements
        a_sealed_amount_that_was_never_written_is_damage
        rows_of_the_schema_before_are_kept;
    quota:
        the_genesis_grants_stand_in_every_members_movements
        holdings_are_what_the_ledger_holds
        what_is_not_collected_is_what_sessions_owe
        a_statement_opens_without_its_rows
        movements_of_many_pages_are_all_in_their_sum
        deposits_and_withdrawals_stand_in_the_plain
        penalties_stand_with_those_who_paid
        stakes_go_back_or_are_lost;
}
