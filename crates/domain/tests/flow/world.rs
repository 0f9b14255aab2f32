//! A small town: one unit, one authority, and people by name.

use domain::authz::Role;
use domain::calendar::Term;
use domain::flow::{
    Act, Directory, FlowApplication, FlowDefinition, FlowEvent, FlowRefusal, FlowRun, FlowTask, act, start, tick,
};
use domain::registry::Side;
use kernel::{AccountId, Instant, OrganisationCode};

/// The account of a name; always the same.
pub fn who(name: &str) -> AccountId {
    let mut bytes = [0; 10];
    bytes.iter_mut().zip(name.bytes()).for_each(|(b, n)| *b = n);
    AccountId::from_parts(1, &bytes)
}

pub fn organisation(code: &str) -> OrganisationCode {
    code.parse().unwrap()
}

pub fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

/// Terms without a calendar: a working day is a day.
pub fn due(from: Instant, term: &Term) -> Instant {
    match term {
        Term::WorkingDays(n) | Term::CalendarDays(n) => from.plus_s(i64::from(*n) * 86_400),
        Term::Hours(n) => from.plus_s(i64::from(*n) * 3_600),
    }
}

/// Unit D1 with an applicant and a head, authority A1 with two in every role, supervisor S1, cost assessor C1,
/// finance F1.
pub fn town() -> Directory {
    let mut town = Directory::default();
    town.add_organisation(organisation("A1"), Side::Authority, None);
    town.add_organisation(organisation("D1"), Side::Unit, Some(organisation("A1")));
    town.add_organisation(organisation("S1"), Side::Supervisor, None);
    town.add_organisation(organisation("C1"), Side::CostAssessor, None);
    town.add_organisation(organisation("F1"), Side::Finance, None);
    for (name, role, house) in [
        ("clerk", Role::UnitApplicant, "D1"),
        ("head", Role::UnitHead, "D1"),
        ("intake1", Role::AuthorityIntake, "A1"),
        ("intake2", Role::AuthorityIntake, "A1"),
        ("tech1", Role::AuthorityTechnical, "A1"),
        ("tech2", Role::AuthorityTechnical, "A1"),
        ("leader1", Role::AuthorityLeader, "A1"),
        ("leader2", Role::AuthorityLeader, "A1"),
        ("secretary", Role::ExpertSecretary, "A1"),
        ("ops", Role::AuthorityOperations, "A1"),
        ("money", Role::AuthorityFinance, "A1"),
        ("security", Role::SecurityAdmin, "A1"),
        ("engineer", Role::SupervisorEngineer, "S1"),
        ("chief", Role::SupervisorHead, "S1"),
        ("cost", Role::CostEngineer, "C1"),
        ("finance", Role::FinanceOfficer, "F1"),
    ] {
        town.grant(who(name), role, organisation(house));
    }
    town
}

/// A definition with these nodes.
pub fn definition(nodes: &str) -> FlowDefinition {
    let head = r#"
        code = "test"
        version = 1
        name = "测试流程"
        from = "2026-01-01"
        source = "example"
        approver = "测试"
        kinds = ["new"]
        applicant = { role = "unit.applicant", at = "applicant" }
        [facts]
        non_xinchuang = "申请非信创资源"
    "#;
    toml::from_str(&format!("{head}\n{nodes}")).unwrap()
}

/// A node by code, name, role at the authority, and the rest as TOML.
pub fn node(code: &str, role: &str, rest: &str) -> String {
    format!(
        "[[node]]\ncode = \"{code}\"\nname = \"{code}\"\nsource = \"example\"\n\
         who = [{{ role = \"{role}\", at = \"authority\" }}]\n{rest}\n"
    )
}

pub fn application() -> FlowApplication {
    FlowApplication {
        subject: "SQ-1".into(),
        kind: "new".into(),
        applicant: who("clerk"),
        organisation: organisation("D1"),
        provider: None,
        facts: [("non_xinchuang".into(), false)].into(),
        due: None,
    }
}

/// A run with its definition, its people and its clock.
#[derive(Clone)]
pub struct Case {
    pub definition: FlowDefinition,
    pub town: Directory,
    pub run: FlowRun,
    pub now: Instant,
    pub events: Vec<FlowEvent>,
}

impl Case {
    pub fn of(definition: FlowDefinition) -> Self {
        Self::begun(definition, town(), application())
    }

    pub fn begun(definition: FlowDefinition, town: Directory, application: FlowApplication) -> Self {
        let now = at("2026-03-02 09:00:00");
        let (run, events) = start(&definition, &town, application, now, &due).unwrap();
        Self {
            definition,
            town,
            run,
            now,
            events,
        }
    }

    pub fn try_act(&mut self, name: &str, what: Act) -> Result<(), FlowRefusal> {
        self.now = self.now.plus_s(60);
        let (run, events) = act(&self.run, &self.definition, &self.town, what, who(name), self.now, &due)?;
        (self.run, self.events) = (run, events);
        Ok(())
    }

    pub fn act(&mut self, name: &str, what: Act) {
        self.try_act(name, what).unwrap();
    }

    pub fn refusal(&mut self, name: &str, what: Act) -> FlowRefusal {
        self.try_act(name, what).unwrap_err()
    }

    /// `name` agrees to their open task of a node.
    pub fn agree(&mut self, name: &str, node: &str) {
        let task = self.task(node, name).id;
        self.act(name, agree(task));
    }

    /// The open task of a node that `name` may decide.
    pub fn task(&self, node: &str, name: &str) -> FlowTask {
        let mine = |t: &&FlowTask| t.node.as_str() == node && t.accounts().contains(&who(name));
        self.run.live().find(mine).unwrap().clone()
    }

    pub fn tick(&mut self, now: Instant) {
        self.now = now;
        let (run, events) = tick(&self.run, &self.definition, &self.town, now, &due).unwrap();
        (self.run, self.events) = (run, events);
    }

    pub fn current(&self) -> Vec<&str> {
        self.run.current.iter().map(|c| c.as_str()).collect()
    }
}

pub fn agree(task: u32) -> Act {
    Act::Agree {
        task,
        opinion: "同意".into(),
    }
}

pub fn disagree(task: u32) -> Act {
    Act::Disagree {
        task,
        reason: "规格偏大".into(),
        advice: "先用存量".into(),
    }
}
