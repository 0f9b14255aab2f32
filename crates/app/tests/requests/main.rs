//! Applications on both stores: written, checked, handed in, decided and taken back by people of every side, each with
//! no more than their own authority.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails where it cannot go on"
)]

mod away;
mod cut;
mod places;
mod refused;
mod there;
mod town;
mod ways;

use away::{
    a_deputy_decides_while_somebody_is_away_and_not_after, a_deputy_who_applied_or_decided_is_not_chosen,
    returned_and_left_lying_gives_its_room_back, who_cannot_be_a_deputy,
};
use cut::a_decision_cut_off_anywhere_is_made_once;
use places::platforms_are_judged_as_registered;
use refused::{
    another_unit_sees_nothing, eight_at_once_get_room_for_one, no_more_is_asked_for_than_can_be_reckoned_with,
    nobody_decides_their_own, old_versions_and_second_clicks_change_nothing, rules_refuse_and_say_why,
    whoever_may_not_decide_is_not_chosen,
};
use there::{
    a_resource_is_what_the_registers_say, a_sheet_after_a_reduction_is_reduced_again,
    own_purchases_stay_with_their_lines,
};
use ways::{
    a_review_lets_a_pool_through, from_draft_to_approval, one_flow_that_cannot_be_looked_at_stops_no_other,
    returned_mended_and_resubmitted, taken_back_frees_room, the_whole_approval_is_timed_and_decides_nothing,
    time_reminds_and_escalates,
};

test_support::on_both_stores!(
    from_draft_to_approval,
    a_review_lets_a_pool_through,
    returned_mended_and_resubmitted,
    taken_back_frees_room,
    time_reminds_and_escalates,
    the_whole_approval_is_timed_and_decides_nothing,
    rules_refuse_and_say_why,
    no_more_is_asked_for_than_can_be_reckoned_with,
    another_unit_sees_nothing,
    nobody_decides_their_own,
    whoever_may_not_decide_is_not_chosen,
    old_versions_and_second_clicks_change_nothing,
    eight_at_once_get_room_for_one,
    a_deputy_decides_while_somebody_is_away_and_not_after,
    a_deputy_who_applied_or_decided_is_not_chosen,
    who_cannot_be_a_deputy,
    returned_and_left_lying_gives_its_room_back,
    one_flow_that_cannot_be_looked_at_stops_no_other,
    a_decision_cut_off_anywhere_is_made_once,
    platforms_are_judged_as_registered,
    a_resource_is_what_the_registers_say,
    a_sheet_after_a_reduction_is_reduced_again,
    own_purchases_stay_with_their_lines,
);
