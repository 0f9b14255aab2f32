//! The unit of work: everything an operation writes, and its audit entry, committed together.

use crate::{Command, Connection, Store, StoreError};
use domain::audit::AuditEntry;
use kernel::Instant;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// A transaction for writing that refuses to commit without an audit entry.
#[derive(Debug)]
pub struct UnitOfWork {
    connection: Connection,
    audited: bool,
    command: Option<Arc<Command>>,
}

impl Store {
    /// Begins a unit of work. Others who want to write wait until it ends; dropping it undoes everything.
    /// Errors: the store was given a command that took effect before.
    pub async fn begin(&self) -> Result<UnitOfWork, StoreError> {
        let mut connection = self.write().await?;
        if let Some(command) = &self.command {
            connection.note_command(command).await?;
        }
        Ok(UnitOfWork {
            connection,
            audited: false,
            command: self.command.clone(),
        })
    }
}

impl UnitOfWork {
    /// Appends an entry to the audit chain.
    pub async fn audit(
        &mut self,
        at: Instant,
        (actor, action, object): (&str, &str, &str),
        detail: String,
    ) -> Result<AuditEntry, StoreError> {
        let head = self.connection.audit_head().await?;
        let entry = AuditEntry::next(head, at, (actor, action, object), detail);
        self.connection.append_audit(&entry).await?;
        self.audited = true;
        Ok(entry)
    }

    /// Commits. Errors: nothing was audited; then nothing is committed.
    pub async fn commit(self) -> Result<(), StoreError> {
        if !self.audited {
            return Err(StoreError::NotAudited);
        }
        self.connection.commit().await?;
        if let Some(command) = self.command {
            command.set_committed();
        }
        Ok(())
    }
}

impl Deref for UnitOfWork {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl DerefMut for UnitOfWork {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }
}
