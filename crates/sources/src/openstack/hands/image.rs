//! Snapshots of servers before their end: images in Glance, which belong to the project and outlive the server.

use super::super::paging::Paging;
use super::super::reading::{Ask, Reading};
use super::fault::refused;
use super::{Hands, HandsFault, ORDER_KEY};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[derive(Debug, Deserialize)]
struct Shown {
    id: String,
    status: String,
    #[serde(flatten)]
    properties: BTreeMap<String, Value>,
}

fn path(id: &str) -> String {
    format!("/images/{id}")
}

impl Hands {
    pub(super) async fn find_image(&self, mark: &str) -> Result<Option<String>, HandsFault> {
        let ask = Ask {
            endpoint: &self.acting.image,
            path: "/images",
            query: vec![("name", mark.to_owned()), ("owner", self.project.id.clone())],
            paging: Paging::Next("images"),
        };
        let mut reading = Reading::new(&self.acting.session, self.acting.config.page_size);
        let images: Vec<Shown> = reading.list(ask).await.map_err(HandsFault::reading)?;
        let is_marked = |image: &&Shown| image.properties.get(ORDER_KEY).and_then(Value::as_str) == Some(mark);
        let Some(image) = images.iter().find(is_marked) else {
            return Ok(None);
        };
        let of = image.properties.get("instance_uuid").and_then(Value::as_str);
        self.settled_image(&image.id, of).await.map(Result::ok)
    }

    pub(super) async fn make_image(&self, server: &str, mark: &str) -> Result<String, HandsFault> {
        let body = json!({ "createImage": { "name": mark, "metadata": self.metadata(mark) } });
        let made = self.server_action(server, body).await?;
        // Before microversion 2.45 the id is in a header only; the mark finds it as well.
        match made.get("image_id").and_then(Value::as_str) {
            Some(id) => self.settled_image(id, Some(server)).await?.map_err(HandsFault::Refused),
            None => {
                let found = self.find_image(mark).await?;
                found.ok_or_else(|| HandsFault::Unclear("云节点没有给出快照的标识".to_owned()))
            }
        }
    }

    /// Waits until a snapshot is whole, or its server does nothing more for it; then it is deleted, and the inner error
    /// says so.
    async fn settled_image(&self, id: &str, server: Option<&str>) -> Result<Result<String, String>, HandsFault> {
        let mut patience = self.patience();
        let mut is_last_look = false;
        loop {
            let Some(image) = self.shown::<Shown>(&self.acting.image, &path(id)).await? else {
                return Ok(Err("快照在创建中被删除".to_owned()));
            };
            match image.status.as_str() {
                "active" => return Ok(Ok(image.id)),
                "killed" | "deleted" | "pending_delete" => return Ok(Err("快照创建失败".to_owned())),
                _ if is_last_look => {
                    self.delete_image(id).await?;
                    return Ok(Err("快照没有写完，云主机已不再处理；请服务商核实镜像服务".to_owned()));
                }
                _ => {}
            }
            let busy = match server {
                Some(server) => self.server(server).await?.is_some_and(|server| server.task.is_some()),
                None => true,
            };
            is_last_look = !busy;
            patience.pause("快照", &image.status).await?;
        }
    }

    pub(super) async fn delete_image(&self, id: &str) -> Result<(), HandsFault> {
        match self.remove(&self.acting.image, &path(id)).await {
            Err(HandsFault::Refused(why)) => Err(refused(format!("快照 {id} 不能删除：{why}"))),
            other => other,
        }
    }
}
