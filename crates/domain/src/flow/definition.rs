//! A flow as data.

use crate::authz::Role;
use crate::calendar::Term;
use crate::registry::Side;
use crate::rules::DeadlineKind;
use kernel::{Instant, OrganisationCode};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The code under which the applicant stands as a target of returns. No node may have it.
pub const APPLICANT: &str = "applicant";

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    )*};
}

names! {
    /// Code of a node within its flow.
    FlowNodeCode;
    /// Something that is true or false of an application and is frozen at submission, such as `non_xinchuang`.
    Fact;
}

/// In whose organisation a role is looked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// The organisation the application is about: the applicant's own, as a rule.
    Applicant,
    /// The organisation above it.
    Parent,
    /// The authority.
    Authority,
    /// The provider the application is about.
    Provider,
    /// The supervisor.
    Supervisor,
    /// The cost assessor.
    CostAssessor,
    /// Finance.
    Finance,
    /// The evaluator.
    Evaluator,
    /// One organisation, by its code.
    Named(OrganisationCode),
}

impl Place {
    /// The organisation it names by code.
    pub const fn named(&self) -> Option<&OrganisationCode> {
        match self {
            Self::Named(code) => Some(code),
            _ => None,
        }
    }
}

/// A role in an organisation: whoever has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holder {
    /// The role.
    pub role: Role,
    /// Where.
    pub at: Place,
}

/// How many of those who have the role decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// One of them claims and decides.
    #[default]
    Single,
    /// Everybody who had the role when the node was entered signs (会签).
    All,
    /// So many of them agree; refused once that cannot be reached any more.
    Quorum(u32),
    /// One holder of each entry of `who`, one after the other.
    Sequence,
}

/// A fact that must be true, or false if written with a leading `!`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct FactTest {
    /// The fact.
    pub fact: Fact,
    /// What it must be.
    pub is: bool,
}

impl From<String> for FactTest {
    fn from(text: String) -> Self {
        let text = text.trim();
        match text.strip_prefix('!') {
            Some(fact) => Self {
                fact: fact.trim().into(),
                is: false,
            },
            None => Self {
                fact: text.into(),
                is: true,
            },
        }
    }
}

impl From<FactTest> for String {
    fn from(test: FactTest) -> Self {
        format!("{}{}", if test.is { "" } else { "!" }, test.fact)
    }
}

/// When a node takes part: all of `all`, and one of `any` unless that is empty. Both empty: always.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct When {
    /// Every one must hold.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub all: Vec<FactTest>,
    /// One at least must hold.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub any: Vec<FactTest>,
}

impl When {
    /// Whether the node takes part, given the facts. A fact that is not given fulfils no test.
    pub fn holds(&self, facts: &BTreeMap<Fact, bool>) -> bool {
        let fits = |test: &FactTest| facts.get(&test.fact) == Some(&test.is);
        self.all.iter().all(fits) && (self.any.is_empty() || self.any.iter().any(fits))
    }

    /// The facts it asks for.
    pub fn facts(&self) -> impl Iterator<Item = &Fact> {
        self.all.iter().chain(&self.any).map(|t| &t.fact)
    }
}

/// One node of a flow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlowNode {
    /// Its code.
    pub code: FlowNodeCode,
    /// Its name, as people see it.
    pub name: String,
    /// Where it comes from: a key of docs/sources.md, or `design` or `example` if it is ours.
    pub source: String,
    /// Who decides.
    pub who: Vec<Holder>,
    /// How many of them.
    #[serde(default)]
    pub mode: Mode,
    /// When it takes part.
    #[serde(default)]
    pub when: When,
    /// Neighbouring nodes of the same group run at the same time and join before the next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// How long a task may take; none is not configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub term: Option<Term>,
    /// How long before the end of the term to remind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remind_before: Option<Term>,
    /// Who may decide as well once the term is over. Seats of a countersign are not taken over: they are only told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalate_to: Option<Holder>,
    /// Who decides if nobody else can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<Holder>,
    /// Nodes it may return to; [`APPLICANT`] for the applicant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub may_return_to: Vec<FlowNodeCode>,
    /// Whether whoever decides may ask others to sign too.
    #[serde(default)]
    pub may_add_sign: bool,
    /// Whether a task may be handed to another holder of the role.
    #[serde(default)]
    pub may_transfer: bool,
    /// Nodes that nobody may decide who decides this one, and the other way round.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub distinct_from: Vec<FlowNodeCode>,
}

impl FlowNode {
    /// Everybody it names: holders, fallback, those above.
    pub fn holders(&self) -> impl Iterator<Item = &Holder> {
        self.who.iter().chain(&self.fallback).chain(&self.escalate_to)
    }
}

/// The term of the whole approval. It warns; nothing is decided by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WholeTerm {
    /// The deadline of the rule book that says how long it may take.
    pub deadline: DeadlineKind,
    /// How long before its end to remind those who have a task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remind_before: Option<Term>,
    /// Who is told, beside those who have a task, once it went by.
    #[serde(default)]
    pub tell: Vec<Holder>,
}

/// A version of a flow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlowDefinition {
    /// Its code.
    pub code: String,
    /// Its version, from 1. A change is a higher version.
    pub version: u32,
    /// Its name.
    pub name: String,
    /// From when on applications may begin with it.
    pub from: Instant,
    /// Until when; none is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Instant>,
    /// Where it comes from: keys of docs/sources.md, `design`, `example`.
    pub source: String,
    /// Who put it into force.
    pub approver: String,
    /// Kinds of application it is for.
    pub kinds: Vec<String>,
    /// On which side the organisation stands that an application is about.
    #[serde(default = "unit")]
    pub about: Side,
    /// Who applies. A colleague takes over when no applicant's account is active any more.
    pub applicant: Holder,
    /// How long the whole approval may take; none is not timed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whole: Option<WholeTerm>,
    /// The facts that are frozen at submission, each with what it means.
    #[serde(default)]
    pub facts: BTreeMap<Fact, String>,
    /// The nodes, in order.
    #[serde(rename = "node")]
    pub nodes: Vec<FlowNode>,
}

const fn unit() -> Side {
    Side::Unit
}

impl FlowDefinition {
    /// The node of a code.
    pub fn node(&self, code: &FlowNodeCode) -> Option<&FlowNode> {
        self.nodes.iter().find(|n| n.code == *code)
    }

    /// The nodes by stage: each stage is one node, or neighbours of one group.
    pub fn stages(&self) -> Vec<Vec<&FlowNode>> {
        let mut stages: Vec<Vec<&FlowNode>> = Vec::new();
        for node in &self.nodes {
            let same = |stage: &&mut Vec<&FlowNode>| {
                node.group.is_some() && stage.first().is_some_and(|first| first.group == node.group)
            };
            match stages.last_mut().filter(same) {
                Some(stage) => stage.push(node),
                None => stages.push(vec![node]),
            }
        }
        stages
    }

    /// Which stage a node is in.
    pub fn stage_of(&self, code: &FlowNodeCode) -> Option<usize> {
        let stages = self.stages();
        stages.iter().position(|stage| stage.iter().any(|n| n.code == *code))
    }

    /// Nodes that must be decided by other people than `node`, whichever of the two says so.
    pub fn distinct<'a>(&'a self, node: &'a FlowNode) -> BTreeSet<&'a FlowNodeCode> {
        let others = self.nodes.iter().filter(|n| n.distinct_from.contains(&node.code));
        node.distinct_from.iter().chain(others.map(|n| &n.code)).collect()
    }

    /// Whether applications may begin with it at a moment.
    pub fn is_effective(&self, at: Instant) -> bool {
        self.from <= at && self.to.is_none_or(|to| at < to)
    }
}
