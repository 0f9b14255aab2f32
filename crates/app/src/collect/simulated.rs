//! The built-in simulated node: its folder is listed, everything at once.

use super::take::{Received, Taken, take_look};
use super::{CollectOptions, CollectOutcome};
use crate::orders::simulated_look;
use crate::{AppError, OpContext};
use domain::registry::CloudNode;
use kernel::Digester;

pub(super) async fn collect_simulated(
    ctx: &OpContext,
    node: &CloudNode,
    folder: &str,
    options: CollectOptions,
) -> Result<CollectOutcome, AppError> {
    let (look, bytes) = simulated_look(ctx, folder)?;
    let mut digester = Digester::new();
    digester.text(&look.taken_at.to_string()).raw(&bytes);
    let received = Received {
        node,
        sequence: None,
        digest: digester.finish(),
        look: &look,
        raw: vec![("simulated.json", bytes.as_slice())],
    };
    Ok(match take_look(ctx, &received, options).await? {
        Taken::Now(mut outcome) => {
            outcome
                .notes
                .push(format!("云节点 {} 是内置模拟云节点，不是真实的云资源", node.code));
            outcome
        }
        Taken::Before => CollectOutcome {
            known: 1,
            ..CollectOutcome::default()
        },
    })
}
