//! Addresses and files that are no database of ours: a clear error, and nothing changed.

#[cfg(test)]
mod tests {
    use kernel::{ErrorKind, Kinded};
    use std::path::Path;
    use store::{Store, StoreError};

    fn url(path: &Path) -> String {
        format!("sqlite://{}", path.display())
    }

    #[tokio::test]
    async fn addresses_that_are_none() {
        for bad in [
            "",
            "yunheng.db",
            "/var/lib/yunheng.db",
            "mysql://h/db",
            "postgres://h:port/db",
            "sqlite://x?mode=wrong",
            "sqlite://",
        ] {
            let refused = Store::open(bad).await.unwrap_err();
            assert!(matches!(refused, StoreError::Url(_)), "{bad}: {refused:?}");
            assert_eq!(refused.kind(), ErrorKind::InvalidInput);
        }
    }

    #[tokio::test]
    async fn a_password_is_not_repeated() {
        for bad in [
            "postgres://u:secret@h:port/db",
            "mysql://u:sec:ret@h/db",
            "postgres://u:sec@ret@h:port/db",
        ] {
            let said = Store::open(bad).await.unwrap_err().to_string();
            assert!(!said.contains("ret") && said.contains("u:***@h"), "{said}");
        }
    }

    #[tokio::test]
    async fn a_server_that_is_not_there() {
        // A port that was ours a moment ago and that nobody listens on now.
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let refused = Store::open(&format!("postgres://u@127.0.0.1:{port}/db"))
            .await
            .unwrap_err();
        assert!(matches!(refused, StoreError::Open(_)), "{refused:?}");
        assert_eq!(refused.kind(), ErrorKind::Unavailable);
        assert!(refused.to_string().contains("服务是否启动"), "{refused}");
    }

    #[tokio::test]
    async fn a_database_that_is_not_there() {
        let server = test_support::postgres_server();
        let (server, _) = server.rsplit_once('/').unwrap();
        let refused = Store::open(&format!("{server}/no_such_database")).await.unwrap_err();
        assert!(
            matches!(refused, StoreError::Open(_)) && refused.to_string().contains("no_such_database"),
            "{refused:?}"
        );
    }

    #[tokio::test]
    async fn files_that_are_no_database() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("报表.db");
        let content = "代码,名称\r\nD1,甲局\r\n".repeat(500);
        std::fs::write(&file, &content).unwrap();
        let refused = Store::open(&url(&file)).await.unwrap_err();
        assert!(matches!(refused, StoreError::NotADatabase), "{refused:?}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), content);
        assert!(
            matches!(Store::open(&url(folder.path())).await, Err(StoreError::Open(_))),
            "a folder"
        );
        let nowhere = folder.path().join("no/such/folder/yunheng.db");
        assert!(matches!(Store::open(&url(&nowhere)).await, Err(StoreError::Open(_))));
    }

    #[tokio::test]
    async fn a_path_is_taken_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let below = folder.path().join("政务 100%41 #1");
        std::fs::create_dir(&below).unwrap();
        let store = Store::open(&url(&below.join("yunheng.db"))).await.unwrap();
        store.migrate().await.unwrap();
        store.close().await;
        assert!(below.join("yunheng.db").is_file());
        assert!(matches!(store.read().await, Err(StoreError::Busy)), "closed");
    }

    #[tokio::test]
    async fn a_damaged_database_is_not_taken_for_an_empty_one() {
        let store = test_support::sqlite().await;
        let file = store.file().unwrap();
        store.close().await;
        let mut bytes = std::fs::read(&file).unwrap();
        bytes[..100].fill(b'x');
        std::fs::write(&file, &bytes).unwrap();
        assert!(matches!(Store::open(store.url()).await, Err(StoreError::NotADatabase)));
        assert_eq!(std::fs::read(&file).unwrap(), bytes);
    }

    #[tokio::test]
    async fn a_file_is_kept_beside_its_log() {
        let store = test_support::sqlite().await;
        let mut read = store.read().await.unwrap();
        let row = read
            .first("SELECT journal_mode AS mode FROM pragma_journal_mode", &[])
            .await
            .unwrap()
            .unwrap();
        assert_eq!(row.text("mode").unwrap(), "wal");
    }
}
