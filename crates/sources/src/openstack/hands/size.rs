//! Sizes of servers: which one fits a specification, and changing to it.

use super::super::capacity::Flavor;
use super::fault::refused;
use super::server::{Shown, Size};
use super::{Hands, HandsFault};
use domain::registry::{Measure, Spec};
use serde_json::json;

const MICROS: i64 = 1_000_000;

/// A whole number of units, or none. Units: `scale` of them make one of the measure.
fn whole(spec: &Spec, measure: Measure, scale: i64) -> Result<Option<u64>, ()> {
    let Some(quantity) = spec.get(measure) else {
        return Ok(None);
    };
    let scaled = quantity.micros().checked_mul(scale).ok_or(())?;
    match scaled % MICROS {
        0 => u64::try_from(scaled / MICROS).map(Some).map_err(|_| ()),
        _ => Err(()),
    }
}

/// What a specification asks of a size. None if it asks for parts of a unit.
fn asked(spec: &Spec) -> Option<(Option<u64>, Option<u64>, Option<u64>)> {
    let vcpus = whole(spec, Measure::Vcpu, 1).ok()?;
    let memory_mib = whole(spec, Measure::MemoryGib, 1024).ok()?;
    let disk_gib = whole(spec, Measure::StorageGib, 1).ok()?;
    Some((vcpus, memory_mib, disk_gib))
}

/// Whether a size has what a specification asks, no more and no less; what it does not name may be anything.
fn fits(spec: &Spec, (vcpus, memory_mib, disk_gib): (u64, u64, u64)) -> bool {
    let is = |wanted: Option<u64>, there: u64| wanted.is_none_or(|wanted| wanted == there);
    asked(spec).is_some_and(|(v, m, d)| is(v, vcpus) && is(m, memory_mib) && is(d, disk_gib))
}

/// The size for a specification, among those of a class and whose names begin so. Public ones come first, then the
/// smallest disk that is no smaller than `least_disk_gib`, then the least memory, then the name.
pub(super) fn pick<'f>(
    flavors: &'f [Flavor],
    spec: &Spec,
    (class, prefix, family_key): (&str, &str, Option<&str>),
    least_disk_gib: u64,
) -> Option<&'f Flavor> {
    let of_class = |flavor: &Flavor| {
        let family = family_key.and_then(|key| flavor.extra_specs.get(key));
        class.is_empty() || flavor.name == class || family.is_some_and(|family| family == class)
    };
    let fitting = flavors
        .iter()
        .filter(|flavor| flavor.name.starts_with(prefix) && of_class(flavor))
        .filter(|flavor| fits(spec, (flavor.vcpus, flavor.memory_mib, flavor.disk_gib)));
    fitting.min_by_key(|flavor| {
        (
            !flavor.public,
            flavor.disk_gib < least_disk_gib,
            flavor.disk_gib,
            flavor.memory_mib,
            flavor.name.clone(),
        )
    })
}

pub(super) fn none_fits(spec: &Spec, class: &str, zone: &str) -> HandsFault {
    let class = if class.is_empty() { "不限" } else { class };
    let zone = if zone.is_empty() { "不限" } else { zone };
    refused(format!(
        "云节点上没有符合的云主机规格（{spec}，类别 {class}，可用区 {zone}）；请服务商增加该规格，或修改申请"
    ))
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn flavor(name: &str, vcpus: u64, memory_mib: u64, disk_gib: u64, family: &str) -> Flavor {
        Flavor {
            id: format!("id-{name}"),
            name: name.into(),
            vcpus,
            memory_mib,
            disk_gib,
            public: true,
            extra_specs: BTreeMap::from([("family".to_owned(), family.to_owned())]),
        }
    }

    fn picked(spec: &str, about: (&str, &str, Option<&str>), least: u64) -> Option<String> {
        let mut own = flavor("x86.own", 2, 4096, 10, "own");
        own.public = false;
        let flavors = [
            flavor("x86.medium", 2, 4096, 40, "general"),
            flavor("x86.medium.big", 2, 4096, 80, "general"),
            flavor("x86.mem", 2, 8192, 40, "memory"),
            flavor("xc.medium", 2, 4096, 20, "general"),
            own,
        ];
        pick(&flavors, &spec.parse().unwrap(), about, least).map(|flavor| flavor.name.clone())
    }

    #[test]
    fn a_size_is_what_was_approved() {
        let x86 = ("", "x86.", None);
        let is = |name: &str| Some(name.to_owned());
        assert_eq!(picked("vcpu=2 memory_gib=4", x86, 0), is("x86.medium"));
        assert_eq!(picked("vcpu=2 memory_gib=4", ("", "", None), 0), is("xc.medium"));
        assert_eq!(
            picked("vcpu=2 memory_gib=4 storage_gib=80", x86, 0),
            is("x86.medium.big")
        );
        assert_eq!(picked("vcpu=2 memory_gib=4", x86, 60), is("x86.medium.big"));
        // A smaller disk is better than none, Nova decides.
        assert_eq!(picked("vcpu=2 memory_gib=4", x86, 99), is("x86.medium"));
        assert_eq!(picked("vcpu=2", ("memory", "x86.", Some("family")), 0), is("x86.mem"));
        assert_eq!(picked("vcpu=2", ("x86.mem", "", None), 0), is("x86.mem"));
        assert_eq!(picked("vcpu=2 storage_gib=10", x86, 0), is("x86.own"));
        for none in [
            "vcpu=3",
            "vcpu=2 memory_gib=6",
            "vcpu=1.5",
            "vcpu=2 memory_gib=4 storage_gib=41",
        ] {
            assert_eq!(picked(none, x86, 0), None, "{none}");
        }
        assert_eq!(picked("vcpu=2", ("gpu", "", Some("family")), 0), None);
    }
}
