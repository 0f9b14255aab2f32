//! Background jobs: looking, stopping, beginning again.

use crate::cli::JobCommand;
use crate::exit::Failure;
use crate::input::parsed;
use crate::output::{Grid, Report};
use crate::wiring::Setting;
use app::jobs::{self, Job, JobFilter, kind};
use serde_json::{Value, json};

/// `job ...`
pub(crate) async fn run(setting: &Setting, command: JobCommand) -> Result<Report, Failure> {
    let ctx = setting.open().await?;
    match command {
        JobCommand::List(arguments) => {
            let filter = JobFilter {
                state: arguments.state.as_deref().map(parsed).transpose()?,
                kind: arguments.kind,
                subject: arguments.subject,
                after: None,
                oldest_first: false,
            };
            Ok(listed(
                &jobs::list(&ctx, &filter, arguments.limit.clamp(1, 1_000)).await?,
            ))
        }
        JobCommand::Cancel { id } => {
            let id = parsed(&id)?;
            jobs::cancel(&ctx, id).await?;
            let job = jobs::show(&ctx, id).await?;
            let mut report = Report::new(whole(&job));
            let how = if job.ended.is_none() {
                "已要求停止；正在办理的很快停下，已做的保留"
            } else {
                "已取消"
            };
            report.line(format!("{id} {how}"));
            Ok(report)
        }
        JobCommand::Retry { id } => {
            let id = parsed(&id)?;
            let new = jobs::retry(&ctx, id).await?;
            let mut report = Report::new(json!({ "job": new }));
            report.line(new.map_or_else(
                || "同一事项已有任务在排队或执行，没有另建".to_owned(),
                |new| format!("已重新排队：{new}"),
            ));
            Ok(report)
        }
    }
}

fn listed(found: &[Job]) -> Report {
    let columns = ["编号", "任务", "对象", "状态", ">次数", "进度", "结果", "提出", "时间"];
    let mut grid = Grid::new(&format!("共 {} 项", found.len()), &columns);
    for job in found {
        let (done, total, at) = &job.progress;
        let progress = match total {
            0 => at.clone(),
            _ => format!("{at} {done}/{total}"),
        };
        grid.row([
            job.id.to_string(),
            kind::zh(&job.kind).to_owned(),
            job.subject.clone(),
            job.state.zh().to_owned(),
            format!("{}/{}", job.attempts, job.attempts_max),
            progress,
            job.outcome.clone().unwrap_or_default(),
            job.asked_by.clone(),
            job.created.to_string(),
        ]);
    }
    let mut report = Report::new(found.iter().map(whole).collect::<Vec<_>>());
    report.grid(grid);
    report
}

fn whole(job: &Job) -> Value {
    json!({
        "id": job.id, "kind": job.kind, "subject": job.subject, "state": job.state, "attempts": job.attempts,
        "attempts_max": job.attempts_max, "run": job.run, "done": job.progress.0, "total": job.progress.1,
        "at": job.progress.2, "outcome": job.outcome, "asked_by": job.asked_by, "asked": job.created,
        "ended": job.ended, "cancel_wanted": job.cancel,
    })
}
