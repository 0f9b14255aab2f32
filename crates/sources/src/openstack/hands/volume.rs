//! Cinder: volumes that are made, extended and deleted.

use super::super::Microversion;
use super::super::catalogue::Endpoint;
use super::super::paging::Paging;
use super::super::reading::{Ask, Reading};
use super::fault::refused;
use super::{Hands, HandsFault, NewThing, ORDER_KEY, and, id_in};
use domain::registry::{Measure, Spec};
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;

/// From here on a volume can grow while it is in use.
const EXTENDS_IN_USE: Microversion = Microversion::new(3, 42);

#[derive(Debug, Clone, Deserialize)]
struct Shown {
    id: String,
    status: String,
    size: u64,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct One {
    volume: Shown,
}

fn path(id: &str) -> String {
    format!("/volumes/{id}")
}

/// Whether something is being done to a volume that will be over by itself.
fn is_busy(status: &str) -> bool {
    const BUSY: [&str; 12] = [
        "creating",
        "downloading",
        "attaching",
        "detaching",
        "reserved",
        "extending",
        "retyping",
        "uploading",
        "backing-up",
        "restoring-backup",
        "maintenance",
        "managing",
    ];
    BUSY.contains(&status)
}

/// The size that is asked for. Units: GiB, whole; a part of one counts as a whole one.
fn size_gib(spec: &Spec) -> Result<u64, HandsFault> {
    let size = spec.get(Measure::StorageGib).map(kernel::Quantity::micros);
    let whole = size
        .filter(|micros| *micros > 0)
        .map(|micros| micros.div_euclid(1_000_000) + i64::from(micros % 1_000_000 != 0));
    let whole = whole.and_then(|whole| u64::try_from(whole).ok());
    whole.ok_or_else(|| refused("申请没有写明云硬盘容量"))
}

impl Hands {
    async fn volume(&self, id: &str) -> Result<Option<Shown>, HandsFault> {
        let found = self.shown::<One>(&self.acting.block, &path(id)).await?;
        Ok(found.map(|one| one.volume))
    }

    pub(super) async fn find_volume(&self, mark: &str) -> Result<Option<String>, HandsFault> {
        let ask = Ask {
            endpoint: &self.acting.block,
            path: "/volumes/detail",
            query: Vec::new(),
            paging: Paging::Links("volumes"),
        };
        let mut reading = Reading::new(&self.acting.session, self.acting.config.page_size);
        let volumes: Vec<Shown> = reading.list(ask).await.map_err(HandsFault::reading)?;
        let marked = volumes
            .into_iter()
            .find(|volume| volume.metadata.get(ORDER_KEY).is_some_and(|there| there == mark));
        match marked {
            Some(volume) => self.settled_volume(&volume.id).await.map(Result::ok),
            None => Ok(None),
        }
    }

    pub(super) async fn make_volume(&self, new: NewThing<'_>) -> Result<String, HandsFault> {
        let pool = self.config.pool(new.zone)?;
        let size = size_gib(new.spec)?;
        self.room_for_volume(size, true).await?;
        let volume = json!({ "name": new.name, "size": size, "metadata": self.metadata(new.mark) });
        let class = Some(new.class).filter(|class| !class.is_empty());
        let volume = and(volume, "volume_type", class.or(pool.volume_type.as_deref()));
        let volume = and(volume, "availability_zone", pool.volume_zone.as_deref());
        let body = json!({ "volume": volume });
        let made = self
            .act(&self.acting.block, (Method::POST, "/volumes"), Some(&body))
            .await?;
        let id = id_in(&made, "volume")?;
        self.settled_volume(&id).await?.map_err(HandsFault::Refused)
    }

    /// Waits until a new volume can be used, or has failed; a failed one is deleted, and the inner error says so.
    async fn settled_volume(&self, id: &str) -> Result<Result<String, String>, HandsFault> {
        let mut patience = self.patience();
        loop {
            let Some(volume) = self.volume(id).await? else {
                return Ok(Err(format!("云硬盘 {id} 在创建中被删除")));
            };
            match volume.status.as_str() {
                "creating" | "downloading" => patience.pause(&format!("云硬盘 {id}"), &volume.status).await?,
                "error" => {
                    self.delete_volume(id).await?;
                    return Ok(Err(
                        "云硬盘创建失败，云节点没有说明原因；请服务商核实存储后端".to_owned()
                    ));
                }
                _ => return Ok(Ok(volume.id)),
            }
        }
    }

    pub(super) async fn extend_volume(&self, id: &str, spec: &Spec) -> Result<(), HandsFault> {
        let wanted = size_gib(spec)?;
        let mut patience = self.patience();
        let mut was_asked = false;
        loop {
            let Some(volume) = self.volume(id).await? else {
                return Err(refused(format!("项目 {} 中没有云硬盘 {id}", self.project.name)));
            };
            match volume.status.as_str() {
                "extending" => {}
                "error_extending" => {
                    return Err(HandsFault::Unclear(format!(
                        "云硬盘 {id} 扩容出错，请服务商核实存储后端"
                    )));
                }
                _ if volume.size == wanted => return Ok(()),
                _ if volume.size > wanted => {
                    let text = format!("云硬盘不能缩小：现有 {} GiB，申请 {wanted} GiB", volume.size);
                    return Err(refused(text));
                }
                "available" | "in-use" if !was_asked => {
                    self.room_for_volume(wanted - volume.size, false).await?;
                    let version = (volume.status == "in-use").then_some(EXTENDS_IN_USE);
                    let endpoint = Endpoint {
                        version: version.or(self.acting.block.version),
                        ..self.acting.block.clone()
                    };
                    let body = json!({ "os-extend": { "new_size": wanted } });
                    let path = format!("/volumes/{id}/action");
                    self.act(&endpoint, (Method::POST, &path), Some(&body)).await?;
                    was_asked = true;
                }
                "available" | "in-use" => {}
                other => return Err(refused(format!("云硬盘 {id} 当前为「{other}」，不能扩容"))),
            }
            patience.pause(&format!("云硬盘 {id}"), &volume.status).await?;
        }
    }

    pub(super) async fn delete_volume(&self, id: &str) -> Result<(), HandsFault> {
        let mut patience = self.patience();
        // Cinder deletes no volume that something is being done to; its server may just be letting go of it.
        while let Some(volume) = self.volume(id).await?.filter(|volume| is_busy(&volume.status)) {
            patience.pause(&format!("云硬盘 {id}"), &volume.status).await?;
        }
        self.remove(&self.acting.block, &path(id)).await?;
        while let Some(volume) = self.volume(id).await? {
            if volume.status == "error_deleting" {
                return Err(refused(format!("云硬盘 {id} 删除失败，请服务商核实存储后端")));
            }
            patience.pause(&format!("云硬盘 {id}"), &volume.status).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volumes_have_whole_gibibytes_and_never_less_than_approved() {
        let size = |spec: &str| size_gib(&spec.parse().unwrap()).ok();
        assert_eq!(size("storage_gib=100"), Some(100));
        assert_eq!(size("storage_gib=100.2"), Some(101));
        assert_eq!(size("storage_gib=0"), None);
        assert_eq!(size("vcpu=1"), None);
    }
}
