//! Whether a definition can come into force: every application must find somebody to decide it, and an end.

use super::definition::{APPLICANT, Fact, FlowDefinition, FlowNode, FlowNodeCode, Holder, Mode};
use super::directory::Directory;
use kernel::{AccountId, Faults, OrganisationCode};
use std::collections::{BTreeMap, BTreeSet};

/// More facts than this in conditions are not tried out in all combinations.
const FACTS_MAX: usize = 12;
/// So many organisations are named in a fault.
const NAMED_MAX: usize = 5;

/// An organisation that may apply, and a provider it may be about.
type Context<'a> = (&'a OrganisationCode, Option<&'a OrganisationCode>);

/// All that is wrong with a definition as it is written, whoever has which role: also a way on which nobody decides.
/// Rows are 0: a definition has none.
pub fn check_written(definition: &FlowDefinition) -> Faults {
    let mut faults = Faults::new();
    check_head(definition, &mut faults);
    check_shape(definition, &mut faults);
    check_conditions(definition, &mut faults);
    faults
}

/// All that is wrong with a definition, given who has which role today. Rows are 0: a definition has none.
pub fn check_definition(definition: &FlowDefinition, directory: &Directory) -> Faults {
    let mut faults = check_written(definition);
    check_people(definition, directory, &mut faults);
    faults
}

fn fault(faults: &mut Faults, node: &FlowNode, text: impl std::fmt::Display) {
    faults.push(0, "", format!("环节「{}」（{}）：{text}", node.name, node.code));
}

fn check_head(definition: &FlowDefinition, faults: &mut Faults) {
    let filled = [
        (&definition.code, "流程编码"),
        (&definition.name, "流程名称"),
        (&definition.source, "来源"),
        (&definition.approver, "批准人"),
    ];
    for (text, what) in filled {
        if text.trim().is_empty() {
            faults.push(0, "", format!("{what}未填写，请补充"));
        }
    }
    if definition.version == 0 {
        faults.push(0, "", "版本号应从 1 起");
    }
    if definition.to.is_some_and(|to| to <= definition.from) {
        faults.push(0, "", "失效时间必须晚于生效时间");
    }
    if definition.kinds.is_empty() {
        faults.push(0, "", "没有写明适用的申请类别，请至少填写一类");
    }
    if definition.nodes.is_empty() {
        faults.push(0, "", "没有任何环节，申请将无人审批，请至少配置一个环节");
    }
}

fn check_shape(definition: &FlowDefinition, faults: &mut Faults) {
    let mut seen: BTreeSet<&FlowNodeCode> = BTreeSet::new();
    for node in &definition.nodes {
        if node.code.as_str().trim().is_empty() || node.code.as_str() == APPLICANT {
            fault(faults, node, format!("环节编码不能为空，也不能是保留字 {APPLICANT}"));
        }
        if !seen.insert(&node.code) {
            fault(faults, node, "环节编码重复，请改为不同的编码");
        }
        if node.name.trim().is_empty() || node.source.trim().is_empty() {
            fault(
                faults,
                node,
                "环节名称和来源都必须填写；来源未公布的请写 design 或 example",
            );
        }
        if node.who.is_empty() {
            fault(faults, node, "没有指定办理角色");
        }
        if node.mode == Mode::Quorum(0) {
            fault(faults, node, "表决人数至少为 1");
        }
        if node.term.is_none() && (node.remind_before.is_some() || node.escalate_to.is_some()) {
            fault(
                faults,
                node,
                "配置了提醒或升级，但没有办理期限；请填写期限或去掉提醒和升级",
            );
        }
        check_references(definition, node, faults);
    }
    let mut groups: BTreeSet<&String> = BTreeSet::new();
    for stage in definition.stages() {
        let Some((first, group)) = stage.first().and_then(|n| Some((n, n.group.as_ref()?))) else {
            continue;
        };
        if !groups.insert(group) {
            fault(
                faults,
                first,
                format!("并行组「{group}」的环节不相邻，请把同组环节排在一起"),
            );
        }
    }
}

fn check_references(definition: &FlowDefinition, node: &FlowNode, faults: &mut Faults) {
    let place = definition.stage_of(&node.code);
    for target in node.may_return_to.iter().filter(|t| t.as_str() != APPLICANT) {
        match definition.stage_of(target) {
            None => fault(faults, node, format!("退回目标「{target}」不存在")),
            stage if stage >= place => fault(faults, node, format!("退回目标「{target}」不在本环节之前")),
            Some(_) => {}
        }
    }
    for other in &node.distinct_from {
        if *other == node.code {
            fault(faults, node, "职责分离不能指向本环节自身");
        } else if definition.node(other).is_none() {
            fault(faults, node, format!("职责分离的环节「{other}」不存在"));
        }
    }
}

fn check_conditions(definition: &FlowDefinition, faults: &mut Faults) {
    let used: BTreeSet<&Fact> = definition.nodes.iter().flat_map(|n| n.when.facts()).collect();
    for fact in used.iter().filter(|f| !definition.facts.contains_key(**f)) {
        faults.push(
            0,
            "",
            format!("条件用到的事实「{fact}」没有在 facts 中说明，请补充其含义"),
        );
    }
    if used.len() > FACTS_MAX {
        faults.push(0, "", format!("条件用到的事实超过 {FACTS_MAX} 个，请拆分流程"));
        return;
    }
    let worlds = worlds(&used.into_iter().collect::<Vec<_>>());
    for node in &definition.nodes {
        if !worlds.iter().any(|w| node.when.holds(w)) {
            fault(faults, node, "进入条件永远不成立，该环节不可到达");
        }
        for target in node.may_return_to.iter().filter_map(|t| definition.node(t)) {
            if !worlds.iter().any(|w| node.when.holds(w) && target.when.holds(w)) {
                fault(faults, node, format!("退回目标「{}」从不与本环节同时出现", target.code));
            }
        }
    }
    let dead = worlds
        .iter()
        .find(|w| !definition.nodes.iter().any(|n| n.when.holds(w)));
    if let Some(world) = dead.filter(|_| !definition.nodes.is_empty()) {
        let named: Vec<_> = world.iter().map(|(f, is)| format!("{f}={is}")).collect();
        let named = named.join("，");
        faults.push(
            0,
            "",
            format!("当 {named} 时没有任何环节参与，申请将无人审批；请增加无条件的环节"),
        );
    }
}

/// Every way the facts can be.
fn worlds(facts: &[&Fact]) -> Vec<BTreeMap<Fact, bool>> {
    facts.iter().fold(vec![BTreeMap::new()], |worlds, fact| {
        let with = |mut world: BTreeMap<Fact, bool>, is| {
            world.insert((*fact).clone(), is);
            world
        };
        let both = |world: BTreeMap<Fact, bool>| [with(world.clone(), false), with(world, true)];
        worlds.into_iter().flat_map(both).collect()
    })
}

/// Who could decide what, in one context, if one account applies.
struct People<'a> {
    directory: &'a Directory,
    context: Context<'a>,
    applicant: AccountId,
}

impl People<'_> {
    fn of<'h>(&self, holders: impl IntoIterator<Item = &'h Holder>) -> BTreeSet<AccountId> {
        let (organisation, provider) = self.context;
        let filling = |h: &Holder| self.directory.filling(h, organisation, provider);
        let all = holders.into_iter().flat_map(filling).map(|(account, _)| account);
        all.filter(|a| *a != self.applicant).collect()
    }

    fn instead(&self, node: &FlowNode) -> BTreeSet<AccountId> {
        self.of(node.fallback.iter().chain(&node.escalate_to))
    }

    /// What is missing for the node to be decided.
    fn lack(&self, node: &FlowNode) -> Option<String> {
        let instead = self.instead(node);
        let nobody = |holder: &&Holder| self.of([*holder]).is_empty();
        let roles = |holders: Vec<&Holder>| {
            let names: Vec<_> = holders.iter().map(|h| h.role.zh()).collect();
            format!("除申请人外没有「{}」可以办理，也没有后备人员", names.join("、"))
        };
        match node.mode {
            Mode::Sequence => {
                let empty: Vec<_> = node.who.iter().filter(nobody).collect();
                (!empty.is_empty() && instead.is_empty()).then(|| roles(empty))
            }
            Mode::Single | Mode::All => {
                let lacks = self.of(&node.who).is_empty() && instead.is_empty();
                lacks.then(|| roles(node.who.iter().collect()))
            }
            Mode::Quorum(n) => {
                let wanted = usize::try_from(n).unwrap_or(usize::MAX);
                let held: BTreeSet<_> = self.of(&node.who).union(&instead).copied().collect();
                (held.len() < wanted).then(|| format!("要求 {n} 人同意，但除申请人外至多 {} 人", held.len()))
            }
        }
    }

    /// Whether two nodes that must be decided by different people have fewer than two people between them.
    fn lacks_two(&self, one: &FlowNode, other: &FlowNode) -> bool {
        let all = |node: &FlowNode| {
            self.of(&node.who)
                .union(&self.instead(node))
                .copied()
                .collect::<BTreeSet<_>>()
        };
        all(one).union(&all(other)).count() < 2
    }
}

fn check_people(definition: &FlowDefinition, directory: &Directory, faults: &mut Faults) {
    let units = directory.of_side(definition.about);
    if !units
        .iter()
        .any(|unit| !applicants(definition, directory, (unit, None)).is_empty())
    {
        let role = definition.applicant.role.zh();
        faults.push(
            0,
            "",
            format!("没有任何组织有「{role}」，流程无人可以发起；请先指派角色"),
        );
    }
    let providers = providers(definition, directory);
    let named = definition
        .nodes
        .iter()
        .flat_map(FlowNode::holders)
        .chain(definition.whole.iter().flat_map(|whole| &whole.tell))
        .filter_map(|h| h.at.named());
    for code in named.filter(|code| !directory.knows(code)).collect::<BTreeSet<_>>() {
        faults.push(0, "", format!("指定的组织「{code}」不存在，请先登记组织"));
    }
    // One fault a node and reason, with the organisations it hits.
    let mut found: BTreeMap<(usize, String), BTreeSet<String>> = BTreeMap::new();
    for (unit, provider) in units.iter().flat_map(|u| providers.iter().map(|p| (*u, *p))) {
        for applicant in applicants(definition, directory, (unit, provider)) {
            let people = People {
                directory,
                context: (unit, provider),
                applicant,
            };
            for (place, text) in lacks(definition, &people) {
                let label = provider.map_or_else(|| unit.to_string(), |p| format!("{unit}/{p}"));
                found.entry((place, text)).or_default().insert(label);
            }
        }
    }
    for ((place, text), labels) in found {
        let Some(node) = definition.nodes.get(place) else {
            continue;
        };
        let shown: Vec<_> = labels.iter().take(NAMED_MAX).map(String::as_str).collect();
        let more = if labels.len() > NAMED_MAX { "等" } else { "" };
        let which = format!("{}{more} {} 种情形", shown.join("、"), labels.len());
        fault(faults, node, format!("{text}（{which}）；请指派人员或配置后备角色"));
    }
}

/// Who could apply, in a context.
fn applicants(definition: &FlowDefinition, directory: &Directory, (unit, provider): Context<'_>) -> Vec<AccountId> {
    let filling = directory.filling(&definition.applicant, unit, provider);
    filling.into_iter().map(|(account, _)| account).collect()
}

fn lacks(definition: &FlowDefinition, people: &People<'_>) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (place, node) in definition.nodes.iter().enumerate() {
        found.extend(people.lack(node).map(|text| (place, text)));
        let others = node.distinct_from.iter().filter_map(|code| definition.node(code));
        for other in others.filter(|other| people.lacks_two(node, other)) {
            found.push((
                place,
                format!("须与「{}」由不同的人办理，但两环节合计不足两人", other.name),
            ));
        }
    }
    found
}

/// The providers an application may be about; only none if no node asks.
fn providers<'d>(definition: &FlowDefinition, directory: &'d Directory) -> Vec<Option<&'d OrganisationCode>> {
    let mut named = definition
        .nodes
        .iter()
        .flat_map(FlowNode::holders)
        .chain([&definition.applicant]);
    let asks = named.any(|h| h.at == super::Place::Provider);
    let all = directory.of_side(crate::registry::Side::Provider);
    if asks && !all.is_empty() {
        return all.into_iter().map(Some).collect();
    }
    vec![None]
}
