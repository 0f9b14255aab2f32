//! The way of an application at the desks: written, handed in, agreed to, offered, chosen, opened and confirmed.

use super::act::{Act, Content, Said};
use super::cast::Cast;
use super::desk::Desks;
use crate::exit::{Failure, INTERNAL};
use crate::input::parsed;
use crate::wiring::system_entropy;
use axum::http::Method;
use domain::authz::Action;
use domain::catalogue::ServiceForm;
use domain::registry::{PoolKind, ResourceKind};
use domain::request::RequestLine;
use domain::rules::Purpose;
use kernel::Day;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// What every answer to a change of an application shows.
const STANDING: &[&str] = &["/number", "/status", "/version"];

/// Reads.
pub(super) fn get<'a>(path: &'a str, shows: Option<&'a [&'a str]>) -> Act<'a> {
    Act {
        method: &Method::GET,
        path,
        content: Content::Nothing,
        etag: None,
        shows,
    }
}

/// Sends something; null for nothing but the act.
pub(super) fn post<'a>(path: &'a str, body: &'a Value, shows: Option<&'a [&'a str]>) -> Act<'a> {
    Act {
        method: &Method::POST,
        path,
        content: if body.is_null() {
            Content::Nothing
        } else {
            Content::Json(body)
        },
        etag: None,
        shows,
    }
}

/// A line of an application.
pub(super) struct Ask<'a> {
    pub(super) pool: PoolKind,
    pub(super) spec: &'a str,
    pub(super) count: u32,
    pub(super) purpose: Purpose,
    pub(super) until: Option<Day>,
}

impl Ask<'_> {
    /// The application it makes for a system.
    pub(super) fn draft(&self, system: &str, reason: &str) -> Result<Value, Failure> {
        let line = RequestLine {
            line: 1,
            kind: ResourceKind::Server,
            class: "通用型".to_owned(),
            form: ServiceForm::SharedCloud,
            pool: Some(self.pool),
            spec: parsed(self.spec)?,
            count: self.count,
            purpose: self.purpose,
            until: self.until,
            allocation: None,
        };
        Ok(json!({
            "kind": "new",
            "system": system,
            "reason": reason,
            "basis": "春数函〔2026〕12号（演示）",
            "contact": "周启明 0871-00000000（演示）",
            "lines": [line],
            "declared": { "classified": false },
        }))
    }
}

impl Desks<'_> {
    /// The login of somebody of the unit that applies.
    pub(super) fn own(&self, login: &str) -> String {
        format!("{login}{}", self.unit)
    }

    /// An application as somebody sees it, with its version.
    pub(super) async fn seen(&mut self, who: &str, number: &str) -> Result<Said, Failure> {
        self.must(who, get(&format!("/api/v1/requests/{number}"), None)).await
    }

    /// Changes something about an application that somebody has just read.
    pub(super) async fn change(&mut self, who: &str, number: &str, path: &str, body: &Value) -> Result<Said, Failure> {
        self.change_showing(who, number, path, body, STANDING).await
    }

    /// The same, with other parts of the answer shown.
    pub(super) async fn change_showing(
        &mut self,
        who: &str,
        number: &str,
        path: &str,
        body: &Value,
        shows: &[&str],
    ) -> Result<Said, Failure> {
        let said = self.try_change(who, number, path, body, shows).await?;
        if said.status.is_success() {
            return Ok(said);
        }
        let text = format!("演示故事：{who} {path} 得到 {}：{}", said.status, said.body);
        Err(Failure::new(INTERNAL, text))
    }

    /// The same, where a refusal is an answer, too.
    pub(super) async fn try_change(
        &mut self,
        who: &str,
        number: &str,
        path: &str,
        body: &Value,
        shows: &[&str],
    ) -> Result<Said, Failure> {
        let etag = self.seen(who, number).await?.etag.unwrap_or_default();
        let path = format!("/api/v1/requests/{number}/{path}");
        let act = Act {
            etag: Some(&etag),
            ..post(&path, body, Some(shows))
        };
        self.send(who, act).await
    }

    /// One step of an expert review; `step` is empty to open it.
    pub(super) async fn review_step(
        &mut self,
        number: &str,
        step: &str,
        body: &Value,
        shows: &[&str],
    ) -> Result<Said, Failure> {
        let path = format!("/api/v1/requests/{number}/reviews");
        let etag = self.must("mishu", get(&path, None)).await?.etag.unwrap_or_default();
        let path = format!("{path}{step}");
        let act = Act {
            etag: Some(&etag),
            ..post(&path, body, Some(shows))
        };
        self.must("mishu", act).await
    }

    /// Writes an application. Returns its number.
    pub(super) async fn write(&mut self, draft: &Value) -> Result<String, Failure> {
        let act = post("/api/v1/requests", draft, Some(STANDING));
        Ok(self.must(&self.own("jingban"), act).await?.text("/number"))
    }

    /// Everybody in whose list it is agrees, one after the other, until nobody has it any more.
    pub(super) async fn agreed(&mut self, number: &str) -> Result<(), Failure> {
        loop {
            let mut moved = false;
            for who in [&self.own("fuze"), "chushen", "jishu", "mishu", "lingdao"] {
                let list = self.must(who, get("/api/v1/me/to-dos", None)).await?;
                let items = list.body.get("items").unwrap_or(&list.body).clone();
                let own = items.as_array().into_iter().flatten();
                let Some(task) = own
                    .filter(|item| item.pointer("/subject") == Some(&json!(number)))
                    .find_map(|item| {
                        let task = item.pointer("/task")?.as_str()?;
                        task.parse::<u32>().ok()
                    })
                else {
                    continue;
                };
                let body = json!({ "act": "agree", "task": task, "opinion": "同意" });
                self.change(who, number, "decisions", &body).await?;
                moved = true;
            }
            if !moved {
                return Ok(());
            }
        }
    }

    /// Two providers offer what their contracts say, and the authority chooses the first. Returns the order.
    pub(super) async fn chosen(&mut self, number: &str, pool: PoolKind) -> Result<String, Failure> {
        let seen = self.seen("yunying", number).await?;
        let nodes = self.must("yunying", get("/api/v1/nodes?limit=200", None)).await?.body;
        let estimates = seen.body.pointer("/frozen/estimates").cloned().unwrap_or_default();
        for (who, provider) in [("jiayun", "P1"), ("yiyun", "P2")] {
            let own = estimates.as_array().into_iter().flatten();
            let Some(estimate) = own
                .into_iter()
                .find(|e| e.pointer("/provider") == Some(&json!(provider)))
            else {
                continue;
            };
            let body = offer(estimate, &nodes, (provider, pool))?;
            self.change(who, number, "offers", &body).await?;
        }
        let offers = format!("/api/v1/requests/{number}/offers");
        self.must("yunying", get(&offers, Some(&[]))).await?;
        let body = json!({ "provider": "P1", "reason": "与现有系统同一节点，便于互通（演示）" });
        let shows = &["/order", "/status"];
        let said = self.change_showing("yunying", number, "choice", &body, shows).await?;
        Ok(said.text("/order"))
    }

    /// The platform opens what was ordered, and sees it on the node.
    pub(super) async fn opened(&mut self, order: &str) -> Result<(), Failure> {
        self.work().await?;
        self.look().await?;
        let path = format!("/api/v1/orders/{order}");
        self.must(
            "jiayunwei",
            get(&path, Some(&["/number", "/state", "/stage", "/steps"])),
        )
        .await?;
        Ok(())
    }

    /// The three parties confirm the trial; the third starts the meter.
    pub(super) async fn confirmed(&mut self, number: &str) -> Result<(), Failure> {
        for (who, words) in [
            (self.own("yanshou").as_str(), "可以正常使用"),
            ("jiayun", "运行平稳"),
            ("hecha", "配置与批准一致"),
        ] {
            let body = json!({ "words": words });
            let shows = &["/confirmations", "/metered_from"];
            self.change_showing(who, number, "trial/confirmations", &body, shows)
                .await?;
        }
        Ok(())
    }

    /// An approved application until its meter runs.
    pub(super) async fn until_metered(&mut self, number: &str, pool: PoolKind) -> Result<(), Failure> {
        let order = self.chosen(number, pool).await?;
        self.opened(&order).await?;
        self.confirmed(number).await
    }

    /// Everybody of the cast gets an account, a role and a desk.
    pub(super) async fn employ(&mut self, cast: &Cast) -> Result<(), Failure> {
        for (place, part) in cast.parts.iter().enumerate() {
            let first: Option<&[&str]> = (place == 0).then_some(&["/login", "/organisation", "/state"]);
            let body =
                json!({ "login": part.login, "name": part.name, "organisation": part.organisation, "sort": "person" });
            let made = self.must("sysadmin", post("/api/v1/accounts", &body, first)).await?;
            let (account, secret) = (made.text("/id"), made.text("/secret"));
            let role = json!({ "account": account, "role": part.role.word() });
            let shown: Option<&[&str]> = (place == 0).then_some(&["/number"]);
            let number = self
                .must("sysadmin", post("/api/v1/roles", &role, shown))
                .await?
                .text("/number");
            if place == 0 {
                self.transcript.tell("提出角色的人不能批准角色：");
                let path = format!("/api/v1/roles/{number}/decision");
                self.send(
                    "sysadmin",
                    post(&path, &json!({ "granted": true }), Some(&["/code", "/detail"])),
                )
                .await?;
            }
            let path = format!("/api/v1/roles/{number}/decision");
            self.must("secadmin", post(&path, &json!({ "granted": true }), shown))
                .await?;
            self.enter(part.login, Cast::title(part), &secret).await?;
        }
        Ok(())
    }

    /// Somebody makes a token for the command line, for everything they may do.
    pub(super) async fn token(&mut self, who: &str) -> Result<String, Failure> {
        let all = Action::ALL.iter().filter(|action| **action != Action::TokenWrite);
        let scope: Vec<&str> = all.map(|action| action.word()).collect();
        let body = json!({ "name": "命令行（演示）", "scope": scope, "days": 365 });
        Ok(self
            .must(who, post("/api/v1/me/tokens", &body, None))
            .await?
            .text("/secret"))
    }

    /// Somebody takes a one-time link, sets a password and gets a desk.
    pub(super) async fn enter(&mut self, login: &str, title: String, secret: &str) -> Result<(), Failure> {
        let password = password()?;
        let body = json!({ "secret": secret, "password": password });
        self.must("", post("/api/v1/invitations/acceptance", &body, None))
            .await?;
        self.seat(login, title, password);
        Ok(())
    }
}

/// An offer at the prices of the contract, by the estimate of the application.
fn offer(estimate: &Value, nodes: &Value, (provider, pool): (&str, PoolKind)) -> Result<Value, Failure> {
    let mut prices = Vec::new();
    for line in estimate
        .pointer("/lines")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let text = |name: &str| line.get(name).and_then(Value::as_str).unwrap_or_default();
        let measure = if text("item").ends_with("-CPU") {
            "vcpu"
        } else {
            "memory_gib"
        };
        let amount: kernel::Money = parsed(text("amount"))?;
        let quantity: kernel::Quantity = parsed(text("quantity"))?;
        let fen = i128::from(amount.fen()) * 1_000_000;
        let each = fen.checked_div(i128::from(quantity.micros())).unwrap_or(0);
        let price = kernel::Money::from_fen(i64::try_from(each).unwrap_or(0));
        prices.push(json!({ "line": 1, "measure": measure, "price": price.to_string() }));
    }
    // The last of a provider's nodes: of the first provider it is the one of the story.
    let mut nodes = nodes.get("items").and_then(Value::as_array).into_iter().flatten();
    let node = nodes.rfind(|node| node.get("provider") == Some(&json!(provider)));
    let pools = node
        .and_then(|node| node.get("pools")?.as_array())
        .into_iter()
        .flatten();
    let own = pools
        .into_iter()
        .find(|own| own.get("kind") == Some(&json!(pool.word())));
    Ok(json!({
        "node": node.and_then(|node| node.get("code")),
        "pool": own.and_then(|own| own.get("code")),
        "contract": estimate.get("contract"),
        "prices": prices,
        "words": "按合同价（演示）",
    }))
}

/// A password nobody has had before: the demo has no default ones either.
fn password() -> Result<String, Failure> {
    let mut chance = system_entropy()?;
    let mut text = String::from("Yh-");
    for byte in chance() {
        write!(text, "{byte:02x}").map_err(|error| Failure::new(INTERNAL, error.to_string()))?;
    }
    Ok(text)
}
