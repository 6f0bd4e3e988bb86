//! Seats: the wished tier, and what the gate has.

use usher::core::provision::{Change, Rule, Verdict};
use usher::core::{NoSeatMatch, OnTierFull, Reason, SeatTier};

use crate::support::facts::{Answers as _, Case, days, now};

fn newcomer(groups: &[&str]) -> Case {
    Case::mapped().groups(&[&["everyone"], groups].concat())
}

fn member(seat: &str, groups: &[&str]) -> Case {
    newcomer(groups).member("User", seat)
}

fn seat(case: &Case) -> String {
    case.decide().role_and_seat().1.to_owned()
}

fn queues_for_premium(change: &Change) -> bool {
    matches!(change, Change::QueueForTier { tier } if tier.as_str() == "Premium")
}

#[test]
fn row_24_one_seat_group_gives_that_tier() {
    assert_eq!(seat(&newcomer(&["office"])), "Standard");
    assert_eq!(seat(&newcomer(&["design"])), "Premium");
}

#[test]
fn row_25_several_seat_groups_give_the_highest_tier() {
    let decision = newcomer(&["office", "design"]).decide();
    assert_eq!(decision.role_and_seat().1, "Premium");
    assert_eq!(decision.traced(Rule::Seat, Verdict::Won), ["rank 1 of 2: Premium by design"]);
    assert_eq!(decision.traced(Rule::Seat, Verdict::Lost).len(), 1);
}

#[test]
fn row_26_no_seat_group_follows_the_policy() {
    let policy = |no_seat_match| newcomer(&[]).with_policy(|policy| policy.no_seat_match = no_seat_match);
    assert_eq!(seat(&policy(NoSeatMatch::HighestAvailable)), "Premium");
    assert_eq!(seat(&policy(NoSeatMatch::HighestAvailable).free(0, 1)), "Standard");
    assert_eq!(seat(&policy(NoSeatMatch::LowestAvailable)), "Standard");
    assert_eq!(seat(&policy(NoSeatMatch::LowestAvailable).free(1, 0)), "Premium");
    assert_eq!(seat(&policy(NoSeatMatch::None)), "");
    let refused = policy(NoSeatMatch::Refuse).decide();
    assert_eq!((refused.refusal(), refused.changes.len()), (Reason::SeatUnassigned, 0));
}

#[test]
fn row_28_with_one_tier_the_seat_mapping_is_ignored() {
    for no_seat_match in [NoSeatMatch::HighestAvailable, NoSeatMatch::None, NoSeatMatch::Refuse] {
        let single = newcomer(&["office"]).with_organization(|organization| {
            organization.seat_tiers.truncate(1);
            organization.policy.no_seat_match = no_seat_match;
        });
        assert_eq!(seat(&single.with(|facts| facts.seats.truncate(1))), "Premium");
    }
}

#[test]
fn without_tiers_nobody_has_a_seat_and_nobody_is_refused_for_one() {
    for case in [Case::jit(), newcomer(&["design"]), member("Premium", &["design"])] {
        let case = case.with_organization(|organization| organization.seat_tiers.clear()).with(|facts| facts.seats.clear());
        assert_eq!(seat(&case), "");
    }
}

#[test]
fn row_29_jit_goes_down_to_the_next_tier_with_a_seat() {
    let decision = Case::jit().free(0, 1).decide();
    assert_eq!(decision.role_and_seat(), ("User", "Standard"));
    assert!(!decision.has(|change| matches!(change, Change::QueueForTier { .. })));
}

#[test]
fn row_30_a_full_mapped_tier_gives_a_newcomer_what_the_policy_says() {
    let full = |on_tier_full| newcomer(&["design"]).free(0, 3).with_policy(|policy| policy.on_tier_full = on_tier_full).decide();
    let lower = full(OnTierFull::NextLower);
    assert_eq!((lower.role_and_seat().1, lower.notes()), ("Standard", [Reason::TierFullLowered].as_slice()));
    assert!(lower.has(queues_for_premium));
    let none = full(OnTierFull::NoSeat);
    assert_eq!((none.role_and_seat().1, none.notes()), ("", [Reason::TierUpgradeQueued].as_slice()));
    assert!(none.has(queues_for_premium));
    assert_eq!(full(OnTierFull::Refuse).refusal(), Reason::NoSeatsLeft);
}

#[test]
fn row_30_a_full_mapped_tier_never_gives_a_higher_one() {
    assert_eq!(newcomer(&["office"]).free(2, 0).decide().refusal(), Reason::NoSeatsLeft);
}

#[test]
fn row_31_no_seat_at_all_refuses_a_newcomer_onto_the_waiting_list() {
    for case in [Case::jit(), newcomer(&[]), newcomer(&["design"]), Case::jit().former("Admin"), Case::manual().invite("User", "")] {
        let decision = case.free(0, 0).decide();
        assert_eq!(decision.refusal(), Reason::NoSeatsLeft);
        assert_eq!(decision.changes, [Change::RecordAttempt { reason: Reason::NoSeatsLeft }], "and nothing else is written");
    }
}

#[test]
fn row_32_a_member_keeps_the_old_tier_and_queues_for_the_full_one() {
    let decision = member("Standard", &["design"]).free(0, 3).decide();
    assert_eq!((decision.role_and_seat().1, decision.notes()), ("Standard", [Reason::TierUpgradeQueued].as_slice()));
    assert!(decision.has(queues_for_premium));
    let again = member("Standard", &["design"]).free(0, 3).waiting_for("Premium").decide();
    assert_eq!(again.changes, [], "the place in the queue is kept");
}

#[test]
fn row_32_a_waiting_member_moves_up_once_a_seat_is_free() {
    let decision = member("Standard", &["design"]).waiting_for("Premium").free(1, 3).decide();
    assert_eq!(decision.role_and_seat().1, "Premium");
    assert!(matches!(decision.changes.as_slice(), [Change::MoveSeat { .. }, Change::LeaveQueue { .. }]));
}

#[test]
fn row_33_a_downgrade_frees_the_higher_seat_at_this_login() {
    let case = member("Premium", &["office"]).free(0, 3);
    let decision = case.decide();
    assert_eq!(decision.role_and_seat().1, "Standard");
    assert_eq!(case.after(&decision).facts.seats[0].free(), 1);
}

#[test]
fn row_33_a_downgrade_into_a_full_tier_waits() {
    let decision = member("Premium", &["office"]).free(0, 0).decide();
    assert_eq!(decision.role_and_seat().1, "Premium", "nobody loses a seat for want of another");
    assert!(decision.has(|change| matches!(change, Change::QueueForTier { tier } if tier.as_str() == "Standard")));
}

#[test]
fn row_34_a_seat_taken_away_by_hand_stays_away_without_mappings() {
    for case in [Case::manual(), Case::jit(), Case::scim()] {
        let decision = case.member("User", "").with_member(|member| member.seat_unassigned = true).decide();
        assert_eq!((decision.refusal(), decision.changes.len()), (Reason::SeatUnassigned, 0));
    }
}

#[test]
fn row_34_under_mappings_the_seat_is_computed_again_unless_pinned() {
    let unassigned = member("", &["office"]).with_member(|member| member.seat_unassigned = true);
    assert_eq!(seat(&unassigned), "Standard");
    let pinned = unassigned.pin(None, Some(""), now() + days(1));
    assert_eq!(pinned.decide().refusal(), Reason::SeatUnassigned);
}

#[test]
fn row_34_plain_jit_gives_a_seat_to_a_member_who_never_had_one() {
    assert_eq!(seat(&Case::jit().member("User", "")), "Premium");
    assert_eq!(seat(&Case::jit().member("User", "").free(0, 0)), "", "and lets them in if there is none");
    assert_eq!(seat(&Case::manual().member("User", "")), "", "by hand is by hand");
}

#[test]
fn row_36_more_used_than_owned_evicts_nobody_and_gives_nothing() {
    let over = |case: Case| case.with(|facts| facts.seats.iter_mut().for_each(|count| count.used = count.owned + 3));
    assert_eq!(over(Case::jit()).decide().refusal(), Reason::NoSeatsLeft);
    assert_eq!(over(Case::jit().member("User", "Premium")).decide().changes, []);
    assert_eq!(over(member("Premium", &["design"])).decide().changes, []);
    assert_eq!(seat(&over(member("Standard", &["design"]))), "Standard");
}

#[test]
fn existing_members_are_never_refused_for_lack_of_seats() {
    for on_tier_full in [OnTierFull::NextLower, OnTierFull::Refuse, OnTierFull::NoSeat] {
        for (seat_now, groups) in [("", "design"), ("", "office"), ("Standard", "design"), ("Premium", "office"), ("", "unmapped")] {
            let case = member(seat_now, &[groups]).free(0, 0).with_policy(|policy| policy.on_tier_full = on_tier_full);
            assert_eq!(seat(&case), seat_now, "{on_tier_full:?}, {groups}");
        }
    }
}

#[test]
fn a_pinned_seat_that_is_full_is_waited_for() {
    let decision = member("Standard", &["office"]).pin(None, Some("Premium"), now() + days(1)).free(0, 5).decide();
    assert_eq!(decision.role_and_seat().1, "Standard");
    assert!(decision.has(queues_for_premium));
    assert_eq!(decision.notes(), [Reason::TierUpgradeQueued, Reason::Pinned]);
}

#[test]
fn a_tier_that_is_gone_is_moved_out_of() {
    let decision = member("Gold", &["office"]).decide();
    let moved = |change: &Change| matches!(change, Change::MoveSeat { from, to, .. } if *from == Some(SeatTier::new("Gold")) && *to == Some(SeatTier::new("Standard")));
    assert!(decision.has(moved));
}

#[test]
fn the_arithmetic_is_in_the_trace() {
    let decision = Case::jit().free(0, 4).invite_over("Premium").decide();
    let lines = decision.traced(Rule::SeatGate, Verdict::Noted);
    assert_eq!(lines, ["Premium: 2 owned, 2 used, one of them held by this invite, 1 free", "Standard: 10 owned, 6 used, 4 free"]);
}
