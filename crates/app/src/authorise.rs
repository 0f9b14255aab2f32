//! Asking the judge. What is refused is written down.

use crate::{AppError, OpContext, audit};
use domain::authz::{Action, Permit, Target};
use domain::registry::{History, Organisation};
use kernel::OrganisationCode;

impl OpContext {
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
            self.store().read().await?.history::<Organisation>().await?
        } else {
            History::default()
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
