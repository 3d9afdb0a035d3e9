//! What is not opened, and what is said then.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use super::super::{OpenError, Store};
use super::{Course, Outcome, Place, at};

/// The refusal, with its words looked at: what is so and what to do.
async fn refused(place: &Place, word: &str) -> Result<OpenError, Box<dyn std::error::Error>> {
    let error = place.open().await.err().ok_or("it was opened")?;
    let text = error.to_string();
    assert!(text.contains(word), "{text:?} does not say {word:?}");
    assert!(text.contains(". "), "{text:?} does not say what to do");
    Ok(error)
}

#[tokio::test]
async fn a_second_one_is_told_who_has_it() -> Outcome {
    let place = Place::new()?;
    let store = place.open().await?;
    let who = format!("process {}", std::process::id());
    let error = refused(&place, &who).await?;
    assert!(matches!(error, OpenError::InUse { .. }), "{error:?}");
    assert!(error.to_string().contains("2027-01-15T08:00:00Z"), "{error}");
    // The first is not disturbed by that, and lets go when it is closed or dropped.
    let mut course = Course::new(1);
    store.commit(&[course.start()?]).await?;
    store.close().await;
    let store = place.open().await?;
    drop(store);
    place.open().await?.verify().await?;
    Ok(())
}

#[tokio::test]
async fn a_newer_format_is_left_alone() -> Outcome {
    let place = Place::new()?;
    place.open().await?.close().await;
    place
        .raw_sql(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             VALUES (9999, 'from the future', 1, x'00', 0)",
        )
        .await?;
    let error = refused(&place, "newer").await?;
    assert!(
        matches!(error, OpenError::Newer { theirs: 9999, .. }),
        "{error:?}"
    );
    let beside = Store::open_read_only(&place.database()).await.err();
    assert!(matches!(beside, Some(OpenError::Newer { .. })), "{beside:?}");
    Ok(())
}

#[tokio::test]
async fn an_older_format_is_not_read_but_brought_up_to_date() -> Outcome {
    let place = Place::new()?;
    place.open().await?.close().await;
    place
        .raw_sql("DELETE FROM _sqlx_migrations WHERE version > 1; DROP TABLE imports")
        .await?;
    let beside = Store::open_read_only(&place.database()).await.err();
    assert!(
        matches!(beside, Some(OpenError::Older { theirs: 1, .. })),
        "{beside:?}"
    );
    let store = place.open().await?;
    assert_eq!(store.imports().await?, Vec::new());
    store.close().await;
    Store::open_read_only(&place.database()).await?.verify().await?;
    Ok(())
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_refused() -> Outcome {
    let place = Place::new()?;
    place.open().await?.close().await;
    std::fs::set_permissions(place.database(), Permissions::from_mode(0o444))?;
    let error = refused(&place, "cannot be written").await?;
    assert!(
        matches!(&error, OpenError::ReadOnly(path) if *path == place.database()),
        "{error:?}"
    );
    // It can still be read.
    Store::open_read_only(&place.database()).await?.verify().await?;
    Ok(())
}

#[tokio::test]
async fn a_directory_that_cannot_be_written_is_refused() -> Outcome {
    let place = Place::new()?;
    std::fs::set_permissions(place.directory.path(), Permissions::from_mode(0o555))?;
    let error = refused(&place, "cannot be written").await;
    std::fs::set_permissions(place.directory.path(), Permissions::from_mode(0o755))?;
    let error = error?;
    assert!(
        matches!(&error, OpenError::ReadOnly(path) if path == place.directory.path()),
        "{error:?}"
    );
    Ok(())
}

#[tokio::test]
async fn other_files_are_refused_and_left_as_they_are() -> Outcome {
    let place = Place::new()?;
    let words = "not a database at all, but long enough to have a header of its own. ".repeat(4);
    std::fs::write(place.database(), &words)?;
    let error = refused(&place, "no SQLite file").await?;
    assert!(matches!(error, OpenError::NotOurs { .. }), "{error:?}");
    assert_eq!(std::fs::read_to_string(place.database())?, words);
    let beside = Store::open_read_only(&place.database()).await.err();
    assert!(matches!(beside, Some(OpenError::NotOurs { .. })), "{beside:?}");

    let place = Place::new()?;
    std::fs::write(place.database(), "")?;
    place.raw_sql("CREATE TABLE contacts (name TEXT)").await?;
    refused(&place, "another program").await?;
    assert_eq!(place.count("SELECT count(*) FROM sqlite_schema").await?, 1);

    // Another program that uses the same migrator.
    let place = Place::new()?;
    place.open().await?.close().await;
    place.raw_sql("PRAGMA application_id = 0").await?;
    refused(&place, "another program").await?;

    let place = Place::new()?;
    std::fs::create_dir(place.database())?;
    refused(&place, "directory").await?;
    Ok(())
}

#[tokio::test]
async fn a_first_start_that_was_cut_short_is_gone_on_with() -> Outcome {
    let place = Place::new()?;
    std::fs::write(place.database(), "")?;
    place
        .raw_sql(
            "CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL,
                 installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, success BOOLEAN NOT NULL,
                 checksum BLOB NOT NULL, execution_time BIGINT NOT NULL)",
        )
        .await?;
    place.open().await?.verify().await?;
    Ok(())
}

#[tokio::test]
async fn a_place_that_is_not_there_is_named() -> Outcome {
    let place = Place::new()?;
    let path = place.directory.path().join("nowhere/holdpoint.db");
    let error = Store::open(&path, at(0)).await.err();
    assert!(matches!(error, Some(OpenError::NoDirectory(_))), "{error:?}");
    let error = Store::open_read_only(&place.database()).await.err();
    assert!(matches!(error, Some(OpenError::Missing(_))), "{error:?}");
    Ok(())
}

#[tokio::test]
async fn a_new_file_is_written_through_to_the_disk() -> Outcome {
    let place = Place::new()?;
    let store = place.open().await?;
    assert_eq!(store.path(), place.database());
    let mut connection = store.writer()?.lock_owned().await.take().await?;
    let journal: String = sqlx::query_scalar("PRAGMA journal_mode")
        .fetch_one(&mut connection)
        .await?;
    let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous")
        .fetch_one(&mut connection)
        .await?;
    let foreign_keys: i64 = sqlx::query_scalar("PRAGMA foreign_keys")
        .fetch_one(&mut connection)
        .await?;
    // 2 is FULL, by https://www.sqlite.org/pragma.html#pragma_synchronous.
    assert_eq!((journal.as_str(), synchronous, foreign_keys), ("wal", 2, 1));
    Ok(())
}
