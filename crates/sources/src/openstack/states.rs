//! The words of the services for the state of a resource, and what they mean to a meter. All tables are here.

use domain::collect::ObservedState::{self, Deleted, Failed, Live, Shelved, Stopped};
use domain::registry::ResourceKind;
use std::collections::BTreeMap;

/// Nova. An action under way on a machine that exists leaves it live; a machine that was never delivered is failed.
const SERVER: &[(&str, ObservedState)] = &[
    ("active", Live),
    ("hard_reboot", Live),
    ("migrating", Live),
    ("password", Live),
    ("reboot", Live),
    ("rebuild", Live),
    ("resize", Live),
    ("revert_resize", Live),
    ("verify_resize", Live),
    ("paused", Stopped),
    ("rescue", Stopped),
    ("shelved", Stopped),
    ("shutoff", Stopped),
    ("suspended", Stopped),
    ("shelved_offloaded", Shelved),
    ("build", Failed),
    ("error", Failed),
    ("deleted", Deleted),
    ("soft_deleted", Deleted),
];

/// Cinder. A volume holds its capacity from creation to deletion, also while something fails to be done to it.
const VOLUME: &[(&str, ObservedState)] = &[
    ("available", Live),
    ("in-use", Live),
    ("reserved", Live),
    ("attaching", Live),
    ("detaching", Live),
    ("maintenance", Live),
    ("awaiting-transfer", Live),
    ("backing-up", Live),
    ("restoring-backup", Live),
    ("uploading", Live),
    ("retyping", Live),
    ("extending", Live),
    ("unmanaging", Live),
    ("deleting", Live),
    ("error_backing-up", Live),
    ("error_deleting", Live),
    ("error_extending", Live),
    ("error_managing_deleting", Live),
    ("error_restoring", Live),
    ("creating", Failed),
    ("downloading", Failed),
    ("managing", Failed),
    ("error", Failed),
    ("error_managing", Failed),
    ("deleted", Deleted),
];

/// Cinder's snapshots.
const SNAPSHOT: &[(&str, ObservedState)] = &[
    ("available", Live),
    ("backing-up", Live),
    ("restoring", Live),
    ("unmanaging", Live),
    ("deleting", Live),
    ("error_deleting", Live),
    ("creating", Failed),
    ("managing", Failed),
    ("error", Failed),
    ("error_managing", Failed),
    ("deleted", Deleted),
];

/// Neutron. An address that is bound to nothing is down, and still nobody else can have it.
const FLOATING_IP: &[(&str, ObservedState)] = &[("active", Live), ("down", Stopped), ("error", Failed)];

/// Glance. Without its content an image is not there yet.
const IMAGE: &[(&str, ObservedState)] = &[
    ("active", Live),
    ("deactivated", Stopped),
    ("queued", Failed),
    ("saving", Failed),
    ("uploading", Failed),
    ("importing", Failed),
    ("killed", Failed),
    ("pending_delete", Deleted),
    ("deleted", Deleted),
];

/// What a service's word means; the node's own words beat the tables. `None` if nobody knows.
pub(super) fn meaning(kind: ResourceKind, word: &str, own: &BTreeMap<String, ObservedState>) -> Option<ObservedState> {
    let word = word.to_ascii_lowercase();
    let table = match kind {
        ResourceKind::Server => SERVER,
        ResourceKind::Volume => VOLUME,
        ResourceKind::Snapshot => SNAPSHOT,
        ResourceKind::FloatingIp => FLOATING_IP,
        ResourceKind::Image => IMAGE,
        _ => &[],
    };
    own.get(&word)
        .copied()
        .or_else(|| table.iter().find(|(w, _)| *w == word).map(|(_, state)| *state))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(kind: ResourceKind, word: &str) -> Option<ObservedState> {
        meaning(kind, word, &BTreeMap::new())
    }

    #[test]
    fn servers() {
        for (word, state) in [
            ("ACTIVE", Live),
            ("VERIFY_RESIZE", Live),
            ("MIGRATING", Live),
            ("SHUTOFF", Stopped),
            ("RESCUE", Stopped),
            ("SHELVED", Stopped),
            ("SHELVED_OFFLOADED", Shelved),
            ("BUILD", Failed),
            ("ERROR", Failed),
            ("SOFT_DELETED", Deleted),
        ] {
            assert_eq!(of(ResourceKind::Server, word), Some(state), "{word}");
        }
        assert_eq!(of(ResourceKind::Server, "UNKNOWN"), None);
        assert_eq!(of(ResourceKind::Server, ""), None);
    }

    #[test]
    fn the_same_word_differs_by_kind() {
        assert_eq!(of(ResourceKind::Volume, "error"), Some(Failed));
        assert_eq!(of(ResourceKind::Volume, "error_deleting"), Some(Live));
        assert_eq!(of(ResourceKind::Volume, "ACTIVE"), None);
        assert_eq!(of(ResourceKind::FloatingIp, "DOWN"), Some(Stopped));
        assert_eq!(of(ResourceKind::Image, "queued"), Some(Failed));
        assert_eq!(of(ResourceKind::Snapshot, "available"), Some(Live));
    }

    #[test]
    fn a_node_may_have_words_of_its_own() {
        let own = BTreeMap::from([("frozen".to_owned(), Stopped), ("rescue".to_owned(), Live)]);
        assert_eq!(meaning(ResourceKind::Server, "FROZEN", &own), Some(Stopped));
        assert_eq!(meaning(ResourceKind::Server, "RESCUE", &own), Some(Live));
    }

    #[test]
    fn no_word_stands_twice_in_a_table() {
        for table in [SERVER, VOLUME, SNAPSHOT, FLOATING_IP, IMAGE] {
            let words: std::collections::BTreeSet<_> = table.iter().map(|(w, _)| *w).collect();
            assert_eq!(words.len(), table.len());
            assert!(words.iter().all(|w| w.to_ascii_lowercase() == **w));
        }
    }
}
