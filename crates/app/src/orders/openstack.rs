//! Hands for OpenStack nodes: the connector's, as orders need them. It owns only whose words become whose.

use super::hands::{Handed, HandsError, HandsOf, NodeHands, Site, Wanted};
use super::simulated::BuiltIn;
use crate::OpContext;
use crate::collect::{NodeSecrets, access};
use domain::registry::{NodeSource, ResourceKind, Spec};
use domain::work::StepKind;
use sources::openstack::{Access, Hands, HandsFault, NewThing, Whose};
use std::fmt;
use std::sync::Arc;

/// Hands for every node that the platform may act on: the simulated ones, and those of OpenStack that were registered
/// with an account for it.
pub struct EveryNode {
    secrets: Arc<dyn NodeSecrets>,
}

impl fmt::Debug for EveryNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EveryNode")
    }
}

impl EveryNode {
    /// With the accounts that are configured.
    pub fn new(secrets: Arc<dyn NodeSecrets>) -> Self {
        Self { secrets }
    }

    async fn openstack(&self, site: Site<'_>) -> Result<Option<Box<dyn NodeHands>>, HandsError> {
        let NodeSource::OpenStack {
            auth_url,
            region,
            account,
            operator: Some(operator),
        } = &site.node.source
        else {
            return Ok(None);
        };
        let reach = |account: &str| {
            let config = access(&site.node.code, (auth_url, region.as_deref(), account), &*self.secrets);
            config.map_err(|why| HandsError::Refused(why.to_string()))
        };
        let access = Access {
            operator: reach(operator)?,
            reader: reach(account)?,
            hands: self.secrets.hands(operator).map_err(HandsError::Refused)?,
        };
        let whose = Whose {
            system: site.system.as_str(),
            projects: site.projects,
        };
        let hands = Hands::connect(access, whose).await?;
        Ok(Some(Box::new(OpenStackHands(hands))))
    }
}

impl HandsOf for EveryNode {
    fn hands<'a>(&'a self, ctx: &'a OpContext, site: Site<'a>) -> Handed<'a, Option<Box<dyn NodeHands>>> {
        match &site.node.source {
            NodeSource::OpenStack { .. } => Box::pin(self.openstack(site)),
            NodeSource::Simulated { .. } | NodeSource::Files { .. } => BuiltIn.hands(ctx, site),
        }
    }
}

impl From<HandsFault> for HandsError {
    fn from(fault: HandsFault) -> Self {
        match fault {
            HandsFault::Away(why) => Self::Away(why),
            HandsFault::Unclear(why) => Self::Again(why),
            HandsFault::Refused(why) => Self::Refused(why),
        }
    }
}

#[derive(Debug)]
struct OpenStackHands(Hands);

impl NodeHands for OpenStackHands {
    fn find<'a>(&'a self, step: StepKind, mark: &'a str) -> Handed<'a, Option<String>> {
        Box::pin(async move { Ok(self.0.find(step, mark).await?) })
    }

    fn network<'a>(&'a self, wanted: Wanted<'a>) -> Handed<'a, String> {
        Box::pin(async move { Ok(self.0.network(wanted.mark).await?) })
    }

    fn create<'a>(&'a self, wanted: Wanted<'a>) -> Handed<'a, String> {
        Box::pin(async move {
            let new = NewThing {
                mark: wanted.mark,
                name: wanted.allocation.as_str(),
                class: wanted.class,
                spec: wanted.spec,
                zone: wanted.zone,
            };
            Ok(self.0.create(wanted.kind, new).await?)
        })
    }

    fn resize<'a>(&'a self, id: &'a str, kind: ResourceKind, spec: &'a Spec) -> Handed<'a, ()> {
        Box::pin(async move { Ok(self.0.resize(id, kind, spec).await?) })
    }

    fn start<'a>(&'a self, id: &'a str) -> Handed<'a, ()> {
        Box::pin(async move { Ok(self.0.start(id).await?) })
    }

    fn stop<'a>(&'a self, id: &'a str) -> Handed<'a, ()> {
        Box::pin(async move { Ok(self.0.stop(id).await?) })
    }

    fn snapshot<'a>(&'a self, id: &'a str, mark: &'a str) -> Handed<'a, String> {
        Box::pin(async move { Ok(self.0.snapshot(id, mark).await?) })
    }

    fn delete<'a>(&'a self, id: &'a str, step: StepKind, kind: ResourceKind) -> Handed<'a, ()> {
        Box::pin(async move { Ok(self.0.delete(id, step, kind).await?) })
    }

    fn is_gone<'a>(&'a self, id: &'a str, kind: ResourceKind) -> Handed<'a, bool> {
        Box::pin(async move { Ok(self.0.is_gone(id, kind).await?) })
    }

    fn remarks(&self) -> Vec<String> {
        self.0.take_raised()
    }
}
