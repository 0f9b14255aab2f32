//! The definitions that ship.

use crate::world::{organisation, town, who};
use domain::authz::Role;
use domain::flow::{Directory, FlowDefinition, check_definition};
use domain::registry::Side;
use std::path::Path;

pub fn shipped(name: &str) -> FlowDefinition {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies/flows");
    let text = std::fs::read_to_string(folder.join(name).with_extension("toml")).unwrap();
    toml::from_str(&text).unwrap_or_else(|e| panic!("{name}: {e}"))
}

const SHIPPED: [&str; 5] = ["change", "extend", "new", "reclaim", "release"];

/// The town with a second unit and somebody else to propose reclaims, roles and settlements.
fn full() -> Directory {
    let mut town = town();
    town.add_organisation(organisation("D2"), Side::Unit, None);
    town.grant(who("clerk2"), Role::UnitApplicant, organisation("D2"));
    town.grant(who("head2"), Role::UnitHead, organisation("D2"));
    town
}

#[test]
fn every_shipped_flow_loads_and_can_come_into_force() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies/flows");
    let mut found: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|f| f.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    found.sort();
    assert_eq!(found, SHIPPED, "a flow that is not checked does not ship");
    for name in SHIPPED {
        let flow = shipped(name);
        assert_eq!(
            (flow.code.as_str(), flow.kinds.as_slice()),
            (name, &[name.to_owned()][..])
        );
        let faults = check_definition(&flow, &full());
        assert!(faults.is_empty(), "{name}:\n{faults}");
        let again: FlowDefinition = toml::from_str(&toml::to_string(&flow).unwrap()).unwrap();
        assert_eq!(again, flow, "{name} reads back");
    }
}

#[test]
fn a_unit_without_a_head_and_an_authority_without_experts_are_found() {
    let mut town = full();
    town.revoke(who("head2"), Role::UnitHead, &organisation("D2"));
    town.disable(who("secretary"));
    let faults = check_definition(&shipped("new"), &town).to_string();
    let lines: Vec<_> = faults.lines().collect();
    assert_eq!(lines.len(), 2, "{faults}");
    assert!(
        lines[0].contains("本单位负责人审核") && lines[0].contains("（D2 1 种情形）"),
        "{faults}"
    );
    assert!(lines[1].contains("专家论证") && lines[1].contains("D1、D2"), "{faults}");
}

#[test]
fn a_node_goes_to_its_holders_else_to_the_fallback_else_to_those_above() {
    let mut town = town();
    let flow = shipped("new");
    let holder = |role| flow.nodes.iter().flat_map(|n| &n.who).find(|h| h.role == role).cloned();
    let mut node = flow.nodes[0].clone();
    node.who = holder(Role::UnitHead).into_iter().collect();
    node.fallback = holder(Role::AuthorityIntake);
    node.escalate_to = holder(Role::AuthorityLeader);
    let unit = organisation("D1");
    let get = |town: &Directory| {
        let found = town.would_get(&node, (&unit, None), who("intake2"));
        found.into_iter().collect::<Vec<_>>()
    };
    assert_eq!(get(&town), [who("head")]);
    town.disable(who("head"));
    assert_eq!(get(&town), [who("intake1")], "never who applies");
    town.disable(who("intake1"));
    assert_eq!(get(&town), [who("leader1"), who("leader2")]);
}

#[test]
fn every_fault_of_a_definition_is_listed() {
    let mut flow = shipped("new");
    flow.approver.clear();
    flow.kinds.clear();
    flow.to = Some(flow.from);
    flow.nodes[0].may_return_to = vec!["leader".into(), "nowhere".into()];
    flow.nodes[0].distinct_from = vec!["unit".into(), "nobody".into()];
    flow.nodes[1].mode = domain::flow::Mode::Quorum(9);
    flow.nodes[1].group = Some("g".into());
    flow.nodes[3].group = Some("g".into());
    flow.nodes[3].when.all = vec!["!non_xinchuang".to_owned().into(), "non_xinchuang".to_owned().into()];
    flow.nodes[4].code = "applicant".into();
    flow.nodes[4].when.all = vec!["unheard".to_owned().into()];
    flow.nodes[4].remind_before = Some("1d".parse().unwrap());
    let faults = check_definition(&flow, &full()).to_string();
    for part in [
        "批准人未填写",
        "没有写明适用的申请类别",
        "失效时间必须晚于生效时间",
        "退回目标「nowhere」不存在",
        "职责分离不能指向本环节自身",
        "职责分离的环节「nobody」不存在",
        "要求 9 人同意，但除申请人外至多 3 人",
        "并行组「g」的环节不相邻",
        "永远不成立，该环节不可到达",
        "保留字 applicant",
        "事实「unheard」没有在 facts 中说明",
        "没有办理期限",
    ] {
        assert!(faults.contains(part), "{part} is missing in:\n{faults}");
    }
    for node in &mut flow.nodes {
        node.when.all = vec!["non_xinchuang".to_owned().into()];
    }
    let faults = check_definition(&flow, &full()).to_string();
    assert!(faults.contains("没有任何环节参与"), "{faults}");
    let bad = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies/flows/new.toml"));
    let bad = bad.unwrap().replace("\"3wd\"", "\"three\"");
    let error = toml::from_str::<FlowDefinition>(&bad).unwrap_err().to_string();
    assert!(error.contains("期限「three」无法识别"), "{error}");
}

#[test]
fn every_source_a_flow_names_is_in_the_list_of_sources() {
    let listed = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/sources.md")).unwrap();
    for name in SHIPPED {
        let flow = shipped(name);
        let all = flow.nodes.iter().map(|n| &n.source).chain([&flow.source]);
        for key in all.flat_map(|text| text.split(',')).map(str::trim) {
            let ours = ["design", "example"].contains(&key);
            assert!(ours || listed.contains(&format!("| `{key}` |")), "{name} names {key}");
        }
    }
}
