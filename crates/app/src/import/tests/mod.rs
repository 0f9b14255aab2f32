//! Files as people hand them in, against a real database.

mod approved;
mod bills;
mod platforms;
mod prices;
mod registers;

use super::{Counts, ImportKind, ImportOptions, ImportOutcome, import_file};
use crate::nodes::{NewNode, NewPool, add};
use crate::{AppError, OpContext};
use domain::meter::Allocation;
use domain::registry::{History, NodeSource, PoolKind, Registered};
use kernel::{Instant, Month};
use std::sync::Arc;
use store::{Connection, MonthRecord};
use tempfile::TempDir;
use test_support::TestStore;

const ORGANISATIONS: &str = "代码,名称,类别,上级代码,并入代码,生效日期
A001,数据局,主管部门,,,2026-01-01
P1,甲云公司,云服务商,,,2026-01-01
P2,乙云公司,云服务商,,,2026-01-01
D001,甲局,使用单位,,,2026-01-01
D002,乙局,使用单位,,,2026-01-01
";
const SYSTEMS: &str = "代码,名称,所属单位代码,等保级别,网络区域,数据分级,状态,来源,生效日期
S001,业务系统,D001,3,政务外网区,一般数据,运行,存量系统,2026-01-01
S002,门户网站,D002,,互联网区,,试运行,新建系统,2026-01-01
";
const CATALOGUE: &str =
    "代码,名称,层级,服务形式,资源类型,规格类别,计量项,单位,计量依据,资源池类型,网络区域,适用形式,生效日期
CPU,云主机 vCPU,基础设施层,共享云,云主机,,vcpu,核,取批准与实际之小者,X86池,,,2026-01-01
DISK,云硬盘,基础设施层,共享云,云硬盘,,storage_gib,GB,取批准与实际之小者,,,,2026-01-01
MOVE,系统迁移,平台层,迁移服务,服务工作,,person_day,人天,按验收确认量,,,,2026-01-01
";
const CONTRACTS: &str =
    "合同编号,合同名称,云服务商代码,采购批次,分包,服务开始日,服务终止日,折算方式,对账容差（元）,依据,生效日期
HT-1,合同一,P1,2026年采购,一,2026-01-01,2029-01-01,按天,0.05,第八条,2026-01-01
HT-2,合同二,P2,2026年采购,二,2026-01-01,2029-01-01,按秒,0.05,第八条,2026-01-01
";

test_support::on_both_stores!(
    the_example_of_every_template_is_accepted,
    an_import_is_audited_and_can_be_found,
    what_changes_is_in_the_chain_by_field,
    files_that_are_no_table_leave_nothing,
    two_programs_with_the_same_file,
);

/// A database with two providers, two departments, their systems, a node with two pools, a catalogue and contracts.
struct House {
    ctx: OpContext,
    store: TestStore,
    _data: TempDir,
}

impl House {
    /// With nothing in it.
    fn empty(store: TestStore) -> Self {
        let data = tempfile::tempdir().unwrap();
        let now = at("2026-06-10 09:00:00");
        let ctx = OpContext::new(
            "测试员",
            store.store(),
            data.path(),
            Arc::new(move || now),
            test_support::counted(),
        )
        .unwrap();
        Self {
            ctx,
            store,
            _data: data,
        }
    }

    async fn new(store: TestStore) -> Self {
        let house = Self::empty(store);
        house.good(ImportKind::Organisations, ORGANISATIONS).await;
        house.node("N1", "P1").await;
        house.node("N2", "P2").await;
        house.good(ImportKind::Systems, SYSTEMS).await;
        house.good(ImportKind::Catalogue, CATALOGUE).await;
        house.good(ImportKind::Contracts, CONTRACTS).await;
        house
    }

    async fn node(&self, code: &str, provider: &str) {
        let pool = |kind: PoolKind, ending: &str| NewPool {
            code: format!("{code}-{ending}").parse().unwrap(),
            name: kind.zh().into(),
            kind,
            zones: vec![ending.into()],
            separate: None,
        };
        let node = NewNode {
            code: code.parse().unwrap(),
            name: "节点".into(),
            provider: provider.parse().unwrap(),
            source: NodeSource::Files { folder: code.into() },
            platform: domain::registry::Platform::default(),
            pools: vec![pool(PoolKind::X86, "X86"), pool(PoolKind::Xinchuang, "XC")],
            valid_from: at("2026-01-01"),
        };
        assert!(add(&self.ctx, node).await.unwrap().new);
    }

    async fn import(&self, kind: ImportKind, text: &str) -> Result<ImportOutcome, AppError> {
        self.import_bytes(kind, text.as_bytes()).await
    }

    async fn import_bytes(&self, kind: ImportKind, bytes: &[u8]) -> Result<ImportOutcome, AppError> {
        import_file(&self.ctx, kind, "文件.csv", bytes, ImportOptions::default()).await
    }

    /// Imports a file without faults. Returns how many rows are new, unchanged, changed.
    async fn good(&self, kind: ImportKind, text: &str) -> (u64, u64, u64) {
        let outcome = self
            .import(kind, text)
            .await
            .unwrap_or_else(|why| panic!("{kind}: {why}"));
        assert!(!outcome.already_imported);
        let Counts {
            new,
            unchanged,
            changed,
            ..
        } = outcome.counts;
        assert_eq!(new + unchanged + changed, outcome.rows);
        (new, unchanged, changed)
    }

    /// Imports a file with faults: all of them, by row and column, each up to what belongs there; nothing is stored.
    async fn faults(&self, kind: ImportKind, text: &str) -> Vec<String> {
        let before = self.state().await;
        let faults = match self.import(kind, text).await {
            Err(AppError::Faults(faults)) => faults,
            other => panic!("{kind}: {other:?}"),
        };
        assert_eq!(self.state().await, before);
        let said = |message: &str| message.split('。').next().unwrap_or_default().to_owned();
        faults
            .sorted()
            .iter()
            .map(|f| format!("{} {}: {}", f.row, f.column, said(&f.message)))
            .collect()
    }

    /// Tries a good file, which stores nothing; imports it; imports it again, which changes nothing.
    async fn try_then_import_twice(&self, kind: ImportKind, text: &str, expected: (u64, u64, u64)) {
        let before = self.state().await;
        let options = ImportOptions { dry_run: true };
        let tried = import_file(&self.ctx, kind, "文件.csv", text.as_bytes(), options)
            .await
            .unwrap();
        assert!(tried.dry_run && !tried.already_imported);
        assert_eq!(
            (tried.counts.new, tried.counts.unchanged, tried.counts.changed),
            expected
        );
        assert_eq!(self.state().await, before, "a try leaves nothing");
        assert_eq!(self.good(kind, text).await, expected);
        let after = self.state().await;
        assert_ne!(after, before);
        let again = self.import(kind, text).await.unwrap();
        assert!(
            again.already_imported && again.counts.notes[0].contains("未重复导入"),
            "{again:?}"
        );
        assert_eq!(
            (again.counts.new, again.counts.changed, again.counts.unchanged),
            (0, 0, again.rows)
        );
        assert_eq!(self.state().await, after);
    }

    async fn read(&self) -> Connection {
        self.store.read().await.unwrap()
    }

    /// Every version of a register.
    async fn history<T: Registered>(&self) -> History<T> {
        self.read().await.history().await.unwrap()
    }

    async fn allocations(&self) -> Vec<Allocation> {
        self.read().await.allocations().await.unwrap()
    }

    /// Rows of every table, and the files of the lake.
    async fn state(&self) -> Vec<String> {
        let tables = [
            "import",
            "registry_version",
            "price_book",
            "allocation",
            "lake_file",
            "late_fact",
            "bill",
            "outage",
            "audit_entry",
        ];
        let mut read = self.read().await;
        let mut state = Vec::new();
        for table in tables {
            let row = read
                .first(&format!("SELECT count(*) AS n FROM {table}"), &[])
                .await
                .unwrap()
                .unwrap();
            state.push(format!("{table} {}", row.int("n").unwrap()));
        }
        let open = read
            .first("SELECT count(*) AS n FROM allocation WHERE to_s IS NULL", &[])
            .await
            .unwrap()
            .unwrap();
        state.push(format!("open {}", open.int("n").unwrap()));
        state.extend(self.ctx.lake().files().unwrap());
        state
    }

    async fn close(&self, month: &str) {
        let mut work = self.store.begin().await.unwrap();
        let record = MonthRecord {
            month: month.parse().unwrap(),
            closed_at: at("2026-06-01"),
            actor: "甲".into(),
        };
        work.close_month(&record).await.unwrap();
        work.audit(at("2026-06-01"), ("甲", "month.close", month), "{}".into())
            .await
            .unwrap();
        work.commit().await.unwrap();
    }

    /// Month, cause, whether it is posted without being asked for, and what it is.
    async fn late(&self) -> Vec<(Month, String, bool, String)> {
        let facts = self.read().await.open_late_facts().await.unwrap();
        facts
            .into_iter()
            .map(|f| (f.month, f.cause, f.approved, f.detail))
            .collect()
    }
}

fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

fn month(text: &str) -> Month {
    text.parse().unwrap()
}

async fn the_example_of_every_template_is_accepted(store: TestStore) {
    let house = House::empty(store);
    let before = "代码,名称,类别,生效日期\nA001,数据局,主管部门,2026-01-01\nP1,甲云公司,云服务商,2026-01-01\n";
    house.good(ImportKind::Organisations, before).await;
    house.node("N1", "P1").await;
    for kind in ImportKind::ALL {
        assert_eq!(
            (kind.template().kind, kind.template().title_zh),
            (kind.word(), kind.zh())
        );
        assert_eq!((kind.word().parse(), kind.zh().parse()), (Ok(kind), Ok(kind)));
        let bytes = sources::tabular::template_csv(kind.template());
        let outcome = import_file(&house.ctx, kind, "模板.csv", &bytes, ImportOptions::default()).await;
        let counts = outcome.unwrap_or_else(|why| panic!("{kind}: {why}")).counts;
        // A platform is that of a node, which is there.
        let expected = if kind == ImportKind::Platforms { (0, 1) } else { (1, 0) };
        assert_eq!((counts.new, counts.changed), expected, "{kind}");
    }
    assert_eq!("declared_work".parse(), Ok(ImportKind::DeclaredWork));
    assert!(
        "bills"
            .parse::<ImportKind>()
            .unwrap_err()
            .contains("provider-bill（云服务商账单）")
    );
}

async fn an_import_is_audited_and_can_be_found(store: TestStore) {
    let house = House::empty(store);
    house.good(ImportKind::Organisations, ORGANISATIONS).await;
    let mut read = house.read().await;
    let entries = read.audit_entries(1, 10).await.unwrap();
    assert_eq!(entries.len(), 1);
    let entry = &entries[0];
    assert_eq!(
        (entry.actor.as_str(), entry.action.as_str(), entry.object.as_str()),
        ("测试员", "import.organisations", "文件.csv")
    );
    let digest = kernel::Digest::of(ORGANISATIONS.as_bytes());
    let detail: serde_json::Value = serde_json::from_str(&entry.detail).unwrap();
    assert_eq!(
        (detail["digest"].as_str(), detail["new"].as_u64()),
        (Some(digest.to_string().as_str()), Some(5))
    );
    let record = read.find_import("organisations", digest).await.unwrap().unwrap();
    assert_eq!(
        (record.rows, record.actor.as_str(), detail["import"].as_str()),
        (5, "测试员", Some(record.id.to_string().as_str()))
    );
}

async fn what_changes_is_in_the_chain_by_field(store: TestStore) {
    let house = House::new(store).await;
    let changes = async |house: &House| {
        let mut read = house.read().await;
        let (last, _) = read.audit_head().await.unwrap().unwrap();
        let entry = read.audit_entries(last, 1).await.unwrap().swap_remove(0);
        serde_json::from_str::<serde_json::Value>(&entry.detail).unwrap()["changes"].clone()
    };
    let renamed = "代码,名称,类别,上级代码,并入代码,生效日期\nD001,甲大局,使用单位,A001,,2026-05-01\n";
    assert_eq!(house.good(ImportKind::Organisations, renamed).await, (0, 0, 1));
    let fields = serde_json::json!({ "name": ["甲局", "甲大局"], "parent": [null, "A001"] });
    let expected = serde_json::json!([{ "code": "D001", "from": at("2026-05-01").to_string(), "fields": fields }]);
    assert_eq!(changes(&house).await, expected);
    let heading = "合同编号,价目版本,生效日期,条目代码,云节点,资源池类型,计价方式,单价（元）,条款,依据,批准人";
    let one = format!("{heading}\nHT-1,1,2026-01-01,CPU,,,flat,46,一,清单,张三\n");
    house.good(ImportKind::Prices, &one).await;
    let two = format!("{heading}\nHT-1,2,2026-07-01,CPU,,,flat,43,一,通知,张三\n");
    house.good(ImportKind::Prices, &two).await;
    let changed = changes(&house).await;
    let fields = changed[0]["fields"].as_object().unwrap();
    let mut names: Vec<&str> = fields.keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        ["effective_from", "prices.CPU@/.model.price", "source", "version"],
        "{changed:#}"
    );
    assert_eq!(
        fields["prices.CPU@/.model.price"],
        serde_json::json!(["46", "43"]),
        "{changed:#}"
    );
}

async fn files_that_are_no_table_leave_nothing(store: TestStore) {
    let house = House::empty(store);
    let before = house.state().await;
    for bytes in [
        b"".as_slice(),
        b"\xFF\xFEx",
        b"a,\"b",
        b"PK\x03\x04",
        b"\xD0\xCF\x11\xE0",
    ] {
        let error = import_file(
            &house.ctx,
            ImportKind::Systems,
            "f.csv",
            bytes,
            ImportOptions::default(),
        )
        .await
        .unwrap_err();
        assert!(matches!(error, AppError::Tabular(_)), "{error}");
    }
    let other_kind = house.faults(ImportKind::Systems, ORGANISATIONS).await;
    assert!(
        other_kind.iter().any(|fault| fault.contains("缺少这一栏")),
        "{other_kind:?}"
    );
    assert_eq!(
        house
            .faults(ImportKind::Organisations, "代码,名称,类别,生效日期\n")
            .await
            .len(),
        1
    );
    assert_eq!(house.state().await, before);
}

async fn two_programs_with_the_same_file(store: TestStore) {
    let house = House::empty(store);
    let one = house.import(ImportKind::Organisations, ORGANISATIONS);
    let other = house.import(ImportKind::Organisations, ORGANISATIONS);
    let (one, other) = tokio::join!(one, other);
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!(u8::from(one.already_imported) + u8::from(other.already_imported), 1);
    assert_eq!(house.state().await[..2], ["import 1", "registry_version 5"]);
}
