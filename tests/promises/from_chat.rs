//! What came from chat reaches nothing that anybody could not reach, until the operator has approved it.

use std::sync::Arc;

use holdpoint::checks::GuardSettings;
use holdpoint::domain::check::CheckStatus;
use holdpoint::domain::deployment::Deployment;
use holdpoint::domain::ids::{ChecklistHash, GuildId};
use holdpoint::domain::rights::Person;
use holdpoint::engine::{CatalogEntry, CheckRuns, HandleError, Imported, RunWish, Selection, Trust};
use tokio::net::TcpListener;

use super::house::{CHANNEL, GUILD, House, MARA, Open, THEO};

/// A checklist that looks at the machine and the network that the bot is on, in every way there is.
fn nosy(port: u16) -> String {
    format!(
        "---
variables:
  home: {{ env: HOME, default: none }}
checks:
  commands: {{ command: {{ run: [uname] }} }}
  connection: {{ tcp: {{ address: \"127.0.0.1:{port}\" }}, pass: open }}
  crowd: {{ burst: {{ url: \"http://127.0.0.1:{port}/\", requests: 10, within: 1s }}, pass: limited > 0, timeout: 2s }}
  environment: {{ env: {{ required: [HOME] }} }}
  files: {{ file: {{ path: Cargo.toml }}, pass: exists }}
  load: {{ load: {{ url: \"http://127.0.0.1:{port}/\", connections: 2, requests: 10 }}, pass: errors == 0, timeout: 2s }}
  request: {{ http: {{ url: \"http://127.0.0.1:{port}/\" }}, pass: status == 200, timeout: 2s }}
  rows: {{ database: {{ url: \"sqlite://Cargo.toml\", query: SELECT 1 }}, pass: rows.size() == 1 }}
  variables: {{ tcp: {{ address: \"{{{{ home }}}}:{port}\" }}, pass: open }}
---
# Nosy

- [ ] Commands <!-- check: commands -->
- [ ] Connection <!-- check: connection -->
- [ ] Crowd <!-- check: crowd -->
- [ ] Environment <!-- check: environment -->
- [ ] Files <!-- check: files -->
- [ ] Load <!-- check: load -->
- [ ] Request <!-- check: request -->
- [ ] Rows <!-- check: rows -->
- [ ] Variables <!-- check: variables -->
"
    )
}

fn manager() -> Person {
    Person {
        id: MARA,
        discord_roles: Vec::new(),
        manages_server: true,
    }
}

async fn import(open: &Open, guild: GuildId, file: &str, text: &str) -> Result<Imported, HandleError> {
    open.engine
        .import(guild, &manager(), file, None, text.as_bytes().to_vec())
        .await
}

async fn imported(open: &Open, guild: GuildId, file: &str, text: &str) -> (Arc<CatalogEntry>, Trust) {
    match import(open, guild, file, text).await {
        Ok(Imported::Now { entry, trust, .. }) => (entry, trust),
        other => panic!("it was not imported: {other:?}"),
    }
}

fn runs(open: &Open) -> CheckRuns {
    open.runs_within(GuardSettings {
        commands: vec!["uname".to_owned()],
        command_user: "root".to_owned(),
        ..GuardSettings::default()
    })
}

/// Runs every check of a deployment, and tells what became of each.
async fn looked(runs: &CheckRuns, deployment: &Arc<Deployment>) -> Vec<(String, CheckStatus, String)> {
    let RunWish::Running(mut view) = runs.begin(deployment, &Selection::All) else {
        panic!("there is nothing to run");
    };
    view.ended().await;
    let progress = view.progress();
    assert_eq!(progress.stopped, None);
    let mut results: Vec<_> = progress
        .results
        .into_iter()
        .map(|result| (result.check.to_string(), result.status, result.why))
        .collect();
    results.sort_by(|one, other| one.0.cmp(&other.0));
    results
}

fn told(results: &[(String, CheckStatus, String)]) -> String {
    let lines = results
        .iter()
        .map(|(check, status, why)| format!("{check}: {status:?}: {why}\n"));
    lines.collect()
}

#[tokio::test]
async fn an_imported_checklist_sees_nothing_of_the_machine_until_it_is_approved() {
    let service = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = service.local_addr().expect("an address").port();
    let house = House::new();
    let open = house.open().await;
    let runs = runs(&open);
    let (entry, trust) = imported(&open, GUILD, "nosy.md", &nosy(port)).await;
    assert_eq!(trust, Trust::Imported);
    let deployment = open.start_of("nosy", 1, GUILD, CHANNEL).await;

    let results = looked(&runs, &deployment).await;
    insta::assert_snapshot!(told(&results).replace(&port.to_string(), "PORT"), @"
    commands: Error: a checklist that was imported runs no commands; the operator can read it and approve it
    connection: Error: the address 127.0.0.1 is not public, and a checklist that was imported reaches public addresses only; the operator can approve the checklist, or name the host or the network in checks.imported.allow
    crowd: Error: a checklist that was imported puts no load on anybody's server; the operator can read it and approve it
    environment: Error: a checklist that was imported sees no environment variables; the operator can read it and approve it
    files: Error: a checklist that was imported reads no files; the operator can read it and approve it
    load: Error: a checklist that was imported puts no load on anybody's server; the operator can read it and approve it
    request: Error: the address 127.0.0.1 is not public, and a checklist that was imported reaches public addresses only; the operator can approve the checklist, or name the host or the network in checks.imported.allow
    rows: Error: a checklist that was imported reads no files; the operator can read it and approve it
    variables: Error: the host none does not resolve; check the name and DNS
    ");
    assert!(
        futures_util::FutureExt::now_or_never(service.accept()).is_none(),
        "somebody came"
    );

    // The very same, once the operator has said so: what kept it was the trust.
    open.engine.catalog().approve([entry.checklist.hash.clone()]);
    assert_eq!(open.engine.trust(&entry.checklist.hash), Trust::Operator);
    let results = looked(&runs, &deployment).await;
    let passed: Vec<_> = results
        .iter()
        .filter(|(_, status, _)| *status == CheckStatus::Passed)
        .map(|(check, _, _)| check.as_str())
        .collect();
    assert_eq!(
        passed,
        ["commands", "connection", "environment", "files"],
        "{results:?}"
    );
    assert!(
        futures_util::FutureExt::now_or_never(service.accept()).is_some(),
        "nobody came"
    );
    runs.stop_and_drain().await;
    open.close().await;
}

#[tokio::test]
async fn it_stays_imported_when_its_name_is_gone_and_the_bot_starts_again() {
    let service = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = service.local_addr().expect("an address").port();
    let house = House::new();
    let open = house.open().await;
    let (first, _) = imported(&open, GUILD, "nosy.md", &nosy(port)).await;
    let deployment = open.start_of("nosy", 1, GUILD, CHANNEL).await;
    // The name stands for another by now, and for none in the end.
    let (second, _) = imported(&open, GUILD, "nosy.md", "- [ ] Nothing to see\n").await;
    open.engine
        .remove_import(GUILD, &manager(), "nosy")
        .await
        .expect("it is there");
    open.close().await;

    let open = house.open().await;
    assert!(open.engine.catalog().entry_in(GUILD, "nosy").is_none());
    for gone in [&first, &second] {
        assert_eq!(open.engine.trust(&gone.checklist.hash), Trust::Imported);
    }
    let deployment = open
        .engine
        .deployment(deployment.id, GUILD)
        .await
        .expect("it goes on");
    let results = looked(&runs(&open), &deployment).await;
    assert!(
        results.iter().all(|(_, status, _)| *status == CheckStatus::Error),
        "{results:?}"
    );
    open.close().await;
}

#[tokio::test]
async fn what_was_imported_is_there_after_a_restart_in_its_own_server_only() {
    let house = House::new();
    let open = house.open().await;
    imported(&open, GUILD, "ours.md", "# Ours\n- [ ] One\n").await;
    let elsewhere = GuildId(GUILD.0 + 100);
    imported(&open, elsewhere, "ours.md", "# Theirs\n- [ ] One\n").await;
    open.close().await;

    let open = house.open().await;
    let catalog = open.engine.catalog();
    let titles = |guild| {
        let entries = catalog.entries_in(guild);
        let titles: Vec<_> = entries
            .iter()
            .map(|entry| (entry.checklist.name.to_string(), entry.checklist.title.clone()))
            .collect();
        titles
    };
    let own = |title: &str| {
        vec![
            ("ours".to_owned(), title.to_owned()),
            ("promises".to_owned(), "Promises".to_owned()),
        ]
    };
    assert_eq!(titles(GUILD), own("Ours"));
    assert_eq!(titles(elsewhere), own("Theirs"));
    assert!(catalog.entry_in(GuildId(GUILD.0 + 200), "ours").is_none());
    open.close().await;
}

#[tokio::test]
async fn a_file_in_the_directory_is_approved_by_being_there() {
    let text = "# Both\n- [ ] One\n";
    let house = House::with(text);
    let open = house.open().await;
    let (entry, trust) = imported(&open, GUILD, "both.md", text).await;
    assert_eq!(trust, Trust::Operator);
    std::fs::write(house.file("checklists/promises.md"), "- [ ] Another\n").expect("it can be written");
    open.engine.catalog().reload();
    assert_eq!(open.engine.trust(&entry.checklist.hash), Trust::Imported);
    open.engine
        .catalog()
        .approve([ChecklistHash::new("0".repeat(64))]);
    assert_eq!(open.engine.trust(&entry.checklist.hash), Trust::Imported);
    open.close().await;
}

#[tokio::test]
async fn what_cannot_be_imported_is_refused_in_a_sentence() {
    let house = House::new();
    let open = house.open().await;
    let refused = async |file: &str, bytes: &[u8]| {
        let came = open
            .engine
            .import(GUILD, &manager(), file, None, bytes.to_vec())
            .await;
        match came {
            Err(HandleError::Refused(refusal)) => refusal.to_string(),
            other => panic!("{file} was not refused: {other:?}"),
        }
    };
    assert_eq!(
        refused("empty.md", b" \n").await,
        "`empty.md` was not imported: it is empty; write task items into it, as `- [ ] Make a backup`."
    );
    assert_eq!(
        refused("cat.md", b"\x00\x01\x02").await,
        "`cat.md` was not imported: it is no text; name a Markdown file."
    );
    assert_eq!(
        refused("….md", b"- [ ] One\n").await,
        "`….md` was not imported: it would have no name; give it one as `name`."
    );
    assert_eq!(
        refused("promises.md", b"- [ ] One\n").await,
        "`promises` is a checklist that the operator put there. Import yours under another `name`."
    );
    let large = vec![b' '; 2 * 1024 * 1024 + 1];
    assert_eq!(
        refused("large.md", &large).await,
        "`large.md` was not imported: it is larger than 2097152 bytes, the most that a checklist may have; split it."
    );
    let broken = import(&open, GUILD, "broken.md", "---\nchekcs: {}\n---\n- [ ] One\n").await;
    assert!(matches!(broken, Ok(Imported::Broken { .. })), "{broken:?}");
    let before = open.engine.catalog().entries_in(GUILD).len();
    assert_eq!(before, 1, "nothing of all that is in the catalog");

    let somebody = Person {
        id: THEO,
        manages_server: false,
        ..manager()
    };
    let came = open
        .engine
        .import(GUILD, &somebody, "mine.md", None, b"- [ ] One\n".to_vec())
        .await;
    assert!(
        matches!(&came, Err(HandleError::Refused(refusal)) if refusal.to_string().contains("import checklists")),
        "{came:?}"
    );

    imported(&open, GUILD, "mine.md", "- [ ] One\n").await;
    let again = import(&open, GUILD, "mine.md", "- [ ] One\n").await;
    assert!(matches!(again, Ok(Imported::Before { .. })), "{again:?}");
    let came = open.engine.remove_import(GUILD, &somebody, "mine").await;
    assert!(came.is_err(), "{came:?}");
    for (name, why) in [
        (
            "promises",
            "`promises` was not imported: the operator put it there, and takes it from the checklists directory.",
        ),
        (
            "neither",
            "There is no checklist `neither`. There is `mine` and `promises`.",
        ),
    ] {
        let came = open.engine.remove_import(GUILD, &manager(), name).await;
        assert_eq!(came.err().map(|error| error.to_string()).as_deref(), Some(why));
    }
    open.close().await;
}
