//! Settings, help, completions, and `serve` before it is connected.

use clap::CommandFactory as _;
use holdpoint::cli::CommandLine;

use super::place::Place;

/// A token that must be shown nowhere.
const CANARY: &str = "canary-6f1d9b.Zm9v.secret";

#[test]
fn config_shows_where_each_setting_came_from_and_no_secret() {
    let place = Place::new().having("HOLDPOINT__DISCORD__TOKEN", CANARY);
    place.write("holdpoint.toml", "[http]\nlisten = \"127.0.0.1:9000\"\n");
    for arguments in [&["config"][..], &["config", "--format", "json"]] {
        let ran = place.run(arguments);
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
        assert!(!ran.out.contains("canary"), "{}", ran.out);
        assert!(
            ran.out.contains("********") && ran.out.contains("127.0.0.1:9000"),
            "{}",
            ran.out
        );
        assert!(
            ran.out.contains("HOLDPOINT__DISCORD__TOKEN") && ran.out.contains("holdpoint.toml"),
            "{}",
            ran.out
        );
    }
}

#[test]
fn wrong_settings_are_refused_in_a_sentence() {
    let cases = [
        (
            "[http]\nlisten = 8080\n",
            "holdpoint: http.listen is the number 8080, but must be an address and a port, such as \"127.0.0.1:8080\"; \
             it comes from the file holdpoint.toml.",
        ),
        (
            "[http]\nlisen = \"127.0.0.1:8080\"\n",
            "holdpoint: the file holdpoint.toml has http.lisen, which is no setting; the nearest is http.listen.",
        ),
        (
            "[http\n",
            "holdpoint: the settings file holdpoint.toml is not valid TOML: line 1, column 6: unclosed table, expected `]`.",
        ),
    ];
    for (text, sentence) in cases {
        let place = Place::new();
        place.write("holdpoint.toml", text);
        for arguments in [&["config"][..], &["serve"], &["report", "1"], &["health"]] {
            assert_eq!(place.run(arguments).refusal(), sentence);
        }
        assert!(!place.path("holdpoint.db").exists(), "nothing was begun");
    }
    assert_eq!(
        Place::new().run(&["config", "--config", "absent.toml"]).refusal(),
        "holdpoint: the settings file absent.toml cannot be read (No such file or directory (os error 2)); check the \
         path given with --config and that this user may read it."
    );
}

#[test]
fn serve_without_a_token_says_where_to_put_one() {
    let place = Place::new();
    assert_eq!(
        place.run(&["serve"]).refusal(),
        "holdpoint: no Discord token is configured; put it in the environment variable HOLDPOINT__DISCORD__TOKEN, or in \
         a file that discord.token_file names, or run `holdpoint try`, which needs none."
    );
    assert!(!place.path("holdpoint.db").exists(), "nothing was begun");
    let place = Place::new().having("HOLDPOINT__DISCORD__TOKEN_FILE", "absent");
    assert_eq!(
        place.run(&["serve"]).refusal(),
        "holdpoint: discord.token_file is absent, which cannot be read (No such file or directory (os error 2)); it \
         comes from the environment variable HOLDPOINT__DISCORD__TOKEN_FILE; name a file that holds the token and that \
         this user may read."
    );
}

#[test]
fn serve_says_that_discord_cannot_be_reached() {
    // Port 9 discards; nobody listens there, so the way to Discord ends on this machine.
    let place = Place::new()
        .having("HOLDPOINT__DISCORD__TOKEN", CANARY)
        .having("HOLDPOINT__HTTP__LISTEN", "127.0.0.1:0")
        .having("HTTPS_PROXY", "http://127.0.0.1:9")
        .having("HOLDPOINT__LOG__FILTER", "error");
    place.write("checklists/README.md", "");
    let ran = place.run(&["serve"]);
    assert_eq!(
        ran.refusal(),
        "holdpoint: Discord cannot be reached (Connection refused (os error 111)). Check the connection and \
         https://discordstatus.com, then start again."
    );
    assert!(!ran.err.contains("canary"));
}

#[test]
fn serve_says_that_its_address_is_taken() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("an address").to_string();
    let place = Place::new()
        .having("HOLDPOINT__DISCORD__TOKEN", CANARY)
        .having("HOLDPOINT__HTTP__LISTEN", &address);
    assert_eq!(
        place.run(&["serve"]).refusal(),
        format!(
            "holdpoint: http.listen is {address}, which cannot be listened on (Address already in use (os error 98)); \
             stop what uses it or configure another."
        )
    );
}

#[test]
fn health_ends_with_1_when_nobody_answers() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = free.local_addr().expect("an address").to_string();
    drop(free);
    let ran = Place::new()
        .having("HOLDPOINT__HTTP__LISTEN", &address)
        .run(&["health"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""));
    assert_eq!(
        ran.err,
        format!(
            "holdpoint: nothing answers at {address} (Connection refused (os error 111)); is `holdpoint serve` running \
             with these settings?\n"
        )
    );
}

#[test]
fn completions_are_written_for_every_shell() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let ran = Place::new().run(&["completions", shell]);
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
        for word in ["serve", "checklist", "audit", "backup"] {
            assert!(ran.out.contains(word), "{shell} does not complete {word}");
        }
    }
    let script = Place::new().shell("holdpoint completions bash | bash -n");
    assert_eq!((script.code, script.err.as_str()), (Some(0), ""));
}

#[test]
fn every_command_and_option_says_what_it_is_for() {
    let mut waiting = vec![(Vec::new(), CommandLine::command())];
    let mut seen = 0;
    while let Some((path, command)) = waiting.pop() {
        for below in command.get_subcommands() {
            let mut path: Vec<String> = path.clone();
            path.push(below.get_name().to_owned());
            waiting.push((path, below.clone()));
        }
        assert!(
            command.get_about().is_some(),
            "{path:?} does not say what it does"
        );
        for argument in command.get_arguments() {
            assert!(
                argument.get_help().is_some(),
                "{path:?} {} has no help",
                argument.get_id()
            );
        }
        let mut line: Vec<&str> = path.iter().map(String::as_str).collect();
        line.push("--help");
        let ran = Place::new().run(&line);
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{line:?}");
        assert!(ran.out.contains("Usage: holdpoint"), "{}", ran.out);
        let widest = ran.out.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(100), "{line:?} is {widest:?} wide");
        seen += 1;
    }
    assert!(seen >= 12, "only {seen} commands were looked at");
}
