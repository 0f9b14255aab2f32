//! The HTTP API as programs and people meet it, on SQLite and PostgreSQL.

#[cfg(test)]
mod suite;
