//! Applications, their flows, and who has what to do.

use crate::{Connection, Row, StoreError, Value};
use domain::authz::Role;
use domain::registry::Side;
use domain::request::{RequestStatus, ResourceRequest};
use kernel::{AccountId, Instant, OrganisationCode};
use serde::Serialize;
use serde::de::DeserializeOwned;

const TABLE: &str = "resource_request";

/// What somebody may see of the applications. A repository takes one, so that nobody forgets a filter (I8).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sight {
    /// Everything.
    All,
    /// Those of some units; of drafts only one's own.
    Units(Vec<String>, AccountId),
    /// Those that were handed in, and one's own drafts.
    HandedIn(AccountId),
    /// Those ordered from a provider, those it offered for, and those that wait for offers: approved, or stuck with
    /// nothing left of their orders.
    Provider(String),
}

/// Which applications to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestFilter {
    /// Only in this status.
    pub status: Option<RequestStatus>,
    /// Only of this unit.
    pub unit: Option<String>,
    /// Only for this system.
    pub system: Option<String>,
    /// Only numbers after this one in the order of the list.
    pub after: Option<String>,
    /// The oldest first; else the newest.
    pub oldest_first: bool,
}

/// How a list goes on after its last row, and in which order it is.
pub(crate) const fn going(oldest_first: bool) -> (&'static str, &'static str) {
    if oldest_first { (">", "ASC") } else { ("<", "DESC") }
}

/// Somebody's task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToDo {
    /// Whose.
    pub account: AccountId,
    /// What kind: `request`, `confirm`, `order` ...
    pub kind: String,
    /// About which matter.
    pub subject: String,
    /// Which task of the matter.
    pub task: String,
    /// In words.
    pub title: String,
    /// Since when.
    pub opened: Instant,
    /// By when.
    pub due: Option<Instant>,
}

pub(crate) fn to_do(row: &Row) -> Result<ToDo, StoreError> {
    Ok(ToDo {
        account: row.parsed("to_do", "account")?,
        kind: row.text("kind")?,
        subject: row.text("subject")?,
        task: row.text("task")?,
        title: row.text("title")?,
        opened: Instant::from_unix_s(row.int("opened_s")?),
        due: row.int_or_none("due_s")?.map(Instant::from_unix_s),
    })
}

fn request(row: &Row) -> Result<ResourceRequest, StoreError> {
    let mut request: ResourceRequest = row.json(TABLE, "body")?;
    request.version = row.int("version")?;
    Ok(request)
}

impl Sight {
    /// A condition, and the values for its `$n` and those that follow.
    pub(crate) fn condition(&self, n: usize) -> (String, Vec<Value>) {
        match self {
            Self::All => (String::new(), Vec::new()),
            Self::Units(units, account) => {
                let places: Vec<String> = (1..).take(units.len()).map(|place| format!("${}", n + place)).collect();
                // Of one unit the index gives the newest first; of several, all must be sorted.
                let of_units = match places.as_slice() {
                    [one] => format!("unit = {one}"),
                    _ => format!("unit IN ({})", places.join(",")),
                };
                let units = units.iter().map(Into::into);
                (
                    format!(" AND (status <> 'draft' OR applicant = ${n}) AND {of_units}"),
                    std::iter::once(account.to_string().into()).chain(units).collect(),
                )
            }
            Self::HandedIn(account) => (
                format!(" AND (status <> 'draft' OR applicant = ${n})"),
                vec![account.to_string().into()],
            ),
            Self::Provider(provider) => (
                format!(
                    " AND status <> 'draft' AND (provider = ${n} OR (kind = 'new' AND status = 'approved') OR \
                     (kind = 'new' AND status = 'stuck' AND NOT EXISTS (SELECT 1 FROM work_order AS given WHERE \
                     given.request = resource_request.number AND given.state <> 'undone')) OR EXISTS \
                     (SELECT 1 FROM offer WHERE offer.request = resource_request.number AND offer.provider = ${n}))"
                ),
                vec![provider.into()],
            ),
        }
    }
}

impl Connection {
    /// The next number of a series, from 1, without gaps: it is given out together with what bears it.
    pub async fn next_number(&mut self, series: &str) -> Result<i64, StoreError> {
        let sql =
            "INSERT INTO series (name, last) VALUES ($1, 1) ON CONFLICT (name) DO UPDATE SET last = series.last + 1";
        self.execute(sql, &[series.into()]).await?;
        let row = self
            .first("SELECT last FROM series WHERE name = $1", &[series.into()])
            .await?;
        row.map_or(Ok(1), |row| row.int("last"))
    }

    /// Stores a new application, as version 1.
    pub async fn add_request(&mut self, new: &ResourceRequest) -> Result<(), StoreError> {
        let values = [
            new.number.clone().into(),
            new.kind.word().into(),
            new.unit.to_string().into(),
            new.system.to_string().into(),
            new.status.word().into(),
            new.place.as_ref().map(|place| place.provider.to_string()).into(),
            new.applicant.to_string().into(),
            new.created.unix_s().into(),
            Value::json(TABLE, &new.number, new)?,
        ];
        let sql = "INSERT INTO resource_request (number, kind, unit, system, status, provider, applicant, created_s, \
                   body, version) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,1)";
        self.execute_one(sql, &values, &new.number).await
    }

    /// Saves an application that was read as `request.version`, with what was frozen at its submission, if it was
    /// submitted now.
    pub async fn save_request(&mut self, request: &ResourceRequest, frozen: Option<&str>) -> Result<(), StoreError> {
        let values = [
            request.status.word().into(),
            request.place.as_ref().map(|place| place.provider.to_string()).into(),
            Value::json(TABLE, &request.number, request)?,
            request.number.clone().into(),
            request.version.into(),
            request.kind.word().into(),
            request.unit.to_string().into(),
            request.system.to_string().into(),
        ];
        let sql = "UPDATE resource_request SET status = $1, provider = $2, body = $3, kind = $6, unit = $7, \
                   system = $8, version = version + 1 WHERE number = $4 AND version = $5";
        self.execute_one(sql, &values, &request.number).await?;
        if let Some(frozen) = frozen {
            let sql = "INSERT INTO request_record (number, frozen) VALUES ($1,$2) \
                       ON CONFLICT (number) DO UPDATE SET frozen = excluded.frozen";
            let values = [request.number.clone().into(), frozen.to_owned().into()];
            self.execute(sql, &values).await?;
        }
        Ok(())
    }

    /// An application, if it may be seen.
    pub async fn request(&mut self, number: &str, sight: &Sight) -> Result<Option<ResourceRequest>, StoreError> {
        let (seen, values) = sight.condition(2);
        let sql = format!("SELECT * FROM resource_request WHERE number = $1{seen}");
        let values: Vec<Value> = std::iter::once(number.into()).chain(values).collect();
        self.first(&sql, &values).await?.as_ref().map(request).transpose()
    }

    /// An application, and its flow with the flow's version, if it was handed in.
    pub async fn request_and_flow<T: DeserializeOwned>(
        &mut self,
        number: &str,
    ) -> Result<Option<(ResourceRequest, Option<(T, i64)>)>, StoreError> {
        let sql = "SELECT r.body, r.version, f.body AS flow, f.version AS flow_version FROM resource_request r \
                   LEFT JOIN flow_run f ON f.subject = r.number WHERE r.number = $1";
        let Some(row) = self.first(sql, &[number.into()]).await? else {
            return Ok(None);
        };
        let flow = match row.int_or_none("flow_version")? {
            Some(version) => Some((row.json("flow_run", "flow")?, version)),
            None => None,
        };
        Ok(Some((request(&row)?, flow)))
    }

    /// What was frozen when an application was last submitted: facts, checks, estimate.
    pub async fn frozen<T: DeserializeOwned>(&mut self, number: &str) -> Result<Option<T>, StoreError> {
        let sql = "SELECT frozen FROM request_record WHERE number = $1";
        let row = self.first(sql, &[number.into()]).await?;
        row.map(|row| row.json("request_record", "frozen")).transpose()
    }

    /// All applications that fit, whoever may see them.
    pub async fn all_requests(&mut self, filter: &RequestFilter) -> Result<Vec<ResourceRequest>, StoreError> {
        self.requests(&Sight::All, filter, i64::MAX).await
    }

    /// The applications that may be seen and fit, the newest or the oldest first, at most `limit`.
    pub async fn requests(
        &mut self,
        sight: &Sight,
        filter: &RequestFilter,
        limit: i64,
    ) -> Result<Vec<ResourceRequest>, StoreError> {
        let mut values: Vec<Value> = vec![limit.into()];
        let (mut conditions, seen) = sight.condition(2);
        values.extend(seen);
        let (on, order) = going(filter.oldest_first);
        let beyond = format!("number {on} ");
        let wanted = [
            ("status = ", filter.status.map(|status| status.word().to_owned())),
            ("unit = ", filter.unit.clone()),
            ("system = ", filter.system.clone()),
            (beyond.as_str(), filter.after.clone()),
        ];
        for (condition, value) in wanted {
            if let Some(value) = value {
                values.push(value.into());
                conditions.push_str(&format!(" AND {condition}${}", values.len()));
            }
        }
        let sql = format!("SELECT * FROM resource_request WHERE 1 = 1{conditions} ORDER BY number {order} LIMIT $1");
        self.all(&sql, &values).await?.iter().map(request).collect()
    }

    /// Stores or saves the flow of a matter. `version` is the one that was read; none for a new one.
    pub async fn save_flow(
        &mut self,
        subject: &str,
        (definition, definition_version, state): (&str, i64, &str),
        body: &impl Serialize,
        version: Option<i64>,
    ) -> Result<(), StoreError> {
        let values = [
            subject.into(),
            definition.into(),
            definition_version.into(),
            state.into(),
            Value::json("flow_run", subject, body)?,
            version.unwrap_or(0).into(),
        ];
        let sql = match version {
            None => {
                "INSERT INTO flow_run (subject, definition, definition_version, state, body, version) \
                 VALUES ($1,$2,$3,$4,$5,$6 + 1)"
            }
            Some(_) => {
                "UPDATE flow_run SET definition = $2, definition_version = $3, state = $4, body = $5, \
                 version = version + 1 WHERE subject = $1 AND version = $6"
            }
        };
        self.execute_one(sql, &values, subject).await
    }

    /// The flow of a matter, and its version.
    pub async fn flow<T: DeserializeOwned>(&mut self, subject: &str) -> Result<Option<(T, i64)>, StoreError> {
        let row = self
            .first("SELECT * FROM flow_run WHERE subject = $1", &[subject.into()])
            .await?;
        row.map(|row| Ok((row.json("flow_run", "body")?, row.int("version")?)))
            .transpose()
    }

    /// Active accounts with the roles they hold, in the order they were given; of roles in units only those in `units`.
    pub async fn role_holders(
        &mut self,
        units: &[OrganisationCode],
    ) -> Result<Vec<(AccountId, Role, OrganisationCode)>, StoreError> {
        let others = Role::ALL.iter().filter(|role| role.side() != Some(Side::Unit));
        let others: Vec<Value> = others.map(|role| role.word().into()).collect();
        let own = units.iter().map(|unit| unit.as_str());
        // No organisation has the empty code; a list must have something in it.
        let values: Vec<Value> = others.iter().cloned().chain(own.chain([""]).map(Into::into)).collect();
        let places: Vec<String> = (1..=values.len()).map(|n| format!("${n}")).collect();
        let (roles, organisations) = places.split_at(others.len());
        // The sum keeps the order from deciding the way: by index there are few to be put in order.
        let sql = format!(
            "SELECT r.account, r.role, r.organisation FROM role_assignment r JOIN account a ON a.id = r.account \
             WHERE r.state = 'in_force' AND a.state = 'active' \
             AND (r.role IN ({}) OR r.organisation IN ({})) ORDER BY r.number + 0",
            roles.join(","),
            organisations.join(",")
        );
        let table = "role_assignment";
        let holder = |row: &Row| {
            Ok((
                row.parsed(table, "account")?,
                row.parsed(table, "role")?,
                row.parsed(table, "organisation")?,
            ))
        };
        self.all(&sql, &values).await?.iter().map(holder).collect()
    }

    /// The flows of applications that are not at an end, by number: at most `limit` of those after `after`.
    pub async fn flows_under_way<T: DeserializeOwned>(
        &mut self,
        after: &str,
        limit: i64,
    ) -> Result<Vec<(String, T)>, StoreError> {
        let sql = "SELECT f.subject, f.body FROM flow_run f JOIN resource_request r ON r.number = f.subject \
                   WHERE f.state IN ('open', 'returned') AND f.subject > $1 ORDER BY f.subject LIMIT $2";
        let rows = self.all(sql, &[after.into(), limit.into()]).await?;
        rows.iter()
            .map(|row| Ok((row.text("subject")?, row.json("flow_run", "body")?)))
            .collect()
    }

    /// Puts the tasks of a matter in place of those it had.
    pub async fn set_to_dos(&mut self, (kind, subject): (&str, &str), tasks: &[ToDo]) -> Result<(), StoreError> {
        self.execute(
            "DELETE FROM to_do WHERE kind = $1 AND subject = $2",
            &[kind.into(), subject.into()],
        )
        .await?;
        let row = |task: &ToDo| {
            vec![
                task.account.to_string().into(),
                kind.into(),
                subject.into(),
                task.task.clone().into(),
                task.title.clone().into(),
                task.opened.unix_s().into(),
                task.due.map(Instant::unix_s).into(),
            ]
        };
        let rows: Vec<Vec<Value>> = tasks.iter().map(row).collect();
        self.insert_many(
            "to_do (account, kind, subject, task, title, opened_s, due_s)",
            "",
            &rows,
        )
        .await?;
        Ok(())
    }

    /// The tasks of a matter, by task and account.
    pub async fn to_dos_about(&mut self, (kind, subject): (&str, &str)) -> Result<Vec<ToDo>, StoreError> {
        let sql = "SELECT * FROM to_do WHERE kind = $1 AND subject = $2 ORDER BY task, account";
        let rows = self.all(sql, &[kind.into(), subject.into()]).await?;
        rows.iter().map(to_do).collect()
    }

    /// What an account has to do, the most urgent first.
    pub async fn to_dos_of(&mut self, account: AccountId) -> Result<Vec<ToDo>, StoreError> {
        let sql =
            "SELECT * FROM to_do WHERE account = $1 ORDER BY coalesce(due_s, opened_s + 315360000), subject, task";
        self.all(sql, &[account.to_string().into()])
            .await?
            .iter()
            .map(to_do)
            .collect()
    }
}
