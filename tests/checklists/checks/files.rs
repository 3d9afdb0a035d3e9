//! Files that are not there, and ones in which nothing stands that anybody looks for.

use std::fs;
use std::path::Path;

use holdpoint::checks::{Environment, Variables};
use holdpoint::domain::check::{Check, Probe};

use super::super::shipped::shipped;
use super::{assert_fails, checks};

#[tokio::test]
async fn every_check_of_a_file_fails_when_it_is_not_there_and_when_it_is_empty() {
    let checks = checks(&[], Environment::default());
    let mut count = 0;
    for shipped in shipped() {
        for check in shipped.parsed.checklist.checks.values() {
            let Probe::File(probe) = &check.probe else {
                continue;
            };
            let nothing = tempfile::tempdir().expect("a temporary directory");
            let missing = checks
                .run(&within(check, nothing.path()), &Variables::new())
                .await;
            assert_fails(shipped.name, check, &missing);
            // A glob is met by a file whose name has a word for each wildcard.
            let file = nothing.path().join(probe.path.replace('*', "x"));
            fs::create_dir_all(file.parent().expect("a directory")).expect("it can be made");
            fs::write(&file, "").expect("a file can be written");
            let empty = checks
                .run(&within(check, nothing.path()), &Variables::new())
                .await;
            assert_fails(shipped.name, check, &empty);
            count += 1;
        }
    }
    assert!(count > 20, "only {count} checks of files were looked at");
}

/// The check, looking in this directory.
fn within(check: &Check, directory: &Path) -> Check {
    let mut check = check.clone();
    if let Probe::File(probe) = &mut check.probe {
        probe.path = directory.join(&probe.path).display().to_string();
    }
    check
}
