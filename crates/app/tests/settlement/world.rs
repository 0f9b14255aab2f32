//! A provider with two lines: A-1 of 100 Mbps for D1 at 25 = 2,500.00 a month, A-2 of 200 Mbps for D2 = 5,000.00.
//! Everything comes in by import, from 2026-03-01 on. An hour of outage of a line in March costs a tenth of its fee:
//! 1 - 3,600 / 2,678,400 = 0.998656, below 0.999.

use app::OpContext;
use app::import::{ImportKind, ImportOptions, ImportOutcome, import_file};
use app::month::{CloseOutcome, close_month};
use app::nodes::{NewNode, add};
use domain::registry::NodeSource;
use domain::settle::Statement;
use kernel::{Instant, Month};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tempfile::TempDir;
use test_support::TestStore;

pub struct World {
    pub ctx: OpContext,
    clock: Arc<AtomicI64>,
    _store: TestStore,
    _folder: TempDir,
}

pub fn month(text: &str) -> Month {
    text.parse().unwrap()
}

pub fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

const SETTING: [(ImportKind, &str); 6] = [
    (
        ImportKind::Organisations,
        "代码,名称,类别,生效日期\nA1,数据局,主管部门,2026-01-01\nP1,甲云公司,云服务商,2026-01-01\n\
         D1,民政局,使用单位,2026-01-01\nD2,水务局,使用单位,2026-01-01\n",
    ),
    (
        ImportKind::Systems,
        "代码,名称,所属单位代码,网络区域,状态,来源,生效日期\nS1,婚姻登记,D1,政务外网区,运行,新建系统,2026-01-01\n\
         S2,水情监测,D2,政务外网区,运行,新建系统,2026-01-01\n",
    ),
    (
        ImportKind::Catalogue,
        "代码,名称,层级,服务形式,资源类型,计量项,单位,计量依据,生效日期\n\
         LINE,行业专线,infrastructure,industry_line,line,bandwidth_mbps,Mbps,allocated,2026-01-01\n",
    ),
    (
        ImportKind::Contracts,
        "合同编号,合同名称,云服务商代码,采购批次,分包,服务开始日,服务终止日,折算方式,对账容差（元）,计入停机最短秒数,停机取整,\
         可用性扣减阶梯,扣减封顶比例,依据,生效日期\n\
         HT-1,合同一,P1,一期,一,2026-01-01,2029-01-01,按天,0,300,按秒,0.999:0.10,1,第八条,2026-01-01\n",
    ),
    (
        ImportKind::Prices,
        "合同编号,价目版本,生效日期,条目代码,计价方式,单价（元）,条款,依据,批准人\n\
         HT-1,1,2026-01-01,LINE,flat,25,附件一,中标价,张三\n",
    ),
    (
        ImportKind::Allocations,
        "分配单号,系统代码,服务形式,资源类型,规格,云节点,计费开始,计费终止\n\
         A-1,S1,industry_line,line,bandwidth_mbps=100,N1,2026-03-01,\n\
         A-2,S2,industry_line,line,bandwidth_mbps=200,N1,2026-03-01,\n",
    ),
];

/// The node of both lines, from a day on.
pub fn node(since: &str) -> NewNode {
    NewNode {
        code: "N1".parse().unwrap(),
        name: "城东节点".into(),
        provider: "P1".parse().unwrap(),
        source: NodeSource::Files { folder: "N1".into() },
        platform: domain::registry::Platform::default(),
        pools: Vec::new(),
        valid_from: at(since),
    }
}

impl World {
    pub async fn new(store: TestStore) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (clock, time) = test_support::clock_at(at("2026-03-01 09:00:00"));
        let ctx = OpContext::new("关账员", store.store(), folder.path(), time, test_support::counted()).unwrap();
        let world = Self {
            ctx,
            clock,
            _store: store,
            _folder: folder,
        };
        world.import(SETTING[0].0, SETTING[0].1).await;
        assert!(add(&world.ctx, node("2026-01-01")).await.unwrap().new);
        for (kind, text) in &SETTING[1..] {
            world.import(*kind, text).await;
        }
        world
    }

    /// Sets the clock.
    pub fn on(&self, text: &str) -> &Self {
        self.clock.store(at(text).unix_s(), Ordering::SeqCst);
        self
    }

    pub async fn import(&self, kind: ImportKind, text: &str) -> ImportOutcome {
        let options = ImportOptions::default();
        import_file(&self.ctx, kind, "文件.csv", text.as_bytes(), options)
            .await
            .unwrap_or_else(|why| panic!("{kind}: {why}"))
    }

    /// A version of March's bill: resource, department and yuan of each line.
    pub async fn bill(&self, version: u32, lines: &[(&str, &str, &str)]) {
        let mut text =
            "云服务商代码,账期,账单版本,行号,云资源标识,条目代码,使用单位代码,起,止,数量,单价（元）,金额（元）\n"
                .to_owned();
        for (place, (resource, department, amount)) in lines.iter().enumerate() {
            let line = place + 1;
            text += &format!(
                "P1,2026-03,{version},{line},{resource},LINE,{department},2026-03-01,2026-04-01,100,25,{amount}\n"
            );
        }
        self.import(ImportKind::ProviderBill, &text).await;
    }

    /// An outage of A-1 on 5 March from 10 o'clock: its end, why it does not count, why it is corrected.
    pub async fn outage(&self, to: &str, excluded: &str, correction: &str) -> ImportOutcome {
        let text = format!(
            "云节点,云资源标识,开始,结束,免责原因,依据,更正理由\n\
             ,A-1,2026-03-05 10:00:00,{to},{excluded},监理月报,{correction}\n"
        );
        self.import(ImportKind::Outages, &text).await
    }

    pub async fn close(&self, text: &str) -> CloseOutcome {
        close_month(&self.ctx, month(text)).await.unwrap()
    }

    /// The statements of a month: D1's, D2's (those that there are), and the provider's.
    pub async fn statements(&self, text: &str) -> Vec<Statement> {
        let records = self
            .ctx
            .store()
            .read()
            .await
            .unwrap()
            .statements(month(text))
            .await
            .unwrap();
        records.into_iter().map(|record| record.statement).collect()
    }

    /// What each statement of a month pays, in fen.
    pub async fn payable(&self, text: &str) -> Vec<i64> {
        let statements = self.statements(text).await;
        statements.iter().map(|statement| statement.payable.fen()).collect()
    }
}
