//! What the platform can do on a node, as the orders need it. Who speaks to a node implements it.

use crate::{AppError, OpContext};
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
    /// It does not answer, or is busy: whether it took effect is not known. Trying again may help.
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

/// A node that the platform can act on. Every effect can be asked for again: what is so already is left so.
pub trait NodeHands: Send + Sync + fmt::Debug {
    /// The resource that carries a mark, if it is there.
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
}

/// Where the hands for a node come from.
pub trait HandsOf: Send + Sync {
    /// The hands for a node; none if the platform cannot act on it. Errors: what is configured for it cannot be used.
    fn hands(&self, ctx: &OpContext, node: &CloudNode) -> Result<Option<Box<dyn NodeHands>>, AppError>;
}
