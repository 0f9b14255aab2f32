//! Registers: versions of organisations, systems, nodes, pools, mappings, items and contracts.

use crate::{Connection, StoreError, Value};
use domain::registry::{History, Registered, Registry, Version};
use kernel::{ImportId, Instant};
use std::collections::BTreeSet;

const TABLE: &str = "registry_version";

impl Connection {
    /// Everything in one register.
    pub async fn history<T: Registered>(&mut self) -> Result<History<T>, StoreError> {
        self.history_without(&BTreeSet::new()).await
    }

    /// One register without the versions of some imports.
    pub async fn history_without<T: Registered>(
        &mut self,
        imports: &BTreeSet<ImportId>,
    ) -> Result<History<T>, StoreError> {
        let sql = "SELECT code, valid_from_s, body, import_id FROM registry_version WHERE register = $1 \
                   ORDER BY code, valid_from_s";
        let mut history = History::default();
        for row in self.all(sql, &[T::REGISTER.into()]).await? {
            if !imports.is_empty() {
                let import: Option<ImportId> = row.parsed_or_none(TABLE, "import_id")?;
                if import.is_some_and(|id| imports.contains(&id)) {
                    continue;
                }
            }
            let version = Version {
                valid_from: Instant::from_unix_s(row.int("valid_from_s")?),
                body: row.json(TABLE, "body")?,
            };
            history.add(version).map_err(|why| StoreError::BadRow {
                table: TABLE,
                key: T::REGISTER.into(),
                why: why.to_string(),
            })?;
        }
        Ok(history)
    }

    /// How many versions one register has. Versions are never changed or taken away: as many are the same ones.
    pub async fn versions<T: Registered>(&mut self) -> Result<i64, StoreError> {
        let sql = "SELECT COUNT(*) AS versions FROM registry_version WHERE register = $1";
        let row = self.first(sql, &[T::REGISTER.into()]).await?;
        row.map_or(Ok(0), |row| row.int("versions"))
    }

    /// All registers that the pure steps need.
    pub async fn registry(&mut self) -> Result<Registry, StoreError> {
        Ok(Registry {
            organisations: self.history().await?,
            systems: self.history().await?,
            nodes: self.history().await?,
            pools: self.history().await?,
            mappings: self.history().await?,
        })
    }

    /// The versions of one registered thing, the oldest first.
    pub async fn versions_of<T: Registered>(&mut self, code: &str) -> Result<Vec<Version<T>>, StoreError> {
        let sql =
            "SELECT valid_from_s, body FROM registry_version WHERE register = $1 AND code = $2 ORDER BY valid_from_s";
        let rows = self.all(sql, &[T::REGISTER.into(), code.into()]).await?;
        let version = |row: &crate::Row| {
            Ok(Version {
                valid_from: Instant::from_unix_s(row.int("valid_from_s")?),
                body: row.json(TABLE, "body")?,
            })
        };
        rows.iter().map(version).collect()
    }

    /// Stores versions that were checked against the history before.
    pub async fn add_versions<T: Registered>(
        &mut self,
        versions: &[Version<T>],
        import: Option<ImportId>,
    ) -> Result<(), StoreError> {
        let mut rows = Vec::with_capacity(versions.len());
        for version in versions {
            let body = Value::json(TABLE, &version.body.code(), &version.body)?;
            let import = import.map(|id| id.to_string());
            let valid_from: Value = version.valid_from.unix_s().into();
            rows.push(vec![
                T::REGISTER.into(),
                version.body.code().into(),
                valid_from,
                body,
                import.into(),
            ]);
        }
        self.insert_many(
            "registry_version (register, code, valid_from_s, body, import_id)",
            "",
            &rows,
        )
        .await?;
        Ok(())
    }
}
