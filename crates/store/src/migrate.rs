//! Migrations: numbered SQL files, the same for both databases but for the type of text.

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AssertSqlSafe, SqlSafeStr};
use std::borrow::Cow;

/// Number, name and text of every migration. A file that was ever released is never changed.
const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "house", include_str!("../migrations/0001_house.sql")),
    (2, "settlement", include_str!("../migrations/0002_settlement.sql")),
    (3, "people", include_str!("../migrations/0003_people.sql")),
    (4, "messages", include_str!("../migrations/0004_messages.sql")),
    (5, "sign in", include_str!("../migrations/0005_sign_in.sql")),
    (6, "prices", include_str!("../migrations/0006_prices.sql")),
    (
        7,
        "request records",
        include_str!("../migrations/0007_request_records.sql"),
    ),
    (
        8,
        "provider sessions",
        include_str!("../migrations/0008_provider_sessions.sql"),
    ),
    (9, "roles by kind", include_str!("../migrations/0009_roles_by_kind.sql")),
    (10, "releases", include_str!("../migrations/0010_releases.sql")),
];

pub(crate) fn migrator(text_type: &str) -> Migrator {
    let migrations = MIGRATIONS.iter().map(|(version, name, sql)| {
        let sql = AssertSqlSafe(sql.replace("{text}", text_type)).into_sql_str();
        Migration::new(*version, Cow::Borrowed(*name), MigrationType::Simple, sql, false)
    });
    Migrator::with_migrations(migrations.collect())
}

/// The number of the newest migration.
pub(crate) fn newest() -> i64 {
    MIGRATIONS.iter().map(|(version, ..)| *version).max().unwrap_or(0)
}
