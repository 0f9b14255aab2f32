//! Asking the judge. What is refused is written down.

use crate::{AppError, OpContext, audit};
use domain::authz::{Action, Actor, Duty, Permit, Target, keep_apart};
use kernel::OrganisationCode;
use std::sync::Arc;
use store::Connection;

impl OpContext {
    /// Judges an action of whoever acts by account. The house itself (its jobs, and the operator at the machine while
    /// there are no accounts) has none and is not judged; what it does stands in the chain under its name.
    pub async fn judge(&self, action: Action, target: &Target) -> Result<(), AppError> {
        if self.who().is_ok() {
            self.authorise(action, target).await?;
        }
        Ok(())
    }

    /// Whether whoever acts by account may take on `wanted` in a matter in which `done` was done by a login name. What is
    /// refused is noted, in a unit of work of its own, so this is asked before one is begun.
    pub(crate) async fn keep_apart(
        &self,
        object: (&str, &str),
        wanted: Duty,
        (done, by): (Duty, &str),
    ) -> Result<(), AppError> {
        let Ok(who) = self.who() else { return Ok(()) };
        if who.login != by {
            return Ok(());
        }
        let verdict = keep_apart(who.account, wanted, &[(done, who.account)]);
        if verdict.is_err() {
            let object = format!("{}:{}", object.0, object.1);
            let detail = serde_json::json!({ "wanted": wanted, "done": done });
            audit::note(self, ("access.refused", &object), &detail).await?;
        }
        Ok(verdict?)
    }

    /// Whether the policies would let somebody else do something, now. Nothing is noted: they asked for nothing.
    pub(crate) async fn would_let(
        &self,
        read: &mut Connection,
        actor: &Actor,
        (action, target): (Action, &Target),
    ) -> Result<bool, AppError> {
        let organisations = self.organisations(read).await?;
        let above = |code: &OrganisationCode| organisations.above(code, self.now());
        Ok(self.policies()?.judge.decide(actor, action, target, &above).is_ok())
    }

    /// Judges an action of whoever acts on a target (I7, I8). It opens a unit of work of its own for what is refused, so
    /// it is called before one is begun. Errors: nobody has logged in, or no policy allows it.
    pub async fn authorise(&self, action: Action, target: &Target) -> Result<Permit, AppError> {
        let who = self.who()?;
        let of_others = [&target.unit, &target.provider]
            .into_iter()
            .flatten()
            .any(|code| *code != who.organisation);
        // Within one's own organisation nothing depends on the tree.
        let organisations = if of_others {
            self.organisations(&mut self.store().read().await?).await?
        } else {
            Arc::default()
        };
        let above = |code: &OrganisationCode| organisations.above(code, self.now());
        match self.policies()?.judge.decide(who, action, target, &above) {
            Ok(permit) => Ok(permit),
            Err(denied) => {
                let object = format!("{}:{}", target.kind, target.id);
                let detail = serde_json::json!({ "action": action, "unit": target.unit, "provider": target.provider });
                audit::note(self, ("access.refused", &object), &detail).await?;
                Err(denied.into())
            }
        }
    }
}
