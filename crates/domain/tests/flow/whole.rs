//! The term of the whole approval, by hand.

use crate::policies::shipped;
use crate::world::*;
use domain::calendar::{CalendarYear, WorkingCalendar};
use domain::flow::{
    Act, Deed, FlowApplication, FlowDefinition, FlowEvent, FlowRun, FlowState, Notice, ReturnTo, start, tick,
};
use domain::rules::{DeadlineKind, Edition, RuleBook};
use kernel::{AccountId, Instant};
use serde::de::DeserializeOwned;
use std::path::Path;

/// A flow of one node with a term of its own, whose whole approval is timed.
fn timed() -> FlowDefinition {
    let node = node("only", "authority.technical", "may_return_to = [\"applicant\"]");
    FlowDefinition {
        whole: shipped("new").whole,
        ..definition(&node)
    }
}

/// Handed in on Monday 2 March at 9:00, for five days.
fn begun() -> Case {
    let application = FlowApplication {
        due: Some(at("2026-03-07 09:00:00")),
        ..application()
    };
    Case::begun(timed(), town(), application)
}

fn back() -> Act {
    Act::Return {
        task: 1,
        to: ReturnTo::Applicant,
        reason: "补充材料".into(),
    }
}

fn again(due: &str) -> Act {
    Act::Resubmit {
        facts: application().facts,
        due: Some(at(due)),
        opinion: String::new(),
    }
}

/// Whom the events tell of the whole approval, in the order of accounts.
fn told(events: &[FlowEvent], wanted: Notice) -> Vec<AccountId> {
    let of_whole = events.iter().filter_map(|event| match event {
        FlowEvent::Notify {
            accounts,
            notice,
            task: None,
        } if *notice == wanted => Some(accounts),
        _ => None,
    });
    let mut all: Vec<_> = of_whole.flatten().copied().collect();
    all.sort_unstable();
    all
}

fn people(names: &[&str]) -> Vec<AccountId> {
    let mut all: Vec<_> = names.iter().map(|name| who(name)).collect();
    all.sort_unstable();
    all
}

/// What the history says of the whole approval.
fn warned(run: &FlowRun) -> Vec<Deed> {
    let of_whole = run
        .history
        .iter()
        .filter(|r| r.opinion == "全部审批" && r.task.is_none());
    of_whole.map(|record| record.deed).collect()
}

#[test]
fn the_whole_approval_warns_once_before_its_end_and_once_after_it() {
    let mut case = begun();
    case.tick(at("2026-03-06 08:59:59"));
    assert_eq!(case.events, []);
    case.tick(at("2026-03-06 09:00:00"));
    assert_eq!(told(&case.events, Notice::Reminder), people(&["tech1", "tech2"]));
    case.tick(at("2026-03-07 08:59:59"));
    assert_eq!(case.events, [], "once is enough");
    assert!(!case.run.whole.unwrap().is_over(case.now));
    case.tick(at("2026-03-07 09:00:00"));
    let all = ["tech1", "tech2", "leader1", "leader2", "ops"];
    assert_eq!(told(&case.events, Notice::Overdue), people(&all));
    assert!(case.run.whole.unwrap().is_over(case.now));
    case.tick(at("2026-04-07 09:00:00"));
    assert_eq!(case.events, [], "once is enough");
    assert_eq!(warned(&case.run), [Deed::Remind, Deed::Escalate]);
    // It is a warning: who may decide is who might before.
    assert!(case.try_act("leader1", agree(1)).is_err());
    case.agree("tech1", "only");
    assert_eq!(case.run.state, FlowState::Approved);
    let whole = case.run.whole.unwrap();
    assert_eq!(whole.stopped, Some(case.now));
    assert!(whole.is_over(case.now), "what took too long stays so");
}

#[test]
fn what_was_decided_in_time_was_in_time_for_ever() {
    let mut case = begun();
    case.agree("tech1", "only");
    case.tick(at("2027-03-02"));
    assert_eq!(case.events, []);
    assert!(!case.run.whole.unwrap().is_over(case.now));
}

#[test]
fn what_the_applicant_takes_to_mend_is_not_counted_and_handing_in_again_begins_anew() {
    let mut case = begun();
    case.tick(at("2026-03-06 09:00:00"));
    case.act("tech1", back());
    case.tick(at("2026-03-20 09:00:00"));
    assert_eq!(case.events, [], "it lies with the applicant");
    assert!(!case.run.whole.unwrap().is_over(case.now));
    case.act("clerk", again("2026-03-25 09:00:00"));
    case.tick(at("2026-03-24 08:59:59"));
    assert_eq!(case.events, []);
    case.tick(at("2026-03-24 09:00:00"));
    assert_eq!(told(&case.events, Notice::Reminder), people(&["tech1", "tech2"]));
    case.tick(at("2026-03-25 09:00:00"));
    assert!(!told(&case.events, Notice::Overdue).is_empty());
    assert_eq!(warned(&case.run), [Deed::Remind, Deed::Remind, Deed::Escalate]);
}

#[test]
fn a_clock_that_is_set_back_tells_nothing_twice() {
    let mut case = begun();
    case.tick(at("2026-03-06 09:00:00"));
    let (definition, town) = (&case.definition, &case.town);
    let earlier = tick(&case.run, definition, town, at("2026-03-06 08:00:00"), &due);
    assert!(earlier.unwrap_err().to_string().contains("时钟"));
    case.tick(at("2026-03-06 09:30:00"));
    assert_eq!(case.events, []);
}

#[test]
fn a_run_from_before_the_term_was_counted_is_read_and_not_timed() {
    let mut case = begun();
    let mut stored = serde_json::to_value(&case.run).unwrap();
    assert!(stored.as_object_mut().unwrap().remove("whole").is_some());
    case.run = serde_json::from_value(stored).unwrap();
    assert_eq!(case.run.whole, None);
    case.tick(at("2026-04-02"));
    assert_eq!(case.events, []);
    // Handed in again it is an application like any other.
    case.act("tech1", back());
    case.act("clerk", again("2026-04-07"));
    assert_eq!(case.run.whole.unwrap().due, at("2026-04-07"));
}

#[test]
fn applications_of_departments_are_timed_and_reclaims_are_not() {
    for name in ["new", "change", "extend", "release"] {
        let whole = shipped(name).whole.unwrap_or_else(|| panic!("{name} is not timed"));
        assert_eq!(whole.deadline, DeadlineKind::WholeApproval, "{name}");
    }
    // The unit alone may take fourteen days to answer.
    assert_eq!(shipped("reclaim").whole, None);
    let plain = definition(&node("only", "authority.technical", ""));
    let application = FlowApplication {
        due: Some(at("2026-03-07 09:00:00")),
        ..application()
    };
    assert_eq!(
        Case::begun(plain, town(), application).run.whole,
        None,
        "a flow says so"
    );
}

fn read<T: DeserializeOwned>(name: &str) -> T {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies").join(name);
    toml::from_str(&std::fs::read_to_string(file).unwrap()).unwrap_or_else(|why| panic!("{name}: {why}"))
}

/// The example of docs/domain/rules.md: handed in on Thursday 30 April at 10:00. 1 to 5 May are holidays; 6, 7 and 8 May
/// are worked, so is Saturday 9 May, 10 May is not; the fifth day is Monday 11 May.
#[test]
fn the_term_runs_over_the_holiday_as_a_clerk_would_count_it() {
    let book = RuleBook::new(vec![read::<Edition>("rules/2026-01.toml")]).unwrap();
    let calendar = WorkingCalendar::new(&[read::<CalendarYear>("calendar/2026.toml")]).unwrap();
    let due = |from: Instant, term: &domain::calendar::Term| calendar.due(from, *term).at;
    let (definition, handed_in) = (timed(), at("2026-04-30 10:00:00"));
    let kind = definition.whole.as_ref().unwrap().deadline;
    let application = FlowApplication {
        due: book.due(kind, None, handed_in, &calendar).map(|due| due.at),
        ..application()
    };
    let (mut run, _) = start(&definition, &town(), application, handed_in, &due).unwrap();
    assert_eq!(run.whole.unwrap().due, at("2026-05-12 00:00:00"));
    for (moment, notice) in [
        ("2026-05-08 23:59:59", None),
        ("2026-05-09 00:00:00", Some(Notice::Reminder)),
        ("2026-05-11 23:59:59", None),
        ("2026-05-12 00:00:00", Some(Notice::Overdue)),
        ("2026-05-13 00:00:00", None),
    ] {
        let (after, events) = tick(&run, &definition, &town(), at(moment), &due).unwrap();
        for wanted in [Notice::Reminder, Notice::Overdue] {
            let is_told = !told(&events, wanted).is_empty();
            assert_eq!(is_told, notice == Some(wanted), "{moment} {wanted}");
        }
        run = after;
    }
}
