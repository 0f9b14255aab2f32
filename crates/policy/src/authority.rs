//! Who may do what: Cedar policies over accounts, organisations and things.

use crate::PolicyError;
use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid, PolicySet, Request,
    RestrictedExpression, Schema, ValidationMode, Validator,
};
use domain::authz::{Action, Actor, Permit, Target};
use kernel::{ErrorKind, Kinded, OrganisationCode};
use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::str::FromStr;
use thiserror::Error;

/// Not allowed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("您没有「{action}」的权限；如属职责所需，请联系安全管理员核对角色和所属单位")]
pub struct Denied {
    /// What was asked for.
    pub action: &'static str,
}

impl Kinded for Denied {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Forbidden
    }
}

/// Judges actions by policies that were checked against the schema.
#[derive(Debug)]
pub struct Judge {
    authorizer: Authorizer,
    policies: PolicySet,
}

impl Judge {
    /// From files of policies: name and text. Errors: a text that is no policy, or one that does not fit the schema;
    /// nothing is taken then.
    pub fn new(files: &[(String, String)]) -> Result<Self, PolicyError> {
        let mut all = PolicySet::new();
        for (file, text) in files {
            let refused = |faults: String| PolicyError::Authority {
                file: file.clone(),
                faults,
            };
            let policies = PolicySet::from_str(text).map_err(|error| refused(error.to_string()))?;
            for policy in policies.policies() {
                let id = policy
                    .annotation("id")
                    .ok_or_else(|| refused("每条策略都要有 @id(\"…\")".to_owned()))?;
                all.add(policy.new_id(cedar_policy::PolicyId::new(id)))
                    .map_err(|error| refused(error.to_string()))?;
            }
        }
        let of_all = |faults: String| PolicyError::Authority {
            file: "policies/authority".to_owned(),
            faults,
        };
        let (schema, _) = Schema::from_cedarschema_str(&schema()).map_err(|error| of_all(error.to_string()))?;
        let result = Validator::new(schema).validate(&all, ValidationMode::default());
        if !result.validation_passed() {
            let faults: Vec<String> = result.validation_errors().map(ToString::to_string).collect();
            return Err(of_all(faults.join("\n")));
        }
        Ok(Self {
            authorizer: Authorizer::new(),
            policies: all,
        })
    }

    /// Judges an action of an actor on a target. `above` gives the organisations above one, the nearest first.
    /// Errors: no policy allows it, one forbids it, or the actor's token does not reach that far.
    pub fn decide(
        &self,
        actor: &Actor,
        action: Action,
        target: &Target,
        above: &dyn Fn(&OrganisationCode) -> Vec<OrganisationCode>,
    ) -> Result<Permit, Denied> {
        let denied = Denied { action: action.zh() };
        if actor.scope.as_ref().is_some_and(|scope| !scope.contains(&action)) {
            return Err(denied);
        }
        let judged = self.judge(actor, action, target, above);
        judged
            .map(|policies| Permit::given(actor.clone(), policies))
            .ok_or(denied)
    }

    fn judge(
        &self,
        actor: &Actor,
        action: Action,
        target: &Target,
        above: &dyn Fn(&OrganisationCode) -> Vec<OrganisationCode>,
    ) -> Option<Vec<String>> {
        let account = uid("Account", &actor.account.to_string())?;
        let thing = uid("Thing", &format!("{}:{}", target.kind, target.id))?;
        let mut entities = HashMap::new();
        for code in [
            Some(&actor.organisation),
            target.unit.as_ref(),
            target.provider.as_ref(),
        ]
        .into_iter()
        .flatten()
        {
            add_organisations(code, above, &mut entities)?;
        }
        let roles = actor.roles.iter().map(|role| text(role.word()));
        let attributes = HashMap::from([
            (
                "organisation".to_owned(),
                reference("Organisation", actor.organisation.as_str())?,
            ),
            ("side".to_owned(), text(actor.side.word())),
            ("roles".to_owned(), RestrictedExpression::new_set(roles)),
        ]);
        entities.insert(
            account.clone(),
            Entity::new(account.clone(), attributes, HashSet::new()).ok()?,
        );
        let mut attributes = HashMap::from([("kind".to_owned(), text(target.kind))]);
        for (name, code) in [("unit", &target.unit), ("provider", &target.provider)] {
            if let Some(code) = code {
                attributes.insert(name.to_owned(), reference("Organisation", code.as_str())?);
            }
        }
        if let Some(owner) = target.owner {
            attributes.insert("owner".to_owned(), reference("Account", &owner.to_string())?);
        }
        entities.insert(
            thing.clone(),
            Entity::new(thing.clone(), attributes, HashSet::new()).ok()?,
        );
        let group = uid("Action", action.group().word())?;
        let action = uid("Action", action.word())?;
        let above = HashSet::from([group.clone()]);
        entities.insert(group.clone(), Entity::new(group, HashMap::new(), HashSet::new()).ok()?);
        entities.insert(action.clone(), Entity::new(action.clone(), HashMap::new(), above).ok()?);
        let entities = Entities::from_entities(entities.into_values(), None).ok()?;
        let request = Request::new(account, action, thing, Context::empty(), None).ok()?;
        let response = self.authorizer.is_authorized(&request, &self.policies, &entities);
        let clean = response.diagnostics().errors().next().is_none();
        (clean && response.decision() == Decision::Allow)
            .then(|| response.diagnostics().reason().map(ToString::to_string).collect())
    }
}

fn add_organisations(
    code: &OrganisationCode,
    above: &dyn Fn(&OrganisationCode) -> Vec<OrganisationCode>,
    entities: &mut HashMap<EntityUid, Entity>,
) -> Option<()> {
    let mut parents = HashSet::new();
    for code in above(code).iter().rev().chain([code]) {
        let organisation = uid("Organisation", code.as_str())?;
        let entity = Entity::new(organisation.clone(), HashMap::new(), parents).ok()?;
        parents = HashSet::from([organisation.clone()]);
        entities.insert(organisation, entity);
    }
    Some(())
}

fn uid(kind: &str, id: &str) -> Option<EntityUid> {
    let kind = EntityTypeName::from_str(kind).ok()?;
    Some(EntityUid::from_type_name_and_id(kind, EntityId::new(id)))
}

fn text(text: &str) -> RestrictedExpression {
    RestrictedExpression::new_string(text.to_owned())
}

fn reference(kind: &str, id: &str) -> Option<RestrictedExpression> {
    uid(kind, id).map(RestrictedExpression::new_entity_uid)
}

/// The schema: what policies may speak of.
fn schema() -> String {
    let mut schema = String::from(
        "entity Organisation in [Organisation];\n\
         entity Account = { organisation: Organisation, side: String, roles: Set<String> };\n\
         entity Thing = { kind: String, unit?: Organisation, provider?: Organisation, owner?: Account };\n\
         action business, administration, shared;\n",
    );
    for action in Action::ALL {
        let group = action.group();
        let word = action.word();
        let _ = writeln!(
            schema,
            "action \"{word}\" in [{group}] appliesTo {{ principal: Account, resource: Thing }};"
        );
    }
    schema
}
