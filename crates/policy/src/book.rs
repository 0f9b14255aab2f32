//! The files of policies, and the versions shipped with the program.

use crate::{Judge, PolicyError, check_expression};
use domain::authz::AccountPolicy;
use domain::calendar::{CalendarYear, WorkingCalendar};
use domain::flow::{FlowDefinition, check_written};
use domain::rules::{Edition, RuleBook, RuleKind};
use kernel::Faults;
use serde::de::DeserializeOwned;

macro_rules! files {
    ($($folder:literal / $($name:literal),+;)+) => {
        &[$($(($folder, $name, include_str!(concat!("../../../policies/", $folder, "/", $name))),)+)+]
    };
}

/// Folder, name and text of every file that is shipped.
const SHIPPED: &[(&str, &str, &str)] = files! {
    "authority" / "administrators.cedar", "authority.cedar", "everybody.cedar", "provider.cedar", "third_parties.cedar",
        "unit.cedar";
    "calendar" / "2025.toml", "2026.toml";
    "flows" / "change.toml", "extend.toml", "new.toml", "reclaim.toml", "release.toml";
    "rules" / "2026-01.toml";
};

/// Everything that is decided by data.
#[derive(Debug)]
pub struct PolicyFiles {
    /// Who may do what.
    pub judge: Judge,
    /// Decision rules and deadlines.
    pub rules: RuleBook,
    /// Working days.
    pub calendar: WorkingCalendar,
    /// Approval flows, every version.
    pub flows: Vec<FlowDefinition>,
}

/// The policies that are shipped with the program.
pub fn shipped() -> Result<PolicyFiles, PolicyError> {
    PolicyFiles::read(&|folder| {
        let files = SHIPPED.iter().filter(|(of, ..)| *of == folder);
        files
            .map(|(_, name, text)| (format!("{folder}/{name}"), (*text).to_owned()))
            .collect()
    })
}

/// The policy of accounts that is shipped with the program.
pub fn shipped_account_policy() -> Result<AccountPolicy, PolicyError> {
    let text = include_str!("../../../policies/accounts.toml");
    toml::from_str(text).map_err(|error| PolicyError::Unreadable {
        file: "accounts.toml".to_owned(),
        why: error.to_string(),
    })
}

impl PolicyFiles {
    /// From files, by folder: `authority`, `calendar`, `flows`, `rules`; name and text of each.
    pub fn read(folder: &dyn Fn(&str) -> Vec<(String, String)>) -> Result<Self, PolicyError> {
        let years: Vec<CalendarYear> = parse_all(folder("calendar"))?;
        let editions: Vec<Edition> = parse_all(folder("rules"))?;
        let rules = RuleBook::new(editions).map_err(PolicyError::Faults)?;
        let mut faults = Faults::new();
        for rule in rules.rules() {
            if let RuleKind::Own { expression, .. } = &rule.kind
                && let Err(why) = check_expression(expression)
            {
                faults.push(0, "", format!("规则 {} 的表达式有误: {why}", rule.code));
            }
        }
        let flows: Vec<FlowDefinition> = parse_all(folder("flows"))?;
        for flow in &flows {
            for fault in check_written(flow).sorted() {
                let text = format!("流程 {} 第 {} 版：{}", flow.code, flow.version, fault.message);
                faults.push(0, "", text);
            }
            if let Some(whole) = &flow.whole
                && rules.deadline(whole.deadline, flow.from).is_none()
            {
                let text = format!(
                    "流程 {} 第 {} 版：生效之日（{}）规则书中没有期限「{}」，请先登记期限，或去掉流程中的 whole",
                    flow.code,
                    flow.version,
                    flow.from.day(),
                    whole.deadline.zh()
                );
                faults.push(0, "", text);
            }
        }
        if !faults.is_empty() {
            return Err(PolicyError::Faults(faults));
        }
        Ok(Self {
            judge: Judge::new(&folder("authority"))?,
            rules,
            calendar: WorkingCalendar::new(&years).map_err(PolicyError::Faults)?,
            flows,
        })
    }
}

fn parse_all<T: DeserializeOwned>(files: Vec<(String, String)>) -> Result<Vec<T>, PolicyError> {
    let parse = |(file, text): (String, String)| {
        toml::from_str(&text).map_err(|error| PolicyError::Unreadable {
            file,
            why: error.to_string(),
        })
    };
    files.into_iter().map(parse).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Why the shipped policies are refused with this change to the flow for new resources.
    fn refused(change: impl Fn(&mut FlowDefinition)) -> String {
        let read = PolicyFiles::read(&|folder| {
            let text = |name: &str, text: &str| {
                if name != "new.toml" {
                    return text.to_owned();
                }
                let mut flow: FlowDefinition = toml::from_str(text).unwrap();
                change(&mut flow);
                toml::to_string(&flow).unwrap()
            };
            let files = SHIPPED.iter().filter(|(of, ..)| *of == folder);
            files
                .map(|(_, name, own)| ((*name).to_owned(), text(name, own)))
                .collect()
        });
        read.map_or_else(|error| error.to_string(), |_| String::new())
    }

    #[test]
    fn a_flow_on_which_nobody_decides_is_refused() {
        assert_eq!(refused(|_| {}), "");
        let error = refused(|flow| {
            for node in &mut flow.nodes {
                node.when.all = vec!["non_xinchuang".to_owned().into()];
            }
        });
        assert!(
            error.contains("流程 new 第 1 版：当 above_catalogue=false，non_xinchuang=false 时没有任何环节参与"),
            "{error}"
        );
    }

    #[test]
    fn a_flow_whose_whole_term_is_not_in_the_rule_book_is_refused() {
        let early = |flow: &mut FlowDefinition| flow.from = "2025-12-31".parse().unwrap();
        let error = refused(early);
        assert!(
            error.contains("流程 new 第 1 版：生效之日（2025-12-31）规则书中没有期限「全部审批」"),
            "{error}"
        );
        let untimed = |flow: &mut FlowDefinition| {
            early(flow);
            flow.whole = None;
        };
        assert_eq!(refused(untimed), "", "one that is not timed needs no deadline");
    }
}
