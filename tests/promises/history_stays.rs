//! Promise 4: history is never rewritten, and what is wrong with the file is said by the binary in one sentence.

use std::process::{Command as Process, Output};

use super::house::{CHANNEL, GUILD, House, MARA, past_the_store, tick};

fn holdpoint(house: &House, arguments: &[&str]) -> Output {
    Process::new(env!("CARGO_BIN_EXE_holdpoint"))
        .args(arguments)
        .env("HOLDPOINT__DISCORD__TOKEN", "promises")
        .env("HOLDPOINT__DATABASE__PATH", house.database())
        .env("HOLDPOINT__HTTP__LISTEN", "127.0.0.1:0")
        .env("HOLDPOINT__CHECKLISTS__DIRECTORY", house.file("checklists"))
        .output()
        .expect("the binary runs")
}

async fn with_a_history() -> House {
    let house = House::new();
    let open = house.open().await;
    let id = open.start(1, GUILD, CHANNEL).await.id;
    open.change("tick", MARA, id, tick("2.1"))
        .await
        .expect("it is ticked");
    open.close().await;
    house
}

#[tokio::test]
async fn the_audit_says_by_its_exit_code_whether_the_log_holds() {
    let house = with_a_history().await;
    let holds = holdpoint(&house, &["audit", "verify"]);
    assert_eq!(holds.status.code(), Some(0), "{holds:?}");

    past_the_store(
        &house.database(),
        "DROP TRIGGER events_are_never_changed; UPDATE events SET actor = '{\"person\":1}' WHERE kind = 'ticked'",
    )
    .await;
    let broken = holdpoint(&house, &["audit", "verify"]);
    assert_eq!(broken.status.code(), Some(1), "{broken:?}");
    assert!(
        String::from_utf8_lossy(&broken.stdout).contains("BROKEN"),
        "{broken:?}"
    );

    std::fs::remove_file(house.database()).expect("the file goes");
    let missing = holdpoint(&house, &["audit", "verify"]);
    assert_eq!(missing.status.code(), Some(2), "{missing:?}");
    assert!(
        String::from_utf8_lossy(&missing.stderr).contains("There is no database at"),
        "{missing:?}"
    );
}

#[tokio::test]
async fn a_database_of_a_newer_release_is_left_alone_and_said_to_be_so() {
    let house = with_a_history().await;
    past_the_store(
        &house.database(),
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (999, 'later', true, x'00', 0)",
    )
    .await;
    let before = std::fs::read(house.database()).expect("the file can be read");
    let refused = holdpoint(&house, &["serve"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("was written by a newer Holdpoint"), "{said}");
    assert_eq!(
        std::fs::read(house.database()).expect("the file can be read"),
        before
    );
}

#[tokio::test]
async fn a_database_that_may_not_be_written_is_refused_with_what_to_do() {
    let house = with_a_history().await;
    let mut permissions = std::fs::metadata(house.database())
        .expect("the file is there")
        .permissions();
    permissions.set_readonly(true);
    std::fs::set_permissions(house.database(), permissions).expect("they can be set");
    let refused = holdpoint(&house, &["serve"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(
        said.contains("cannot be written. Give the user that runs Holdpoint the right"),
        "{said}"
    );
    // It can still be read.
    let holds = holdpoint(&house, &["audit", "verify"]);
    assert_eq!(holds.status.code(), Some(0), "{holds:?}");
}
