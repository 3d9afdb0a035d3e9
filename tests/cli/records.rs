//! `holdpoint report`, `audit verify` and `backup`.

use std::fs;

use holdpoint::domain::ids::{GuildId, RoleKey, UserId};
use holdpoint::domain::sign_off::{Holder, Rank};
use holdpoint::store::Store;
use jiff::Timestamp;
use serde_json::Value;
use sqlx::{ConnectOptions as _, Connection as _, sqlite::SqliteConnectOptions};

use super::place::Place;

#[tokio::test(flavor = "multi_thread")]
async fn report_writes_the_checklist_filled_in() {
    let place = Place::with_a_deployment().await;
    for number in ["1", "#1"] {
        let ran = place.run(&["report", number]);
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
        assert!(
            ran.out
                .starts_with("# Small release\n\n## Before\n\n- [x] Make a backup"),
            "{}",
            ran.out
        );
        assert!(
            ran.out.contains("2.4.1") && ran.out.contains("the window is closed"),
            "{}",
            ran.out
        );
    }
    let ran = place.run(&["report", "1", "--output", "report.md"]);
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (Some(0), "", ""));
    let written = fs::read_to_string(place.path("report.md")).expect("it was written");
    assert_eq!(written, place.run(&["report", "1"]).out);
    let facts: Value =
        serde_json::from_str(&place.run(&["report", "1", "--format", "json"]).out).expect("it is JSON");
    assert_eq!(facts["version"], "2.4.1", "{facts}");
}

#[tokio::test(flavor = "multi_thread")]
async fn report_of_what_there_is_not_is_refused_in_a_sentence() {
    let place = Place::with_a_deployment().await;
    assert_eq!(
        place.run(&["report", "12"]).refusal(),
        "holdpoint: there is no deployment #12 in holdpoint.db; `/deploy list` in Discord shows them."
    );
    assert_eq!(
        place
            .run(&["report", "1", "--output", "nowhere/report.md"])
            .refusal(),
        "holdpoint: nowhere/report.md cannot be written; check that its directory is there, that this user may write to \
         it, and that there is room: No such file or directory (os error 2)."
    );
    let ran = place.run(&["report", "twelve"]);
    assert_eq!(ran.code, Some(2));
    assert!(
        ran.err.contains("a deployment has a number, such as 12"),
        "{}",
        ran.err
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn audit_verify_ends_with_0_when_the_log_holds_and_1_when_it_does_not() {
    let place = Place::with_a_deployment().await;
    let ran = place.run(&["audit", "verify"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    assert!(
        ran.out.starts_with("The audit log holds: ") && ran.out.contains(" events of 1 deployment"),
        "{}",
        ran.out
    );

    tamper(&place, "UPDATE events SET body = replace(body, '2.4.1', '6.6.6')").await;
    let ran = place.run(&["audit", "verify"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(1), ""));
    assert_eq!(
        ran.out,
        "The audit log is BROKEN: The history does not prove: table events, position 1: its hash is not that of what it \
         says: it was changed after it was written. Keep this file as evidence and compare it with a backup.\n"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn backup_copies_beside_a_running_bot_and_never_overwrites() {
    let place = Place::with_a_deployment().await;
    // Another process, to the program, that has the database open to write.
    let running = Store::open(&place.path("holdpoint.db"), Timestamp::UNIX_EPOCH)
        .await
        .expect("it opens");
    let ran = place.run(&["backup", "copy.db"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    assert_eq!(ran.out, "The database was copied to copy.db.\n");
    running.close().await;
    let verified = place.run(&["audit", "verify", "--database", "copy.db"]);
    assert_eq!(verified.out, place.run(&["audit", "verify"]).out);
    assert_eq!(verified.code, Some(0));

    let before = fs::read(place.path("copy.db")).expect("it is there");
    assert_eq!(
        place.run(&["backup", "copy.db"]).refusal(),
        "holdpoint: copy.db exists already. Name a file that does not; a backup never overwrites."
    );
    assert_eq!(
        fs::read(place.path("copy.db")).expect("it is there"),
        before,
        "it is untouched"
    );
    let nowhere = place.run(&["backup", "nowhere/copy.db"]);
    assert!(
        nowhere
            .refusal()
            .starts_with("holdpoint: No backup can be written to nowhere/copy.db"),
        "{}",
        nowhere.err
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_restored_as_the_readme_says_though_the_bot_was_killed() {
    let place = Place::with_a_deployment().await;
    let killed = Store::open(&place.path("holdpoint.db"), Timestamp::UNIX_EPOCH)
        .await
        .expect("it opens");
    assert_eq!(place.run(&["backup", "holdpoint-friday.db"]).code, Some(0));
    let copied = place.run(&["audit", "verify", "--database", "holdpoint-friday.db"]);
    // What is written from here on is in the log beside the file, where it stays when the bot does not close it.
    for number in 0..200_u64 {
        let role = RoleKey::new(format!("role-{number}"));
        let (holder, by) = (Holder::Member(UserId(number)), UserId(7));
        killed
            .set_owner(GuildId(1), &role, Rank::Owner, holder, by, Timestamp::UNIX_EPOCH)
            .await
            .expect("it is written");
    }
    let log = fs::metadata(place.path("holdpoint.db-wal")).expect("it is there");
    assert!(log.len() > 0);

    let steps = include_str!("../../README.md")
        .split_once("To restore a copy")
        .and_then(|(_, rest)| rest.split_once("```sh\n"))
        .and_then(|(_, rest)| rest.split_once("```"))
        .expect("the README says how");
    let restored = place.shell(&format!("set -e\n{}", steps.0));
    assert_eq!((restored.code, restored.err.as_str()), (Some(0), ""));
    let verified = place.run(&["audit", "verify"]);
    assert_eq!((verified.code, verified.out), (Some(0), copied.out));
    killed.close().await;
}

/// Changes the database behind the program's back, with what guards it taken away first.
pub(crate) async fn tamper(place: &Place, change: &'static str) {
    let mut connection = SqliteConnectOptions::new()
        .filename(place.path("holdpoint.db"))
        .connect()
        .await
        .expect("it opens");
    let guards: Vec<String> = sqlx::query_scalar("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
        .fetch_all(&mut connection)
        .await
        .expect("it is read");
    for guard in guards {
        sqlx::query(sqlx::AssertSqlSafe(format!("DROP TRIGGER \"{guard}\"")))
            .execute(&mut connection)
            .await
            .expect("it is dropped");
    }
    let changed = sqlx::query(change)
        .execute(&mut connection)
        .await
        .expect("it is changed");
    assert!(changed.rows_affected() > 0, "nothing was changed");
    connection.close().await.expect("it closes");
}
