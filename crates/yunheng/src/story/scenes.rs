//! The scenes, in the order of the month.

use super::act::{Act, Content};
use super::cast::{BUREAU, Cast};
use super::desk::Desks;
use super::way::{Ask, get, post};
use crate::exit::Failure;
use crate::input::parsed;
use app::OpContext;
use app::accounts::first_administrators;
use axum::http::Method;
use domain::registry::PoolKind;
use domain::rules::Purpose;
use kernel::{Day, Instant};
use serde_json::{Value, json};

/// What the transcript begins with.
pub(super) const PREFACE: &str = "# 一个月里的申请、开通与回收

`yunheng demo` 在最后一个月里，让各方人员通过 HTTP 接口办理几件真实的事；下面是全部调用的实录（只略去读取、登录和一次性链接，答复只列要点）。
人员、单位和系统都是演示数据。";

const SHOWN_CHECK: &[&str] = &["/verdict", "/monthly", "/months_left", "/room", "/flow/nodes"];

/// All of them.
pub(super) async fn all(desks: &mut Desks<'_>, ctx: &OpContext, cast: &Cast) -> Result<(), Failure> {
    let first = ctx.now().day();
    accounts(desks, ctx, cast).await?;
    on(desks, first.plus(1)).await?;
    opened(desks, cast).await?;
    on(desks, first.plus(2)).await?;
    reviewed(desks, cast).await?;
    on(desks, first.plus(3)).await?;
    reduced(desks, cast).await?;
    on(desks, first.plus(4)).await?;
    let dated = dated(desks, cast, first.plus(9)).await?;
    on(desks, first.plus(10)).await?;
    reclaimed(desks, &dated).await?;
    read_afterwards(desks).await?;
    let end = first.month().next().first_day().start();
    desks.wait_until(end.plus_s(-3_600)).await
}

/// Nine in the morning of a day.
async fn on(desks: &mut Desks<'_>, day: Day) -> Result<(), Failure> {
    desks.wait_until(morning(day)).await
}

fn morning(day: Day) -> Instant {
    day.start().plus_s(9 * 3_600)
}

async fn accounts(desks: &mut Desks<'_>, ctx: &OpContext, cast: &Cast) -> Result<(), Failure> {
    desks.transcript.chapter(
        "一、账号：三员分立",
        "首次启用时，`yunheng account first` 给出三个一次性链接，由三个不同的人各自设置密码。系统管理员建账号、提出角色，安全管理员批准。\
         其余账号同样办理，不再列出。",
    );
    for link in first_administrators(ctx, &parsed(BUREAU)?).await? {
        desks
            .enter(&link.login, link.role.zh().to_owned(), &link.secret)
            .await?;
    }
    desks.employ(cast).await
}

async fn opened(desks: &mut Desks<'_>, cast: &Cast) -> Result<(), Failure> {
    desks.transcript.chapter(
        "二、申请信创云服务器：从试算到计量",
        &format!(
            "{}为「{}」申请一台信创云服务器。",
            cast.unit.name, cast.unit.system_name
        ),
    );
    let ask = Ask {
        pool: PoolKind::Xinchuang,
        spec: "vcpu=4 memory_gib=16",
        count: 1,
        purpose: Purpose::Production,
        until: None,
    };
    let draft = ask.draft(&cast.unit.system, "办件量增长，现有服务器已满负荷（演示）")?;
    desks
        .transcript
        .tell("主管部门先下达本年度预算，申请时即占用，开通后转为使用。");
    let budget = json!({
        "purse": "budget",
        "unit": cast.unit.code,
        "year": desks.now().day().month().year(),
        "amount": "500000.00",
        "source": "春财预〔演示〕1号",
    });
    let never_set = Act {
        etag: Some("\"0\""),
        ..post("/api/v1/limits", &budget, Some(&[]))
    };
    desks.must("lingdao", never_set).await?;
    desks
        .transcript
        .tell("先试算：规则、费用、额度、审批路线，什么也不保存。");
    desks
        .must("jingban", post("/api/v1/requests/check", &draft, Some(SHOWN_CHECK)))
        .await?;
    let number = desks.write(&draft).await?;
    submitted(desks, &number).await?;
    desks.agreed(&number).await?;
    desks
        .transcript
        .tell("批准后由云服务商报价，主管部门比较并选定，平台随即在节点上开通。");
    desks.until_metered(&number, PoolKind::Xinchuang).await?;
    desks
        .transcript
        .tell("第三方确认的时刻即开始计量的时刻；清单中已可见：");
    let path = format!("/api/v1/inventory?system={}&limit=200", cast.unit.system);
    let seen = desks.must("jingban", get(&path, None)).await?;
    let items = seen.body.pointer("/items").and_then(Value::as_array);
    let own = items
        .into_iter()
        .flatten()
        .find(|item| item.to_string().contains(&number));
    if let Some(own) = own {
        desks.transcript.tell(&format!(
            "```json\n{}\n```",
            serde_json::to_string_pretty(own).unwrap_or_default()
        ));
    }
    Ok(())
}

async fn submitted(desks: &mut Desks<'_>, number: &str) -> Result<(), Failure> {
    desks
        .change(&desks.own("jingban"), number, "submit", &Value::Null)
        .await?;
    Ok(())
}

async fn reviewed(desks: &mut Desks<'_>, cast: &Cast) -> Result<(), Failure> {
    desks.transcript.chapter(
        "三、申请X86云服务器：先被拒绝，经专家论证后按论证结论办理",
        "原则上只用信创资源（规则 R1）；确需非信创的，须经专家论证，写明理由、意见、回避、结论和有效期。",
    );
    let ask = Ask {
        pool: PoolKind::X86,
        spec: "vcpu=4 memory_gib=8",
        count: 1,
        purpose: Purpose::Production,
        until: None,
    };
    let draft = ask.draft(&cast.unit.system, "报表组件尚无信创版本（演示）")?;
    let number = desks.write(&draft).await?;
    desks
        .try_change("jingban", &number, "submit", &Value::Null, &["/code", "/detail"])
        .await?;
    desks
        .transcript
        .tell("专家论证由秘书组织：先申明利益关系，有利益关系的回避并另请，再逐人发表意见，最后按结论执行。");
    review(desks, &number).await?;
    submitted(desks, &number).await?;
    desks.agreed(&number).await?;
    desks.until_metered(&number, PoolKind::X86).await
}

/// A review of one server for a year: one of three has an interest and is replaced, all are in favour.
async fn review(desks: &mut Desks<'_>, number: &str) -> Result<(), Failure> {
    let person = |name: &str| json!({ "name": name, "affiliation": "春城大学（演示）" });
    let new = json!({
        "form": "expert_review",
        "subject": "non_xinchuang",
        "grounds": "报表组件尚无信创版本，厂商承诺一年内适配（演示）",
        "reviewers": [person("赵一（演示）"), person("钱二（演示）"), person("孙三（演示）")],
    });
    let code = desks
        .review_step(number, "", &new, &["/code", "/stage", "/reviewers"])
        .await?
        .text("/code");
    let step = |part: &str| format!("/{code}/{part}");
    for (name, conflict) in [
        ("赵一（演示）", None),
        ("钱二（演示）", None),
        ("孙三（演示）", Some("任职于报表组件的厂商（演示）")),
    ] {
        let body = json!({ "reviewer": name, "conflict": conflict });
        desks
            .review_step(number, &step("declarations"), &body, &["/stage"])
            .await?;
    }
    let leaves = json!({ "reviewer": "孙三（演示）", "by": person("李四（演示）") });
    desks
        .review_step(number, &step("replacements"), &leaves, &["/reviewers"])
        .await?;
    let body = json!({ "reviewer": "李四（演示）", "conflict": null });
    desks
        .review_step(number, &step("declarations"), &body, &["/stage"])
        .await?;
    for name in ["赵一（演示）", "钱二（演示）", "李四（演示）"] {
        let body = json!({ "reviewer": name, "in_favour": true, "text": "同意在过渡期内使用" });
        desks.review_step(number, &step("opinions"), &body, &["/stage"]).await?;
    }
    let decision = json!({
        "decision": "approve",
        "scope": [{ "kind": "server", "pool": "x86", "most": "vcpu=4 memory_gib=8" }],
        "expires": desks.now().plus_s(365 * 86_400).to_string(),
    });
    desks.review_step(number, &step("decision"), &decision, &[]).await?;
    Ok(())
}

async fn reduced(desks: &mut Desks<'_>, cast: &Cast) -> Result<(), Failure> {
    desks.transcript.chapter(
        "四、先盘活存量：申请被核减",
        "本单位有云服务器连续停机满三十天（规则 R4 的示例参数），先用起来，再谈增量。",
    );
    let Some((idle, unit)) = &cast.idle else {
        desks
            .transcript
            .tell("本次演示的城市没有停机满三十天的信创云服务器，此节略。");
        return Ok(());
    };
    desks.unit = "2";
    let spec = idle.spec.to_string();
    desks.transcript.tell(&format!(
        "{}停机的是 {}（{spec}）；为「{}」申请两台同样的：",
        unit.name, idle.code, unit.system_name
    ));
    let ask = Ask {
        pool: PoolKind::Xinchuang,
        spec: &spec,
        count: 2,
        purpose: Purpose::Production,
        until: None,
    };
    let draft = ask.draft(&unit.system, "新增两个业务窗口（演示）")?;
    let number = desks.write(&draft).await?;
    desks
        .try_change(
            &desks.own("jingban"),
            &number,
            "submit",
            &Value::Null,
            &["/code", "/detail"],
        )
        .await?;
    desks.transcript.tell("接受核减，只要增量的部分：");
    desks
        .change(&desks.own("jingban"), &number, "reduction", &Value::Null)
        .await?;
    submitted(desks, &number).await?;
    desks.agreed(&number).await?;
    desks.until_metered(&number, PoolKind::Xinchuang).await?;
    desks.unit = "";
    Ok(())
}

async fn dated(desks: &mut Desks<'_>, cast: &Cast, until: Day) -> Result<String, Failure> {
    desks.transcript.chapter(
        "五、开发测试环境：到期回收",
        &format!("开发测试资源必须写明到期日（规则 R17），从那天起不再需要；这一台的到期日是 {until}。"),
    );
    let ask = Ask {
        pool: PoolKind::Xinchuang,
        spec: "vcpu=2 memory_gib=4",
        count: 1,
        purpose: Purpose::Development,
        until: Some(until),
    };
    let draft = ask.draft(&cast.unit.system, "接口联调（演示）")?;
    let number = desks.write(&draft).await?;
    submitted(desks, &number).await?;
    desks.agreed(&number).await?;
    desks.until_metered(&number, PoolKind::Xinchuang).await?;
    Ok(number)
}

async fn reclaimed(desks: &mut Desks<'_>, dated: &str) -> Result<(), Failure> {
    desks
        .transcript
        .tell("到期后，后台任务提出回收并通知使用单位；在答复期满之前，什么也不动。");
    let list = desks
        .must("yunying", get("/api/v1/requests?status=noticed&limit=200", None))
        .await?;
    let rows = list.body.pointer("/items").and_then(Value::as_array);
    let number = rows
        .into_iter()
        .flatten()
        .find_map(|row| row.get("number")?.as_str().map(str::to_owned));
    let Some(number) = number else {
        desks
            .transcript
            .tell(&format!("（没有待回收的申请；原申请为 {dated}）"));
        return Ok(());
    };
    let path = format!("/api/v1/requests/{number}/ending");
    desks.must("fuze", get(&path, Some(&[]))).await?;
    let reply = json!({ "agrees": true, "words": "联调已完成，可以回收", "snapshot": false });
    desks
        .change_showing("fuze", &number, "ending/reply", &reply, &[])
        .await?;
    // What is agreed to is ordered by the next sweep, and carried out after it.
    for _ in 0..2 {
        desks.wait_until(desks.now().plus_s(2 * 3_600)).await?;
    }
    desks
        .transcript
        .tell("云服务商出具擦除证明，主管部门核对；核对之后，这台云服务器的一生才算结束。");
    let orders = desks
        .must("jiayunwei", get(&format!("/api/v1/orders?request={number}"), Some(&[])))
        .await?;
    let order = orders.text("/items/0/number");
    let steps = desks
        .must("jiayunwei", get(&format!("/api/v1/orders/{order}"), None))
        .await?;
    let allocation = steps.text("/steps/0/allocation");
    let file = "擦除记录.txt";
    let path = format!("/api/v1/requests/{number}/evidence?name=%E6%93%A6%E9%99%A4%E8%AE%B0%E5%BD%95.txt");
    let act = Act {
        method: &Method::POST,
        path: &path,
        content: Content::File(file, "卷及快照已按规程擦除（演示）\n".as_bytes()),
        etag: None,
        shows: Some(&["/id", "/digest", "/size"]),
    };
    let evidence = desks.must("jiayunwei", act).await?.text("/id");
    let proof = json!({
        "allocation": allocation,
        "method": "overwritten",
        "covers_copies": true,
        "evidence": evidence,
        "at": desks.now().to_string(),
    });
    desks
        .change_showing("jiayunwei", &number, "erasure-proofs", &proof, &[])
        .await?;
    let check = format!("erasure-proofs/{allocation}/check");
    desks
        .change_showing("hecha", &number, &check, &Value::Null, &[])
        .await?;
    desks
        .must(
            "yunying",
            get(
                &format!("/api/v1/requests/{number}"),
                Some(&["/number", "/status", "/version"]),
            ),
        )
        .await?;
    Ok(())
}

async fn read_afterwards(desks: &mut Desks<'_>) -> Result<(), Failure> {
    desks.transcript.chapter(
        "六、事后可查",
        "每一次登录、申请、审批、开通、拒绝都在审计链上；只有审计管理员能读，读取本身也留痕。",
    );
    desks
        .must("auditadmin", get("/api/v1/audit/verification", Some(&[])))
        .await?;
    desks
        .send(
            "yunying",
            get("/api/v1/audit/entries?limit=1", Some(&["/code", "/detail"])),
        )
        .await?;
    Ok(())
}
