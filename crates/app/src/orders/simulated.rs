//! The built-in simulated node: a folder of files that behaves like a cloud node, for demonstrations and tests.
//!
//! It is not a cloud. Every file of it says so, and so does its name in lists. Its ids are its own: making the same
//! twice makes two, as on a real node.

use super::hands::{Handed, HandsError, HandsOf, NodeHands, Site, Wanted};
use crate::whole_file::write_whole;
use crate::{AppError, OpContext};
use domain::collect::{Look, LookKind, Observation, ObservedState};
use domain::registry::{Measure, NodeSource, ResourceKind, Spec};
use domain::work::StepKind;
use kernel::{Instant, SystemCode};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

const SAYS: &str = "内置模拟云节点，不是真实的云资源";
const LIMITS: &str = "limits.json";

/// One thing on the simulated node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Thing {
    says: String,
    id: String,
    made_by: StepKind,
    kind: ResourceKind,
    class: String,
    spec: Spec,
    mark: String,
    system: Option<SystemCode>,
    zone: String,
    state: ObservedState,
    parent: Option<String>,
    created: Instant,
    changed: Instant,
    deleted: Option<Instant>,
}

/// Hands for a simulated node.
#[derive(Debug, Clone)]
pub struct SimulatedHands {
    ctx: OpContext,
    folder: PathBuf,
}

/// Hands that come with the program: for simulated nodes.
#[derive(Debug, Clone, Copy)]
pub struct BuiltIn;

impl HandsOf for BuiltIn {
    fn hands<'a>(&'a self, ctx: &'a OpContext, site: Site<'a>) -> Handed<'a, Option<Box<dyn NodeHands>>> {
        Box::pin(async move {
            Ok(match &site.node.source {
                NodeSource::Simulated { folder } => {
                    let hands: Box<dyn NodeHands> = Box::new(SimulatedHands::new(ctx, folder));
                    Some(hands)
                }
                NodeSource::Files { .. } | NodeSource::OpenStack { .. } => None,
            })
        })
    }
}

/// Everything that is on a simulated node, and what it was read from.
pub fn simulated_look(ctx: &OpContext, folder: &str) -> Result<(Look, Vec<u8>), AppError> {
    let hands = SimulatedHands::new(ctx, folder);
    let things = hands.things()?;
    let bytes = serde_json::to_vec(&things)?;
    let resources = things.into_iter().filter(|thing| thing.made_by != StepKind::Network);
    let look = Look {
        taken_at: ctx.now(),
        kind: LookKind::Full,
        observations: resources.map(Thing::seen).collect(),
        samples: Vec::new(),
    };
    Ok((look, bytes))
}

impl Thing {
    fn seen(self) -> Observation {
        Observation {
            native_id: self.id,
            kind: self.kind,
            class: self.class,
            name: self.mark,
            project: self.system.as_ref().map(ToString::to_string).unwrap_or_default(),
            zone: self.zone,
            native_state: self.state.word().to_owned(),
            state: self.state,
            spec: self.spec,
            created_at: Some(self.created),
            changed_at: Some(self.changed),
            deleted_at: self.deleted,
            parent: self.parent,
            system_tag: self.system.map(|system| system.to_string()),
        }
    }

    fn is_there(&self) -> bool {
        self.state != ObservedState::Deleted
    }
}

fn again(error: &AppError) -> HandsError {
    HandsError::Again(error.to_string())
}

impl SimulatedHands {
    /// For a folder below the data folder.
    pub fn new(ctx: &OpContext, folder: &str) -> Self {
        Self {
            ctx: ctx.clone(),
            folder: ctx.data().join(folder),
        }
    }

    fn path(&self, id: &str) -> PathBuf {
        self.folder.join(format!("{id}.json"))
    }

    /// Everything there is or was, in order of the ids.
    fn things(&self) -> Result<Vec<Thing>, AppError> {
        if !self.folder.is_dir() {
            return Ok(Vec::new());
        }
        let mut things = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(AppError::io(&self.folder))? {
            let path = entry.map_err(AppError::io(&self.folder))?.path();
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
            if name.is_some_and(|name| name.starts_with("sim-") && name.ends_with(".json")) {
                things.push(read(&path)?);
            }
        }
        things.sort_by(|a: &Thing, b| a.id.cmp(&b.id));
        Ok(things)
    }

    fn thing(&self, id: &str) -> Result<Thing, HandsError> {
        let path = self.path(id);
        if !path.is_file() {
            return Err(HandsError::Refused(format!("没有资源 {id}")));
        }
        read(&path).map_err(|why| again(&why))
    }

    fn save(&self, thing: &Thing) -> Result<(), HandsError> {
        let path = self.path(&thing.id);
        let bytes = serde_json::to_vec_pretty(thing).map_err(|why| HandsError::Refused(why.to_string()))?;
        write_whole(&path, |file| file.write_all(&bytes).map_err(AppError::io(&path))).map_err(|why| again(&why))
    }

    fn change(&self, id: &str, change: impl FnOnce(&mut Thing)) -> Result<(), HandsError> {
        let mut thing = self.thing(id)?;
        if !thing.is_there() {
            return Err(HandsError::Refused(format!("资源 {id} 已删除")));
        }
        let before = thing.clone();
        change(&mut thing);
        if thing == before {
            return Ok(());
        }
        thing.changed = self.ctx.now();
        self.save(&thing)
    }

    /// The things that are there, and whether the node has room for `more` in place of what `but` has.
    fn room_for(&self, more: &Spec, but: Option<&str>) -> Result<(), HandsError> {
        let path = self.folder.join(LIMITS);
        if !path.is_file() {
            return Ok(());
        }
        let limits: Spec = read(&path).map_err(|why| again(&why))?;
        let things = self.things().map_err(|why| again(&why))?;
        let used = |measure: Measure| {
            let there = things.iter().filter(|thing| thing.is_there() && but != Some(&thing.id));
            let amounts = there.filter_map(|thing| thing.spec.get(measure));
            amounts.map(|amount| amount.micros()).sum::<i64>()
        };
        let lacking = limits
            .iter()
            .find(|(measure, limit)| {
                let wanted = more.get(*measure).map_or(0, |wanted| wanted.micros());
                wanted > 0 && used(*measure).saturating_add(wanted) > limit.micros()
            })
            .map(|(measure, _)| measure);
        match lacking {
            Some(measure) => Err(HandsError::Refused(format!("{}配额不足", measure.zh()))),
            None => Ok(()),
        }
    }

    fn make(&self, wanted: &Wanted<'_>, parent: Option<String>) -> Result<String, HandsError> {
        self.room_for(wanted.spec, None)?;
        let id: String = self.ctx.random().iter().map(|byte| format!("{byte:02x}")).collect();
        let thing = Thing {
            says: SAYS.to_owned(),
            id: format!("sim-{id}"),
            made_by: wanted.step,
            kind: wanted.kind,
            class: wanted.class.to_owned(),
            spec: wanted.spec.clone(),
            mark: wanted.mark.to_owned(),
            system: Some(wanted.system.clone()),
            zone: wanted.zone.to_owned(),
            state: ObservedState::Live,
            parent,
            created: self.ctx.now(),
            changed: self.ctx.now(),
            deleted: None,
        };
        self.save(&thing)?;
        Ok(thing.id)
    }

    fn found(&self, fits: impl Fn(&Thing) -> bool) -> Result<Option<String>, HandsError> {
        let things = self.things().map_err(|why| again(&why))?;
        Ok(things
            .into_iter()
            .find(|thing| thing.is_there() && fits(thing))
            .map(|thing| thing.id))
    }
}

fn read<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, AppError> {
    let bytes = fs::read(path).map_err(AppError::io(path))?;
    serde_json::from_slice(&bytes)
        .map_err(|why| AppError::Invalid(format!("模拟云节点的文件 {} 无法识别：{why}", path.display())))
}

impl NodeHands for SimulatedHands {
    fn find<'a>(&'a self, step: StepKind, mark: &'a str) -> Handed<'a, Option<String>> {
        Box::pin(async move { self.found(|thing| thing.made_by == step && thing.mark == mark) })
    }

    fn network<'a>(&'a self, wanted: Wanted<'a>) -> Handed<'a, String> {
        Box::pin(async move {
            let system = Some(wanted.system.clone());
            match self.found(|thing| thing.made_by == StepKind::Network && thing.system == system)? {
                Some(id) => Ok(id),
                None => self.make(&wanted, None),
            }
        })
    }

    fn create<'a>(&'a self, wanted: Wanted<'a>) -> Handed<'a, String> {
        Box::pin(async move { self.make(&wanted, None) })
    }

    fn resize<'a>(&'a self, id: &'a str, _kind: ResourceKind, spec: &'a Spec) -> Handed<'a, ()> {
        Box::pin(async move {
            self.room_for(spec, Some(id))?;
            self.change(id, |thing| thing.spec = spec.clone())
        })
    }

    fn start<'a>(&'a self, id: &'a str) -> Handed<'a, ()> {
        Box::pin(async move { self.change(id, |thing| thing.state = ObservedState::Live) })
    }

    fn stop<'a>(&'a self, id: &'a str) -> Handed<'a, ()> {
        Box::pin(async move { self.change(id, |thing| thing.state = ObservedState::Stopped) })
    }

    fn snapshot<'a>(&'a self, id: &'a str, mark: &'a str) -> Handed<'a, String> {
        Box::pin(async move {
            let of = self.thing(id)?;
            let system = of.system.clone();
            let Some(system) = &system else {
                return Err(HandsError::Refused(format!("资源 {id} 不属于任何系统")));
            };
            let nothing = Spec::new();
            let code = "SNAPSHOT"
                .parse()
                .map_err(|why: kernel::CodeError| HandsError::Refused(why.to_string()))?;
            let wanted = Wanted {
                mark,
                step: StepKind::Snapshot,
                allocation: &code,
                system,
                kind: ResourceKind::Snapshot,
                class: "",
                spec: &nothing,
                zone: &of.zone,
            };
            self.make(&wanted, Some(id.to_owned()))
        })
    }

    fn delete<'a>(&'a self, id: &'a str, _step: StepKind, _kind: ResourceKind) -> Handed<'a, ()> {
        Box::pin(async move {
            let mut thing = self.thing(id)?;
            if thing.is_there() {
                let now = self.ctx.now();
                (thing.state, thing.changed, thing.deleted) = (ObservedState::Deleted, now, Some(now));
                self.save(&thing)?;
            }
            Ok(())
        })
    }

    fn is_gone<'a>(&'a self, id: &'a str, _kind: ResourceKind) -> Handed<'a, bool> {
        Box::pin(async move { Ok(self.found(|thing| thing.id == id)?.is_none()) })
    }
}
