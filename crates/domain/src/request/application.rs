//! What an application holds, and whether it can be handed in.

use super::{RequestKind, RequestStatus};
use crate::catalogue::ServiceForm;
use crate::registry::{Measure, PoolKind, ResourceKind, Spec};
use crate::rules::{CryptoConclusion, Purpose};
use kernel::{AccountId, AllocationCode, ContractCode, Day, Instant, NodeCode, OrganisationCode, PoolCode, SystemCode};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use thiserror::Error;

/// One line of an application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestLine {
    /// Its place, from 1.
    pub line: u32,
    /// Kind of resource.
    pub kind: ResourceKind,
    /// Class (volume type, flavor family, product); empty if there is none.
    pub class: String,
    /// The form it is wanted in.
    pub form: ServiceForm,
    /// Kind of pool, for kinds that are in one.
    pub pool: Option<PoolKind>,
    /// What each of them has. For a change: what it shall have.
    pub spec: Spec,
    /// How many of them.
    pub count: u32,
    /// What they are for.
    pub purpose: Purpose,
    /// The first day on which they are no longer needed; none for production without an end.
    pub until: Option<Day>,
    /// Which resource is changed, extended or ended; none for a new one.
    pub allocation: Option<AllocationCode>,
}

impl RequestLine {
    /// The order numbers of its resources: of the one that is there, or of each new one of an application.
    pub fn codes(&self, number: &str) -> Result<Vec<AllocationCode>, kernel::CodeError> {
        match &self.allocation {
            Some(code) => Ok(vec![code.clone()]),
            None => (1..=self.count)
                .map(|ordinal| allocation_code(number, self.line, ordinal))
                .collect(),
        }
    }
}

/// What the unit declares about its system. What it does not say is not known; the rules say what follows.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Declaration {
    /// Whether the system is classified (涉密).
    pub classified: Option<bool>,
    /// Number of its filing certificate.
    pub filing_certificate: Option<String>,
    /// Its crypto plan, by document.
    pub crypto_plan: Option<String>,
    /// The outcome of the plan's assessment.
    pub crypto_assessment: Option<CryptoConclusion>,
    /// Whether the unit wants to build it outside the cloud.
    pub off_cloud: bool,
    /// What the unit wants to buy itself instead, by number of the line.
    pub own_purchases: BTreeMap<u32, String>,
    /// Idle resources that the unit takes up instead of new ones: what an accepted reduction rests on. Nobody writes them.
    pub takes_up: BTreeSet<AllocationCode>,
}

/// An application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceRequest {
    /// Its number.
    pub number: String,
    /// What is asked for.
    pub kind: RequestKind,
    /// The unit that asks, or is asked to give back.
    pub unit: OrganisationCode,
    /// For which system.
    pub system: SystemCode,
    /// Who wrote it.
    pub applicant: AccountId,
    /// Why, in the applicant's words.
    pub reason: String,
    /// The basis: letter, project approval, contract, with its number.
    pub basis: String,
    /// Whom to ask, and how to reach them.
    pub contact: String,
    /// Its lines.
    pub lines: Vec<RequestLine>,
    /// What the unit declares about the system.
    #[serde(default)]
    pub declared: Declaration,
    /// Where it stands.
    pub status: RequestStatus,
    /// When it was written.
    pub created: Instant,
    /// Where it is opened; none until a provider is chosen.
    pub place: Option<Place>,
    /// Times it was saved. A save names the version it read.
    pub version: i64,
}

impl ResourceRequest {
    /// Whether all of it is built outside the cloud.
    pub fn is_off_cloud(&self) -> bool {
        self.kind == RequestKind::New && self.declared.off_cloud
    }

    /// What the unit buys itself instead of a line, if it does.
    fn own_purchase(&self, line: u32) -> Option<&String> {
        let declared = self.declared.own_purchases.get(&line);
        declared.filter(|_| self.kind.adds())
    }

    /// The lines that are carried out on the cloud; neither what the unit buys itself nor what it builds outside. Only
    /// these take room, are priced, ordered and metered.
    pub fn cloud_lines(&self) -> impl Iterator<Item = &RequestLine> {
        let lines = self.lines.iter().filter(move |_| !self.is_off_cloud());
        lines.filter(move |line| self.own_purchase(line.line).is_none())
    }

    /// The resources that are there and that its lines name.
    pub fn named(&self) -> impl Iterator<Item = &AllocationCode> {
        self.lines.iter().filter_map(|line| line.allocation.as_ref())
    }

    /// Whether nothing of it is carried out on the cloud.
    pub fn is_outside(&self) -> bool {
        self.cloud_lines().next().is_none()
    }

    /// What is not carried out on the cloud, in sentences.
    pub fn left_out(&self) -> Vec<String> {
        const LEFT_OUT: &str = "不占用额度，不报价，不在云上开通";
        if self.is_off_cloud() {
            return vec![format!("本申请不上云：{LEFT_OUT}")];
        }
        let own = self
            .lines
            .iter()
            .filter_map(|line| Some((line.line, self.own_purchase(line.line)?)));
        own.map(|(line, what)| format!("第 {line} 行由单位自行采购（{what}）：{LEFT_OUT}"))
            .collect()
    }
}

/// Where an application is opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The provider.
    pub provider: OrganisationCode,
    /// Its node.
    pub node: NodeCode,
    /// The pool on the node.
    pub pool: Option<PoolCode>,
    /// The contract it is ordered under.
    pub contract: ContractCode,
}

/// What is wrong with an application.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RequestFault {
    /// Nothing is asked for.
    #[error("申请至少应有一行资源；系统不上云的，请在声明中写明不上云")]
    NoLines,
    /// New resources in pools of several kinds: an offer is for one pool.
    #[error("一份申请只能使用一类资源池，现有{0}；请按资源池拆分为几份申请")]
    MixedPools(String),
    /// A field is empty.
    #[error("请填写{0}")]
    Empty(&'static str),
    /// A number out of range.
    #[error("第 {0} 行：数量应为 1 至 {max}", max = COUNT_MAX)]
    Count(u32),
    /// More resources than one application may ask for.
    #[error("本申请合计 {0} 个资源，一份申请最多 {max} 个，请分开申请", max = COUNT_IN_ALL_MAX)]
    CountInAll(u64),
    /// A new or changed resource without a specification.
    #[error("第 {0} 行：请填写规格，例如 vcpu=4 memory_gib=8")]
    Spec(u32),
    /// A measure of nothing.
    #[error("第 {0} 行：规格「{1}」必须大于 0")]
    Zero(u32, &'static str),
    /// A resource that is there must be named, and a new one has no name yet.
    #[error("第 {0} 行：{1}申请必须填写已有资源的分配单号")]
    Allocation(u32, &'static str),
    /// A new resource that names one that is there.
    #[error("第 {0} 行：新增申请不填写分配单号；要调整已有资源请使用变更申请")]
    AllocationOfNew(u32),
    /// One resource on two lines.
    #[error("第 {0} 行：分配单号 {1} 在本申请中重复")]
    Twice(u32, AllocationCode),
    /// Everything but production ends some day.
    #[error("第 {0} 行：{1}用途的资源必须填写到期日，到期后自动回收")]
    NoEnd(u32, &'static str),
    /// An end that has passed.
    #[error("第 {0} 行：到期日 {1} 必须晚于今天")]
    Past(u32, Day),
}

/// Most resources on one line.
const COUNT_MAX: u32 = 1_000;

/// Most resources in one application.
const COUNT_IN_ALL_MAX: u64 = 10_000;

/// More resources than an application may ask for, on a line or in all: whoever reckons with them looks here first.
pub fn check_counts(request: &ResourceRequest) -> Vec<RequestFault> {
    let above = request.lines.iter().filter(|line| line.count > COUNT_MAX);
    let above = above.map(|line| RequestFault::Count(line.line));
    above.chain(above_in_all(request)).collect()
}

fn above_in_all(request: &ResourceRequest) -> Option<RequestFault> {
    let in_all = request.lines.iter().map(|line| u64::from(line.count)).sum();
    (in_all > COUNT_IN_ALL_MAX).then_some(RequestFault::CountInAll(in_all))
}

/// Everything that keeps an application from being handed in. `in_pools` are the kinds that live in a pool: where none is
/// named, they are opened in the Xinchuang pool.
pub fn check_application(request: &ResourceRequest, now: Instant, in_pools: &[ResourceKind]) -> Vec<RequestFault> {
    let mut faults = Vec::new();
    let texts = [
        ("申请理由", &request.reason),
        ("申请依据", &request.basis),
        ("联系人", &request.contact),
    ];
    faults.extend(
        texts
            .iter()
            .filter(|(_, text)| text.trim().is_empty())
            .map(|(what, _)| RequestFault::Empty(what)),
    );
    if request.lines.is_empty() && !request.is_off_cloud() {
        faults.push(RequestFault::NoLines);
    }
    let unnamed = |line: &RequestLine| in_pools.contains(&line.kind).then_some(PoolKind::Xinchuang);
    let pools: BTreeSet<PoolKind> = request
        .cloud_lines()
        .filter_map(|line| line.pool.or_else(|| unnamed(line)))
        .collect();
    if request.kind == RequestKind::New && pools.len() > 1 {
        let named: Vec<&str> = pools.iter().map(|pool| pool.zh()).collect();
        faults.push(RequestFault::MixedPools(named.join("、")));
    }
    let mut named = Vec::new();
    for line in &request.lines {
        check_line(request.kind, line, now, &mut faults);
        if let Some(code) = &line.allocation {
            if named.contains(&code) {
                faults.push(RequestFault::Twice(line.line, code.clone()));
            }
            named.push(code);
        }
    }
    faults.extend(above_in_all(request));
    faults
}

/// Whether an application on its way may come into the way of one that is handed in: both change or end what is there. A
/// change on trial keeps nothing from its end: it has no other way out if somebody does not confirm it.
pub fn may_meet(request: &ResourceRequest, other: &ResourceRequest) -> bool {
    let is_on_its_way = other.status != RequestStatus::Draft && !other.status.is_final();
    let is_on_trial = other.kind == RequestKind::Change && other.status == RequestStatus::OnTrial;
    let gives_way = is_on_trial && request.kind.ends();
    let alter = request.kind.alters() && other.kind.alters();
    other.number != request.number && is_on_its_way && alter && !gives_way
}

/// An application on its way that changes or ends a resource which another one is to change or end, and that resource: both
/// would count on it as it is now. What ends a resource ends what hangs on it; `parents` says what hangs on what.
pub fn rival<'a>(
    request: &ResourceRequest,
    others: &'a [ResourceRequest],
    parents: &BTreeMap<AllocationCode, AllocationCode>,
) -> Option<(&'a ResourceRequest, &'a AllocationCode)> {
    let reaches = |kind: RequestKind, code: &AllocationCode, other: &AllocationCode| {
        let above = |code: &&AllocationCode| if kind.ends() { parents.get(*code) } else { None };
        let upwards = std::iter::successors(Some(other), above);
        upwards.take(parents.len().saturating_add(1)).any(|at| at == code)
    };
    let others = others.iter().filter(|other| may_meet(request, other));
    let mut theirs = others.flat_map(|other| other.named().map(move |code| (other, code)));
    theirs.find(|(other, theirs)| {
        request
            .named()
            .any(|ours| reaches(request.kind, ours, theirs) || reaches(other.kind, theirs, ours))
    })
}

fn check_line(kind: RequestKind, line: &RequestLine, now: Instant, faults: &mut Vec<RequestFault>) {
    let place = line.line;
    match (kind, &line.allocation) {
        (RequestKind::New, Some(_)) => faults.push(RequestFault::AllocationOfNew(place)),
        (RequestKind::New, None) | (_, Some(_)) => {}
        (_, None) => faults.push(RequestFault::Allocation(place, kind.zh())),
    }
    if line.count == 0 || line.count > COUNT_MAX || (kind != RequestKind::New && line.count != 1) {
        faults.push(RequestFault::Count(place));
    }
    if matches!(kind, RequestKind::New | RequestKind::Change) {
        if line.spec.is_empty() {
            faults.push(RequestFault::Spec(place));
        }
        let nothing = line.spec.iter().filter(|(_, quantity)| quantity.micros() <= 0);
        faults.extend(nothing.map(|(measure, _): (Measure, _)| RequestFault::Zero(place, measure.zh())));
    }
    match line.until {
        None if !kind.ends() && line.purpose != Purpose::Production => {
            faults.push(RequestFault::NoEnd(place, line.purpose.zh()));
        }
        None if kind == RequestKind::Extend => faults.push(RequestFault::Empty("延期后的到期日")),
        Some(day) if !kind.ends() && day <= now.day() => faults.push(RequestFault::Past(place, day)),
        _ => {}
    }
}

/// The order number of the `ordinal`th resource (from 1) of a line: application, line and ordinal, so that a repeated
/// opening finds what the first one made.
pub fn allocation_code(number: &str, line: u32, ordinal: u32) -> Result<AllocationCode, kernel::CodeError> {
    format!("{number}-{line}-{ordinal}").parse()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::request) fn application(kind: RequestKind) -> ResourceRequest {
        ResourceRequest {
            number: "SQ-202610-0001".into(),
            kind,
            unit: "D01".parse().unwrap(),
            system: "S001".parse().unwrap(),
            applicant: AccountId::from_parts(1, &[1; 10]),
            reason: "系统扩容".into(),
            basis: "春数函〔2026〕12号".into(),
            contact: "王工 0871-0000".into(),
            lines: vec![RequestLine {
                line: 1,
                kind: ResourceKind::Server,
                class: String::new(),
                form: ServiceForm::SharedCloud,
                pool: Some(PoolKind::Xinchuang),
                spec: "vcpu=4 memory_gib=8".parse().unwrap(),
                count: 1,
                purpose: Purpose::Production,
                until: None,
                allocation: (kind != RequestKind::New).then(|| "FP-1".parse().unwrap()),
            }],
            declared: Declaration::default(),
            status: RequestStatus::Draft,
            created: "2026-10-01 09:00:00".parse().unwrap(),
            place: None,
            version: 1,
        }
    }

    #[test]
    fn a_complete_application_has_no_fault() {
        let now = "2026-10-08 09:00:00".parse().unwrap();
        for kind in [
            RequestKind::New,
            RequestKind::Change,
            RequestKind::Release,
            RequestKind::Reclaim,
        ] {
            assert_eq!(check_application(&application(kind), now, &[]), []);
        }
    }

    #[test]
    fn all_faults_are_told_at_once() {
        let now: Instant = "2026-10-08 09:00:00".parse().unwrap();
        let mut bad = application(RequestKind::New);
        bad.reason = " ".into();
        let line = &mut bad.lines[0];
        line.spec = "vcpu=0".parse().unwrap();
        line.count = 0;
        line.purpose = Purpose::Test;
        line.allocation = Some("FP-1".parse().unwrap());
        let mut second = bad.lines[0].clone();
        (second.line, second.until) = (2, Some(now.day()));
        bad.lines.push(second);
        let texts: Vec<String> = check_application(&bad, now, &[])
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            texts,
            [
                "请填写申请理由",
                "第 1 行：新增申请不填写分配单号；要调整已有资源请使用变更申请",
                "第 1 行：数量应为 1 至 1000",
                "第 1 行：规格「vCPU（核）」必须大于 0",
                "第 1 行：测试用途的资源必须填写到期日，到期后自动回收",
                "第 2 行：新增申请不填写分配单号；要调整已有资源请使用变更申请",
                "第 2 行：数量应为 1 至 1000",
                "第 2 行：规格「vCPU（核）」必须大于 0",
                "第 2 行：到期日 2026-10-08 必须晚于今天",
                "第 2 行：分配单号 FP-1 在本申请中重复",
            ]
        );
    }

    #[test]
    fn no_more_is_asked_for_than_can_be_reckoned_with() {
        let mut many = application(RequestKind::New);
        many.lines = vec![many.lines[0].clone(); 10];
        for (line, place) in many.lines.iter_mut().zip(1..) {
            (line.line, line.count) = (place, 1_000);
        }
        // Ten lines of a thousand are the most.
        assert_eq!(check_counts(&many), []);
        many.lines[1].count = u32::MAX;
        assert_eq!(
            check_counts(&many),
            [RequestFault::Count(2), RequestFault::CountInAll(9_000 + 4_294_967_295)]
        );
        many.lines[1].count = 1_000;
        many.lines.push(RequestLine {
            line: 11,
            count: 1,
            ..many.lines[0].clone()
        });
        let one_more = [RequestFault::CountInAll(10_001)];
        assert_eq!(check_counts(&many), one_more);
        let now = "2026-10-08 09:00:00".parse().unwrap();
        assert_eq!(check_application(&many, now, &[]), one_more);
        assert_eq!(
            one_more[0].to_string(),
            "本申请合计 10001 个资源，一份申请最多 10000 个，请分开申请"
        );
    }

    #[test]
    fn one_resource_is_changed_or_ended_by_one_application_at_a_time() {
        use RequestKind::{Change, Extend, New, Reclaim, Release};
        let mine = |kind| ResourceRequest {
            number: "SQ-202610-0002".into(),
            ..application(kind)
        };
        let there = |kind, status| ResourceRequest {
            status,
            ..application(kind)
        };
        let parents = [("FP-2", "FP-1"), ("FP-3", "FP-2")];
        let parents = parents.map(|(child, parent)| (child.parse().unwrap(), parent.parse().unwrap()));
        let parents = BTreeMap::from(parents);
        let found = |kind, others: &[ResourceRequest]| {
            rival(&mine(kind), others, &parents).map(|(other, code)| (other.number.clone(), code.to_string()))
        };
        let first = Some(("SQ-202610-0001".to_owned(), "FP-1".to_owned()));
        for kind in [Change, Release, Reclaim] {
            for other in [Change, Release, Reclaim] {
                for status in RequestStatus::ALL {
                    let is_over = status.is_final() || *status == RequestStatus::Draft;
                    let gives_way = other == Change && *status == RequestStatus::OnTrial && kind.ends();
                    let expected = first.clone().filter(|_| !is_over && !gives_way);
                    assert_eq!(
                        found(kind, &[there(other, *status)]),
                        expected,
                        "{kind} {other} {status}"
                    );
                }
            }
            assert_eq!(found(kind, &[there(Extend, RequestStatus::InApproval)]), None);
            assert_eq!(found(kind, &[mine(kind)]), None, "not its own");
            let mut elsewhere = there(Release, RequestStatus::Noticed);
            elsewhere.lines[0].allocation = Some("FP-4".parse().unwrap());
            assert_eq!(found(kind, &[elsewhere]), None);
            // What hangs on a resource ends with it, and only then.
            let mut beneath = there(Change, RequestStatus::InApproval);
            beneath.lines[0].allocation = Some("FP-3".parse().unwrap());
            let met = Some(("SQ-202610-0001".to_owned(), "FP-3".to_owned()));
            assert_eq!(found(kind, &[beneath.clone()]), met.filter(|_| kind.ends()), "{kind}");
            let mut above = there(Release, RequestStatus::Noticed);
            above.lines[0].allocation = Some("FP-1".parse().unwrap());
            let child = ResourceRequest {
                number: "SQ-202610-0003".into(),
                kind,
                ..beneath
            };
            assert!(rival(&child, &[above], &parents).is_some(), "{kind}");
        }
        for kind in [New, Extend] {
            assert_eq!(found(kind, &[there(Release, RequestStatus::Noticed)]), None, "{kind}");
        }
    }

    #[test]
    fn one_application_is_for_one_kind_of_pool() {
        let now = "2026-10-08 09:00:00".parse().unwrap();
        let mut mixed = application(RequestKind::New);
        let line = |line, pool| RequestLine {
            line,
            pool,
            ..mixed.lines[0].clone()
        };
        let others = [line(2, None), line(3, Some(PoolKind::X86))];
        mixed.lines.extend(others);
        let faults = check_application(&mixed, now, &[]);
        assert!(matches!(faults.as_slice(), [RequestFault::MixedPools(_)]), "{faults:?}");
        let text = faults[0].to_string();
        assert!(text.contains("X86池") && text.contains("拆分为几份申请"), "{text}");
        // Where none is named, it is the Xinchuang pool, for what lives in one.
        let mut unnamed = mixed.clone();
        unnamed.lines.remove(0);
        assert_eq!(check_application(&unnamed, now, &[]), []);
        assert_eq!(check_application(&unnamed, now, &[unnamed.lines[0].kind]), faults);
        // What the unit buys itself is in no pool of the cloud, and what is there already is where it is.
        mixed.declared.own_purchases.insert(3, "小型机".into());
        assert_eq!(check_application(&mixed, now, &[]), []);
        let mut change = application(RequestKind::Change);
        let other = RequestLine {
            line: 2,
            pool: Some(PoolKind::X86),
            allocation: Some("FP-2".parse().unwrap()),
            ..change.lines[0].clone()
        };
        change.lines.push(other);
        assert_eq!(check_application(&change, now, &[]), []);
    }

    #[test]
    fn what_is_outside_the_cloud_is_not_carried_out() {
        let now = "2026-10-08 09:00:00".parse().unwrap();
        let places = |request: &ResourceRequest| request.cloud_lines().map(|line| line.line).collect::<Vec<_>>();
        let mut own = application(RequestKind::New);
        let second = RequestLine {
            line: 2,
            ..own.lines[0].clone()
        };
        own.lines.push(second);
        assert_eq!((places(&own), own.left_out()), (vec![1, 2], Vec::new()));
        own.declared.own_purchases.insert(2, "数据库一体机".into());
        assert_eq!((places(&own), own.is_outside()), (vec![1], false));
        let said = own.left_out();
        assert_eq!(
            said,
            ["第 2 行由单位自行采购（数据库一体机）：不占用额度，不报价，不在云上开通"]
        );
        own.declared.own_purchases.insert(1, "小型机".into());
        assert!(own.is_outside());
        // Whatever is declared, what ends or lasts longer is carried out.
        for kind in [RequestKind::Extend, RequestKind::Release, RequestKind::Reclaim] {
            let mut there = application(kind);
            there.declared.off_cloud = true;
            there.declared.own_purchases.insert(1, "小型机".into());
            assert_eq!((places(&there), there.is_outside()), (vec![1], false), "{kind}");
        }
        // What is built outside needs no line.
        let mut outside = application(RequestKind::New);
        outside.declared.off_cloud = true;
        assert!(outside.is_outside());
        outside.lines.clear();
        assert_eq!(check_application(&outside, now, &[]), []);
        outside.declared.off_cloud = false;
        assert_eq!(check_application(&outside, now, &[]), [RequestFault::NoLines]);
    }

    #[test]
    fn order_numbers_repeat() {
        let code = allocation_code("SQ-202610-0001", 2, 3).unwrap();
        let line = |count, allocation: Option<&str>| RequestLine {
            line: 2,
            count,
            allocation: allocation.map(|code| code.parse().unwrap()),
            ..application(RequestKind::New).lines[0].clone()
        };
        let codes = line(3, None).codes("SQ-202610-0001").unwrap();
        assert_eq!((codes.len(), &codes[2]), (3, &code));
        assert_eq!(
            line(1, Some("OLD-1")).codes("SQ-1").unwrap(),
            ["OLD-1".parse().unwrap()]
        );
        assert_eq!(code.as_str(), "SQ-202610-0001-2-3");
    }
}
