//! What can be allocated, seen and charged: kinds of resource, their measures, and specification vectors.

use kernel::Quantity;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal, $zh:literal;)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            /// Every value, in the order of the definition.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word in files and commands.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }

            /// The word in Chinese documents.
            pub const fn zh(self) -> &'static str {
                match self { $(Self::$variant => $zh),* }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.word())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(self.word())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(d)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;

            /// Accepts the word or its Chinese form.
            fn from_str(text: &str) -> Result<Self, String> {
                let text = text.trim();
                Self::ALL.iter().copied().find(|v| v.word() == text || v.zh() == text).ok_or_else(|| {
                    let words: Vec<_> = Self::ALL.iter().map(|v| format!("{} ({})", v.zh(), v.word())).collect();
                    format!("{text:?} 不是可用的取值，请填写其中之一: {}", words.join("、"))
                })
            }
        }
    };
}
pub(crate) use words;

words! {
    /// A kind of resource. Meters, observations and catalogue items all take their list of kinds from here, so that
    /// no kind can be forgotten in one of them.
    ResourceKind {
        /// A virtual machine.
        Server = "server", "云主机";
        /// A bare metal machine.
        BareMetal = "bare_metal", "裸金属服务器";
        /// A block volume.
        Volume = "volume", "云硬盘";
        /// A snapshot of a volume.
        Snapshot = "snapshot", "云硬盘快照";
        /// A public address.
        FloatingIp = "floating_ip", "弹性公网地址";
        /// Bandwidth to the Internet.
        Bandwidth = "bandwidth", "互联网带宽";
        /// A bucket or container of object storage.
        ObjectStorage = "object_storage", "对象存储";
        /// A load balancer.
        LoadBalancer = "load_balancer", "负载均衡";
        /// A managed database.
        Database = "database", "云数据库";
        /// A stored image.
        Image = "image", "镜像";
        /// A backup vault.
        Backup = "backup", "数据备份";
        /// A security service (host security, firewall, WAF, bastion, audit).
        Security = "security", "安全服务";
        /// A cabinet or part of one.
        Cabinet = "cabinet", "机柜托管";
        /// A leased line of an industry network.
        Line = "line", "行业网络专线";
        /// Accepted work: migration, assessment, adaptation.
        Work = "work", "服务工作";
    }
}

words! {
    /// What is counted of a resource. The unit is part of the name.
    Measure {
        /// Virtual processors.
        Vcpu = "vcpu", "vCPU（核）";
        /// Memory.
        MemoryGib = "memory_gib", "内存（GiB）";
        /// Disk or storage capacity.
        StorageGib = "storage_gib", "存储（GiB）";
        /// Bandwidth.
        BandwidthMbps = "bandwidth_mbps", "带宽（Mbps）";
        /// Pieces.
        Count = "count", "数量（个）";
        /// Rack units of a cabinet.
        RackUnit = "rack_unit", "机位（U）";
        /// Person days of work.
        PersonDay = "person_day", "人天";
    }
}

/// How much of each measure a resource has. A measure that is absent is unknown or does not apply; it is not zero.
///
/// Text form: `vcpu=4 memory_gib=8`, in the order of [`Measure`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Spec(BTreeMap<Measure, Quantity>);

impl Spec {
    /// With nothing in it.
    pub fn new() -> Self {
        Self::default()
    }

    /// With one measure more (or another value for it).
    #[must_use]
    pub fn with(mut self, measure: Measure, quantity: Quantity) -> Self {
        self.0.insert(measure, quantity);
        self
    }

    /// What it comes to over what is there already: a measure that it does not speak of stays as it is.
    #[must_use]
    pub fn over(&self, there: &Self) -> Self {
        let measures = self.iter();
        measures.fold(there.clone(), |spec, (measure, quantity)| spec.with(measure, quantity))
    }

    /// How much there is of a measure.
    pub fn get(&self, measure: Measure) -> Option<Quantity> {
        self.0.get(&measure).copied()
    }

    /// As people read it: `vCPU 8 核、内存 16 GiB`.
    pub fn zh(&self) -> String {
        let part = |(measure, quantity): (Measure, Quantity)| match measure.zh().split_once('（') {
            Some((name, unit)) => format!("{name} {quantity} {}", unit.trim_end_matches('）')),
            None => format!("{quantity} {}", measure.zh()),
        };
        self.iter().map(part).collect::<Vec<_>>().join("、")
    }

    /// The measures and their quantities, in the order of [`Measure`].
    pub fn iter(&self) -> impl Iterator<Item = (Measure, Quantity)> + '_ {
        self.0.iter().map(|(m, q)| (*m, *q))
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (measure, quantity)) in self.0.iter().enumerate() {
            let space = if place == 0 { "" } else { " " };
            write!(f, "{space}{measure}={quantity}")?;
        }
        Ok(())
    }
}

impl FromStr for Spec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut spec = Self::new();
        for part in text.split_whitespace() {
            let (measure, quantity) = part
                .split_once('=')
                .ok_or_else(|| format!("规格「{part}」应写成 vcpu=4 memory_gib=8 的形式"))?;
            let measure: Measure = measure.parse()?;
            let quantity: Quantity = quantity.parse().map_err(|e| format!("规格「{part}」: {e}"))?;
            if spec.0.insert(measure, quantity).is_some() {
                return Err(format!("规格「{text}」中 {measure} 出现了两次"));
            }
        }
        Ok(spec)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specs_read_and_write() {
        let spec: Spec = "memory_gib=8 vcpu=4".parse().unwrap();
        assert_eq!(spec.to_string(), "vcpu=4 memory_gib=8");
        let wider: Spec = "vcpu=8".parse().unwrap();
        assert_eq!(wider.over(&spec).to_string(), "vcpu=8 memory_gib=8");
        assert_eq!(wider.over(&Spec::new()), wider);
        assert!("vcpu=4 vcpu=8".parse::<Spec>().is_err());
        assert!("vcpu".parse::<Spec>().is_err() && "cores=4".parse::<Spec>().is_err());
        assert_eq!("云硬盘".parse::<ResourceKind>().unwrap(), ResourceKind::Volume);
    }
}
