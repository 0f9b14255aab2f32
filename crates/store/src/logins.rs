//! Sessions, tokens and one-time links. Their secrets are stored as digests.

use crate::{Connection, Row, StoreError};
use kernel::{AccountId, Digest, Instant, SessionId, TokenId};

/// A login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its id, by which it is listed and revoked.
    pub id: SessionId,
    /// Digest of its secret.
    pub secret: Digest,
    /// Whose.
    pub account: AccountId,
    /// When it began.
    pub created: Instant,
    /// When it was last used, to the minute.
    pub seen: Instant,
    /// When it ends at the latest.
    pub expires: Instant,
    /// From where.
    pub address: String,
    /// With what.
    pub agent: String,
}

/// A token for programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiToken {
    /// Its id, by which it is listed and revoked.
    pub id: TokenId,
    /// Digest of its secret.
    pub secret: Digest,
    /// Whose.
    pub account: AccountId,
    /// What it is for.
    pub name: String,
    /// The actions it may ask for, by word, separated by spaces.
    pub scope: String,
    /// When it was made.
    pub created: Instant,
    /// When it ends.
    pub expires: Instant,
    /// When it was taken back.
    pub revoked: Option<Instant>,
}

fn session(row: &Row) -> Result<Session, StoreError> {
    let table = "session";
    Ok(Session {
        id: row.parsed(table, "id")?,
        secret: row.parsed(table, "secret")?,
        account: row.parsed(table, "account")?,
        created: Instant::from_unix_s(row.int("created_s")?),
        seen: Instant::from_unix_s(row.int("seen_s")?),
        expires: Instant::from_unix_s(row.int("expires_s")?),
        address: row.text("address")?,
        agent: row.text("agent")?,
    })
}

fn token(row: &Row) -> Result<ApiToken, StoreError> {
    let table = "api_token";
    Ok(ApiToken {
        id: row.parsed(table, "id")?,
        secret: row.parsed(table, "secret")?,
        account: row.parsed(table, "account")?,
        name: row.text("name")?,
        scope: row.text("scope")?,
        created: Instant::from_unix_s(row.int("created_s")?),
        expires: Instant::from_unix_s(row.int("expires_s")?),
        revoked: row.int_or_none("revoked_s")?.map(Instant::from_unix_s),
    })
}

impl Connection {
    /// Stores a new session.
    pub async fn add_session(&mut self, new: &Session) -> Result<(), StoreError> {
        let values = [
            new.id.to_string().into(),
            new.secret.to_string().into(),
            new.account.to_string().into(),
            new.created.unix_s().into(),
            new.seen.unix_s().into(),
            new.expires.unix_s().into(),
            new.address.clone().into(),
            new.agent.clone().into(),
        ];
        let sql = "INSERT INTO session (id, secret, account, created_s, seen_s, expires_s, address, agent) \
                   VALUES ($1,$2,$3,$4,$5,$6,$7,$8)";
        self.execute_one(sql, &values, "会话").await
    }

    /// The session with a secret.
    pub async fn session(&mut self, secret: Digest) -> Result<Option<Session>, StoreError> {
        let sql = "SELECT * FROM session WHERE secret = $1";
        self.first(sql, &[secret.to_string().into()])
            .await?
            .as_ref()
            .map(session)
            .transpose()
    }

    /// The sessions of an account, the newest first.
    pub async fn sessions_of(&mut self, account: AccountId) -> Result<Vec<Session>, StoreError> {
        let sql = "SELECT * FROM session WHERE account = $1 ORDER BY created_s DESC, id DESC";
        let rows = self.all(sql, &[account.to_string().into()]).await?;
        rows.iter().map(session).collect()
    }

    /// Ends a session; one that is over already is left alone.
    pub async fn end_session(&mut self, id: SessionId) -> Result<(), StoreError> {
        self.execute("DELETE FROM session WHERE id = $1", &[id.to_string().into()])
            .await?;
        Ok(())
    }

    /// Ends all sessions of an account. Returns how many there were.
    pub async fn end_sessions(&mut self, account: AccountId) -> Result<u64, StoreError> {
        self.execute("DELETE FROM session WHERE account = $1", &[account.to_string().into()])
            .await
    }

    /// Forgets sessions that ended before a moment.
    pub async fn forget_sessions(&mut self, before: Instant) -> Result<u64, StoreError> {
        self.execute("DELETE FROM session WHERE expires_s < $1", &[before.unix_s().into()])
            .await
    }

    /// Stores a new token.
    pub async fn add_token(&mut self, new: &ApiToken) -> Result<(), StoreError> {
        let values = [
            new.id.to_string().into(),
            new.secret.to_string().into(),
            new.account.to_string().into(),
            new.name.clone().into(),
            new.scope.clone().into(),
            new.created.unix_s().into(),
            new.expires.unix_s().into(),
        ];
        let sql = "INSERT INTO api_token (id, secret, account, name, scope, created_s, expires_s) \
                   VALUES ($1,$2,$3,$4,$5,$6,$7)";
        self.execute_one(sql, &values, "令牌").await
    }

    /// The token with a secret.
    pub async fn token(&mut self, secret: Digest) -> Result<Option<ApiToken>, StoreError> {
        let sql = "SELECT * FROM api_token WHERE secret = $1";
        self.first(sql, &[secret.to_string().into()])
            .await?
            .as_ref()
            .map(token)
            .transpose()
    }

    /// The tokens of an account, the newest first.
    pub async fn tokens_of(&mut self, account: AccountId) -> Result<Vec<ApiToken>, StoreError> {
        let sql = "SELECT * FROM api_token WHERE account = $1 ORDER BY created_s DESC, id DESC";
        let rows = self.all(sql, &[account.to_string().into()]).await?;
        rows.iter().map(token).collect()
    }

    /// Takes a token of an account back.
    pub async fn revoke_token(&mut self, account: AccountId, id: TokenId, at: Instant) -> Result<(), StoreError> {
        let sql = "UPDATE api_token SET revoked_s = $1 WHERE id = $2 AND account = $3 AND revoked_s IS NULL";
        let values = [at.unix_s().into(), id.to_string().into(), account.to_string().into()];
        self.execute_one(sql, &values, "令牌").await
    }

    /// Takes all tokens of an account back. Returns how many there were.
    pub async fn revoke_tokens(&mut self, account: AccountId, at: Instant) -> Result<u64, StoreError> {
        let sql = "UPDATE api_token SET revoked_s = $1 WHERE account = $2 AND revoked_s IS NULL";
        self.execute(sql, &[at.unix_s().into(), account.to_string().into()])
            .await
    }

    /// Stores a one-time link.
    pub async fn add_invitation(
        &mut self,
        secret: Digest,
        account: AccountId,
        (created, expires): (Instant, Instant),
    ) -> Result<(), StoreError> {
        let values = [
            secret.to_string().into(),
            account.to_string().into(),
            created.unix_s().into(),
            expires.unix_s().into(),
        ];
        let sql = "INSERT INTO invitation (secret, account, created_s, expires_s) VALUES ($1,$2,$3,$4)";
        self.execute_one(sql, &values, "一次性链接").await
    }

    /// Uses up a one-time link. Returns whose it was; none if there is none like it, or it is used or over.
    pub async fn use_invitation(&mut self, secret: Digest, at: Instant) -> Result<Option<AccountId>, StoreError> {
        let sql = "UPDATE invitation SET used_s = $1 WHERE secret = $2 AND used_s IS NULL AND expires_s > $1";
        let secret = secret.to_string();
        if self.execute(sql, &[at.unix_s().into(), (&secret).into()]).await? == 0 {
            return Ok(None);
        }
        let row = self
            .first("SELECT account FROM invitation WHERE secret = $1", &[secret.into()])
            .await?;
        row.map(|row| row.parsed("invitation", "account")).transpose()
    }
}

impl crate::Store {
    /// Notes that a session was used. It says nothing about the business, so it has no audit entry.
    pub async fn touch_session(&self, id: SessionId, at: Instant) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        let sql = "UPDATE session SET seen_s = $1 WHERE id = $2";
        write.execute(sql, &[at.unix_s().into(), id.to_string().into()]).await?;
        write.commit().await
    }
}
