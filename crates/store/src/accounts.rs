//! Accounts and their roles.

use crate::{Connection, Row, StoreError, Value};
use domain::authz::{Account, AccountSort, AskedSubject, Role, RoleAssignment, RoleState};
use kernel::{AccountId, Instant};
use std::collections::{BTreeMap, BTreeSet};

const TABLE: &str = "account";
const COLUMNS: &str = "account (id, login, name, mail, organisation, sort, state, password, failed, locked_until_s, \
                       totp, totp_step, oidc_subject, created_s, asked_subject, asked_subject_by, version)";

/// A role assignment with its number and state. `assignment.from` is the moment of the proposal until it is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleRecord {
    /// Its number.
    pub number: i64,
    /// What it says.
    pub assignment: RoleAssignment,
    /// Where it stands.
    pub state: RoleState,
}

fn account(row: &Row) -> Result<Account, StoreError> {
    let asked = (
        row.text_or_none("asked_subject")?,
        row.text_or_none("asked_subject_by")?,
    );
    Ok(Account {
        id: row.parsed(TABLE, "id")?,
        login: row.text("login")?,
        name: row.text("name")?,
        mail: row.text_or_none("mail")?,
        organisation: row.parsed(TABLE, "organisation")?,
        sort: row.parsed(TABLE, "sort")?,
        state: row.parsed(TABLE, "state")?,
        password: row.text_or_none("password")?,
        failed: row.int("failed")?,
        locked_until: row.int_or_none("locked_until_s")?.map(Instant::from_unix_s),
        totp: row.text_or_none("totp")?,
        totp_step: row.int_or_none("totp_step")?,
        oidc_subject: row.text_or_none("oidc_subject")?,
        asked_subject: match asked {
            (Some(subject), Some(by)) => Some(AskedSubject { subject, by }),
            _ => None,
        },
        created: Instant::from_unix_s(row.int("created_s")?),
        version: row.int("version")?,
    })
}

fn values(account: &Account) -> Vec<Value> {
    let asked = account.asked_subject.as_ref();
    vec![
        account.id.to_string().into(),
        account.login.clone().into(),
        account.name.clone().into(),
        account.mail.clone().into(),
        account.organisation.to_string().into(),
        account.sort.word().into(),
        account.state.word().into(),
        account.password.clone().into(),
        account.failed.into(),
        account.locked_until.map(Instant::unix_s).into(),
        account.totp.clone().into(),
        account.totp_step.into(),
        account.oidc_subject.clone().into(),
        account.created.unix_s().into(),
        asked.map(|asked| asked.subject.clone()).into(),
        asked.map(|asked| asked.by.clone()).into(),
    ]
}

fn role(row: &Row) -> Result<RoleRecord, StoreError> {
    let table = "role_assignment";
    let from = row.int_or_none("from_s")?;
    Ok(RoleRecord {
        number: row.int("number")?,
        assignment: RoleAssignment {
            account: row.parsed(table, "account")?,
            organisation: row.parsed(table, "organisation")?,
            role: row.parsed(table, "role")?,
            from: Instant::from_unix_s(from.map_or_else(|| row.int("proposed_s"), Ok)?),
            to: row.int_or_none("to_s")?.map(Instant::from_unix_s),
            proposed_by: row.text("proposed_by")?,
            approved_by: row.text_or_none("decided_by")?.unwrap_or_default(),
        },
        state: row.parsed(table, "state")?,
    })
}

impl Connection {
    /// Stores a new account, as version 1. Errors: the login name or the subject is taken.
    pub async fn add_account(&mut self, account: &Account) -> Result<(), StoreError> {
        let mut row = values(account);
        row.push(1.into());
        let sql = format!("INSERT INTO {COLUMNS} VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17)");
        self.execute_one(&sql, &row, &account.login).await
    }

    /// Saves an account that was read as `account.version`.
    pub async fn save_account(&mut self, account: &Account) -> Result<(), StoreError> {
        let mut row = values(account);
        row.push(account.version.into());
        let sql = "UPDATE account SET login = $2, name = $3, mail = $4, organisation = $5, sort = $6, state = $7, \
                   password = $8, failed = $9, locked_until_s = $10, totp = $11, totp_step = $12, oidc_subject = $13, \
                   created_s = $14, asked_subject = $15, asked_subject_by = $16, version = version + 1 \
                   WHERE id = $1 AND version = $17";
        self.execute_one(sql, &row, &account.login).await
    }

    /// The account with an id.
    pub async fn account(&mut self, id: AccountId) -> Result<Option<Account>, StoreError> {
        let sql = "SELECT * FROM account WHERE id = $1";
        self.first(sql, &[id.to_string().into()])
            .await?
            .as_ref()
            .map(account)
            .transpose()
    }

    /// The names of accounts, as far as there are such.
    pub async fn names_of(&mut self, ids: &BTreeSet<AccountId>) -> Result<BTreeMap<AccountId, String>, StoreError> {
        if ids.is_empty() {
            return Ok(BTreeMap::new());
        }
        let places: Vec<String> = (1..=ids.len()).map(|place| format!("${place}")).collect();
        let sql = format!("SELECT id, name FROM account WHERE id IN ({})", places.join(","));
        let values: Vec<Value> = ids.iter().map(|id| id.to_string().into()).collect();
        let rows = self.all(&sql, &values).await?;
        rows.iter()
            .map(|row| Ok((row.parsed("account", "id")?, row.text("name")?)))
            .collect()
    }

    /// The account with a login name.
    pub async fn account_by_login(&mut self, login: &str) -> Result<Option<Account>, StoreError> {
        let sql = "SELECT * FROM account WHERE login = $1";
        self.first(sql, &[login.into()])
            .await?
            .as_ref()
            .map(account)
            .transpose()
    }

    /// How many accounts there are, in use or not.
    pub async fn account_count(&mut self) -> Result<i64, StoreError> {
        let row = self.first("SELECT count(*) AS n FROM account", &[]).await?;
        row.map_or(Ok(0), |row| row.int("n"))
    }

    /// All accounts, by login name.
    pub async fn accounts(&mut self) -> Result<Vec<Account>, StoreError> {
        let rows = self.all("SELECT * FROM account ORDER BY login", &[]).await?;
        rows.iter().map(account).collect()
    }

    /// Stores a proposal for a role. Returns its number. Errors: the account has the role already, or it is proposed.
    pub async fn propose_role(&mut self, new: &RoleAssignment) -> Result<i64, StoreError> {
        let row = self
            .first("SELECT coalesce(max(number), 0) AS n FROM role_assignment", &[])
            .await?;
        let number = row.map_or(Ok(0), |row| row.int("n"))? + 1;
        let values = [
            number.into(),
            new.account.to_string().into(),
            new.organisation.to_string().into(),
            new.role.word().into(),
            RoleState::Proposed.word().into(),
            new.proposed_by.clone().into(),
            new.from.unix_s().into(),
        ];
        let sql = "INSERT INTO role_assignment (number, account, organisation, role, state, proposed_by, proposed_s) \
                   VALUES ($1,$2,$3,$4,$5,$6,$7)";
        self.execute_one(
            sql,
            &values,
            &format!("{} 的角色「{}」", new.organisation, new.role.zh()),
        )
        .await?;
        Ok(number)
    }

    /// Decides on a proposed role: in force, or refused.
    pub async fn decide_role(
        &mut self,
        number: i64,
        state: RoleState,
        (by, at): (&str, Instant),
    ) -> Result<(), StoreError> {
        let sql = "UPDATE role_assignment SET state = $1, decided_by = $2, from_s = $3 \
                   WHERE number = $4 AND state = 'proposed'";
        let values = [state.word().into(), by.into(), at.unix_s().into(), number.into()];
        self.execute_one(sql, &values, &format!("角色申请 {number}")).await
    }

    /// Takes a role back.
    pub async fn end_role(&mut self, number: i64, at: Instant) -> Result<(), StoreError> {
        let sql = "UPDATE role_assignment SET state = 'ended', to_s = $1 WHERE number = $2 AND state = 'in_force'";
        self.execute_one(sql, &[at.unix_s().into(), number.into()], &format!("角色 {number}"))
            .await
    }

    /// A role assignment.
    pub async fn role(&mut self, number: i64) -> Result<Option<RoleRecord>, StoreError> {
        let sql = "SELECT * FROM role_assignment WHERE number = $1";
        self.first(sql, &[number.into()]).await?.as_ref().map(role).transpose()
    }

    /// The roles an account has or is proposed for, by number.
    pub async fn roles_of(&mut self, account: AccountId) -> Result<Vec<RoleRecord>, StoreError> {
        let sql =
            "SELECT * FROM role_assignment WHERE account = $1 AND state IN ('proposed', 'in_force') ORDER BY number";
        let rows = self.all(sql, &[account.to_string().into()]).await?;
        rows.iter().map(role).collect()
    }

    /// All role assignments there ever were, by number.
    pub async fn roles(&mut self) -> Result<Vec<RoleRecord>, StoreError> {
        let rows = self.all("SELECT * FROM role_assignment ORDER BY number", &[]).await?;
        rows.iter().map(role).collect()
    }

    /// Who holds a role in an organisation and can act, by login name.
    pub async fn holders(&mut self, organisation: &str, wanted: Role) -> Result<Vec<Account>, StoreError> {
        let sql = "SELECT a.* FROM account a JOIN role_assignment r ON r.account = a.id WHERE r.organisation = $1 \
                   AND r.role = $2 AND r.state = 'in_force' AND a.state = 'active' ORDER BY a.login";
        let rows = self.all(sql, &[organisation.into(), wanted.word().into()]).await?;
        rows.iter().map(account).collect()
    }

    /// The people of an organisation who hold roles in it and can act, with each of their roles, by name.
    pub async fn staff(&mut self, organisation: &str) -> Result<Vec<(Account, Role)>, StoreError> {
        let sql = "SELECT a.*, r.role AS held FROM account a JOIN role_assignment r ON r.account = a.id \
                   WHERE r.organisation = $1 AND a.organisation = $1 AND r.state = 'in_force' \
                   AND a.state = 'active' AND a.sort = $2 ORDER BY a.name, a.id, r.number";
        let values = [organisation.into(), AccountSort::Person.word().into()];
        let rows = self.all(sql, &values).await?;
        let held = |row: &Row| Ok((account(row)?, row.parsed("role_assignment", "held")?));
        rows.iter().map(held).collect()
    }
}
