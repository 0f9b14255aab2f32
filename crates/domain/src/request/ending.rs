//! The end of resources: notice, grace, deletion, proof of erasure (R17, R18, R19).

use crate::registry::words;
use kernel::{AccountId, AllocationCode, Digest, EvidenceId, Instant};
use serde::{Deserialize, Serialize};
use thiserror::Error;

words! {
    /// How it was made sure that nothing is left.
    ErasureMethod {
        /// The node's interface says it is gone, asked by ourselves.
        NodeAnswer = "node_answer", "云节点接口查证";
        /// Written over.
        Overwritten = "overwritten", "覆写清除";
        /// The key was destroyed.
        KeyDestroyed = "key_destroyed", "密钥销毁";
        /// The medium was destroyed.
        MediumDestroyed = "medium_destroyed", "介质销毁";
    }
}

/// An end that was announced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// Why: released by the unit, past its date, trial not confirmed, idle.
    pub cause: String,
    /// When the unit was told.
    pub noticed: Instant,
    /// Nothing is touched before this moment.
    pub due: Instant,
    /// Whether a snapshot is taken first.
    pub snapshot: bool,
    /// What the unit answered.
    pub reply: Option<String>,
    /// Why the authority did not accept an objection; then there is no other.
    #[serde(default)]
    pub decided: Option<String>,
}

/// Proof that the data of one resource is erased, all copies included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasureProof {
    /// Which resource.
    pub allocation: AllocationCode,
    /// How.
    pub method: ErasureMethod,
    /// Whether memory and storage, replicas, snapshots and backups are all covered.
    pub covers_copies: bool,
    /// The file that says so, and its digest.
    pub evidence: EvidenceId,
    /// Digest of the file.
    pub digest: Digest,
    /// Who erased.
    pub by: AccountId,
    /// Who checked it; never the same person.
    pub checked_by: Option<AccountId>,
    /// When.
    pub at: Instant,
}

/// Why erasure is not proven.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ErasureProofError {
    /// A resource without proof.
    #[error("资源 {0} 还没有数据清除凭证，请上传后再确认")]
    Missing(AllocationCode),
    /// Copies left out.
    #[error("资源 {0} 的清除凭证未覆盖副本、快照和备份，请补充")]
    Copies(AllocationCode),
    /// Nobody looked.
    #[error("资源 {0} 的清除凭证尚未经他人核验")]
    Unchecked(AllocationCode),
    /// The one who erased looked at his own work.
    #[error("资源 {0} 的清除人与核验人不能是同一人")]
    OwnWork(AllocationCode),
    /// A proof from before the resource was gone.
    #[error("资源 {0} 的清除时间早于其从云节点删除的时间，请核对凭证")]
    TooEarly(AllocationCode),
}

/// Everything that keeps the erasure of `resources` (each with the moment it was gone) from being proven.
pub fn check_erasure(resources: &[(AllocationCode, Instant)], proofs: &[ErasureProof]) -> Vec<ErasureProofError> {
    let fault = |(code, gone): &(AllocationCode, Instant)| {
        let code = code.clone();
        let Some(proof) = proofs.iter().rfind(|proof| proof.allocation == code) else {
            return Some(ErasureProofError::Missing(code));
        };
        if !proof.covers_copies {
            return Some(ErasureProofError::Copies(code));
        }
        if proof.at < *gone {
            return Some(ErasureProofError::TooEarly(code));
        }
        match proof.checked_by {
            None => Some(ErasureProofError::Unchecked(code)),
            Some(checker) if checker == proof.by => Some(ErasureProofError::OwnWork(code)),
            Some(_) => None,
        }
    };
    resources.iter().filter_map(fault).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_covers_copies_comes_after_the_end_and_is_checked_by_another() {
        let code: AllocationCode = "FP-1".parse().unwrap();
        let gone: Instant = "2026-10-20 10:00:00".parse().unwrap();
        let person = |n: u8| AccountId::from_parts(1, &[n; 10]);
        let good = ErasureProof {
            allocation: code.clone(),
            method: ErasureMethod::Overwritten,
            covers_copies: true,
            evidence: EvidenceId::from_parts(1, &[1; 10]),
            digest: Digest::of(b"proof"),
            by: person(1),
            checked_by: Some(person(2)),
            at: gone.plus_s(60),
        };
        let check = |proofs: &[ErasureProof]| check_erasure(&[(code.clone(), gone)], proofs);
        assert_eq!(check(std::slice::from_ref(&good)), []);
        assert_eq!(check(&[]), [ErasureProofError::Missing(code.clone())]);
        let bad = |change: fn(&mut ErasureProof)| {
            let mut proof = good.clone();
            change(&mut proof);
            check(&[proof])
        };
        assert_eq!(
            bad(|p| p.covers_copies = false),
            [ErasureProofError::Copies(code.clone())]
        );
        assert_eq!(
            bad(|p| p.checked_by = None),
            [ErasureProofError::Unchecked(code.clone())]
        );
        assert_eq!(
            bad(|p| p.checked_by = Some(p.by)),
            [ErasureProofError::OwnWork(code.clone())]
        );
        assert_eq!(
            bad(|p| p.at = p.at.plus_s(-120)),
            [ErasureProofError::TooEarly(code.clone())]
        );
        let again = [bad_then(&good), good.clone()];
        assert_eq!(check(&again), [], "the newest proof counts");
    }

    fn bad_then(good: &ErasureProof) -> ErasureProof {
        ErasureProof {
            covers_copies: false,
            ..good.clone()
        }
    }
}
