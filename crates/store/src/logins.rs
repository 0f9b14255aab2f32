//! Sessions, tokens and one-time links. Their secrets are stored as digests.

use crate::{Connection, Row, StoreError};
use kernel::{AccountId, Digest, Instant, SessionId, TokenId};
use std::collections::BTreeMap;

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
    /// Whether it was begun at the city's identity provider.
    pub at_provider: bool,
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

/// A one-time link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// Whose.
    pub account: AccountId,
    /// When it ends.
    pub expires: Instant,
    /// When it was used or spent.
    pub used: Option<Instant>,
    /// Whether it waits for its release.
    pub waiting: bool,
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
        at_provider: row.int("at_provider")? != 0,
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
            i64::from(new.at_provider).into(),
        ];
        let sql = "INSERT INTO session (id, secret, account, created_s, seen_s, expires_s, address, agent, at_provider) \
                   VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9)";
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

    /// Lets a one-time link that somebody asked for wait for its release.
    pub async fn hold_invitation(&mut self, secret: Digest, asked_by: &str) -> Result<(), StoreError> {
        let sql = "UPDATE invitation SET waiting = 1, asked_by = $1 WHERE secret = $2 AND used_s IS NULL";
        self.execute_one(sql, &[asked_by.into(), secret.to_string().into()], "一次性链接")
            .await
    }

    /// The accounts with a one-time link that waits for its release, and who asked for it.
    pub async fn waiting_links(&mut self, now: Instant) -> Result<BTreeMap<AccountId, String>, StoreError> {
        let sql = "SELECT account, asked_by FROM invitation WHERE waiting = 1 AND used_s IS NULL AND expires_s > $1";
        let rows = self.all(sql, &[now.unix_s().into()]).await?;
        rows.iter()
            .map(|row| Ok((row.parsed("invitation", "account")?, row.text("asked_by")?)))
            .collect()
    }

    /// Releases the one-time link of an account that somebody asked for. Errors: none waits any more.
    pub async fn release_invitation(
        &mut self,
        account: AccountId,
        asked_by: &str,
        now: Instant,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE invitation SET waiting = 0 WHERE account = $1 AND asked_by = $2 AND waiting = 1 \
                   AND used_s IS NULL AND expires_s > $3";
        let values = [account.to_string().into(), asked_by.into(), now.unix_s().into()];
        self.execute_one(sql, &values, "一次性链接").await
    }

    /// The one-time link with a secret, used or not.
    pub async fn invitation(&mut self, secret: Digest) -> Result<Option<Invitation>, StoreError> {
        let sql = "SELECT account, expires_s, used_s, waiting FROM invitation WHERE secret = $1";
        let row = self.first(sql, &[secret.to_string().into()]).await?;
        row.map(|row| {
            Ok(Invitation {
                account: row.parsed("invitation", "account")?,
                expires: Instant::from_unix_s(row.int("expires_s")?),
                used: row.int_or_none("used_s")?.map(Instant::from_unix_s),
                waiting: row.int("waiting")? != 0,
            })
        })
        .transpose()
    }

    /// Spends the one-time links of an account that nobody used. Returns how many there were.
    pub async fn spend_invitations(&mut self, account: AccountId, at: Instant) -> Result<u64, StoreError> {
        let sql = "UPDATE invitation SET used_s = $1 WHERE account = $2 AND used_s IS NULL";
        self.execute(sql, &[at.unix_s().into(), account.to_string().into()])
            .await
    }

    /// Uses up a one-time link. Returns whose it was; none if there is none like it, or it is used, over or waits for its
    /// release.
    pub async fn use_invitation(&mut self, secret: Digest, at: Instant) -> Result<Option<AccountId>, StoreError> {
        let sql = "UPDATE invitation SET used_s = $1 WHERE secret = $2 AND used_s IS NULL AND expires_s > $1 \
                   AND waiting = 0";
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

/// A login that was begun at the identity provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignIn {
    /// Digest of what the provider repeats.
    pub state: Digest,
    /// Digest of what the browser holds.
    pub browser: Digest,
    /// What must stand in the token.
    pub nonce: String,
    /// What is shown for the code.
    pub verifier: String,
    /// The session whose account is to be bound; none for a login.
    pub session: Option<SessionId>,
    /// When it was begun.
    pub begun: Instant,
    /// Until when it can be ended.
    pub expires: Instant,
}

fn sign_in(row: &Row) -> Result<SignIn, StoreError> {
    let table = "sign_in";
    Ok(SignIn {
        state: row.parsed(table, "state")?,
        browser: row.parsed(table, "browser")?,
        nonce: row.text("nonce")?,
        verifier: row.text("verifier")?,
        session: row.parsed_or_none(table, "session")?,
        begun: Instant::from_unix_s(row.int("begun_s")?),
        expires: Instant::from_unix_s(row.int("expires_s")?),
    })
}

impl Connection {
    /// The session with an id, if it was not ended; it may be past its time.
    pub async fn session_by_id(&mut self, id: SessionId) -> Result<Option<Session>, StoreError> {
        let sql = "SELECT * FROM session WHERE id = $1";
        let row = self.first(sql, &[id.to_string().into()]).await?;
        row.as_ref().map(session).transpose()
    }

    /// The account with a subject at the identity provider.
    pub async fn account_by_subject(&mut self, subject: &str) -> Result<Option<AccountId>, StoreError> {
        let sql = "SELECT id FROM account WHERE oidc_subject = $1";
        let row = self.first(sql, &[subject.into()]).await?;
        row.map(|row| row.parsed("account", "id")).transpose()
    }

    /// Notes whose identity was proven, while the one-time code is still asked for.
    pub async fn prove_sign_in(&mut self, state: Digest, account: AccountId) -> Result<(), StoreError> {
        let sql = "UPDATE sign_in SET proven = $1 WHERE state = $2 AND proven IS NULL";
        let values = [account.to_string().into(), state.to_string().into()];
        self.execute_one(sql, &values, "登录").await
    }

    /// Whose identity was proven in a browser, if the one-time code is asked for: state and account.
    pub async fn proven_sign_in(
        &mut self,
        browser: Digest,
        now: Instant,
    ) -> Result<Option<(Digest, AccountId)>, StoreError> {
        let sql = "SELECT state, proven FROM sign_in WHERE browser = $1 AND proven IS NOT NULL AND ended_s IS NULL \
                   AND expires_s > $2";
        let row = self
            .first(sql, &[browser.to_string().into(), now.unix_s().into()])
            .await?;
        row.map(|row| Ok((row.parsed("sign_in", "state")?, row.parsed("sign_in", "proven")?)))
            .transpose()
    }

    /// Ends a login that waited for its one-time code.
    pub async fn end_sign_in(&mut self, state: Digest, now: Instant) -> Result<(), StoreError> {
        let sql = "UPDATE sign_in SET ended_s = $1 WHERE state = $2 AND ended_s IS NULL";
        let values = [now.unix_s().into(), state.to_string().into()];
        self.execute_one(sql, &values, "登录").await
    }
}

impl crate::Store {
    /// Stores a login that begins at the identity provider, and forgets those that are over. Nobody is known yet and
    /// nothing of the business changes, so it has no audit entry; how it ends has one.
    pub async fn begin_sign_in(&self, new: &SignIn) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        let sql = "DELETE FROM sign_in WHERE expires_s <= $1";
        write.execute(sql, &[new.begun.unix_s().into()]).await?;
        let values = [
            new.state.to_string().into(),
            new.browser.to_string().into(),
            new.nonce.clone().into(),
            new.verifier.clone().into(),
            new.session.map(|id| id.to_string()).into(),
            new.begun.unix_s().into(),
            new.expires.unix_s().into(),
        ];
        let sql = "INSERT INTO sign_in (state, browser, nonce, verifier, session, begun_s, expires_s) \
                   VALUES ($1,$2,$3,$4,$5,$6,$7)";
        write.execute_one(sql, &values, "登录").await?;
        write.commit().await
    }

    /// Uses up a login that comes back from the identity provider; none if there is none like it in this browser, or it
    /// is used or over. No audit entry: how it ends has one.
    pub async fn take_sign_in(
        &self,
        (state, browser): (Digest, Digest),
        now: Instant,
    ) -> Result<Option<SignIn>, StoreError> {
        let mut write = self.write().await?;
        let sql =
            "UPDATE sign_in SET used_s = $1 WHERE state = $2 AND browser = $3 AND used_s IS NULL AND expires_s > $1";
        let (state, browser) = (state.to_string(), browser.to_string());
        let values = [now.unix_s().into(), (&state).into(), browser.into()];
        let taken = write.execute(sql, &values).await? == 1;
        let row = write
            .first("SELECT * FROM sign_in WHERE state = $1", &[state.into()])
            .await?;
        write.commit().await?;
        row.filter(|_| taken).as_ref().map(sign_in).transpose()
    }

    /// Notes that a session was used. It says nothing about the business, so it has no audit entry.
    pub async fn touch_session(&self, id: SessionId, at: Instant) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        let sql = "UPDATE session SET seen_s = $1 WHERE id = $2";
        write.execute(sql, &[at.unix_s().into(), id.to_string().into()]).await?;
        write.commit().await
    }
}
