//! Where an application stands, and what may happen to it there.
//!
//! The stages are the union of what cities publish (lifecycle in docs/sources.md); joining them is a design of ours.

use super::RequestKind;
use crate::registry::words;
use thiserror::Error;

words! {
    /// Where an application stands.
    RequestStatus {
        /// Being written; nobody else sees it.
        Draft = "draft", "草稿";
        /// With the approvers.
        InApproval = "in_approval", "审批中";
        /// Back with the applicant, to be supplemented.
        Returned = "returned", "待补正";
        /// Refused, with reason and advice; a new application may refer to it.
        Refused = "refused", "不予批准";
        /// Taken back by the applicant.
        Withdrawn = "withdrawn", "已撤回";
        /// Approved; a provider is to be chosen.
        Approved = "approved", "待选定云服务商";
        /// Ordered from a provider.
        Ordered = "ordered", "待开通";
        /// Being opened or changed.
        Opening = "opening", "开通中";
        /// Opening failed half way; a person must look.
        Stuck = "stuck", "开通受阻";
        /// On trial until three parties confirm.
        OnTrial = "on_trial", "试运行";
        /// In use, and metered.
        InForce = "in_force", "已正式开通";
        /// An end was announced; the unit may answer.
        Noticed = "noticed", "已通知下线";
        /// Being shut down.
        Ending = "ending", "下线中";
        /// Gone from the node; erasure is to be proven.
        Ended = "ended", "待证明清除";
        /// Erased and complete.
        Archived = "archived", "已归档";
    }
}

words! {
    /// What happens to an application.
    RequestEvent {
        /// The applicant hands it in.
        Submit = "submit", "提交";
        /// An approver returns it to the applicant.
        Return = "return", "退回补正";
        /// The approvers refuse it.
        Refuse = "refuse", "不予批准";
        /// The approvers approve it.
        Approve = "approve", "批准";
        /// The applicant takes it back.
        Withdraw = "withdraw", "撤回";
        /// The authority chooses the provider.
        ChooseProvider = "choose_provider", "选定云服务商";
        /// Nothing of it is opened on the cloud: the unit buys it itself, or builds outside; or what it changes has ended.
        NothingToOpen = "nothing_to_open", "无需开通";
        /// The provider begins.
        Begin = "begin", "开始办理";
        /// It fails half way.
        Fail = "fail", "办理受阻";
        /// Everything ordered is there.
        Opened = "opened", "开通完成";
        /// The third party has confirmed.
        Confirmed = "confirmed", "三方确认";
        /// The trial is over and was not confirmed.
        TrialOverdue = "trial_overdue", "试运行逾期";
        /// The time of notice is over, or the unit agreed.
        NoticeOver = "notice_over", "通知期满";
        /// The unit's objection is accepted.
        Keep = "keep", "保留";
        /// The node no longer has it.
        Gone = "gone", "已删除";
        /// Erasure is proven.
        Erased = "erased", "清除已证明";
    }
}

/// Something that cannot happen here.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{kind}申请当前为「{status}」，不能{event}")]
pub struct StatusError {
    /// Kind of application.
    pub kind: &'static str,
    /// Where it stands.
    pub status: &'static str,
    /// What was to happen.
    pub event: &'static str,
}

/// Where an application of `kind` stands after `event`.
pub fn next(kind: RequestKind, status: RequestStatus, event: RequestEvent) -> Result<RequestStatus, StatusError> {
    use RequestEvent as E;
    use RequestStatus as S;
    let refused = StatusError {
        kind: kind.zh(),
        status: status.zh(),
        event: event.zh(),
    };
    Ok(match (status, event) {
        (S::Draft | S::Returned, E::Submit) => S::InApproval,
        (S::InApproval, E::Return) => S::Returned,
        (S::InApproval, E::Refuse) => S::Refused,
        (S::Draft | S::InApproval | S::Returned, E::Withdraw) => S::Withdrawn,
        (S::InApproval, E::Approve) => after_approval(kind),
        // What was approved is taken back as long as nothing came of it: whoever asks knows the orders. A change stands at
        // "ordered" before it has an order.
        (S::Approved, E::Withdraw) => S::Withdrawn,
        (S::Ordered, E::Withdraw) if kind == RequestKind::Change => S::Withdrawn,
        (S::Stuck, E::Withdraw) if !kind.ends() => S::Withdrawn,
        (S::Approved, E::NothingToOpen) => S::Archived,
        (S::Ordered | S::OnTrial, E::NothingToOpen) if kind == RequestKind::Change => S::Archived,
        (S::Approved, E::ChooseProvider) => S::Ordered,
        // The provider refused, or could not: nothing is there, and another may be chosen.
        (S::Stuck, E::ChooseProvider) if kind == RequestKind::New => S::Ordered,
        (S::Ordered | S::Stuck, E::Begin) if !kind.ends() => S::Opening,
        (S::Stuck, E::Begin) => S::Ending,
        (S::Opening | S::Ending, E::Fail) => S::Stuck,
        (S::Opening, E::Opened) => S::OnTrial,
        (S::OnTrial, E::Confirmed) => S::InForce,
        (S::OnTrial, E::TrialOverdue) => S::Noticed,
        (S::Noticed, E::NoticeOver) => S::Ending,
        (S::Noticed, E::Keep) if kind == RequestKind::Reclaim => S::Withdrawn,
        (S::Noticed, E::Confirmed) if !kind.ends() => S::InForce,
        (S::Ending, E::Gone) => S::Ended,
        (S::Ended, E::Erased) => S::Archived,
        _ => return Err(refused),
    })
}

/// What follows an approval: a new resource needs a provider, a changed one has its own, a longer term needs nobody,
/// an end is announced first.
const fn after_approval(kind: RequestKind) -> RequestStatus {
    match kind {
        RequestKind::New => RequestStatus::Approved,
        RequestKind::Change => RequestStatus::Ordered,
        RequestKind::Extend => RequestStatus::InForce,
        RequestKind::Release | RequestKind::Reclaim => RequestStatus::Noticed,
    }
}

impl RequestStatus {
    /// Whether nothing more happens to the application.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Refused | Self::Withdrawn | Self::InForce | Self::Archived)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn ways(kind: RequestKind) -> Vec<String> {
        let mut ways = Vec::new();
        for status in RequestStatus::ALL {
            for event in RequestEvent::ALL {
                if let Ok(to) = next(kind, *status, *event) {
                    ways.push(format!("{status} {event} -> {to}"));
                }
            }
        }
        ways
    }

    #[test]
    fn the_ways_of_a_new_resource() {
        assert_eq!(
            ways(RequestKind::New),
            [
                "draft submit -> in_approval",
                "draft withdraw -> withdrawn",
                "in_approval return -> returned",
                "in_approval refuse -> refused",
                "in_approval approve -> approved",
                "in_approval withdraw -> withdrawn",
                "returned submit -> in_approval",
                "returned withdraw -> withdrawn",
                "approved withdraw -> withdrawn",
                "approved choose_provider -> ordered",
                "approved nothing_to_open -> archived",
                "ordered begin -> opening",
                "opening fail -> stuck",
                "opening opened -> on_trial",
                "stuck withdraw -> withdrawn",
                "stuck choose_provider -> ordered",
                "stuck begin -> opening",
                "on_trial confirmed -> in_force",
                "on_trial trial_overdue -> noticed",
                "noticed confirmed -> in_force",
                "noticed notice_over -> ending",
                "ending fail -> stuck",
                "ending gone -> ended",
                "ended erased -> archived",
            ]
        );
    }

    #[test]
    fn what_was_approved_is_taken_back_before_it_is_there_and_an_end_is_not() {
        let withdrawn = |kind| -> Vec<String> {
            let ways = ways(kind).into_iter();
            ways.filter_map(|way| Some(way.strip_suffix(" withdraw -> withdrawn")?.to_owned()))
                .collect()
        };
        let early = ["draft", "in_approval", "returned", "approved"];
        assert_eq!(withdrawn(RequestKind::New), [&early[..], &["stuck"]].concat());
        assert_eq!(
            withdrawn(RequestKind::Change),
            [&early[..], &["ordered", "stuck"]].concat()
        );
        assert_eq!(withdrawn(RequestKind::Release), early);
        assert_eq!(withdrawn(RequestKind::Reclaim), early);
    }

    #[test]
    fn a_reclaim_can_be_objected_to_and_a_release_cannot() {
        let only: BTreeSet<String> = ways(RequestKind::Reclaim).into_iter().collect();
        let release: BTreeSet<String> = ways(RequestKind::Release).into_iter().collect();
        let difference: Vec<&String> = only.symmetric_difference(&release).collect();
        assert_eq!(difference, ["noticed keep -> withdrawn"]);
    }

    #[test]
    fn every_status_that_is_not_final_has_a_way_on_to_one_that_is() {
        for kind in RequestKind::ALL {
            for start in RequestStatus::ALL {
                let mut seen = BTreeSet::from([*start]);
                let mut open = vec![*start];
                while let Some(status) = open.pop() {
                    for event in RequestEvent::ALL {
                        if let Ok(to) = next(*kind, status, *event)
                            && seen.insert(to)
                        {
                            open.push(to);
                        }
                    }
                }
                assert!(
                    seen.iter().any(|status| status.is_final()) || !reachable(*kind, *start),
                    "{kind} {start}"
                );
            }
        }
    }

    fn reachable(kind: RequestKind, wanted: RequestStatus) -> bool {
        let mut seen = BTreeSet::from([RequestStatus::Draft]);
        let mut open = vec![RequestStatus::Draft];
        while let Some(status) = open.pop() {
            for event in RequestEvent::ALL {
                if let Ok(to) = next(kind, status, *event)
                    && seen.insert(to)
                {
                    open.push(to);
                }
            }
        }
        seen.contains(&wanted)
    }
}
