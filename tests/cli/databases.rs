//! A database that is missing, read-only, full, somebody else's, or of another time. Nothing of it is lost.

use std::fs;

use holdpoint::store::Store;
use jiff::Timestamp;

use super::place::{Place, Ran};
use super::records::tamper;

/// A place in which `serve` gets as far as the database.
fn serving(place: Place) -> Place {
    place
        .having("HOLDPOINT__DISCORD__TOKEN", "made-up")
        .having("HOLDPOINT__HTTP__LISTEN", "127.0.0.1:0")
        .having("HOLDPOINT__LOG__FILTER", "off")
        .having("HTTPS_PROXY", "http://127.0.0.1:9")
}

/// Runs a line with a file system of 1 MB at `mounted`; nothing where this user may not mount.
fn on_a_small_disk(place: &Place, script: &str) -> Option<Ran> {
    fs::create_dir_all(place.path("mounted")).expect("a directory");
    let unshare = ["unshare", "--map-root-user", "--mount"];
    let mount = "mount -t tmpfs -o size=1m none mounted";
    let mut probe = unshare.to_vec();
    probe.extend(["sh", "-c", mount]);
    if place.run_program(&["sh", "-c", "command -v unshare"]).code != Some(0)
        || place.run_program(&probe).code != Some(0)
    {
        eprintln!("skipped: this user may mount nothing");
        return None;
    }
    let program = env!("CARGO_BIN_EXE_holdpoint");
    let script = format!("set -e\n{mount}\nholdpoint() {{ timeout 60 {program} \"$@\"; }}\n{script}");
    let mut line = unshare.to_vec();
    line.extend(["sh", "-c", &script]);
    Some(place.run_program(&line))
}

#[test]
fn a_missing_database_is_said_to_be_missing() {
    let place = Place::new();
    for arguments in [&["report", "1"][..], &["audit", "verify"], &["backup", "copy.db"]] {
        assert_eq!(
            place.run(arguments).refusal(),
            "holdpoint: There is no database at holdpoint.db. Check the path; `holdpoint serve` creates one."
        );
    }
    assert!(!place.path("holdpoint.db").exists() && !place.path("copy.db").exists());
    let place = serving(place).having("HOLDPOINT__DATABASE__PATH", "nowhere/holdpoint.db");
    assert_eq!(
        place.run(&["serve"]).refusal(),
        "holdpoint: The directory nowhere does not exist. Create it, or configure another place for the database."
    );
}

#[test]
fn what_is_no_database_is_left_as_it_is() {
    let place = serving(Place::new());
    let text = "These are notes, and no database. ".repeat(50);
    place.write("holdpoint.db", &text);
    for arguments in [
        &["serve"][..],
        &["report", "1"],
        &["audit", "verify"],
        &["backup", "copy.db"],
    ] {
        assert_eq!(
            place.run(arguments).refusal(),
            "holdpoint: holdpoint.db is not a Holdpoint database (it is no SQLite file). Configure another path; the \
             file was left as it is."
        );
    }
    assert_eq!(
        fs::read_to_string(place.path("holdpoint.db")).expect("it is there"),
        text
    );
    place.write("directory/inside", "");
    let place = place.having("HOLDPOINT__DATABASE__PATH", "directory");
    for arguments in [&["serve"][..], &["audit", "verify"]] {
        assert_eq!(
            place.run(arguments).refusal(),
            "holdpoint: directory is not a Holdpoint database (it is a directory). Configure another path; the file was \
             left as it is."
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_in_use_is_left_to_who_has_it() {
    let place = serving(Place::with_a_deployment().await);
    let running = Store::open(&place.path("holdpoint.db"), Timestamp::UNIX_EPOCH)
        .await
        .expect("it opens");
    assert_eq!(
        place.run(&["serve"]).refusal(),
        "holdpoint: The database holdpoint.db is in use by process N, since WHEN. Stop that one first, or give this one a \
         database of its own."
    );
    assert_eq!(
        place.run(&["report", "1"]).code,
        Some(0),
        "reading goes on beside it"
    );
    running.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_a_newer_release_is_left_to_it() {
    let place = serving(Place::with_a_deployment().await);
    tamper(
        &place,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'later', 1, x'00', 0)",
    )
    .await;
    for arguments in [&["serve"][..], &["report", "1"], &["audit", "verify"]] {
        let ran = place.run(arguments);
        let sentence = ran.refusal();
        assert!(
            sentence.starts_with(
                "holdpoint: The database holdpoint.db was written by a newer Holdpoint (its format is 9999, this one knows "
            ) && sentence.ends_with(
                "). Run the newer release, or restore a backup that was made before the upgrade."
            ),
            "{sentence}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_cannot_be_written_is_still_read() {
    let place =
        serving(Place::with_a_deployment().await).having("HOLDPOINT__DATABASE__PATH", "mounted/holdpoint.db");
    let script = "cp holdpoint.db mounted/\nmount -o remount,ro mounted\n";
    let Some(served) = on_a_small_disk(&place, &format!("{script}holdpoint serve")) else {
        return;
    };
    assert_eq!(
        served.refusal(),
        "holdpoint: mounted/holdpoint.db.lock cannot be written. Give the user that runs Holdpoint the right to write the \
         file and its directory; on a read-only file system, configure another place."
    );
    for command in ["report 1", "audit verify", "backup copy.db"] {
        let read = on_a_small_disk(&place, &format!("{script}holdpoint {command}"));
        let read = read.expect("this user may mount");
        assert_eq!((read.code, read.err.as_str()), (Some(0), ""), "{command}");
    }
}

#[test]
fn a_full_disk_is_said_to_be_full() {
    let place = serving(Place::new()).having("HOLDPOINT__DATABASE__PATH", "mounted/holdpoint.db");
    for room in ["0", "16"] {
        let fill = format!("head -c $((1048576 - {room} * 1024)) /dev/zero > mounted/filler || true\n");
        let Some(served) = on_a_small_disk(&place, &format!("{fill}holdpoint serve")) else {
            return;
        };
        assert_eq!(
            served.refusal(),
            "holdpoint: The disk that holds the database is full; nothing of this was kept. Free some space and try again.",
            "with {room} KB left"
        );
    }
}
