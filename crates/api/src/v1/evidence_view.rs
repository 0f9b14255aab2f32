//! How a file that proves something is shown: by itself, with an application, with an order.

use app::evidence::EvidenceRecord;
use serde::Serialize;
use utoipa::ToSchema;

/// A file about a matter.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EvidenceView {
    id: String,
    name: String,
    media_type: String,
    size_bytes: i64,
    /// SM3, hexadecimal.
    digest: String,
    /// Login of who handed it in.
    given_by: String,
    at: String,
}

impl From<EvidenceRecord> for EvidenceView {
    fn from(file: EvidenceRecord) -> Self {
        Self {
            id: file.id.to_string(),
            name: file.name,
            media_type: file.media_type,
            size_bytes: file.size_bytes,
            digest: file.digest.to_string(),
            given_by: file.given_by,
            at: file.at.to_string(),
        }
    }
}
