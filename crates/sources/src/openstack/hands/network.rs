//! Neutron: the network of a project, and public addresses. Neither knows metadata, so the mark is in the description:
//! tags can be set only after something was made.

use super::super::paging::Paging;
use super::super::reading::{Ask, Reading};
use super::fault::refused;
use super::{Hands, HandsFault, NewThing, ORDER_KEY, id_in};
use reqwest::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

/// The tag of the network to use, for projects that have several.
const NETWORK_TAG: &str = "yunheng:network";

#[derive(Debug, Clone, Deserialize)]
struct Network {
    id: String,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    subnets: Vec<String>,
    #[serde(rename = "router:external", default)]
    external: bool,
    #[serde(default)]
    project_id: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
struct Address {
    id: String,
    #[serde(default)]
    description: Option<String>,
    status: String,
    #[serde(default)]
    project_id: Option<String>,
}

#[derive(Deserialize)]
struct External {
    id: String,
    name: String,
}

#[derive(Deserialize)]
struct OneAddress {
    floatingip: Address,
}

impl Network {
    /// Whether a step made it and has not finished it: nothing can be put into it.
    fn is_half(&self) -> bool {
        let described = self.description.as_deref().unwrap_or_default();
        let is_ours = described.split_once('=').is_some_and(|(key, _)| key == ORDER_KEY);
        is_ours && self.subnets.is_empty()
    }
}

/// The description of what a step made.
fn described(mark: &str) -> String {
    format!("{ORDER_KEY}={mark}")
}

/// The network that servers of the project are put into: the only one, or the one that says so. One that a step has not
/// finished is for that step only.
fn own(networks: &[Network], project: &str) -> Result<Option<Network>, HandsFault> {
    let own: Vec<&Network> = networks
        .iter()
        .filter(|network| !network.external && network.project_id.as_deref() == Some(project) && !network.is_half())
        .collect();
    let mut tagged = own
        .iter()
        .filter(|network| network.tags.iter().any(|tag| tag == NETWORK_TAG));
    match (own.as_slice(), tagged.next(), tagged.next()) {
        ([], ..) => Ok(None),
        ([only], ..) => Ok(Some((*only).clone())),
        (_, Some(tagged), None) => Ok(Some((*tagged).clone())),
        _ => Err(refused(format!(
            "项目中有多个网络，无法确定云主机应接入哪个；请服务商给其中一个加上标签 {NETWORK_TAG}"
        ))),
    }
}

impl Hands {
    async fn list<T: DeserializeOwned>(&self, path: &str, key: &'static str) -> Result<Vec<T>, HandsFault> {
        let ask = Ask {
            endpoint: &self.acting.network,
            path,
            query: vec![("project_id", self.project.id.clone())],
            paging: Paging::Links(key),
        };
        let mut reading = Reading::new(&self.acting.session, self.acting.config.page_size);
        reading.list(ask).await.map_err(HandsFault::reading)
    }

    async fn networks(&self) -> Result<Vec<Network>, HandsFault> {
        self.list("/networks", "networks").await
    }

    pub(super) async fn own_network(&self) -> Result<Option<String>, HandsFault> {
        Ok(own(&self.networks().await?, &self.project.id)?.map(|network| network.id))
    }

    /// The network that a step made; what a dead attempt left out is made up for. One that cannot be finished is deleted,
    /// and then it is not there.
    pub(super) async fn find_network(&self, mark: &str) -> Result<Option<String>, HandsFault> {
        let made = described(mark);
        let networks = self.networks().await?;
        let found = networks
            .iter()
            .find(|network| network.description.as_deref() == Some(&made));
        match found {
            Some(network) => self.finished_network(network, mark).await.map(Result::ok),
            None => Ok(None),
        }
    }

    pub(super) async fn make_network(&self, mark: &str) -> Result<String, HandsFault> {
        let network =
            json!({ "network": { "name": format!("yunheng-{}", self.system), "description": described(mark) } });
        let made = self
            .act(&self.acting.network, (Method::POST, "/networks"), Some(&network))
            .await?;
        let id = id_in(&made, "network")?;
        let new = Network {
            id,
            description: None,
            tags: Vec::new(),
            subnets: Vec::new(),
            external: false,
            project_id: None,
        };
        self.finished_network(&new, mark).await?.map_err(HandsFault::Refused)
    }

    /// Finishes a network. One that the node refuses to finish is deleted, and the inner error says why.
    async fn finished_network(&self, network: &Network, mark: &str) -> Result<Result<String, String>, HandsFault> {
        match self.finish_network(network, mark).await {
            Err(HandsFault::Refused(why)) => {
                self.delete_network(&network.id).await?;
                Ok(Err(why))
            }
            finished => finished.map(|()| Ok(network.id.clone())),
        }
    }

    async fn finish_network(&self, network: &Network, mark: &str) -> Result<(), HandsFault> {
        let (endpoint, id) = (&self.acting.network, &network.id);
        if network.subnets.is_empty() {
            let subnet = json!({ "subnet": {
                "network_id": id, "ip_version": 4, "cidr": self.config.cidr, "name": format!("yunheng-{}", self.system),
                "description": described(mark), "dns_nameservers": self.config.name_servers,
            }});
            self.act(endpoint, (Method::POST, "/subnets"), Some(&subnet)).await?;
        }
        if network.tags.is_empty() {
            let tags = json!({ "tags": self.tags() });
            self.act(endpoint, (Method::PUT, &format!("/networks/{id}/tags")), Some(&tags))
                .await?;
        }
        Ok(())
    }

    pub(super) async fn delete_network(&self, id: &str) -> Result<(), HandsFault> {
        self.remove(&self.acting.network, &format!("/networks/{id}")).await
    }

    pub(super) async fn find_address(&self, mark: &str) -> Result<Option<String>, HandsFault> {
        let made = described(mark);
        let addresses: Vec<Address> = self.list("/floatingips", "floatingips").await?;
        let own = |address: &&Address| address.project_id.as_deref() == Some(&self.project.id);
        let found = addresses
            .iter()
            .filter(own)
            .find(|address| address.description.as_deref() == Some(&made));
        match found {
            Some(address) => self.finish_address(&address.id).await.map(Result::ok),
            None => Ok(None),
        }
    }

    pub(super) async fn make_address(&self, new: NewThing<'_>) -> Result<String, HandsFault> {
        let external = self.external_network().await?;
        self.room_for_address().await?;
        let address = json!({ "floatingip": { "floating_network_id": external, "description": described(new.mark) } });
        let made = self
            .act(&self.acting.network, (Method::POST, "/floatingips"), Some(&address))
            .await?;
        let id = id_in(&made, "floatingip")?;
        self.finish_address(&id).await?.map_err(HandsFault::Refused)
    }

    /// Tags an address and makes sure that it can be used; else it is deleted, and the inner error says why. Until it is
    /// bound to a port it is down, and nobody else's.
    async fn finish_address(&self, id: &str) -> Result<Result<String, String>, HandsFault> {
        let (endpoint, path) = (&self.acting.network, format!("/floatingips/{id}"));
        let tags = json!({ "tags": self.tags() });
        let tagged = self
            .act(endpoint, (Method::PUT, &format!("{path}/tags")), Some(&tags))
            .await;
        if let Err(HandsFault::Refused(why)) = tagged {
            self.delete_address(id).await?;
            return Ok(Err(why));
        }
        tagged?;
        let shown = self.shown::<OneAddress>(endpoint, &path).await?;
        match shown.map(|one| one.floatingip.status) {
            Some(status) if status != "ERROR" => Ok(Ok(id.to_owned())),
            Some(_) => {
                self.delete_address(id).await?;
                Ok(Err("公网地址分配失败，请服务商核实网络服务".to_owned()))
            }
            None => Ok(Err("公网地址在分配中被删除".to_owned())),
        }
    }

    pub(super) async fn delete_address(&self, id: &str) -> Result<(), HandsFault> {
        self.remove(&self.acting.network, &format!("/floatingips/{id}")).await
    }

    async fn external_network(&self) -> Result<String, HandsFault> {
        let named = self.config.external_network.as_deref();
        let named = named.ok_or_else(|| {
            refused("操作账号没有配置公网地址取自哪个外部网络；请在配置文件的 external_network 中填写")
        })?;
        let ask = Ask {
            endpoint: &self.acting.network,
            path: "/networks",
            query: vec![("router:external", "True".to_owned())],
            paging: Paging::Links("networks"),
        };
        let mut reading = Reading::new(&self.acting.session, self.acting.config.page_size);
        let listed: Vec<External> = reading.list(ask).await.map_err(HandsFault::reading)?;
        let mut found = listed
            .into_iter()
            .filter(|network| network.id == named || network.name == named);
        match (found.next(), found.next()) {
            (Some(network), None) => Ok(network.id),
            (None, _) => Err(refused(format!("云节点上没有外部网络「{named}」，请核对配置"))),
            _ => Err(refused(format!(
                "云节点上有多个名为「{named}」的外部网络，请改为配置其标识"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(id: &str, project: &str, tags: &[&str], external: bool) -> Network {
        Network {
            id: id.into(),
            description: None,
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            subnets: Vec::new(),
            external,
            project_id: Some(project.into()),
        }
    }

    #[test]
    fn servers_go_into_the_only_network_or_the_one_that_is_meant() {
        let (shared, external) = (network("s", "q", &[], false), network("e", "p", &[], true));
        let (a, b) = (
            network("a", "p", &["x"], false),
            network("b", "p", &[NETWORK_TAG], false),
        );
        let of = |networks: &[&Network]| {
            let networks: Vec<Network> = networks.iter().map(|network| (*network).clone()).collect();
            own(&networks, "p").map(|found| found.map(|network| network.id))
        };
        assert_eq!(of(&[&shared, &external]), Ok(None));
        assert_eq!(of(&[&shared, &external, &a]), Ok(Some("a".into())));
        assert_eq!(of(&[&a, &b, &shared]), Ok(Some("b".into())));
        let c = network("c", "p", &[NETWORK_TAG], false);
        for many in [[&a, &a], [&b, &c]] {
            assert!(matches!(of(&many), Err(HandsFault::Refused(why)) if why.contains(NETWORK_TAG)));
        }
        // What an order has begun and not finished is no network to put a server into.
        let ours = |subnets: &[&str]| Network {
            description: Some(described("GD-1/1")),
            subnets: subnets.iter().map(|subnet| (*subnet).to_owned()).collect(),
            ..network("o", "p", &[], false)
        };
        assert_eq!(of(&[&ours(&[])]), Ok(None));
        assert_eq!(of(&[&ours(&[]), &a]), Ok(Some("a".into())));
        assert_eq!(of(&[&ours(&["n"])]), Ok(Some("o".into())));
    }
}
