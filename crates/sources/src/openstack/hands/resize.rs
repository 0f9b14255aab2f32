//! Nova: giving a server another size.

use super::fault::refused;
use super::server::{Shown, Size};
use super::size::{fits, none_fits, pick};
use super::{Hands, HandsFault};
use domain::registry::Spec;
use serde_json::json;

impl Hands {
    /// What a server has. Old versions of Nova tell only the id of the size.
    async fn size_of(&self, server: &Shown) -> Result<(u64, u64, u64), HandsFault> {
        let size = server.flavor.clone().unwrap_or(Size {
            id: None,
            vcpus: None,
            ram: None,
            disk: None,
        });
        if let (Some(vcpus), Some(ram), Some(disk)) = (size.vcpus, size.ram, size.disk) {
            return Ok((vcpus, ram, disk));
        }
        let flavors = self.flavors().await?;
        let found = flavors.iter().find(|flavor| Some(&flavor.id) == size.id.as_ref());
        let found = found.map(|flavor| (flavor.vcpus, flavor.memory_mib, flavor.disk_gib));
        found.ok_or_else(|| HandsFault::Unclear(format!("云主机 {} 的规格已不在云节点上，无法核对", server.id)))
    }

    pub(super) async fn resize_server(&self, id: &str, spec: &Spec) -> Result<(), HandsFault> {
        let mut patience = self.patience();
        let (mut was_asked, mut was_confirmed) = (false, false);
        loop {
            let Some(server) = self.server(id).await? else {
                return Err(refused(format!("项目 {} 中没有云主机 {id}", self.project.name)));
            };
            let has = self.size_of(&server).await?;
            match (server.status.as_str(), &server.task, fits(spec, has)) {
                ("VERIFY_RESIZE", None, true) if was_confirmed => {}
                ("VERIFY_RESIZE", None, true) => {
                    self.confirm_resize(id).await?;
                    was_confirmed = true;
                }
                ("VERIFY_RESIZE", None, false) => {
                    return Err(refused("该云主机有另一次规格调整等待确认，请服务商先确认或回退"));
                }
                ("ERROR", ..) => {
                    return Err(HandsFault::Unclear(format!(
                        "云主机 {id} 在调整规格时出错：{}",
                        server.trouble()
                    )));
                }
                ("ACTIVE" | "SHUTOFF", None, true) => return Ok(()),
                ("ACTIVE" | "SHUTOFF", None, false) if was_asked => {
                    return Err(refused(format!("云节点没有完成规格调整：{}", server.trouble())));
                }
                ("ACTIVE" | "SHUTOFF", None, false) => {
                    self.ask_resize(&server, has, spec).await?;
                    was_asked = true;
                }
                (_, None, _) => {
                    let text = format!("云主机 {id} 当前为「{}」，不能调整规格", server.status);
                    return Err(refused(text));
                }
                (_, Some(_), _) => {}
            }
            patience.pause(&format!("云主机 {id}"), &server.state()).await?;
        }
    }

    /// Nova refuses a confirmation that is under way already: it will be seen when it is over.
    async fn confirm_resize(&self, id: &str) -> Result<(), HandsFault> {
        match self.server_action(id, json!({ "confirmResize": null })).await {
            Ok(_) | Err(HandsFault::Refused(_)) => Ok(()),
            Err(fault) => Err(fault),
        }
    }

    async fn ask_resize(&self, server: &Shown, has: (u64, u64, u64), spec: &Spec) -> Result<(), HandsFault> {
        let zone = server.zone.as_deref().unwrap_or_default();
        let prefix = &self.config.pool(zone)?.flavor_prefix;
        let flavors = self.flavors().await?;
        let flavor = pick(&flavors, spec, ("", prefix, None), has.2);
        let flavor = flavor.ok_or_else(|| none_fits(spec, "", zone))?;
        self.room_for_server(Some(has), flavor).await?;
        self.server_action(&server.id, json!({ "resize": { "flavorRef": flavor.id } }))
            .await?;
        Ok(())
    }
}
