//! What the platform can do on a node, as the orders need it. Who speaks to a node implements it.

use crate::OpContext;
use domain::registry::{CloudNode, ResourceKind, Spec};
use domain::work::StepKind;
use kernel::{AllocationCode, SystemCode};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use thiserror::Error;

/// The answer to something that takes time.
pub type Handed<'a, T> = Pin<Box<dyn Future<Output = Result<T, HandsError>> + Send + 'a>>;

/// Why a node did not do it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HandsError {
    /// It cannot be reached. Whatever was asked of it before is found by its mark once it can be.
    #[error("{0}")]
    Away(String),
    /// It gives no clear answer, or is busy: whether it took effect is not known. Trying again may help.
    #[error("{0}")]
    Again(String),
    /// It refuses. It had no effect, and trying again does not help.
    #[error("{0}")]
    Refused(String),
}

/// What is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted<'a> {
    /// The mark it shall carry, so that it is found again.
    pub mark: &'a str,
    /// What kind of step makes it.
    pub step: StepKind,
    /// The order number of the resource.
    pub allocation: &'a AllocationCode,
    /// For which system; it is tagged with it.
    pub system: &'a SystemCode,
    /// Kind of resource.
    pub kind: ResourceKind,
    /// Class.
    pub class: &'a str,
    /// What it shall have.
    pub spec: &'a Spec,
    /// The availability zone of its pool; empty if there is none.
    pub zone: &'a str,
}

/// A node that the platform can act on. Every effect can be asked for again: what is so already is left so. Nothing is
/// answered before it is so, or has failed; what failed to become is not left behind.
pub trait NodeHands: Send + Sync + fmt::Debug {
    /// The resource that carries a mark, if it is there and ready for use.
    fn find<'a>(&'a self, step: StepKind, mark: &'a str) -> Handed<'a, Option<String>>;
    /// Prepares a network for a system, or names the one that is there.
    fn network<'a>(&'a self, wanted: Wanted<'a>) -> Handed<'a, String>;
    /// Makes a server, a volume or an address. Answers its id.
    fn create<'a>(&'a self, wanted: Wanted<'a>) -> Handed<'a, String>;
    /// Gives a resource another specification.
    fn resize<'a>(&'a self, id: &'a str, kind: ResourceKind, spec: &'a Spec) -> Handed<'a, ()>;
    /// Starts a server.
    fn start<'a>(&'a self, id: &'a str) -> Handed<'a, ()>;
    /// Stops a server.
    fn stop<'a>(&'a self, id: &'a str) -> Handed<'a, ()>;
    /// Takes a snapshot that carries a mark. Answers its id.
    fn snapshot<'a>(&'a self, id: &'a str, mark: &'a str) -> Handed<'a, String>;
    /// Deletes what was made by a step of this kind for this kind of resource.
    fn delete<'a>(&'a self, id: &'a str, step: StepKind, kind: ResourceKind) -> Handed<'a, ()>;
    /// Whether the node no longer has it.
    fn is_gone<'a>(&'a self, id: &'a str, kind: ResourceKind) -> Handed<'a, bool>;
    /// What was changed on the node besides what was asked for, since this was last asked; in words. No undo takes it
    /// back, so the order keeps it.
    fn remarks(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Where hands are to act.
#[derive(Debug, Clone, Copy)]
pub struct Site<'a> {
    /// On which node.
    pub node: &'a CloudNode,
    /// For which system.
    pub system: &'a SystemCode,
    /// The node's projects that are registered as the system's.
    pub projects: &'a [String],
}

/// Where the hands for a node come from.
pub trait HandsOf: Send + Sync {
    /// The hands for a system on a node; none if the platform cannot act on it. Nothing is asked of the node but a login.
    /// Errors: it cannot be reached; or it cannot be used as it is configured, which needs a person.
    fn hands<'a>(&'a self, ctx: &'a OpContext, site: Site<'a>) -> Handed<'a, Option<Box<dyn NodeHands>>>;
}
