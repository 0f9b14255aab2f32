//! What an application is for.

use crate::registry::words;
use crate::rules::ApplicationKind;

words! {
    /// What is asked for.
    RequestKind {
        /// New resources.
        New = "new", "新增";
        /// Another specification for resources that are there.
        Change = "change", "变更";
        /// More time for resources that are there.
        Extend = "extend", "延期";
        /// The end of resources, asked for by the unit.
        Release = "release", "释放";
        /// The end of resources, proposed to the unit.
        Reclaim = "reclaim", "回收";
    }
}

impl RequestKind {
    /// What the rules take it for: what is reclaimed is judged like what is released.
    pub const fn application(self) -> ApplicationKind {
        match self {
            Self::New => ApplicationKind::New,
            Self::Change => ApplicationKind::Change,
            Self::Extend => ApplicationKind::Extend,
            Self::Release | Self::Reclaim => ApplicationKind::Release,
        }
    }

    /// Whether it asks for something: new resources, or another size.
    pub const fn adds(self) -> bool {
        matches!(self, Self::New | Self::Change)
    }

    /// Whether it changes or ends resources that are there. To last longer is neither.
    pub const fn alters(self) -> bool {
        matches!(self, Self::Change) || self.ends()
    }

    /// Whether it ends resources.
    pub const fn ends(self) -> bool {
        matches!(self, Self::Release | Self::Reclaim)
    }
}
