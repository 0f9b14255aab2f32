//! Organisations of every side, as a tree that changes over time.

use super::{History, Registered, words};
use kernel::{Instant, OrganisationCode, Period};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

words! {
    /// On which side of the government cloud an organisation stands.
    Side {
        /// The data bureau.
        Authority = "authority", "主管部门";
        /// A department that uses the cloud.
        Unit = "unit", "使用单位";
        /// A company that runs cloud nodes.
        Provider = "provider", "云服务商";
        /// The firm that verifies opening and release.
        Supervisor = "supervisor", "监理单位";
        /// The firm that reviews prices and settlements.
        CostAssessor = "cost_assessor", "造价评估机构";
        /// The finance bureau.
        Finance = "finance", "财政部门";
        /// The institute that appraises.
        Evaluator = "evaluator", "第三方评估机构";
    }
}

/// An organisation as it was from one moment on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organisation {
    /// Its code, for ever.
    pub code: OrganisationCode,
    /// Its name at that time.
    pub name: String,
    /// Its side.
    pub side: Side,
    /// The organisation above it.
    pub parent: Option<OrganisationCode>,
    /// The organisation it was merged into; from then on that one answers for its systems.
    pub merged_into: Option<OrganisationCode>,
    /// Whether it is a municipal one, to which the rules for municipal units apply (R1); none if nobody has said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub municipal: Option<bool>,
}

impl Registered for Organisation {
    const REGISTER: &'static str = "organisation";
    const ZH: &'static str = "组织机构";

    fn code(&self) -> String {
        self.code.to_string()
    }
}

/// Longest chain of mergers that is followed; a longer one can only be a circle.
const MERGERS_MAX: usize = 32;

impl History<Organisation> {
    /// Who answers for `code` in each stretch of `within`: itself, or whoever it was merged into by then.
    pub fn answering(&self, code: &OrganisationCode, within: Period) -> Vec<(Period, OrganisationCode)> {
        let mut done = Vec::new();
        let mut open = vec![(within, code.clone(), 0)];
        while let Some((period, code, depth)) = open.pop() {
            let stretches = self.stretches(code.as_str(), period);
            if stretches.is_empty() || depth > MERGERS_MAX {
                done.push((period, code));
                continue;
            }
            let known_from = stretches.first().map_or(period.to(), |(p, _)| p.from());
            done.extend(Period::new(period.from(), known_from).ok().map(|p| (p, code.clone())));
            for (stretch, body) in stretches {
                match &body.merged_into {
                    Some(heir) => open.push((stretch, heir.clone(), depth + 1)),
                    None => done.push((stretch, code.clone())),
                }
            }
        }
        done.sort();
        done
    }

    /// The organisations above one at a moment, the nearest first. A circle, which imports refuse, ends where it begins.
    pub fn above(&self, code: &OrganisationCode, at: Instant) -> Vec<OrganisationCode> {
        let parent = |code: &OrganisationCode| self.at(code.as_str(), at)?.parent.clone();
        let mut chain: Vec<OrganisationCode> = Vec::new();
        let mut next = parent(code);
        while let Some(above) = next.filter(|above| above != code && !chain.contains(above)) {
            next = parent(&above);
            chain.push(above);
        }
        chain
    }

    /// An organisation and all below it at a moment.
    pub fn own_and_below(&self, own: &OrganisationCode, at: Instant) -> BTreeSet<OrganisationCode> {
        let below = self.all_at(at).filter(|o| self.above(&o.code, at).contains(own));
        below.map(|o| o.code.clone()).chain([own.clone()]).collect()
    }

    /// The name at a moment; the code if there was none.
    pub fn name_at(&self, code: &str, at: Instant) -> String {
        self.at(code, at).map_or_else(|| code.to_owned(), |o| o.name.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::Version;

    fn organisation(code: &str, name: &str, merged_into: Option<&str>) -> Organisation {
        Organisation {
            code: code.parse().unwrap(),
            name: name.into(),
            side: Side::Unit,
            parent: None,
            merged_into: merged_into.map(|c| c.parse().unwrap()),
            municipal: None,
        }
    }

    #[test]
    fn a_merged_department_is_answered_for_by_its_heir() {
        let mut history = History::default();
        let at = |t: &str| t.parse::<Instant>().unwrap();
        for (from, body) in [
            ("2026-01-01", organisation("D1", "甲局", None)),
            ("2026-01-01", organisation("D2", "乙局", None)),
            ("2026-03-10", organisation("D1", "甲局", Some("D2"))),
            ("2026-03-10", organisation("D2", "甲乙局", None)),
        ] {
            history
                .add(Version {
                    valid_from: at(from),
                    body,
                })
                .unwrap();
        }
        let march = "2026-03".parse::<kernel::Month>().unwrap().period();
        let who: Vec<_> = history
            .answering(&"D1".parse().unwrap(), march)
            .into_iter()
            .map(|(p, c)| (p.days(), c.to_string()))
            .collect();
        assert_eq!(who, [(9, "D1".to_string()), (22, "D2".to_string())]);
        assert_eq!(history.name_at("D2", at("2026-03-09")), "乙局");
        assert_eq!(history.name_at("D2", at("2026-03-10")), "甲乙局");
    }

    #[test]
    fn the_tree_is_walked_both_ways_and_a_circle_ends() {
        let mut history = History::default();
        let under = |code: &str, parent: &str| Organisation {
            parent: Some(parent.parse().unwrap()),
            ..organisation(code, "局", None)
        };
        let since = |at: &str, body| Version {
            valid_from: at.parse().unwrap(),
            body,
        };
        for version in [
            since("2026-01-01", organisation("D1", "局", None)),
            since("2026-01-01", under("D2", "D1")),
            since("2026-01-01", under("D3", "D2")),
            since("2026-06-01", under("D3", "D1")),
            since("2026-01-01", under("X1", "X2")),
            since("2026-01-01", under("X2", "X1")),
        ] {
            history.add(version).unwrap();
        }
        let texts = |codes: Vec<OrganisationCode>| codes.iter().map(ToString::to_string).collect::<Vec<_>>();
        let above = |code: &str, at: &str| texts(history.above(&code.parse().unwrap(), at.parse().unwrap()));
        assert_eq!(above("D3", "2026-03-01"), ["D2", "D1"]);
        assert_eq!(above("D3", "2026-06-01"), ["D1"]);
        assert_eq!(above("X1", "2026-03-01"), ["X2"]);
        let below = |code: &str, at: &str| {
            let all = history.own_and_below(&code.parse().unwrap(), at.parse().unwrap());
            texts(all.into_iter().collect())
        };
        assert_eq!(below("D2", "2026-03-01"), ["D2", "D3"]);
        assert_eq!(below("D2", "2026-06-01"), ["D2"]);
        assert_eq!(below("nobody", "2026-03-01"), ["nobody"]);
    }
}
