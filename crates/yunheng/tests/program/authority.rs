//! Who gives a command: the local operator while there are no accounts, an account by its token once there are, judged
//! as over HTTP.

use crate::desk::{CLOSED, Desk, OPEN, PROGRAM, Said};
use app::{OpContext, statements};
use domain::authz::{Account, Role};
use domain::registry::Side;
use domain::settle::Step;
use kernel::{Digest, Instant};
use std::io::Write as _;
use std::process::Stdio;
use std::sync::Arc;
use store::Store;

const PASSWORD: &str = "Chuncheng-2026";

/// Runs a command that reads lines.
fn told(desk: &Desk, arguments: &[&str], lines: &str) -> Said {
    let mut command = desk.command(arguments);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let mut input = child.stdin.take().expect("it reads");
    input.write_all(lines.as_bytes()).expect("it reads on");
    drop(input);
    child.wait_with_output().expect("it ends").into()
}

/// The house, from within this test.
async fn house(desk: &Desk) -> OpContext {
    let url = format!("sqlite://{}", desk.data().join("yunheng.db").display());
    let store = Store::open(&url).await.expect("the store opens");
    // Some day after the demo city's last month.
    let clock = Arc::new(|| Instant::from_unix_s(1_800_000_000));
    OpContext::new("测试", store, &desk.data(), clock, test_support::counted()).expect("a lake")
}

/// Makes an account with roles, and a token of it by the command. How roles are given is tested elsewhere.
async fn token(desk: &Desk, login: &str, organisation: &str, roles: &[Role], scope: &[&str]) -> String {
    let ctx = house(desk).await;
    let mut work = ctx.store().begin().await.expect("nobody else writes");
    let digest = Digest::of(login.as_bytes()).to_string();
    let tag: [u8; 10] = digest.as_bytes()[..10].try_into().expect("ten bytes");
    let organisation = organisation.parse().expect("a code");
    let long_ago = Instant::from_unix_s(0);
    let account = Account::invited(
        kernel::AccountId::from_parts(1, &tag),
        (login, login),
        organisation,
        long_ago,
    );
    test_support::employ(&mut work, &account, roles).await;
    let link = format!("yhi_{login}");
    let until = Instant::from_unix_s(4_000_000_000);
    let secret = Digest::of(link.as_bytes());
    work.add_invitation(secret, account.id, (long_ago, until))
        .await
        .expect("a link");
    work.audit(ctx.now(), ("测试", "account.make", login), "{}".to_owned())
        .await
        .expect("an entry");
    work.commit().await.expect("committed");
    ctx.store().close().await;
    told(desk, &["account", "accept"], &format!("{link}\n{PASSWORD}\n")).ok();
    let mut arguments = vec!["account", "token", "--name", "测试", "--output", "json"];
    arguments.extend(scope.iter().flat_map(|action| ["--scope", action]));
    let said = told(desk, &arguments, &format!("{login}\n{PASSWORD}\n")).ok();
    let said: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    said["secret"].as_str().expect("given once").to_owned()
}

/// The last entries of the chain: who and what.
async fn last(desk: &Desk, count: usize) -> Vec<(String, String)> {
    let ctx = house(desk).await;
    let mut read = ctx.store().read().await.expect("a reader");
    let entries = read.audit_entries(1, 1_000_000).await.expect("entries");
    let from = entries.len().saturating_sub(count);
    let said = entries[from..]
        .iter()
        .map(|entry| (entry.actor.clone(), entry.action.clone()));
    said.collect()
}

fn pair(actor: &str, action: &str) -> (String, String) {
    (actor.to_owned(), action.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_are_given_by_the_local_operator_until_there_are_accounts_and_by_token_then() {
    let desk = Desk::new();
    assert!(desk.run(&["doctor"]).ok().contains("本地操作员"));
    let path = desk.folder().join("lines.csv").display().to_string();
    desk.run(&["--actor", "张三", "export", "charges", CLOSED, "--file", &path])
        .ok();
    let expected = ["charges.export", "charges.export.done"].map(|action| pair("张三（本地操作员）", action));
    assert_eq!(last(&desk, 2).await, expected);

    let scope = [
        "month.run",
        "month.read",
        "inventory.read",
        "charges.export",
        "month.close",
        "registry.import",
    ];
    let operations = token(&desk, "operations", "A001", &[Role::AuthorityOperations], &scope).await;
    let doctor = desk.run(&["doctor"]).ok();
    assert!(
        doctor.contains("账号 1 个") && doctor.contains("YUNHENG_TOKEN"),
        "{doctor}"
    );
    for words in [
        &["collect"][..],
        &["month", "show", OPEN],
        &["month", "close", OPEN],
        &["case"],
        &["inventory"],
        &["audit", "show"],
        &["audit", "verify"],
        &["node", "list"],
        &["export", "charges", OPEN, "--file", &path],
    ] {
        let told = desk.run(words).failed(6);
        assert!(told.contains("YUNHENG_TOKEN"), "{words:?}: {told}");
    }
    let told = desk.by("yht_none", &["inventory"]).failed(6);
    assert!(told.contains("令牌无效"), "{told}");
    let told = desk.by(&operations, &["--actor", "张三", "inventory"]).failed(3);
    assert!(told.contains("--actor"), "{told}");
    desk.by(&operations, &["inventory"]).ok();
    desk.by(&operations, &["month", "meter", OPEN]).ok();
    // Allowed by the role, not by the token; allowed by the token, not by the role. Both are in the chain.
    let told = desk.by(&operations, &["collect"]).failed(6);
    assert!(told.contains("采集云节点"), "{told}");
    desk.by(&operations, &["month", "close", OPEN]).failed(6);
    let refused = pair("operations", "access.refused");
    assert_eq!(last(&desk, 2).await, [refused.clone(), refused]);
    // A department sees its own, over HTTP; a command shows all.
    let unit = token(
        &desk,
        "unit",
        "D001",
        &[Role::UnitHead],
        &["inventory.read", "statement.read"],
    )
    .await;
    let told = desk.by(&unit, &["inventory"]).failed(6);
    assert!(told.contains("本单位"), "{told}");
    let auditor = token(
        &desk,
        "auditadmin",
        "A001",
        &[Role::AuditAdmin],
        &["audit.read", "audit.seal"],
    )
    .await;
    desk.by(&auditor, &["audit", "show", "--limit", "3"]).ok();
    assert_eq!(last(&desk, 1).await, [pair("auditadmin", "audit.read")]);
    desk.by(&auditor, &["month", "show", OPEN]).failed(6);
}

#[test]
fn the_first_administrators_are_of_an_organisation_that_is_there() {
    let desk = Desk::new();
    let told = desk.run(&["account", "first", "--organisation", "NOBODY"]).failed(3);
    assert!(told.contains("NOBODY") && told.contains("未登记"), "{told}");
    let links = desk.json(&["account", "first", "--organisation", "A001"]);
    assert_eq!(links.as_array().map(Vec::len), Some(3), "{links:#}");
    desk.run(&["account", "first", "--organisation", "A001"]).failed(6);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_administrators_are_rescued_at_the_machine() {
    let desk = Desk::new();
    desk.json(&["account", "first", "--organisation", "A001"]);
    token(&desk, "unit", "D001", &[Role::UnitHead], &["inventory.read"]).await;
    let told_no = desk.run(&["account", "rescue", "unit"]).failed(3);
    assert!(told_no.contains("安全、审计管理员"), "{told_no}");
    desk.run(&["account", "rescue", "nobody"]).failed(4);
    // The link of the first start was lost before it was used.
    let said = desk.json(&["account", "rescue", "secadmin"]);
    assert_eq!(last(&desk, 1).await, [pair("本地操作员", "account.rescue")]);
    let link = said["secret"].as_str().expect("given once");
    told(&desk, &["account", "accept"], &format!("{link}\n{PASSWORD}\n")).ok();
    let arguments = ["account", "token", "--name", "测试", "--scope", "account.release"];
    told(&desk, &arguments, &format!("secadmin\n{PASSWORD}\n")).ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_closed_the_month_does_not_approve_its_statements() {
    let desk = Desk::new();
    let roles = [Role::AuthorityFinance, Role::AuthorityLeader];
    let scope = ["month.close", "month.read", "statement.read", "statement.advance"];
    let closer = token(&desk, "closer", "A001", &roles, &scope).await;
    let leader = token(&desk, "leader", "A001", &[Role::AuthorityLeader], &scope).await;
    desk.by(&closer, &["month", "close", OPEN]).ok();
    let list = desk.by(&leader, &["statement", "list", OPEN, "--output", "json"]).ok();
    let list: serde_json::Value = serde_json::from_str(&list).expect("JSON");
    let number = list[0]["number"].as_str().expect("a statement").to_owned();
    let ctx = house(&desk).await;
    let scope = statements::show(&ctx, &number)
        .await
        .expect("it is there")
        .statement
        .scope;
    for side in [scope.confirmed_by(), Side::Supervisor, Side::CostAssessor] {
        let input = statements::AdvanceInput {
            number: number.clone(),
            side,
            step: Step::Agree,
            text: String::new(),
        };
        statements::advance(&ctx, input).await.expect("each side in its turn");
    }
    ctx.store().close().await;
    let words = ["statement", "advance", &number, "--side", "authority"];
    let told = desk.by(&closer, &words).failed(6);
    assert!(told.contains("编制") && told.contains("批准"), "{told}");
    assert_eq!(last(&desk, 1).await, [pair("closer", "access.refused")]);
    let told = desk
        .by(&leader, &["statement", "advance", &number, "--side", "supervisor"])
        .failed(6);
    assert!(told.contains("不能代表"), "{told}");
    desk.by(&leader, &words).ok();
    assert_eq!(last(&desk, 1).await, [pair("leader", "statement.advance")]);
}

#[test]
fn the_chain_is_sealed_taken_out_and_checked_without_a_store() {
    let desk = Desk::new();
    let page = desk.folder().join("seal.txt");
    let said = desk.run(&["audit", "seal", "--to", &page.display().to_string()]).ok();
    let page = std::fs::read_to_string(page).expect("the page");
    assert!(said.contains(page.trim()) && page.contains("审计链封存单"), "{said}");
    let head = said
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix("链头 "))
        .expect("a head")
        .to_owned();
    assert!(page.contains(&head), "{page}");
    let again = desk.json(&["audit", "seal"]);
    assert_eq!(again["already"], true);
    let file = desk.folder().join("audit.jsonl").display().to_string();
    desk.run(&["audit", "export", &file]).ok();
    // On a machine that has nothing but the program and the file.
    let verify = |arguments: &[&str]| -> Said {
        let mut command = std::process::Command::new(PROGRAM);
        command
            .args(["--data", "/nowhere", "audit", "verify", "--file"])
            .args(arguments);
        command.output().expect("the program starts").into()
    };
    assert!(verify(&[&file, "--head", &head]).ok().contains("完好"));
    let text = std::fs::read_to_string(&file).expect("the file");
    let line = text.lines().nth(7).expect("many lines").to_owned();
    let lines: Vec<&str> = text.lines().filter(|other| *other != line).collect();
    std::fs::write(&file, lines.join("\n") + "\n").expect("written");
    let told = verify(&[&file]).failed(1);
    assert!(told.contains("文件第 8 行") && told.contains("第 7 条"), "{told}");
    let head = format!("1:{}", "0".repeat(64));
    std::fs::write(&file, text).expect("written");
    assert!(verify(&[&file, "--head", &head]).failed(1).contains("第 1 条"));
    verify(&["/nowhere/audit.jsonl"]).failed(7);
}
