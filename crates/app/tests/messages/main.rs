//! Letters and calls, to real sockets: a mail server and a receiver of calls that answer as they are told, on both
//! stores.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails where it cannot go on"
)]

mod calls;
mod letters;
mod receivers;
mod work;
mod world;

use calls::{
    a_call_is_signed_and_made_again, a_webhook_is_given_up_and_sent_once_more, a_webhook_is_set_up_by_whoever_may,
};
use letters::{
    a_call_that_arrives_says_nothing_of_the_mail_server, a_corrected_address_is_where_the_next_letter_goes,
    a_letter_says_what_by_when_and_its_number, a_receiver_that_is_refused_is_given_up_and_told,
    a_server_that_is_away_is_tried_again_under_the_same_id, many_messages_are_one_letter,
    whoever_left_meanwhile_gets_no_letter, without_mail_nothing_waits,
};
use work::{
    a_worker_that_died_in_an_attempt_costs_a_pause, a_worker_that_ends_leaves_its_job_to_the_next,
    deadlines_are_reminded_of_once, finished_jobs_are_forgotten, recurring_work_is_queued_once_whatever_the_clock_does,
    what_somebody_cancels_says_so,
};

test_support::on_both_stores!(
    a_letter_says_what_by_when_and_its_number,
    a_server_that_is_away_is_tried_again_under_the_same_id,
    a_receiver_that_is_refused_is_given_up_and_told,
    many_messages_are_one_letter,
    without_mail_nothing_waits,
    a_call_is_signed_and_made_again,
    a_webhook_is_given_up_and_sent_once_more,
    a_webhook_is_set_up_by_whoever_may,
    recurring_work_is_queued_once_whatever_the_clock_does,
    a_worker_that_ends_leaves_its_job_to_the_next,
    a_worker_that_died_in_an_attempt_costs_a_pause,
    deadlines_are_reminded_of_once,
    finished_jobs_are_forgotten,
    what_somebody_cancels_says_so,
    whoever_left_meanwhile_gets_no_letter,
    a_call_that_arrives_says_nothing_of_the_mail_server,
    a_corrected_address_is_where_the_next_letter_goes,
);
