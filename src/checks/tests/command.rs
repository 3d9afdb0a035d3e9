use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use futures_util::FutureExt as _;
use insta::assert_snapshot;
use serde_json::json;
use tokio::task::JoinHandle;

use super::*;

async fn told_of(probe: CommandProbe, pass: Option<&str>) -> String {
    told(&run(&check(Probe::Command(probe), pass)).await)
}

#[tokio::test]
async fn a_command_passes_by_its_exit_code() {
    assert_snapshot!(told_of(shell("echo fine"), None).await, @"Passed: sh ended with exit code 0 after SPAN");
    assert_snapshot!(
        told_of(shell("echo out; echo 'it broke' >&2; echo; exit 3"), None).await,
        @r#"Failed: exit_code is 3, expected 0; it last said "it broke""#
    );
    assert_snapshot!(told_of(shell("kill -9 $$"), None).await, @"Failed: exit_code is 137, expected 0");
    assert_snapshot!(
        told_of(shell("echo oops >&2; exit 3"), Some("exit_code == 3 && stderr == \"oops\\n\" && stdout == \"\"")).await,
        @r#"Passed: exit_code is 3, stderr is "oops\n" and stdout is """#
    );
}

#[tokio::test]
async fn named_groups_are_captured_from_either_output() {
    let captured = |script: &str| CommandProbe {
        capture: Some(r"(?<passed>\d+)/(?<total>\d+) passed".to_owned()),
        ..shell(script)
    };
    let pass = Some("exit_code == 0 && double(passed) / double(total) >= 0.8");
    let result = run(&check(Probe::Command(captured("echo 9/10 passed")), pass)).await;
    assert_snapshot!(told(&result), @"Passed: exit_code is 0 and double(passed) / double(total) is 0.9");
    assert_eq!(
        (&result.observed["passed"], &result.observed["total"]),
        (&json!("9"), &json!("10"))
    );
    assert_snapshot!(
        told_of(captured("echo 5/10 passed >&2"), pass).await,
        @r#"Failed: double(passed) / double(total) is 0.5, expected at least 0.8 (passed is "5" and total is "10")"#
    );
    assert_snapshot!(
        told_of(captured("echo nothing"), pass).await,
        @"Failed: passed was not captured: `capture` does not match the output of sh (exit code 0)"
    );
}

#[tokio::test]
async fn words_reach_the_program_as_they_are_and_nothing_else_does() {
    let mut probe = shell("printf '%s|' \"$1\" \"$DATABASE_URL\" \"$(pwd)\"; cat");
    probe.run.extend(["sh".to_owned(), "{{ words }}".to_owned()]);
    probe.cwd = Some("/".to_owned());
    probe.capture = Some("(?<all>.*)".to_owned());
    let variables = Variables::new().with(VariableName::new("words"), "$(id); * '");
    let result = checks()
        .run(&check(Probe::Command(probe), None), &variables)
        .await;
    assert_eq!(result.observed["all"], json!("$(id); * '||/|"));
}

#[tokio::test]
async fn what_stands_in_the_way_is_told_with_what_to_do() {
    let named = |program: &str| CommandProbe {
        run: vec![program.to_owned()],
        ..shell("")
    };
    assert_snapshot!(
        told_of(named("no-such-program-here"), None).await,
        @"Error: the program no-such-program-here is not on this machine; install it, or add its directory to the bot's PATH"
    );
    assert_snapshot!(
        told_of(named("rm"), None).await,
        @"Error: the program rm is not one that may be run; the operator can add it to the allowed commands"
    );
    let off = checks_with(|settings, _| settings.commands.clear());
    assert_snapshot!(
        told(&off.run(&check(Probe::Command(shell("true")), None), &Variables::new()).await),
        @"Error: commands are off; the operator can allow programs by name, here sh"
    );
    let lost = CommandProbe {
        cwd: Some("/no/such/place".to_owned()),
        ..shell("true")
    };
    assert_snapshot!(
        told_of(lost, None).await,
        @"Error: the directory /no/such/place is not there; create it, or mend `cwd` (it is relative to the bot's working directory)"
    );
}

#[tokio::test]
async fn a_flood_of_output_is_drained_and_its_end_is_kept() {
    let probe = CommandProbe {
        capture: Some(r"(?s)(?<first>line 1)\n.*passed (?<passed>\d+)".to_owned()),
        ..shell(
            "i=0; while [ $i -lt 400 ]; do i=$((i+1)); echo line $i; head -c 5000 /dev/zero | tr '\\0' x; echo; done; echo passed 7",
        )
    };
    let result = run(&check(
        Probe::Command(probe),
        Some("passed == \"7\" && size(stdout) < 70000"),
    ))
    .await;
    assert!(
        told(&result).starts_with(r#"Passed: passed is "7" and size(stdout) is "#),
        "{}",
        result.why
    );
    assert!(result.observed["stdout_bytes_left_out"].as_u64() > Some(1_900_000));
}

/// A FIFO that every descendant of a script holds open, and a task that ends when none does any more.
struct Descendants {
    _directory: tempfile::TempDir,
    fifo: PathBuf,
    gone: JoinHandle<String>,
}

impl Descendants {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let fifo = directory.path().join("alive");
        assert!(
            Command::new("mkfifo")
                .arg(&fifo)
                .status()
                .expect("mkfifo")
                .success()
        );
        let gone = tokio::task::spawn_blocking({
            let fifo = fifo.clone();
            move || {
                let mut said = String::new();
                std::fs::File::open(fifo)
                    .and_then(|mut fifo| fifo.read_to_string(&mut said))
                    .expect("the FIFO is read to its end");
                said
            }
        });
        Self {
            _directory: directory,
            fifo,
            gone,
        }
    }

    /// Waits until all are gone, and holds that they were there.
    async fn all_gone(self) {
        let said = tokio::time::timeout(Duration::from_secs(10), self.gone)
            .await
            .expect("descendants are still there")
            .expect("the reading ends well");
        assert_eq!(said, "alive\n");
    }
}

/// A script that starts children and grandchildren, all of which ignore requests to end.
fn stubborn(fifo: &Path, ending: &str) -> CommandProbe {
    shell(&format!(
        "exec 9>'{}'; trap '' TERM; (sleep 1000 & sleep 1000) & sh -c 'sleep 1000; sleep 1000' & echo working; echo alive >&9; {ending}",
        fifo.display()
    ))
}

fn impatient() -> Checks {
    checks_with(|_, limits| limits.stop_grace = Duration::from_millis(50))
}

#[tokio::test]
async fn a_program_that_ignores_its_time_out_is_killed_with_all_its_descendants() {
    let descendants = Descendants::new();
    let probe = stubborn(&descendants.fifo, "sleep 1000; sleep 1000");
    let started = Instant::now();
    let result = impatient()
        .run(&in_short(check(Probe::Command(probe), None)), &Variables::new())
        .await;
    assert!(started.elapsed() < SHORT * 10, "it took {:?}", started.elapsed());
    assert_snapshot!(
        told(&result),
        @r#"Error: sh had not ended after 200 ms and was stopped; it last said "working"; raise `timeout` if that is too short"#
    );
    descendants.all_gone().await;
}

#[tokio::test]
async fn a_program_that_heeds_its_time_out_can_tidy_up() {
    let descendants = Descendants::new();
    let fifo = descendants.fifo.display();
    let probe = shell(&format!(
        "exec 9>'{fifo}'; trap 'echo alive >&9; exit' TERM; while :; do sleep 0.01; done"
    ));
    let unhurried = checks_with(|_, limits| limits.stop_grace = Duration::from_mins(1));
    let result = unhurried
        .run(&in_short(check(Probe::Command(probe), None)), &Variables::new())
        .await;
    assert_eq!(result.status, CheckStatus::Error);
    descendants.all_gone().await;
}

#[tokio::test]
async fn what_a_program_leaves_behind_is_killed_when_it_ends() {
    let descendants = Descendants::new();
    let probe = stubborn(&descendants.fifo, "exit 0");
    let started = Instant::now();
    assert_eq!(
        told_of(probe, None).await,
        "Passed: sh ended with exit code 0 after SPAN"
    );
    assert!(started.elapsed() < AMPLE / 4, "it took {:?}", started.elapsed());
    descendants.all_gone().await;
}

#[tokio::test]
async fn nobody_waiting_kills_the_program_with_all_its_descendants() {
    let descendants = Descendants::new();
    let ready = Descendants::new();
    let script = format!("echo alive >'{}'; sleep 1000", ready.fifo.display());
    let probe = stubborn(&descendants.fifo, &script);
    let cancel = CancellationToken::new();
    let results = checks().run_all(
        vec![check(Probe::Command(probe), None)],
        Arc::new(Variables::new()),
        cancel.clone(),
    );
    let mut results = std::pin::pin!(results);
    tokio::select! {
        result = results.next() => panic!("the program ended by itself: {result:?}"),
        () = ready.all_gone() => {}
    }
    cancel.cancel();
    assert_eq!(
        results.next().now_or_never(),
        Some(None),
        "a cancelled check gives no result"
    );
    descendants.all_gone().await;
}

/// As whom limits bite: root is held to no number of processes.
fn unprivileged(change: impl FnOnce(&mut Limits)) -> Checks {
    checks_with(|settings, limits| {
        settings.command_user = "nobody".to_owned();
        change(limits);
    })
}

#[tokio::test]
async fn a_program_that_forks_without_end_is_held_to_its_number() {
    let checker = unprivileged(|limits| limits.processes = Some(10));
    // Every child says so; the shell gives up, or goes on without, when it may have no more.
    let probe = CommandProbe {
        capture: Some("(?s)(?<children>.*)".to_owned()),
        ..shell("i=0; while [ $i -lt 50 ]; do i=$((i+1)); (echo x; exec sleep 10) & done; exit 0")
    };
    let result = checker
        .run(
            &check(
                Probe::Command(probe),
                Some("!children.contains(\"no such thing\")"),
            ),
            &Variables::new(),
        )
        .await;
    assert_eq!(result.status, CheckStatus::Passed, "{}", result.why);
    let children = result.observed["stdout"]
        .as_str()
        .map_or(0, |said| said.matches('x').count());
    // Other processes of the same user come and go, so the number is not exact.
    assert!((1..=20).contains(&children), "{children} of 50: {result:?}");
    let refused = result.observed["stderr"].as_str().unwrap_or_default();
    assert!(refused.to_lowercase().contains("fork"), "{refused}");
}

#[tokio::test]
async fn a_program_that_wants_more_memory_than_it_may_have_gets_none() {
    let held = |bytes| {
        let checker = unprivileged(|limits| limits.memory_bytes = bytes);
        async move {
            let probe = shell("exec dd if=/dev/zero of=/dev/null bs=200M count=1 2>&1");
            let result = checker
                .run(&check(Probe::Command(probe), None), &Variables::new())
                .await;
            (result.status, result.observed["stdout"].to_string())
        }
    };
    let (status, said) = held(Some(64 << 20)).await;
    assert!(status == CheckStatus::Failed && said.contains("memory"), "{said}");
    assert_eq!(held(Some(1 << 30)).await.0, CheckStatus::Passed);
    assert_eq!(held(None).await.0, CheckStatus::Passed);
}

#[tokio::test]
async fn limits_reach_every_descendant() {
    let checker = unprivileged(|limits| {
        limits.memory_bytes = Some(123 << 20);
        limits.processes = Some(77);
    });
    let probe = CommandProbe {
        capture: Some(r"(?m)^(?<kib>\d+)$".to_owned()),
        ..shell("sh -c 'sh -c \"ulimit -Hd; ulimit -Hc\"'")
    };
    let pass = Some("int(kib) == 123 * 1024 && stdout.endsWith(\"\\n0\\n\")");
    let result = checker
        .run(&check(Probe::Command(probe), pass), &Variables::new())
        .await;
    assert_eq!(result.status, CheckStatus::Passed, "{}", result.why);
}

#[tokio::test]
async fn a_program_that_would_not_stop_writing_is_stopped() {
    let checker = checks_with(|_, limits| limits.flood_bytes = 32 << 20);
    let started = Instant::now();
    for script in [
        "head -c 1000000000 /dev/zero",
        "head -c 1000000000 /dev/zero >&2 & wait",
    ] {
        assert_eq!(
            told(
                &checker
                    .run(&check(Probe::Command(shell(script)), None), &Variables::new())
                    .await
            ),
            "Error: sh wrote more than 32 MiB and was stopped; have it write less"
        );
    }
    assert!(started.elapsed() < AMPLE, "it took {:?}", started.elapsed());
}

#[tokio::test]
async fn a_daemon_that_leaves_the_group_is_found_and_killed() {
    for (ending, timeout) in [("exit 0", AMPLE), ("sleep 1000", Duration::from_secs(1))] {
        let descendants = Descendants::new();
        // In a session of its own, with a child in another, and deaf. The program goes on when it is there.
        let fifo = descendants.fifo.display();
        let probe = shell(&format!(
            "exec 9>'{fifo}'; mkfifo '{fifo}.ready'; setsid sh -c \"trap '' TERM HUP; setsid sleep 1000 & echo alive >&9; echo >'{fifo}.ready'; sleep 1000\" >/dev/null 2>&1 & read -r ready <'{fifo}.ready'; {ending}"
        ));
        let mut daemon = check(Probe::Command(probe), None);
        daemon.timeout = timeout;
        let result = impatient().run(&daemon, &Variables::new()).await;
        assert_eq!(
            result.status,
            if ending == "exit 0" {
                CheckStatus::Passed
            } else {
                CheckStatus::Error
            },
            "{}",
            result.why
        );
        descendants.all_gone().await;
    }
}

#[tokio::test]
async fn root_does_not_lend_itself_to_commands() {
    let whoever = CommandProbe {
        capture: Some("(?<uid>.*) (?<groups>.*) (?<home>.*)".to_owned()),
        ..shell("echo \"$(id -u) $(id -G | tr ' ' ,) $HOME\"")
    };
    let as_user = |user: &str| {
        let checker = checks_with(|settings, _| {
            settings.command_user = user.to_owned();
            settings.environment.push("HOME".to_owned());
        });
        let check = check(Probe::Command(whoever.clone()), None);
        async move { checker.run(&check, &Variables::new()).await }
    };
    let result = as_user("12345:54321").await;
    let own = rustix::process::getuid();
    if own.is_root() {
        assert_eq!(
            (&result.observed["uid"], &result.observed["groups"]),
            (&json!("12345"), &json!("54321"))
        );
        assert_ne!(
            as_user("nobody").await.observed["home"],
            json!("/home/of-the-bot")
        );
        assert_eq!(as_user("root").await.observed["home"], json!("/home/of-the-bot"));
        assert_snapshot!(
            told(&as_user("no-such-user").await),
            @"Error: Holdpoint runs as root, and commands are to run as no-such-user, which is no user of this machine; create the user, or set checks.commands.user to one that there is"
        );
    } else {
        // Nobody but root can become somebody else, so everybody else stays who they are.
        assert_eq!(result.observed["uid"], json!(own.as_raw().to_string()));
        assert_eq!(as_user("no-such-user").await.status, CheckStatus::Passed);
    }
}

#[tokio::test]
async fn a_program_that_cannot_be_started_says_so_through_its_limits() {
    let directory = tempfile::tempdir().expect("a directory");
    let script = directory.path().join("script");
    std::fs::write(&script, "#!/no/such/interpreter\n").expect("a script");
    rustix::fs::chmod(&script, rustix::fs::Mode::from_raw_mode(0o755)).expect("its mode");
    let path = script.display().to_string();
    let probe = CommandProbe {
        run: vec![path.clone()],
        ..shell("")
    };
    for processes in [None, Some(100)] {
        let checker = checks_with(|settings, limits| {
            settings.commands.push(path.clone());
            limits.processes = processes;
            limits.memory_bytes = None;
        });
        let result = checker
            .run(&check(Probe::Command(probe.clone()), None), &Variables::new())
            .await;
        assert_eq!(
            told(&result),
            format!("Error: the program {path} cannot be started: its interpreter is not on this machine")
        );
    }
}
