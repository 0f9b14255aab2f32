//! Sizes of servers: which one fits a specification.

use super::super::capacity::Flavor;
use super::fault::{HandsFault, refused};
use domain::registry::{Measure, Spec};

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
pub(super) fn fits(spec: &Spec, (vcpus, memory_mib, disk_gib): (u64, u64, u64)) -> bool {
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
