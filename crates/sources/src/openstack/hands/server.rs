//! Nova: servers that are made, stopped, started and deleted. How they get another size is in `resize`.

use super::super::capacity::{self, Flavor};
use super::super::paging::Paging;
use super::super::reading::{Ask, Reading};
use super::fault::refused;
use super::size::{none_fits, pick};
use super::{Hands, HandsFault, NewThing, ORDER_KEY, and, id_in};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A server as its project sees it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Shown {
    pub(super) id: String,
    pub(super) status: String,
    #[serde(rename = "OS-EXT-STS:task_state")]
    pub(super) task: Option<String>,
    #[serde(rename = "OS-EXT-AZ:availability_zone")]
    pub(super) zone: Option<String>,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
    pub(super) flavor: Option<Size>,
    fault: Option<Fault>,
}

/// The size of a server, as Nova embeds it from microversion 2.47 on.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Size {
    pub(super) id: Option<String>,
    pub(super) vcpus: Option<u64>,
    pub(super) ram: Option<u64>,
    pub(super) disk: Option<u64>,
}

#[derive(Debug, Clone, Deserialize)]
struct Fault {
    message: String,
}

#[derive(Deserialize)]
struct One {
    server: Shown,
}

#[derive(Deserialize)]
struct Images {
    images: Vec<Image>,
}

#[derive(Deserialize)]
struct Image {
    id: String,
}

impl Shown {
    /// Its state with what is being done to it.
    pub(super) fn state(&self) -> String {
        match &self.task {
            Some(task) => format!("{} ({task})", self.status),
            None => self.status.clone(),
        }
    }

    /// What went wrong with it, as Nova says.
    pub(super) fn trouble(&self) -> String {
        let said = self.fault.as_ref().map(|fault| fault.message.as_str());
        said.filter(|said| !said.is_empty())
            .unwrap_or("云节点没有说明原因")
            .to_owned()
    }

    /// Whether nothing runs on it.
    fn is_still(&self) -> bool {
        matches!(
            self.status.as_str(),
            "SHUTOFF" | "PAUSED" | "SUSPENDED" | "SHELVED" | "SHELVED_OFFLOADED" | "ERROR" | "DELETED" | "SOFT_DELETED"
        )
    }
}

fn path(id: &str) -> String {
    format!("/servers/{id}")
}

impl Hands {
    pub(super) async fn server(&self, id: &str) -> Result<Option<Shown>, HandsFault> {
        let found = self.shown::<One>(&self.acting.compute, &path(id)).await?;
        Ok(found.map(|one| one.server))
    }

    pub(super) async fn flavors(&self) -> Result<Vec<Flavor>, HandsFault> {
        let mut reading = Reading::new(&self.acting.session, self.acting.config.page_size);
        let flavors = capacity::flavors(&mut reading, &self.acting.compute).await;
        flavors.map_err(HandsFault::reading)
    }

    /// Asks Nova to do something to a server.
    pub(super) async fn server_action(&self, id: &str, body: Value) -> Result<Value, HandsFault> {
        let path = format!("/servers/{id}/action");
        self.act(&self.acting.compute, (Method::POST, &path), Some(&body)).await
    }

    pub(super) async fn find_server(&self, mark: &str) -> Result<Option<String>, HandsFault> {
        let ask = Ask {
            endpoint: &self.acting.compute,
            path: "/servers/detail",
            query: Vec::new(),
            paging: Paging::Links("servers"),
        };
        let mut reading = Reading::new(&self.acting.session, self.acting.config.page_size);
        let servers: Vec<Shown> = reading.list(ask).await.map_err(HandsFault::reading)?;
        let marked = servers
            .into_iter()
            .find(|server| server.metadata.get(ORDER_KEY).is_some_and(|there| there == mark));
        match marked {
            Some(server) => self.settled(&server.id).await.map(Result::ok),
            None => Ok(None),
        }
    }

    pub(super) async fn make_server(&self, new: NewThing<'_>) -> Result<String, HandsFault> {
        let pool = self.config.pool(new.zone)?;
        let flavors = self.flavors().await?;
        let family = self.acting.config.family_key.as_deref();
        let flavor = pick(&flavors, new.spec, (new.class, &pool.flavor_prefix, family), 0);
        let flavor = flavor.ok_or_else(|| none_fits(new.spec, new.class, new.zone))?;
        self.room_for_server(None, flavor).await?;
        let image = self.image_id(pool.image.as_deref(), new.zone).await?;
        let network = self.own_network().await?;
        let network = network.ok_or_else(|| refused(format!("项目 {} 中没有网络", self.project.name)))?;
        let server = json!({
            "name": new.name, "imageRef": image, "flavorRef": flavor.id,
            "networks": [{ "uuid": network }], "metadata": self.metadata(new.mark),
        });
        let server = and(
            server,
            "availability_zone",
            Some(new.zone).filter(|zone| !zone.is_empty()),
        );
        let body = json!({ "server": server });
        let made = self
            .act(&self.acting.compute, (Method::POST, "/servers"), Some(&body))
            .await?;
        let id = id_in(&made, "server")?;
        self.settled(&id).await?.map_err(HandsFault::Refused)
    }

    /// Waits until a new server runs, or has failed; a failed one is deleted, and the inner error says why it failed.
    async fn settled(&self, id: &str) -> Result<Result<String, String>, HandsFault> {
        let mut patience = self.patience();
        loop {
            let Some(server) = self.server(id).await? else {
                return Ok(Err(format!("云主机 {id} 在创建中被删除")));
            };
            match (server.status.as_str(), &server.task) {
                ("BUILD" | "UNKNOWN", _) => patience.pause(&format!("云主机 {id}"), &server.state()).await?,
                ("ERROR", _) => {
                    let why = format!("云主机创建失败：{}", server.trouble());
                    self.delete_server(id).await?;
                    return Ok(Err(why));
                }
                _ => return Ok(Ok(server.id)),
            }
        }
    }

    async fn image_id(&self, named: Option<&str>, zone: &str) -> Result<String, HandsFault> {
        let named = named.ok_or_else(|| refused(format!("操作账号没有配置可用区 {zone} 的云主机用哪个镜像")))?;
        let image = &self.acting.image;
        if self.shown::<Value>(image, &format!("/images/{named}")).await?.is_some() {
            return Ok(named.to_owned());
        }
        let found: Images = self.one(image, "/images", &[("name", named)]).await?;
        let mut ids = found.images.into_iter().map(|image| image.id);
        match (ids.next(), ids.next()) {
            (Some(id), None) => Ok(id),
            (None, _) => Err(refused(format!("云节点上没有镜像「{named}」，请核对配置"))),
            _ => Err(refused(format!(
                "云节点上有多个名为「{named}」的镜像，请改为配置其标识"
            ))),
        }
    }

    pub(super) async fn start_server(&self, id: &str) -> Result<(), HandsFault> {
        let mut patience = self.patience();
        let mut was_asked = false;
        loop {
            let Some(server) = self.server(id).await? else {
                return Ok(());
            };
            match (server.status.as_str(), &server.task) {
                ("SHUTOFF", None) if was_asked => return Err(refused("云节点没有启动该云主机，请到云节点核实")),
                ("SHUTOFF", None) => {
                    self.server_action(id, json!({ "os-start": null })).await?;
                    was_asked = true;
                }
                (_, Some(_)) => patience.pause(&format!("云主机 {id}"), &server.state()).await?,
                _ => return Ok(()),
            }
        }
    }

    pub(super) async fn stop_server(&self, id: &str) -> Result<(), HandsFault> {
        let mut patience = self.patience();
        let mut was_asked = false;
        loop {
            let Some(server) = self.server(id).await? else {
                return Ok(());
            };
            match &server.task {
                Some(_) => patience.pause(&format!("云主机 {id}"), &server.state()).await?,
                None if server.is_still() => return Ok(()),
                None if was_asked => return Err(refused("云节点没有停止该云主机，请到云节点核实")),
                None => {
                    self.server_action(id, json!({ "os-stop": null })).await?;
                    was_asked = true;
                }
            }
        }
    }

    pub(super) async fn delete_server(&self, id: &str) -> Result<(), HandsFault> {
        self.remove(&self.acting.compute, &path(id)).await?;
        let mut patience = self.patience();
        while let Some(server) = self.server(id).await? {
            // One that is kept in the bin has been deleted as far as its project can.
            if server.status == "SOFT_DELETED" {
                return Ok(());
            }
            patience.pause(&format!("云主机 {id}"), &server.state()).await?;
        }
        Ok(())
    }
}
