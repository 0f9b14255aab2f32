//! What a killed program left behind.

use crate::world::World;
use app::forget_leftovers;
use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};
use test_support::TestStore;

test_support::on_both_stores!(leftovers_of_a_killed_program_go_and_evidence_stays);

async fn leftovers_of_a_killed_program_go_and_evidence_stays(store: TestStore) {
    let world = World::new(store).await;
    world.approved("SQ-202610-9001", 1, 0).await;
    let order = world.ordered("SQ-202610-9001", "N2", false).await;
    let operator = world.operator();
    let kept = app::evidence::hand_in(&operator, &order.number, "a.txt", "已办理".as_bytes())
        .await
        .unwrap();
    let data = world.folder.path();
    let digest = kept.digest.to_string();
    let stored = data.join("evidence").join(&digest[..2]).join(&digest);
    let now = world.ctx.now().unix_s();
    let aged = |path: &Path, hours: i64| {
        if !path.exists() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "半个文件").unwrap();
        }
        let at = u64::try_from(now - hours * 3_600).unwrap();
        let file = File::options().write(true).open(path).unwrap();
        file.set_modified(UNIX_EPOCH + Duration::from_secs(at)).unwrap();
    };
    let beside = stored.parent().unwrap();
    let gone = [
        data.join("uploads/00112233445566778899"),
        beside.join(format!(".{digest}.123-0.unfinished")),
    ];
    let left = [
        data.join("uploads/aabbccddeeff00112233"),
        data.join("uploads/说明.txt"),
        beside.join(".other.124-0.unfinished"),
        stored.clone(),
    ];
    for (path, hours) in [
        (&gone[0], 25),
        (&gone[1], 25),
        (&left[0], 23),
        (&left[1], 999),
        (&left[2], 23),
    ] {
        aged(path, hours);
    }
    aged(&stored, 24 * 365);
    assert_eq!(forget_leftovers(&world.ctx).unwrap(), 2);
    assert!(gone.iter().all(|path| !path.exists()), "{gone:?}");
    assert!(left.iter().all(|path| path.exists()), "{left:?}");
    assert_eq!(forget_leftovers(&world.ctx).unwrap(), 0);
    let (_, bytes) = app::evidence::read_back(&operator, kept.id).await.unwrap();
    assert_eq!(bytes, "已办理".as_bytes());
}
