//! Inventory.

use crate::cli::InventoryArgs;
use crate::exit::Failure;
use crate::output::{Grid, Report};
use crate::wiring::Setting;
use app::inventory::{InventoryFilter, inventory};
use domain::authz::Action;

/// `inventory`
pub(crate) async fn run(setting: &Setting, arguments: InventoryArgs) -> Result<Report, Failure> {
    let ctx = setting.open_to_see(Action::InventoryRead, "inventory").await?;
    let at = arguments.as_of.unwrap_or_else(|| ctx.now());
    let filter = InventoryFilter {
        node: arguments.node,
        system: arguments.system,
        organisation: arguments.organisation,
    };
    let rows = inventory(&ctx, at, &filter).await?;
    let mut grid = Grid::new(
        &format!("{at} 的资源，共 {} 项", rows.len()),
        &[
            "云节点",
            "云资源标识",
            "分配单",
            "系统",
            "单位",
            "区域",
            "类型",
            "类别",
            "批准",
            "实际",
            "状态",
            "自",
            "批准至",
        ],
    );
    for row in &rows {
        grid.row([
            row.node.clone(),
            row.native_id.clone(),
            row.allocation.clone(),
            row.system.clone(),
            row.organisation.clone(),
            row.zone.clone(),
            row.kind.clone(),
            row.class.clone(),
            row.approved.clone(),
            row.seen.clone(),
            row.state.clone(),
            row.since.to_string(),
            row.until.map_or_else(String::new, |day| day.to_string()),
        ]);
    }
    let mut report = Report::new(&rows);
    report.grid(grid);
    Ok(report)
}
