//! The city as a whole: the same bytes, the right size, and everything planted.

use super::*;
use kernel::Digester;
use std::collections::BTreeSet;

fn plan(scale: Scale) -> CityPlan {
    CityPlan {
        seed: 20_260_701,
        until: "2026-06".parse().unwrap(),
        months: 13,
        scale,
    }
}

fn made(plan: &CityPlan) -> (tempfile::TempDir, City) {
    let folder = tempfile::tempdir().unwrap();
    let city = build(plan, folder.path(), &mut |_, _, _| {}).unwrap();
    (folder, city)
}

/// Every file below a folder with its bytes, as one digest, and how many bytes there are.
fn contents(folder: &Path) -> (String, BTreeSet<String>, u64) {
    let mut open = vec![folder.to_owned()];
    let mut files = BTreeSet::new();
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path)
            } else {
                files.insert(path);
            }
        }
    }
    let mut digester = Digester::new();
    let mut bytes = 0;
    for path in &files {
        let content = std::fs::read(path).unwrap();
        digester
            .text(path.strip_prefix(folder).unwrap().to_str().unwrap())
            .text(&kernel::Digest::of(&content).to_string());
        bytes += u64::try_from(content.len()).unwrap();
    }
    let names = files
        .iter()
        .map(|p| p.strip_prefix(folder).unwrap().to_str().unwrap().to_owned())
        .collect();
    (digester.finish().to_string(), names, bytes)
}

#[test]
fn the_same_plan_gives_the_same_bytes_and_another_seed_others() {
    let plan = plan(Scale::VILLAGE);
    let ((a, first), (b, second)) = (made(&plan), made(&plan));
    let (digest, names, _) = contents(a.path());
    assert_eq!((&digest, &names), (&contents(b.path()).0, &contents(b.path()).1));
    assert_eq!(first.planted, second.planted);
    let (c, _) = made(&CityPlan { seed: 1, ..plan });
    assert_ne!(digest, contents(c.path()).0);
}

#[test]
fn a_short_history_has_what_falls_into_it() {
    for months in 1..=4 {
        // Begins before, in and after a leap February.
        let plan = CityPlan {
            months,
            until: "2028-03".parse().unwrap(),
            ..plan(Scale::VILLAGE)
        };
        let (_folder, city) = made(&plan);
        assert_eq!(city.months.len(), months);
        let closed = city.steps.iter().filter(|s| matches!(s, Step::CloseMonth(_))).count();
        assert_eq!(closed, months - 1);
        assert!(city.planted.iter().all(|p| city.months.contains(&p.month)));
        for step in &city.steps {
            let (Step::Import { path, .. } | Step::Deliver { folder: path, .. } | Step::NodeAdd { folder: path, .. }) =
                step
            else {
                continue;
            };
            assert!(path.exists(), "{}", path.display());
        }
    }
}

#[test]
fn a_plan_without_sense_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let none = Scale {
        departments: 0,
        ..Scale::VILLAGE
    };
    for bad in [
        CityPlan {
            months: 0,
            ..plan(Scale::VILLAGE)
        },
        plan(none),
        CityPlan {
            months: 31,
            ..plan(Scale::VILLAGE)
        },
    ] {
        assert!(matches!(
            build(&bad, folder.path(), &mut |_, _, _| {}),
            Err(CityError::Plan(_))
        ));
    }
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        0,
        "nothing is left behind"
    );
}

#[test]
fn everything_is_planted() {
    for seed in 0..3 {
        let (_folder, city) = made(&CityPlan {
            seed,
            ..plan(Scale::VILLAGE)
        });
        check_planted(&city);
    }
}

fn check_planted(city: &City) {
    let planted: BTreeSet<_> = city.planted.iter().map(|p| p.plant).collect();
    let expected = [
        Plant::PriceChange,
        Plant::Resize,
        Plant::Merger,
        Plant::Transfer,
        Plant::BilledToOldOwner,
        Plant::DeletedBehindTheBack,
        Plant::NeverApproved,
        Plant::UnmappedProject,
        Plant::SmallerThanApproved,
        Plant::LateAllocation,
        Plant::BilledAfterRelease,
        Plant::BilledAtOldPrice,
        Plant::LeftOutOfBill,
        Plant::BilledFromCreation,
        Plant::BillInTwoVersions,
        Plant::LateFile,
        Plant::NodeOutage,
        Plant::DayWithoutSamples,
        Plant::DuplicateDelivery,
        Plant::OutageDeducted,
        Plant::OutageExcluded,
        Plant::FormulaName,
        Plant::RareCharacters,
        Plant::GbkFile,
    ];
    assert_eq!(planted, expected.into_iter().collect());
    assert!(
        city.planted.iter().all(|p| !p.subject.is_empty()),
        "{:#?}",
        city.planted
    );
}

#[test]
fn the_city_is_as_big_as_it_should_be() {
    let (folder, city) = made(&plan(Scale::CITY));
    let (_, _, bytes) = contents(folder.path());
    println!("{:?} {} MiB", city.counts, bytes >> 20);
    assert_eq!((city.counts.departments, city.counts.systems), (52, 293));
    assert!((1230..=1290).contains(&city.counts.servers), "{:?}", city.counts);
    assert!((7_500..=10_000).contains(&city.counts.vcpu), "{:?}", city.counts);
    assert!((4_500..=5_700).contains(&city.counts.resources), "{:?}", city.counts);
    assert!(bytes < 120 << 20, "{bytes}");
    let closed = city.steps.iter().filter(|s| matches!(s, Step::CloseMonth(_))).count();
    assert_eq!((city.months.len(), closed), (13, 12));
}
