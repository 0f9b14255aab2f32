//! The demo city: its files are handed in month by month, through the same imports and collects as real ones.

use super::demo_report;
use crate::cli::{Common, DemoArgs};
use crate::config::Config;
use crate::exit::{Failure, INVALID, UNAVAILABLE};
use crate::input::parsed;
use crate::story::{self, Ground, Told};
use crate::wiring::{Setting, seeded_entropy, sqlite_url, system_clock};
use app::collect::{CollectOptions, NoSecrets, collect};
use app::import::{ImportKind, ImportOptions, import_file};
use app::nodes::{NewNode, NewPool};
use app::{AppError, Clock, OpContext, month};
use city::{City, CityPlan, DeliveryKind, Scale, Step};
use domain::registry::NodeSource;
use kernel::{Instant, Month};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use store::Store;

/// The file that marks a data folder as a demo, and everything printed from it as demo data.
pub(crate) const MARK: &str = "DEMO";

/// `demo`; the program was started as `program`.
pub(crate) async fn run(common: &Common, arguments: &DemoArgs, program: &str) -> Result<(), Failure> {
    let today = (system_clock())().day().month();
    let until = arguments.until.unwrap_or_else(|| today.previous());
    let dir = &arguments.dir;
    let data = dir.join("data");
    let config = match &arguments.openstack {
        Some(_) => of_a_cloud(common, &data)?,
        None => Config::default(),
    };
    clear(dir)?;
    std::fs::create_dir_all(&data).map_err(AppError::io(&data))?;
    std::fs::write(data.join(MARK), "演示数据\n").map_err(AppError::io(&data))?;
    std::fs::write(dir.join(MARK), "演示数据，可整体删除\n").map_err(AppError::io(dir))?;
    let database = common.database.clone().unwrap_or_else(|| sqlite_url(&data));
    let setting = Setting {
        config_path: data.join("yunheng.toml"),
        config: Arc::new(config),
        actor: common.actor.clone().or_else(|| Some("演示".to_owned())),
        token: None,
        quiet: common.quiet,
        data,
        database,
    };
    let store = Store::open(&setting.database).await?;
    store.migrate().await?;
    // The demo asks nobody for leave, so it takes no database in which anything was ever done.
    if store.read().await?.audit_head().await?.is_some() {
        let text =
            "指定的数据库中已有内容，演示数据只写入空库；请去掉 --database（环境变量 YUNHENG_DATABASE），或换一个空库";
        return Err(Failure::new(INVALID, text));
    }
    let scale = match arguments.resources {
        Some(resources) => Scale::of_resources(resources),
        None if arguments.small => Scale::VILLAGE,
        None => Scale::CITY,
    };
    let plan = CityPlan {
        seed: arguments.seed,
        until,
        months: arguments.months,
        scale,
    };
    let progress = setting.progress();
    let city = city::build(&plan, &dir.join("city"), &mut |what, done, all| {
        progress.at(what, done, all)
    })
    .map_err(|error| Failure::new(INVALID, error.to_string()))?;
    let time = Arc::new(AtomicI64::new(
        city.months.first().map_or(0, |m| m.first_day().start().unix_s()),
    ));
    let clock: Clock = {
        let time = Arc::clone(&time);
        Arc::new(move || Instant::from_unix_s(time.load(Ordering::Relaxed)))
    };
    let ctx = setting.context(store, clock, seeded_entropy(arguments.seed))?;
    let is_too_early = !story::can_be_played(&ctx, until)?;
    let renderer = if arguments.no_people || is_too_early {
        None
    } else {
        Some(Arc::new(documents::Renderer::new(setting.config.load_fonts()?)?))
    };
    let ground = ground(common, arguments, &setting)?;
    let told = play(&ctx, &city, (&ground, &time), (renderer.clone(), dir)).await?;
    let mut report = demo_report::tell(&ctx, &city, (dir, program), &setting, told.as_ref()).await?;
    if let (Some(told), Some(renderer)) = (&told, renderer) {
        told.hand_out(&ctx, renderer, &ground).await?;
    }
    if is_too_early && !arguments.no_people {
        report.line(format!("\n{until} 早于随附审批流程的生效日，没有演绎人员的办理过程"));
    }
    report.print(common.output)
}

/// The configuration that says how to reach a real cloud.
fn of_a_cloud(common: &Common, data: &Path) -> Result<Config, Failure> {
    let Some(path) = &common.config else {
        let text = "--openstack 需要配置文件（--config），写明账号 metering 与 operator";
        return Err(Failure::new(INVALID, text));
    };
    Config::read(path, true, data)
}

/// Where the people open what they applied for. The configuration of a real cloud stays with the demo, for later commands.
fn ground(common: &Common, arguments: &DemoArgs, setting: &Setting) -> Result<Ground, Failure> {
    let (Some(auth_url), Some(path)) = (&arguments.openstack, &common.config) else {
        return Ok(Ground::built_in());
    };
    std::fs::copy(path, &setting.config_path).map_err(AppError::io(path))?;
    let secrets = Arc::<Config>::clone(&setting.config);
    Ok(Ground::openstack(auth_url, &arguments.projects, secrets))
}

/// Removes an earlier demo city; refuses to touch anything else.
fn clear(dir: &Path) -> Result<(), Failure> {
    if dir.join(MARK).is_file() {
        return Ok(std::fs::remove_dir_all(dir).map_err(AppError::io(dir))?);
    }
    let occupied = std::fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some());
    if occupied {
        let text = format!("目录 {} 中已有其他文件，请换一个目录（--dir）", dir.display());
        return Err(Failure::new(INVALID, text));
    }
    Ok(())
}

/// The city's own time: files of a month come in just after it ends, bills two days later, and the month is closed on
/// the sixth. When only the last month is left, its people live it.
async fn play(
    ctx: &OpContext,
    city: &City,
    (ground, time): (&Ground, &Arc<AtomicI64>),
    (renderer, dir): (Option<Arc<documents::Renderer>>, &Path),
) -> Result<Option<Told>, Failure> {
    let mut renderer = renderer;
    let mut told = None;
    let mut current = city.months.first().copied();
    let all = u64::try_from(city.steps.len()).unwrap_or(0);
    for (place, step) in city.steps.iter().enumerate() {
        let after = |month: Option<Month>, days: i64| {
            month.map_or(0, |m| m.next().first_day().plus(days).start().unix_s() + 9 * 3600)
        };
        let due = match step {
            Step::Deliver {
                kind: DeliveryKind::Usual,
                ..
            } => after(current, 1),
            Step::Import { kind, .. } if kind.word() == "provider-bill" => after(current, 3),
            Step::CloseMonth(month) => after(Some(*month), 5),
            _ => 0,
        };
        time.store(due.max(time.load(Ordering::Relaxed) + 60), Ordering::Relaxed);
        take(ctx, step).await?;
        if let Step::CloseMonth(month) = step {
            current = Some(month.next());
            if let Some(renderer) = renderer.take_if(|_| current.as_ref() == city.months.last()) {
                told = Some(story::play(ctx, renderer, (ground, time), dir).await?);
            }
        }
        ctx.progress()
            .at("演示城市", u64::try_from(place + 1).unwrap_or(all), all);
    }
    if told.is_some() {
        ground.look(ctx).await?;
    }
    if let Some(last) = city.months.last() {
        time.store(
            (last.next().first_day().plus(5).start().unix_s()).max(time.load(Ordering::Relaxed)),
            Ordering::Relaxed,
        );
    }
    Ok(told)
}

async fn take(ctx: &OpContext, step: &Step) -> Result<(), Failure> {
    match step {
        Step::Import { kind, path } => {
            let kind: ImportKind = parsed(kind.word())?;
            let bytes = std::fs::read(path).map_err(AppError::io(path))?;
            let name = path
                .file_name()
                .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
            import_file(ctx, kind, &name, &bytes, ImportOptions::default()).await?;
        }
        Step::NodeAdd {
            code,
            name,
            provider,
            folder,
            since,
            pools,
        } => {
            let pools = pools.iter().map(|pool| {
                let code = parsed(&pool.code)?;
                Ok::<_, Failure>(NewPool {
                    code,
                    name: pool.name.clone(),
                    kind: pool.kind,
                    zones: pool.zones.clone(),
                    separate: None,
                })
            });
            let folder = std::path::absolute(folder).map_err(AppError::io(folder))?;
            let new = NewNode {
                code: parsed(code)?,
                name: name.clone(),
                provider: parsed(provider)?,
                source: NodeSource::Files {
                    folder: folder.display().to_string(),
                },
                platform: domain::registry::Platform::default(),
                pools: pools.collect::<Result<_, _>>()?,
                valid_from: since.start(),
            };
            app::nodes::add(ctx, new).await?;
        }
        Step::Deliver { node, folder, .. } => {
            deliver(ctx, node, folder).await?;
            collect(ctx, Some(&parsed(node)?), &NoSecrets, CollectOptions::default()).await?;
        }
        Step::CloseMonth(month) => {
            month::close_month(ctx, *month).await?;
        }
    }
    Ok(())
}

/// The provider puts its files into the node's folder.
async fn deliver(ctx: &OpContext, node: &str, from: &Path) -> Result<(), Failure> {
    let views = app::nodes::list(ctx).await?;
    let source = views
        .iter()
        .find(|view| view.node.code.as_str() == node)
        .map(|view| &view.node.source);
    let Some(NodeSource::Files { folder }) = source else {
        return Ok(());
    };
    city::deliver(from, Path::new(folder)).map_err(|why| Failure::new(UNAVAILABLE, why.to_string()))
}
