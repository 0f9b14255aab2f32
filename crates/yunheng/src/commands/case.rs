//! Cases: listing and settling them.

use crate::cli::{CaseArgs, CaseCommand, CaseListArgs};
use crate::exit::Failure;
use crate::input::parsed;
use crate::output::{Grid, Report};
use crate::wiring::Setting;
use app::cases::{self, CaseFilter, CaseState, SettleCase};
use domain::authz::Action;
use domain::meter::CaseKind;
use serde_json::{Value, json};
use store::CaseFile;

/// `case`
pub(crate) async fn run(setting: &Setting, arguments: CaseArgs) -> Result<Report, Failure> {
    match arguments.command {
        None => list(setting, arguments.list).await,
        Some(CaseCommand::Settle { id, outcome, reason }) => {
            let ctx = setting.open().await?;
            let input = SettleCase {
                id: parsed(&id)?,
                outcome: parsed(&outcome)?,
                reason,
            };
            let case = cases::settle(&ctx, input).await?;
            let mut report = Report::new(whole(&case));
            report.line(format!("{} {}：{}", case.id, case.finding.subject, standing(&case)));
            Ok(report)
        }
    }
}

async fn list(setting: &Setting, arguments: CaseListArgs) -> Result<Report, Failure> {
    let ctx = setting.open_to_see(Action::CaseRead, "case").await?;
    let state = match (arguments.all, arguments.settled) {
        (true, _) => CaseState::All,
        (false, true) => CaseState::Settled,
        (false, false) => CaseState::Open,
    };
    let filter = CaseFilter {
        state,
        kind: arguments.kind.as_deref().map(parsed::<CaseKind>).transpose()?,
        owner: arguments.owner,
        overdue: arguments.overdue,
    };
    let cases = cases::list(&ctx, &filter).await?;
    let columns = ["编号", "期限", "类别", "对象", "责任方", "自", "情况", "处理"];
    let mut grid = Grid::new(&format!("共 {} 项", cases.len()), &columns);
    for case in &cases {
        let finding = &case.finding;
        grid.row([
            case.id.to_string(),
            case.deadline.to_string(),
            finding.kind.zh().to_owned(),
            finding.subject.clone(),
            finding.owner.clone(),
            finding.since.to_string(),
            finding.detail.clone(),
            standing(case),
        ]);
    }
    let mut report = Report::new(cases.iter().map(whole).collect::<Vec<_>>());
    report.grid(grid);
    Ok(report)
}

fn standing(case: &CaseFile) -> String {
    match &case.ended {
        None => "待处理".to_owned(),
        Some(ended) => format!("{}（{} {}）：{}", ended.outcome.zh(), ended.at, ended.by, ended.reason),
    }
}

fn whole(case: &CaseFile) -> Value {
    let ended = case.ended.as_ref().map(|ended| {
        json!({ "outcome": ended.outcome, "reason": ended.reason, "by": ended.by, "at": ended.at, "month": ended.month })
    });
    json!({
        "id": case.id, "finding": case.finding, "month": case.month, "deadline": case.deadline,
        "closed_at": case.ended.as_ref().map(|ended| ended.at), "ended": ended,
    })
}
