//! What every [`usher::store::Store`] does. A backend calls [`every_store_does_this`] with one of the two macros below: a store for each test, or a server for
//! each part of the suite.

pub(crate) mod activity;
pub(crate) mod facts;
pub(crate) mod logins;
pub(crate) mod queries;
pub(crate) mod races;
pub(crate) mod recovery;
pub(crate) mod requests;
pub(crate) mod roster;
pub(crate) mod seats;
pub(crate) mod settings;
pub(crate) mod sign_ins;
pub(crate) mod tokens;

/// A test for each named function, on a store that `$open` makes.
macro_rules! on_each {
    ($open:path; $($module:ident :: { $($name:ident),* $(,)? })*) => {
        $(mod $module {
            $(#[tokio::test]
            async fn $name() {
                crate::store::conformance::$module::$name($open().await).await;
            })*
        })*
    };
}
pub(crate) use on_each;

/// A test for each module, on the server that `$start` makes, with an empty store for each named function.
macro_rules! on_one_server {
    ($start:path; $($module:ident :: { $($name:ident),* $(,)? })*) => {
        $(#[tokio::test]
        async fn $module() {
            let server = $start().await;
            $(println!("{}", stringify!($name));
            crate::store::conformance::$module::$name(server.open().await).await;)*
        })*
    };
}
pub(crate) use on_one_server;

/// The whole suite.
macro_rules! every_store_does_this {
    ($each:ident, $open:path) => {
        crate::store::conformance::$each! { $open;
            settings::{
                nothing_is_stored_before_the_first_save,
                settings_come_back_as_they_were_saved,
                saving_the_same_settings_changes_nothing,
                settings_made_from_another_revision_are_refused,
                the_audit_line_shows_each_changed_field_and_no_secret,
                an_organization_with_members_cannot_be_taken_away,
                an_organization_without_members_can_go_and_come_back,
                a_connection_that_comes_back_finds_its_links,
                a_tier_that_members_hold_cannot_be_taken_away,
                the_primary_owner_has_a_seat_before_the_first_login,
                a_primary_owner_without_a_free_seat_is_refused,
                a_primary_owner_who_is_a_member_needs_no_hold,
                another_primary_owner_frees_the_former_ones_hold,
                a_hold_moves_when_its_tier_goes,
                a_primary_owner_whose_address_changed_stays,
            }
            facts::{
                a_stranger_is_nobody,
                a_linked_person_is_found_by_subject_alone,
                an_address_is_compared_without_regard_to_case,
                a_domain_counts_when_the_connection_lists_it_and_it_is_verified,
                another_primary_owner_is_seen,
                other_administrators_are_human_and_have_logged_in,
                the_newest_open_invite_is_found_also_when_it_has_expired,
                an_expired_hold_is_not_counted,
                claim_health_is_remembered_for_each_connection,
                an_unknown_organization_or_connection_is_missing,
            }
            logins::{
                a_first_login_writes_everything,
                a_refused_stranger_leaves_a_record_and_no_person,
                a_refused_attempt_is_counted_and_ends_with_an_admission,
                a_returning_member_only_moves_times,
                a_person_is_updated,
                a_link_is_added_to_the_only_person_with_the_address,
                a_subject_is_replaced,
                a_role_changes,
                a_place_in_the_queue_is_kept_and_left,
                a_removed_member_has_no_seat_and_no_pin,
                a_removed_member_is_one_again,
                a_pin_is_dropped,
                there_is_one_primary_owner,
                an_invite_is_used_once,
                a_decision_that_does_not_fit_is_a_denial,
            }
            seats::{
                a_seat_moves_between_tiers,
                a_full_tier_is_a_lost_race_and_nothing_is_written,
                an_invited_person_gets_the_held_seat_when_all_are_taken,
                someone_else_does_not_get_a_held_seat,
                an_expired_hold_frees_its_seat_for_the_next,
                fewer_seats_owned_evict_nobody_and_let_nobody_in,
                a_hundred_first_logins_for_one_seat_make_one_member,
                an_organization_without_tiers_counts_nothing,
            }
            races::{
                two_first_logins_of_one_person_make_one_person,
                two_logins_of_one_member_both_go_through,
                changed_settings_win_against_a_decision,
                a_closed_connection_wins_against_a_decision,
                a_changed_member_wins_against_a_decision,
                a_used_invite_wins_against_a_decision,
                a_new_person_with_the_address_wins_against_a_decision,
                two_administrators_cannot_both_be_removed,
                a_lost_race_leaves_its_neighbours_alone,
                a_primary_owner_who_is_one_no_longer_wins_against_a_decision,
            }
            activity::{
                the_log_is_read_newest_first_in_pages_without_gaps,
                each_filter_finds_its_lines_and_no_others,
                lines_of_another_organization_are_never_found,
                a_search_for_text_goes_on_where_it_stopped,
                a_member_is_found_by_the_person_and_the_other_way_round,
                people_are_named_by_person_and_member_id,
                what_people_did_to_themselves_and_to_others_comes_in_pages_without_gaps,
            }
            recovery::{
                a_link_works_once_and_not_for_long,
                a_primary_owner_comes_by_a_link_with_the_held_seat,
                both_ways_in_are_proven_before_sso_is_required,
            }
            requests::{
                who_waits_is_there_once_for_thirty_days,
                a_request_is_asked_once_and_found_by_any_refusal_of_the_person,
                a_no_stands_and_ends,
                a_yes_is_a_member_and_a_never_is_a_blocked_one,
            }
            sign_ins::{
                logins_are_counted_by_how_they_ended,
                administrators_who_can_sign_in_are_counted,
                a_connection_remembers_its_last_success,
                traces_come_newest_first_with_messages_that_did_not_verify,
                groups_that_were_seen_are_listed,
                a_review_knows_when_somebody_last_came_also_with_the_same_groups_as_before,
            }
            queries::{
                a_member_is_found_by_person_and_by_address,
                members_come_in_pages_by_address,
                a_search_takes_its_signs_literally,
                a_decision_is_found_by_person_and_by_incident,
                attempts_come_oldest_first,
                audit_lines_form_a_chain,
                the_store_answers_a_ping,
            }
            tokens::{
                a_token_is_found_by_its_hash_with_its_owner_as_they_are_now,
                a_token_belongs_to_a_member_of_its_organization,
                tokens_come_in_pages_the_newest_first,
                a_rotated_token_has_another_secret_and_end,
                a_token_is_revoked_once,
                a_use_is_written_once_a_minute,
                no_audit_line_and_no_row_holds_a_token,
            }
            roster::{
                members_fit_by_every_filter,
                a_roster_is_walked_both_ways_in_every_order,
                a_roster_knows_no_one_of_another_organization,
                a_name_of_any_length_has_its_place,
            }
        }
    };
}
pub(crate) use every_store_does_this;
