//! Acting on a node for one information system: networks, volumes, servers, addresses, snapshots, quotas.
//!
//! Owns how a thing is asked for, found again, waited for and deleted. It does not own what is to be done, nor in which
//! order. Invariants: everything that is made carries the mark of its step from the moment it exists; what makes a thing
//! is sent once; nothing is answered before the thing has become what it should, or has failed; what failed to become is
//! cleared away before that is said; that something is gone is confirmed by the account that sees all projects, not by
//! the one that deleted it. Every wait is bounded.

#[cfg(test)]
mod canned;
mod config;
mod fault;
mod image;
mod network;
mod patience;
mod resize;
mod room;
mod server;
mod size;
mod volume;

pub use config::{HandsConfig, Pool};
pub use fault::HandsFault;

use super::catalogue::Endpoint;
use super::identity::{Project, Session};
use super::reading::Reading;
use super::words::tagged_system;
use super::{Connector, OpenStackConfig, OpenStackError};
use domain::registry::{ResourceKind, Spec};
use domain::work::StepKind;
use fault::{act_fault, refused};
use patience::Patience;
use reqwest::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

/// Key under which a thing says which step of which order made it.
const ORDER_KEY: &str = "yunheng:order";
/// How often it is looked whether something is gone.
const GONE_LOOKS: u32 = 5;

/// How to reach a node for acting on it.
#[derive(Debug, Clone)]
pub struct Access {
    /// The account that acts.
    pub operator: OpenStackConfig,
    /// The account that sees all projects. It only reads, and confirms that something is gone.
    pub reader: OpenStackConfig,
    /// How things are made.
    pub hands: HandsConfig,
}

/// For which information system.
#[derive(Debug, Clone, Copy)]
pub struct Whose<'a> {
    /// Its code; things are tagged with it.
    pub system: &'a str,
    /// Projects of the node that are registered as its own, for nodes whose projects carry no tag.
    pub projects: &'a [String],
}

/// A thing to be made.
#[derive(Debug, Clone, Copy)]
pub struct NewThing<'a> {
    /// The mark of the step that makes it.
    pub mark: &'a str,
    /// What it is called on the node.
    pub name: &'a str,
    /// Family of servers, or type of volumes; empty if it does not matter.
    pub class: &'a str,
    /// What it shall have.
    pub spec: &'a Spec,
    /// Availability zone of its pool; empty if there is none.
    pub zone: &'a str,
}

/// An account that is logged in to the project of one information system.
pub struct Hands {
    acting: Connector,
    eye: Connector,
    config: HandsConfig,
    project: Project,
    system: String,
    /// Quotas that were raised and not yet told of.
    raised: Mutex<Vec<String>>,
}

impl std::fmt::Debug for Hands {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hands")
            .field("project", &self.project.id)
            .field("system", &self.system)
            .finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Projects {
    projects: Vec<Project>,
}

impl Hands {
    /// Logs in to the project of an information system.
    ///
    /// Errors: the node cannot be reached; the account is refused; no project, or more than one, is the system's.
    pub async fn connect(access: Access, whose: Whose<'_>) -> Result<Self, HandsFault> {
        access.hands.check()?;
        let listed = Self::projects(&access.operator).await;
        let listed = listed.map_err(HandsFault::connecting)?;
        let project = project_of(listed, &access.operator, whose).map_err(HandsFault::Refused)?;
        let within = OpenStackConfig {
            within: Some(project.id.clone()),
            ..access.operator
        };
        let acting = Connector::connect(within).await.map_err(HandsFault::connecting)?;
        if acting.grant.project_id != project.id {
            let text = format!(
                "应用凭证只能用于一个项目，不能用于项目 {}；操作账号请配置用户名与口令",
                project.name
            );
            return Err(HandsFault::Refused(text));
        }
        let eye = Connector::connect(access.reader)
            .await
            .map_err(HandsFault::connecting)?;
        Ok(Self {
            acting,
            eye,
            config: access.hands,
            project,
            system: whose.system.to_owned(),
            raised: Mutex::default(),
        })
    }

    /// The projects that an account can be used for.
    pub async fn projects(operator: &OpenStackConfig) -> Result<Vec<Project>, OpenStackError> {
        let (session, _) = Session::open(operator).await?;
        let mut reading = Reading::new(&session, operator.page_size);
        let listed: Projects = reading.one(&session.identity(), "/auth/projects", &[]).await?;
        Ok(listed.projects)
    }

    /// What carries the mark of a step, once it has become what it should. What failed to become is deleted, and then
    /// it is not there.
    pub async fn find(&self, step: StepKind, mark: &str) -> Result<Option<String>, HandsFault> {
        match step {
            StepKind::Network => self.find_network(mark).await,
            StepKind::Volume => self.find_volume(mark).await,
            StepKind::Server => self.find_server(mark).await,
            StepKind::Address => self.find_address(mark).await,
            StepKind::Snapshot => self.find_image(mark).await,
            _ => Ok(None),
        }
    }

    /// The network of the system: the one that is there, or a new one.
    pub async fn network(&self, mark: &str) -> Result<String, HandsFault> {
        match self.own_network().await? {
            Some(id) => Ok(id),
            None => self.make_network(mark).await,
        }
    }

    /// Makes a server, a volume or an address. Answers its id once it is ready for use.
    pub async fn create(&self, kind: ResourceKind, new: NewThing<'_>) -> Result<String, HandsFault> {
        match kind {
            ResourceKind::Server => self.make_server(new).await,
            ResourceKind::Volume => self.make_volume(new).await,
            ResourceKind::FloatingIp => self.make_address(new).await,
            other => Err(cannot(other)),
        }
    }

    /// Gives a server or a volume another specification.
    pub async fn resize(&self, id: &str, kind: ResourceKind, spec: &Spec) -> Result<(), HandsFault> {
        match kind {
            ResourceKind::Server => self.resize_server(id, spec).await,
            ResourceKind::Volume => self.extend_volume(id, spec).await,
            other => Err(cannot(other)),
        }
    }

    /// Starts a server. One that is gone or runs is left so.
    pub async fn start(&self, id: &str) -> Result<(), HandsFault> {
        self.start_server(id).await
    }

    /// Stops a server. One that is gone or does not run is left so.
    pub async fn stop(&self, id: &str) -> Result<(), HandsFault> {
        self.stop_server(id).await
    }

    /// Takes a snapshot of a server. Answers the id of the image.
    pub async fn snapshot(&self, id: &str, mark: &str) -> Result<String, HandsFault> {
        self.make_image(id, mark).await
    }

    /// Deletes what a step made, or a resource. What is gone already is left so.
    pub async fn delete(&self, id: &str, step: StepKind, kind: ResourceKind) -> Result<(), HandsFault> {
        match (step, kind) {
            (StepKind::Network, _) => self.delete_network(id).await,
            (StepKind::Snapshot, _) => self.delete_image(id).await,
            (_, ResourceKind::Server) => self.delete_server(id).await,
            (_, ResourceKind::Volume) => self.delete_volume(id).await,
            (_, ResourceKind::FloatingIp) => self.delete_address(id).await,
            (_, other) => Err(cannot(other)),
        }
    }

    /// Whether nobody has it any more: asked with the account that sees all projects, a few times, for a node takes a
    /// moment to forget what it has deleted.
    pub async fn is_gone(&self, id: &str, kind: ResourceKind) -> Result<bool, HandsFault> {
        let eye = &self.eye;
        let (endpoint, path) = match kind {
            ResourceKind::Server => (&eye.compute, format!("/servers/{id}")),
            ResourceKind::Volume => (&eye.block, format!("/volumes/{id}")),
            ResourceKind::FloatingIp => (&eye.network, format!("/floatingips/{id}")),
            other => return Err(cannot(other)),
        };
        for look in 0..GONE_LOOKS {
            if look > 0 {
                tokio::time::sleep(Duration::from_millis(self.config.poll_ms)).await;
            }
            if shown::<Value>(eye, endpoint, &path).await?.is_none() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn patience(&self) -> Patience {
        Patience::new(&self.config)
    }

    /// What everything that is made says of itself.
    fn metadata(&self, mark: &str) -> BTreeMap<String, String> {
        BTreeMap::from([
            (ORDER_KEY.to_owned(), mark.to_owned()),
            (self.acting.config.system_tag_key.clone(), self.system.clone()),
        ])
    }

    /// The same as tags.
    fn tags(&self) -> Value {
        json!([format!("{}={}", self.acting.config.system_tag_key, self.system)])
    }

    /// Something of the project; none if it is not there.
    async fn shown<T: DeserializeOwned>(&self, endpoint: &Endpoint, path: &str) -> Result<Option<T>, HandsFault> {
        shown(&self.acting, endpoint, path).await
    }

    async fn one<T: DeserializeOwned>(
        &self,
        endpoint: &Endpoint,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<T, HandsFault> {
        let mut reading = Reading::new(&self.acting.session, self.acting.config.page_size);
        reading.one(endpoint, path, query).await.map_err(HandsFault::reading)
    }

    /// Asks a service to do something. Answers what it says, `null` if nothing.
    async fn act(
        &self,
        endpoint: &Endpoint,
        (method, path): (Method, &str),
        body: Option<&Value>,
    ) -> Result<Value, HandsFault> {
        let is_making = method == Method::POST && !path.ends_with("/action");
        let answer = self
            .acting
            .session
            .ask(endpoint, (method, endpoint.at(path)), body)
            .await;
        let answer = answer.map_err(|error| act_fault(error, is_making))?;
        Ok(serde_json::from_slice(&answer.body).unwrap_or_default())
    }

    /// Deletes something; that it is gone already is as good.
    async fn remove(&self, endpoint: &Endpoint, path: &str) -> Result<(), HandsFault> {
        let url = endpoint.at(path);
        match self.acting.session.ask(endpoint, (Method::DELETE, url), None).await {
            Ok(_) | Err(OpenStackError::Refused { status: 404 | 410, .. }) => Ok(()),
            Err(error) => Err(act_fault(error, false)),
        }
    }
}

async fn shown<T: DeserializeOwned>(of: &Connector, endpoint: &Endpoint, path: &str) -> Result<Option<T>, HandsFault> {
    let mut reading = Reading::new(&of.session, of.config.page_size);
    match reading.one(endpoint, path, &[]).await {
        Ok(found) => Ok(Some(found)),
        Err(OpenStackError::Refused { status: 404 | 410, .. }) => Ok(None),
        Err(error) => Err(HandsFault::reading(error)),
    }
}

/// A body with one more member, if there is something to say.
fn and(mut body: Value, name: &str, value: Option<&str>) -> Value {
    if let (Some(members), Some(value)) = (body.as_object_mut(), value) {
        members.insert(name.to_owned(), value.into());
    }
    body
}

/// The id in the answer to a request that made something.
fn id_in(answer: &Value, key: &str) -> Result<String, HandsFault> {
    let id = answer.get(key).and_then(|made| made.get("id")).and_then(Value::as_str);
    id.map(str::to_owned)
        .ok_or_else(|| HandsFault::Unclear("云节点的应答中没有新资源的标识".to_owned()))
}

fn cannot(kind: ResourceKind) -> HandsFault {
    refused(format!("平台不能在云节点上办理{}，请转为人工办理", kind.zh()))
}

/// The one project of a system: by its tag, else by the register.
fn project_of(listed: Vec<Project>, config: &OpenStackConfig, whose: Whose<'_>) -> Result<Project, String> {
    let system = whose.system;
    let (tagged, others): (Vec<_>, Vec<_>) = listed
        .into_iter()
        .filter(|project| project.enabled)
        .partition(|project| tagged_system(config, &project.tags).as_deref() == Some(system));
    let registered = |project: &Project| {
        // One that says it is another's is not taken by the register.
        let names = [&project.id, &project.name];
        tagged_system(config, &project.tags).is_none() && names.iter().any(|name| whose.projects.contains(name))
    };
    let mut found = match tagged.is_empty() {
        true => others.into_iter().filter(registered).collect(),
        false => tagged,
    };
    match (found.pop(), found.is_empty()) {
        (Some(project), true) => Ok(project),
        (Some(_), false) => Err(format!(
            "云节点上有多个项目属于信息系统 {system}，无法确定资源应开在哪个项目；请服务商只保留一个项目的标签 {}={system}",
            config.system_tag_key
        )),
        (None, _) => Err(format!(
            "云节点上没有操作账号可用、且属于信息系统 {system} 的项目；请服务商建立项目，加上标签 {}={system}，\
             并授予操作账号 member 角色",
            config.system_tag_key
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(id: &str, tags: &[&str], enabled: bool) -> Project {
        Project {
            id: id.into(),
            name: format!("name-{id}"),
            description: None,
            domain_id: None,
            enabled,
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        }
    }

    #[test]
    fn a_system_has_one_project() {
        let config = super::super::words::tests::config();
        let registered = ["b".to_owned()];
        let of = |projects: &[Project], registered: &[String]| {
            let whose = Whose {
                system: "S1",
                projects: registered,
            };
            project_of(projects.to_vec(), &config, whose).map(|project| project.id)
        };
        let (tagged, plain) = (project("a", &["yunheng:system=S1"], true), project("b", &["x"], true));
        let off = project("c", &["yunheng:system=S1"], false);
        let other = project("d", &["yunheng:system=S2"], true);
        assert_eq!(of(&[tagged.clone(), plain.clone(), off.clone()], &[]), Ok("a".into()));
        // The tag beats the register, and the register is asked where there is no tag.
        assert_eq!(of(&[tagged.clone(), plain.clone()], &registered), Ok("a".into()));
        assert_eq!(
            of(&[plain.clone(), other.clone(), off.clone()], &registered),
            Ok("b".into())
        );
        assert!(
            of(&[plain.clone(), other, off], &[])
                .unwrap_err()
                .contains("yunheng:system=S1")
        );
        let own = ["d".to_owned()];
        assert!(
            of(&[project("d", &["yunheng:system=S2"], true)], &own).is_err(),
            "another's"
        );
        let twice = [tagged, project("e", &["yunheng:system=S1"], true), plain];
        assert!(of(&twice, &registered).unwrap_err().contains("多个项目"));
    }
}
