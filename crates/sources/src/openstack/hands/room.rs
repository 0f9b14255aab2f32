//! Quotas of the project: what is left of them, and raising them where that is configured.

use super::super::capacity::Flavor;
use super::super::quota::{self, Quota};
use super::super::reading::Reading;
use super::super::{OpenStackError, Service};
use super::fault::{act_fault, refused};
use super::{Hands, HandsFault};
use reqwest::Method;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::PoisonError;

/// What is needed of a service's quotas, by their own names and in their own units.
type Need<'a> = (Service, &'a [(&'static str, u64)]);

/// A limit that is too low.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Lacking {
    name: &'static str,
    limit: u64,
    in_use: u64,
    need: u64,
}

impl Lacking {
    /// The limit into which the need just fits.
    const fn raised(&self) -> u64 {
        self.in_use.saturating_add(self.need)
    }
}

/// That quotas were raised, from what to what: nothing lowers them again by itself, since others may use the room.
fn raised(project: &str, lacking: &[Lacking], is_sure: bool) -> String {
    let each = lacking
        .iter()
        .map(|l| format!("{}由 {} 调高到 {}", zh(l.name), l.limit, l.raised()));
    let each = each.collect::<Vec<_>>().join("、");
    let how = if is_sure { "已" } else { "可能已" };
    format!("项目 {project} 的配额{how}调高：{each}；回退时不会自动调低")
}

fn zh(name: &str) -> &str {
    match name {
        "cores" => "vCPU（核）",
        "ram" => "内存（MiB）",
        "instances" => "云主机（台）",
        "volumes" => "云硬盘（块）",
        "gigabytes" => "云硬盘容量（GiB）",
        "floatingip" => "公网地址（个）",
        other => other,
    }
}

/// The limits into which a need does not fit. What the service does not tell is left to it to refuse.
fn lacking(quotas: &[Quota], (service, needs): Need<'_>) -> Vec<Lacking> {
    let too_low = |(name, need): &(&'static str, u64)| {
        let there = quotas.iter().find(|q| q.service == service.word() && q.name == *name)?;
        let (limit, in_use) = (there.limit?, there.in_use?);
        (*need > 0 && in_use.saturating_add(*need) > limit).then_some(Lacking {
            name,
            limit,
            in_use,
            need: *need,
        })
    };
    needs.iter().filter_map(too_low).collect()
}

impl Hands {
    /// The quotas of the project at compute, block storage and network.
    pub async fn quotas(&self) -> Result<Vec<Quota>, HandsFault> {
        let mut reading = Reading::new(&self.acting.session, self.acting.config.page_size);
        let acting = &self.acting;
        let read = quota::read(
            &mut reading,
            (&acting.compute, &acting.block, &acting.network),
            std::slice::from_ref(&self.project),
        );
        read.await.map_err(HandsFault::reading)
    }

    /// Sets limits of one service for the project, by the service's own names and in its own units. Setting what is so
    /// already changes nothing.
    ///
    /// Errors: the account may not (it needs the role `admin` for it).
    pub async fn set_quotas(&self, service: Service, limits: &BTreeMap<&str, u64>) -> Result<(), HandsFault> {
        let id = &self.project.id;
        let (endpoint, path, key) = match service {
            Service::Compute => (&self.acting.compute, format!("/os-quota-sets/{id}"), "quota_set"),
            Service::BlockStorage => (&self.acting.block, format!("/os-quota-sets/{id}"), "quota_set"),
            Service::Network => (&self.acting.network, format!("/quotas/{id}"), "quota"),
            other => return Err(refused(format!("{other} 没有可设置的配额"))),
        };
        let limits: Map<String, Value> = limits
            .iter()
            .map(|(name, limit)| ((*name).to_owned(), json!(limit)))
            .collect();
        let body = json!({ key: limits });
        let asked = self
            .acting
            .session
            .ask(endpoint, (Method::PUT, endpoint.at(&path)), Some(&body))
            .await;
        match asked {
            Ok(_) => Ok(()),
            Err(OpenStackError::Forbidden { .. }) => Err(refused(
                "操作账号无权调整项目配额；请授予其 admin 角色，或由服务商调整后继续",
            )),
            Err(error) => Err(act_fault(error, false)),
        }
    }

    /// Which quotas were raised since this was last asked, in words.
    pub fn take_raised(&self) -> Vec<String> {
        std::mem::take(&mut *self.raised.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn room(&self, need: Need<'_>) -> Result<(), HandsFault> {
        let lacking = lacking(&self.quotas().await?, need);
        if lacking.is_empty() {
            return Ok(());
        }
        if self.config.raise_quota {
            let limits = lacking.iter().map(|l| (l.name, l.raised()));
            let set = self.set_quotas(need.0, &limits.collect()).await;
            // Also if it is not clear whether it was done.
            if !matches!(set, Err(HandsFault::Refused(_))) {
                let words = raised(&self.project.name, &lacking, set.is_ok());
                self.raised.lock().unwrap_or_else(PoisonError::into_inner).push(words);
            }
            return set;
        }
        let each = lacking
            .iter()
            .map(|l| format!("{}上限 {}，已用 {}，还需 {}", zh(l.name), l.limit, l.in_use, l.need));
        Err(refused(format!(
            "项目 {} 配额不足：{}；请服务商调整配额后继续",
            self.project.name,
            each.collect::<Vec<_>>().join("；")
        )))
    }

    /// Room for a new server, or for what a larger size has more. Units: processors, MiB.
    pub(super) async fn room_for_server(
        &self,
        has: Option<(u64, u64, u64)>,
        wanted: &Flavor,
    ) -> Result<(), HandsFault> {
        let (vcpus, memory_mib, _) = has.unwrap_or_default();
        let need = [
            ("cores", wanted.vcpus.saturating_sub(vcpus)),
            ("ram", wanted.memory_mib.saturating_sub(memory_mib)),
            ("instances", u64::from(has.is_none())),
        ];
        self.room((Service::Compute, &need)).await
    }

    /// Room for more block storage. Units: GiB.
    pub(super) async fn room_for_volume(&self, size_gib: u64, is_new: bool) -> Result<(), HandsFault> {
        let need = [("gigabytes", size_gib), ("volumes", u64::from(is_new))];
        self.room((Service::BlockStorage, &need)).await
    }

    pub(super) async fn room_for_address(&self) -> Result<(), HandsFault> {
        self.room((Service::Network, &[("floatingip", 1)])).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quota(name: &str, limit: Option<u64>, in_use: Option<u64>) -> Quota {
        Quota {
            project: "p".into(),
            service: Service::Compute.word().into(),
            name: name.into(),
            limit,
            in_use,
        }
    }

    #[test]
    fn what_was_raised_says_by_how_much() {
        let lacking = |name, limit, in_use, need| Lacking {
            name,
            limit,
            in_use,
            need,
        };
        let both = [lacking("cores", 10, 8, 4), lacking("instances", 2, 2, 1)];
        assert_eq!(
            raised("民政", &both, true),
            "项目 民政 的配额已调高：vCPU（核）由 10 调高到 12、云主机（台）由 2 调高到 3；回退时不会自动调低"
        );
        assert!(raised("民政", &both, false).contains("配额可能已调高"));
    }

    #[test]
    fn only_a_known_limit_is_too_low() {
        let quotas = [
            quota("cores", Some(10), Some(8)),
            quota("ram", None, Some(8)),
            quota("instances", Some(0), None),
        ];
        let of = |service, need: &[(&'static str, u64)]| {
            let lacking = lacking(&quotas, (service, need));
            lacking
                .into_iter()
                .map(|l| (l.name, l.limit, l.in_use, l.need))
                .collect::<Vec<_>>()
        };
        let compute = Service::Compute;
        assert_eq!(of(compute, &[("cores", 2), ("ram", 99), ("instances", 1)]), []);
        assert_eq!(of(compute, &[("cores", 3), ("ram", 99)]), [("cores", 10, 8, 3)]);
        assert_eq!(of(compute, &[("cores", 0)]), []);
        assert_eq!(of(Service::Network, &[("cores", 3)]), []);
    }
}
