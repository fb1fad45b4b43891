//! The rules, and the backends that they run against.
//!
//! A rule is a function over an open and empty [`Store`], named after what it
//! guards. `rules!` runs all of them for one backend: to add a backend, give it
//! an `open` function and a line after `run_against!`.

mod connections;
mod enrichments;
mod events;
pub(in crate::store) mod given;
mod installations;
mod keys;
mod lists;
mod quarantine;
mod ratings;
pub(in crate::store) mod refused;
mod retention;
mod senders;
mod streams;
mod transactions;
mod trials;
mod upserts;
mod work;

use crate::metrics::{CoreMetrics, StoreMetrics};
use crate::recording::ItemResult;
use crate::store::{Store, StoreConfig};

/// Runs every rule against one backend.
macro_rules! rules {
    ($backend:ident, $open:path, [$($noun:ident: $($rule:ident)+;)+]) => {
        mod $backend {
            $(mod $noun {
                $(
                    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                    async fn $rule() {
                        // What the store is kept in goes when the rule is done.
                        let (store, _kept_in) = $open().await;
                        crate::store::conformance::tests::$noun::$rule(&store).await;
                        store.close().await;
                    }
                )+
            })+
        }
    };
}

macro_rules! run_against {
    ($backend:ident, $open:path) => {
        rules!($backend, $open, [
            transactions:
                what_is_recorded_is_there_after_the_store_is_opened_again
                one_bad_item_never_fails_its_batch
                what_is_queued_is_finished_before_the_store_closes
                a_closed_store_takes_nothing;
            keys:
                a_key_leaves_one_record_however_requests_race
                a_key_that_is_twice_in_a_batch_leaves_one_record
                the_same_content_again_changes_nothing
                an_event_stays_as_first_recorded_and_warns
                a_rating_takes_the_newer_content_in_place
                an_open_enrichment_takes_the_newer_content
                a_repeat_that_is_not_accepted_leaves_a_warning
                warnings_do_not_grow_without_end
                a_callers_key_counts_in_its_installation
                a_notifications_key_counts_whatever_the_installation
                keys_of_one_kind_do_not_count_for_another
                a_record_that_moves_takes_its_new_installation_along
                a_key_does_not_open_what_the_caller_does_not_cover;
            quarantine:
                a_rejected_notification_is_kept_and_an_item_without_one_is_not
                a_redelivered_bad_notification_keeps_its_one_record
                a_good_redelivery_resolves_it_and_keeps_the_first_receive_time
                a_replay_resolves_what_it_replays
                a_replayed_notification_that_comes_again_is_a_duplicate
                a_replay_that_fails_leaves_everything_as_it_is
                a_replay_of_what_is_not_there_loses_nothing
                a_replay_does_not_reach_what_the_caller_does_not_cover
                a_discarded_notification_stays_discarded
                notifications_are_resolved_all_or_none
                a_notification_that_became_no_item_is_kept_once
                a_stranger_plants_nothing_in_an_installation;
            refused:
                refusals_that_are_alike_are_one_row_that_counts_up
                a_refusal_that_is_reported_late_leaves_the_last_one_as_it_is
                a_count_ends_at_its_greatest_number
                refusals_that_differ_in_anything_are_rows_of_their_own
                a_flood_pushes_out_its_own_kind_alone
                organisations_that_nobody_linked_go_first;
            ratings:
                the_current_rating_is_the_latest_by_rating_time
                among_equal_times_the_later_received_is_current
                the_same_rating_again_is_unchanged
                a_late_older_rating_changes_what_its_neighbours_say
                any_order_and_any_duplication_leave_the_same_state
                replacements_leave_what_a_slow_model_says
                a_rating_of_an_unknown_call_is_tied_when_the_call_arrives;
            events:
                an_event_is_tied_by_its_call_whatever_arrives_first
                an_event_is_tied_by_its_visitor_whatever_arrives_first
                a_call_of_another_visitor_decides_and_leaves_a_warning
                an_event_is_tied_within_its_installation_only;
            streams:
                a_stream_gives_each_event_once_in_the_order_of_their_commits
                nothing_is_missed_or_repeated_while_others_write
                a_stream_from_now_on_gives_what_comes_after
                a_stream_gives_what_is_asked_for_and_its_cursor_passes_the_rest
                a_page_of_a_stream_ends_early_at_long_events
                a_deleted_event_leaves_no_gap_that_another_fills
                whoever_streams_hears_of_new_events
                a_place_of_another_store_is_known_for_it;
            enrichments:
                one_job_is_open_for_a_lead_however_requests_race
                another_installation_organisation_or_lead_has_its_own_job
                newer_options_replace_older_ones_and_the_earliest_time_stays
                of_what_a_lead_holds_only_mapped_fields_are_kept;
            work:
                a_job_is_worked_on_by_one_until_its_lease_ends
                what_an_earlier_process_was_at_goes_on
                two_that_claim_at_once_share_the_jobs
                a_claim_takes_what_is_due_longest_of_one_installation
                it_is_known_what_is_due_and_what_will_be_next
                whoever_works_hears_of_what_becomes_due
                what_is_about_to_be_written_is_kept_before_it_is_sent
                everything_about_a_run_is_kept
                many_are_settled_at_once_and_each_stands_for_itself
                a_visit_wakes_the_jobs_that_wait_for_its_visitor_alone
                a_call_wakes_the_jobs_that_wait_for_it_or_its_visitor
                what_arrives_while_a_job_looks_up_is_not_missed
                a_job_that_nothing_becomes_known_of_ends_after_24_hours
                jobs_wait_for_a_connection_until_it_works
                a_request_that_joins_while_it_is_worked_on_is_not_lost
                a_lead_that_is_enriched_over_and_over_is_parked
                an_operator_retries_what_has_ended_unless_another_is_open
                a_cancelled_job_is_worked_on_no_more
                jobs_are_counted_by_state
                nothing_is_known_of_the_leads_of_a_deleted_installation
                jobs_are_listed_by_each_state;
            retention:
                old_events_go_and_young_ones_stay
                a_round_that_breaks_off_is_gone_on_with
                several_that_expire_at_once_delete_each_record_once
                a_key_is_remembered_as_long_as_it_is_kept
                a_key_that_was_used_lately_stays_however_old_its_notification
                the_key_of_an_expired_record_counts_as_unused
                ratings_of_a_call_go_when_the_last_one_is_old
                visits_and_calls_go_by_when_they_were
                enrichments_go_after_their_end_and_open_ones_never
                what_is_remembered_of_a_lead_goes_with_its_last_job
                the_quarantine_lets_go_what_is_open_or_resolved_for_long
                nothing_expires_in_an_empty_or_closed_store;
            trials:
                a_trial_leaves_nothing_of_any_kind
                a_trial_knows_what_was_recorded_before
                a_trial_knows_the_items_before_it_in_its_batch
                a_trial_says_what_an_event_would_be_tied_to
                a_trial_is_judged_by_the_callers_own_installations
                a_trial_of_a_replay_resolves_nothing
                trials_and_recordings_at_once_keep_exactly_what_was_recorded;
            upserts:
                a_visit_is_known_by_visitor_time_and_landing_page
                a_call_is_known_by_its_reference;
            installations:
                open_mode_creates_and_links_what_is_used_first
                strict_mode_creates_and_links_nothing
                a_rejected_item_creates_nothing
                an_installation_with_records_stays_unless_forced
                after_a_deletion_everything_is_recorded_anew
                an_update_sees_what_was_there
                an_installation_keeps_its_models
                the_last_master_key_stays_unless_forced;
            connections:
                a_connection_is_kept_as_it_was_set
                what_is_learnt_of_a_connection_is_kept
                new_credentials_begin_anew
                connections_are_listed_for_what_is_covered
                a_connection_goes_when_it_is_removed_and_with_its_installation
                a_connection_survives_a_change_of_its_installation;
            senders:
                what_an_installation_asks_of_senders_is_kept
                every_linked_installation_restricts_its_organisation
                an_organisation_is_judged_by_the_covered_installations_alone
                a_url_token_is_listed_until_it_is_forgotten
                a_revoked_url_token_keeps_its_time_and_loses_its_hash
                there_are_ten_thousand_url_tokens_at_most;
            lists:
                every_filter_of_events_finds_what_it_says
                every_filter_of_ratings_finds_what_it_says
                every_filter_of_enrichments_finds_what_it_says
                every_filter_of_visits_finds_what_it_says
                every_filter_of_calls_finds_what_it_says
                every_filter_of_the_quarantine_finds_what_it_says
                every_filter_of_refused_messages_finds_what_it_says
                the_quarantine_is_found_by_how_its_notifications_came
                every_filter_of_installations_finds_what_it_says
                pages_are_whole_while_others_write
                a_page_of_long_rows_ends_early;
        ]);
    };
}

run_against!(sqlite, crate::store::conformance::tests::open_sqlite);
run_against!(postgres, crate::store::conformance::tests::open_postgres);

/// Counters that nobody reads.
pub(in crate::store) fn metrics() -> StoreMetrics {
    CoreMetrics::default().store
}

async fn open_sqlite() -> (Store, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let config = StoreConfig::Sqlite {
        path: folder.path().join("core.db"),
    };
    let (store, _) = Store::open(&config, metrics()).await.unwrap();
    (store, folder)
}

async fn open_postgres() -> (Store, test_postgres::Database) {
    let database = test_postgres::Database::create();
    let config: StoreConfig = database.url().parse().unwrap();
    let (store, _) = Store::open(&config, metrics()).await.unwrap();
    (store, database)
}
