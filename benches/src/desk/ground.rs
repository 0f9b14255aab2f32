//! What there is before anybody acts: units with people, a provider with prices, and applications that wait for the
//! heads of their units.

use crate::BenchError;
use app::OpContext;
use app::accounts::{NewToken, make_token};
use app::import::{ImportKind, ImportOptions, import_file};
use app::messages::to_dos;
use app::requests::{Draft, make_draft, submit};
use domain::authz::{Account, AccountState, Action, Actor, Role, RoleAssignment, RoleState};
use domain::catalogue::ServiceForm;
use domain::registry::{PoolKind, ResourceKind, Side};
use domain::request::{Declaration, RequestKind, RequestLine};
use domain::rules::Purpose;
use kernel::{AccountId, Instant};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use store::{Store, UnitOfWork};

/// Units, each with one head; the other people are their applicants.
const UNITS: usize = 50;

/// An application that waits for a head.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) number: String,
    pub(super) version: i64,
    pub(super) task: u32,
}

/// The head of a unit.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) token: String,
    pub(super) tasks: Vec<Task>,
}

/// Everything the load needs.
#[derive(Debug)]
pub(super) struct Ground {
    pub(super) heads: Vec<Head>,
    /// Token of somebody who sees every application.
    pub(super) intake: String,
}

pub(super) fn failed(what: impl ToString) -> BenchError {
    BenchError::Input {
        path: "desk".to_owned(),
        what: what.to_string(),
    }
}

fn code<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T, BenchError> {
    text.parse().map_err(|why: T::Err| failed(why))
}

/// The time of this machine, which is the server's: so nothing is overdue when it starts.
#[expect(clippy::disallowed_methods, reason = "the server reads the same clock")]
fn real_time() -> app::Clock {
    Arc::new(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Instant::from_unix_s(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
    })
}

/// Chance that repeats: no secret of this database is one.
fn chance() -> app::Entropy {
    let mut generator = ChaCha8Rng::from_seed([7; 32]);
    Box::new(move || {
        let mut bytes = [0_u8; 10];
        generator.fill_bytes(&mut bytes);
        bytes
    })
}

impl Ground {
    /// Lays it: so many applications, in equal numbers by unit, of so many people.
    pub(super) async fn lay(
        store: Store,
        data: &Path,
        (applications, users): (usize, usize),
    ) -> Result<Self, BenchError> {
        let ctx = OpContext::new("bench", store, data, real_time(), chance()).map_err(failed)?;
        registers(&ctx).await?;
        let (heads, applicants, intake) = people(&ctx, users).await?;
        let mut versions: BTreeMap<String, i64> = BTreeMap::new();
        for n in 0..applications {
            let unit = n % UNITS;
            let own = applicants
                .get(unit)
                .and_then(|own| own.get(n / UNITS % own.len().max(1)));
            let Some(actor) = own else {
                return Err(failed("too few people"));
            };
            let by = ctx.acting(actor.clone());
            let draft = make_draft(&by, draft(unit)?).await.map_err(failed)?;
            let handed = submit(&by, &draft.number, draft.version).await.map_err(failed)?;
            versions.insert(handed.number, handed.version);
        }
        let mut found = Vec::new();
        for actor in heads {
            let by = ctx.acting(actor);
            let own = to_dos(&by).await.map_err(failed)?.into_iter().filter_map(|mine| {
                let to_do = mine.to_do;
                Some(Task {
                    version: *versions.get(&to_do.subject)?,
                    task: to_do.task.parse().ok()?,
                    number: to_do.subject,
                })
            });
            found.push(Head {
                tasks: own.collect(),
                token: token(&by).await?,
            });
        }
        Ok(Self {
            heads: found,
            intake: token(&ctx.acting(intake)).await?,
        })
    }
}

async fn token(by: &OpContext) -> Result<String, BenchError> {
    let new = NewToken {
        name: "bench".to_owned(),
        scope: vec![Action::RequestRead, Action::RequestDecide],
        days: 30,
    };
    Ok(make_token(by, new).await.map_err(failed)?.1)
}

async fn registers(ctx: &OpContext) -> Result<(), BenchError> {
    let mut organisations =
        String::from("代码,名称,类别,生效日期\nA1,数据局,主管部门,2026-01-01\nP1,甲云公司,云服务商,2026-01-01\n");
    let mut systems = String::from("代码,名称,所属单位代码,网络区域,状态,来源,等保级别,生效日期\n");
    for unit in 0..UNITS {
        let _ = writeln!(organisations, "D{unit:02},单位{unit},使用单位,2026-01-01");
        let _ = writeln!(
            systems,
            "S{unit:02},系统{unit},D{unit:02},政务外网区,运行,新建系统,2,2026-01-01"
        );
    }
    let files = [
        (ImportKind::Organisations, organisations),
        (ImportKind::Systems, systems),
        (
            ImportKind::Catalogue,
            "代码,名称,层级,服务形式,资源类型,计量项,单位,计量依据,生效日期\n\
             VCPU,云主机vCPU,infrastructure,shared_cloud,server,vcpu,核,allocated,2026-01-01\n\
             MEM,云主机内存,infrastructure,shared_cloud,server,memory_gib,GB,allocated,2026-01-01\n"
                .to_owned(),
        ),
        (
            ImportKind::Contracts,
            "合同编号,合同名称,云服务商代码,采购批次,分包,服务开始日,服务终止日,折算方式,对账容差（元）,依据,生效日期\n\
             HT-1,合同一,P1,一期,一,2026-01-01,2028-01-01,按秒,0,第八条,2026-01-01\n"
                .to_owned(),
        ),
        (
            ImportKind::Prices,
            "合同编号,价目版本,生效日期,条目代码,计价方式,单价（元）,条款,依据,批准人\n\
             HT-1,1,2026-01-01,VCPU,flat,50,附件一,中标价,张三\nHT-1,1,2026-01-01,MEM,flat,10,附件一,中标价,张三\n"
                .to_owned(),
        ),
    ];
    for (kind, text) in files {
        let name = format!("{kind}.csv");
        import_file(ctx, kind, &name, text.as_bytes(), ImportOptions::default())
            .await
            .map_err(failed)?;
    }
    Ok(())
}

/// Heads by unit, applicants by unit, and somebody of the authority.
type People = (Vec<Actor>, Vec<Vec<Actor>>, Actor);

async fn people(ctx: &OpContext, users: usize) -> Result<People, BenchError> {
    let mut work = ctx.store().begin().await.map_err(failed)?;
    let (mut heads, mut applicants) = (Vec::new(), vec![Vec::new(); UNITS]);
    let authority = [Role::AuthorityIntake, Role::AuthorityTechnical, Role::AuthorityLeader];
    let mut intake = None;
    for role in authority {
        let actor = employ(&mut work, ctx, ("A1".to_owned(), Side::Authority), role).await?;
        intake.get_or_insert(actor);
    }
    for unit in 0..UNITS {
        heads.push(employ(&mut work, ctx, (format!("D{unit:02}"), Side::Unit), Role::UnitHead).await?);
    }
    for n in 0..users.saturating_sub(UNITS + authority.len()) {
        let unit = n % UNITS;
        let actor = employ(&mut work, ctx, (format!("D{unit:02}"), Side::Unit), Role::UnitApplicant).await?;
        if let Some(own) = applicants.get_mut(unit) {
            own.push(actor);
        }
    }
    work.audit(ctx.now(), ("bench", "bench.people", ""), "{}".to_owned())
        .await
        .map_err(failed)?;
    work.commit().await.map_err(failed)?;
    let intake = intake.ok_or_else(|| failed("nobody"))?;
    Ok((heads, applicants, intake))
}

async fn employ(
    work: &mut UnitOfWork,
    ctx: &OpContext,
    (organisation, side): (String, Side),
    role: Role,
) -> Result<Actor, BenchError> {
    let id: AccountId = ctx.new_id();
    let (login, name) = (format!("u{id}"), format!("人员{id}"));
    let account = Account {
        state: AccountState::Active,
        ..Account::invited(id, (&login, &name), code(&organisation)?, ctx.now())
    };
    work.add_account(&account).await.map_err(failed)?;
    let proposal = RoleAssignment {
        account: id,
        organisation: account.organisation.clone(),
        role,
        from: ctx.now(),
        to: None,
        proposed_by: "sysadmin".to_owned(),
        approved_by: String::new(),
    };
    let number = work.propose_role(&proposal).await.map_err(failed)?;
    work.decide_role(number, RoleState::InForce, ("secadmin", ctx.now()))
        .await
        .map_err(failed)?;
    Ok(Actor {
        account: id,
        login: account.login,
        organisation: account.organisation,
        side,
        roles: vec![role],
        scope: None,
    })
}

fn draft(unit: usize) -> Result<Draft, BenchError> {
    Ok(Draft {
        kind: RequestKind::New,
        system: code(&format!("S{unit:02}"))?,
        reason: "业务增长".to_owned(),
        basis: "测试〔2026〕1号".to_owned(),
        contact: "测试".to_owned(),
        lines: vec![RequestLine {
            line: 1,
            kind: ResourceKind::Server,
            class: String::new(),
            form: ServiceForm::SharedCloud,
            pool: Some(PoolKind::Xinchuang),
            spec: code("vcpu=4 memory_gib=8")?,
            count: 1,
            purpose: Purpose::Production,
            until: None,
            allocation: None,
        }],
        declared: Declaration {
            classified: Some(false),
            ..Declaration::default()
        },
    })
}
