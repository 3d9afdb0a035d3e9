//! The settings, as an operator meets them: what wins, what is refused and in which words, and what is never shown.

#![expect(clippy::expect_used, reason = "a test may panic, in its helpers too")]

use std::{num::NonZeroUsize, path::PathBuf, time::Duration};

use holdpoint::config::{
    Allowed, Configuration, Environment, InvalidSettings, LogFormat, NetworkRule, Origin, SettingsFile,
};
use secrecy::ExposeSecret as _;

/// A token that must never be seen again once it was given.
const CANARY: &str = "canary-6f1d9b.Zm9v.secret";

/// A directory with a settings file in it.
struct Place {
    directory: tempfile::TempDir,
}

impl Place {
    fn with(text: &str) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        std::fs::write(directory.path().join("holdpoint.toml"), text).expect("it can be written to");
        Self { directory }
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("holdpoint.toml")
    }

    fn load(&self, variables: &[(&str, &str)]) -> Result<Configuration, InvalidSettings> {
        Configuration::load(&SettingsFile::Named(self.file()), environment(variables))
    }

    fn refusal(&self, variables: &[(&str, &str)]) -> String {
        let refused = self
            .load(variables)
            .expect_err("these settings were accepted")
            .to_string();
        refused.replace(&self.file().display().to_string(), "holdpoint.toml")
    }
}

fn environment(variables: &[(&str, &str)]) -> Environment {
    variables.iter().copied().collect()
}

fn defaults() -> Configuration {
    Configuration::load(&SettingsFile::None, Environment::default()).expect("the defaults are sound")
}

#[test]
fn the_documented_file_is_the_defaults() {
    let settings = defaults().settings;
    assert_eq!(settings.database.path, PathBuf::from("holdpoint.db"));
    assert_eq!(settings.checklists.directory, PathBuf::from("checklists"));
    assert!(
        settings.http.listen.ip().is_loopback(),
        "only this machine is answered unless configured"
    );
    assert_eq!(settings.log.filter, "info");
    assert_eq!(settings.log.format, LogFormat::Auto);
    assert_eq!(settings.checks.concurrency, NonZeroUsize::new(16).unwrap());
    assert_eq!(settings.checks.per_host, NonZeroUsize::new(4).unwrap());
    assert_eq!(settings.checks.body_limit_bytes, 1024 * 1024);
    assert!(
        settings.checks.commands.allow.is_empty(),
        "nothing may be run unless configured"
    );
    assert_eq!(settings.checks.commands.environment, ["PATH", "HOME", "LANG"]);
    assert_eq!(settings.checks.commands.user, "nobody");
    assert_eq!(
        settings.checks.commands.memory_limit_bytes,
        NonZeroUsize::new(4 << 30)
    );
    assert_eq!(settings.checks.commands.process_limit, NonZeroUsize::new(512));
    assert_eq!(settings.checks.files.readable, [PathBuf::from(".")]);
    assert!(settings.checks.network.allow.is_empty() && settings.checks.network.deny.is_empty());
    assert_eq!(settings.permissions.start, [Allowed::Everyone]);
    assert_eq!(settings.permissions.tick, [Allowed::Everyone]);
    assert_eq!(settings.permissions.skip, [Allowed::Everyone]);
    assert_eq!(
        settings.permissions.decide,
        [Allowed::SignOffHolder, Allowed::ManageServer]
    );
    assert_eq!(settings.permissions.manage, [Allowed::ManageServer]);
    assert!(settings.guilds.is_empty());
    assert!(settings.sign_offs.four_eyes);
    assert_eq!(settings.shutdown.drain, Duration::from_secs(10));
    assert!(
        settings
            .discord
            .token()
            .unwrap_err()
            .to_string()
            .contains("HOLDPOINT__DISCORD__TOKEN")
    );
}

#[test]
fn every_setting_that_is_shown_is_documented_and_every_documented_one_is_shown() {
    let documentation = include_str!("../config/holdpoint.toml");
    let mut section = String::new();
    let mut documented = Vec::new();
    for line in documentation.lines().filter(|line| !line.contains("guilds.")) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name.to_owned();
        } else if let Some((name, _)) = line.trim_start_matches("# ").split_once(" = ")
            && name
                .chars()
                .all(|letter| letter.is_ascii_lowercase() || letter == '_')
        {
            let key = format!("{section}.{name}");
            if !documented.contains(&key) {
                documented.push(key);
            }
        }
    }
    let shown: Vec<String> = defaults()
        .effective
        .iter()
        .map(|setting| setting.key().to_owned())
        .collect();
    assert_eq!(shown, documented);
}

#[test]
fn a_variable_wins_over_the_file_and_the_file_over_the_default() {
    let place = Place::with(
        "[http]\nlisten = \"127.0.0.1:9000\"\n[checks]\nconcurrency = 2\nper_host = 1\n[shutdown]\ndrain = \"1m 30s\"\n",
    );
    let configuration = place
        .load(&[
            ("HOLDPOINT__CHECKS__CONCURRENCY", "64"),
            ("HOLDPOINT__CHECKS__COMMANDS__ALLOW", "npm, cargo"),
            ("HOLDPOINT__CHECKS__COMMANDS__PROCESS_LIMIT", "0"),
            ("holdpoint__sign_offs__four_eyes", "false"),
            ("HOLDPOINT_RECORDING", "another program's variable"),
            ("PATH", "/bin"),
        ])
        .unwrap();
    let settings = &configuration.settings;
    assert_eq!(settings.http.listen, "127.0.0.1:9000".parse().unwrap());
    assert_eq!(settings.checks.concurrency.get(), 64);
    assert_eq!(settings.checks.per_host.get(), 1);
    assert_eq!(settings.checks.commands.allow, ["npm", "cargo"]);
    assert_eq!(settings.checks.commands.process_limit, None);
    assert!(!settings.sign_offs.four_eyes);
    assert_eq!(settings.shutdown.drain, Duration::from_secs(90));

    let origin = |key: &str| configuration.effective.get(key).unwrap().origin().clone();
    assert_eq!(origin("http.listen"), Origin::File(place.file()));
    assert_eq!(
        origin("checks.concurrency"),
        Origin::Variable("HOLDPOINT__CHECKS__CONCURRENCY".into())
    );
    assert_eq!(origin("checks.per_host"), Origin::File(place.file()));
    assert_eq!(origin("checks.body_limit_bytes"), Origin::Default);
}

#[test]
fn an_empty_variable_is_an_empty_list() {
    let configuration = Place::with("[permissions]\nstart = [\"starter\"]\n")
        .load(&[("HOLDPOINT__PERMISSIONS__START", "")])
        .unwrap();
    assert!(
        configuration.settings.permissions.start.is_empty(),
        "nobody may start"
    );
}

#[test]
fn a_wrong_type_is_one_sentence_with_key_value_expectation_and_source() {
    type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str);
    let cases: [Case<'_>; 10] = [
        (
            "[checks]\nconcurrency = \"many\"\n",
            &[],
            "checks.concurrency is the text \"many\", but must be a whole number from 1 to 1024; it comes \
             from the file holdpoint.toml.",
        ),
        (
            "",
            &[("HOLDPOINT__CHECKS__CONCURRENCY", "many")],
            "checks.concurrency is the text \"many\", but must be a whole number from 1 to 1024; it comes \
             from the environment variable HOLDPOINT__CHECKS__CONCURRENCY.",
        ),
        (
            "[checks]\nper_host = 0\n",
            &[],
            "checks.per_host is the number 0, but must be a whole number from 1 to 1024; it comes from the \
             file holdpoint.toml.",
        ),
        (
            "[http]\nlisten = 8080\n",
            &[],
            "http.listen is the number 8080, but must be an address and a port, such as \"127.0.0.1:8080\"; it \
             comes from the file holdpoint.toml.",
        ),
        (
            "[sign_offs]\nfour_eyes = \"yes\"\n",
            &[],
            "sign_offs.four_eyes is the text \"yes\", but must be true or false; it comes from the file \
             holdpoint.toml.",
        ),
        (
            "[shutdown]\ndrain = 10\n",
            &[],
            "shutdown.drain is the number 10, but must be a duration with its unit, such as \"30s\" or \"5m\"; \
             it comes from the file holdpoint.toml.",
        ),
        (
            "[checks.commands]\nallow = [\"npm\", 3]\n",
            &[],
            "checks.commands.allow is a list with the number 3 in it, but must be a list of texts; it comes \
             from the file holdpoint.toml.",
        ),
        (
            "[checks.commands]\nprocess_limit = -1\nmemory_limit_bytes = 1000\n",
            &[],
            "checks.commands.memory_limit_bytes is the number 1000, but must be a whole number from 16777216 to \
             1125899906842624, or 0 for no limit; it comes from the file holdpoint.toml.\n\
             checks.commands.process_limit is the number -1, but must be a whole number from 1 to 4194304, or 0 for no \
             limit; it comes from the file holdpoint.toml.",
        ),
        (
            "[log]\nformat = \"xml\"\n",
            &[],
            "log.format is the text \"xml\", but must be one of \"auto\", \"pretty\", \"json\"; it comes from \
             the file holdpoint.toml.",
        ),
        (
            "http = \"127.0.0.1:8080\"\n",
            &[],
            "http is a text, but must be a section with settings in it; it comes from the file holdpoint.toml.",
        ),
    ];
    for (text, variables, sentence) in cases {
        assert_eq!(Place::with(text).refusal(variables), sentence);
    }
}

#[test]
fn a_negative_duration_and_an_absurd_number_are_refused() {
    for text in [
        "[shutdown]\ndrain = \"-5s\"\n",
        "[checks]\nconcurrency = -1\n",
        "[checks]\nconcurrency = 1e99\n",
    ] {
        let sentence = Place::with(text).refusal(&[]);
        assert!(sentence.contains(", but must be "), "{sentence}");
    }
}

#[test]
fn a_rule_that_is_none_is_named() {
    let sentence = Place::with("[permissions]\ndecide = [\"sign-off\", \"role:qa\"]\n").refusal(&[]);
    assert!(
        sentence.starts_with("permissions.decide is a list with \"role:qa\" in it"),
        "{sentence}"
    );
    assert!(
        sentence.contains("after the colon the id must stand"),
        "{sentence}"
    );

    let sentence = Place::with("[checks.network]\nallow = [\"https://internal\"]\n").refusal(&[]);
    assert!(
        sentence.starts_with("checks.network.allow is a list with \"https://internal\" in it"),
        "{sentence}"
    );
}

#[test]
fn an_unknown_key_is_refused_with_the_nearest() {
    assert_eq!(
        Place::with("[checks]\nconcurency = 3\n").refusal(&[]),
        "the file holdpoint.toml has checks.concurency, which is no setting; the nearest is checks.concurrency."
    );
    assert_eq!(
        Place::with("").refusal(&[("HOLDPOINT__HTTP__LISTN", "127.0.0.1:1")]),
        "the environment variable HOLDPOINT__HTTP__LISTN names no setting; the nearest is \
         HOLDPOINT__HTTP__LISTEN."
    );
    assert_eq!(
        Place::with("[guilds.5.permission]\nstart = []\n").refusal(&[]),
        "the file holdpoint.toml has guilds.5.permission, which is no setting; the nearest is \
         guilds.5.permissions."
    );
    assert_eq!(
        Place::with("zebra = 1\n").refusal(&[]),
        "the file holdpoint.toml has zebra, which is no setting; remove it, or run `holdpoint config` to see \
         those there are."
    );
}

#[test]
fn every_mistake_is_told_at_once() {
    let refused = Place::with("[checks]\nconcurrency = \"x\"\nper_hots = 1\n")
        .load(&[])
        .unwrap_err();
    assert_eq!(refused.problems().len(), 2, "{refused}");
}

#[test]
fn a_server_may_have_rules_of_its_own() {
    let place = Place::with(
        "[permissions]\nskip = [\"starter\"]\n\
         [guilds.123456789012345678.permissions]\nstart = [\"role:7\", \"user:8\"]\ndecide = []\n",
    );
    let settings = place
        .load(&[("HOLDPOINT__GUILDS__5__PERMISSIONS__MANAGE", "sign-off")])
        .unwrap()
        .settings;
    let own = settings.permissions_in(123_456_789_012_345_678);
    assert_eq!(own.start, [Allowed::Role(7), Allowed::User(8)]);
    assert!(own.decide.is_empty());
    assert_eq!(
        own.skip,
        [Allowed::Starter],
        "what the server leaves unsaid is as for all"
    );
    assert_eq!(settings.permissions_in(5).manage, [Allowed::SignOffHolder]);
    assert_eq!(settings.permissions_in(6), &settings.permissions);

    let sentence = Place::with("[guilds.our-team.permissions]\nstart = []\n").refusal(&[]);
    assert!(
        sentence.contains("\"our-team\"") && sentence.contains("id of a Discord server"),
        "{sentence}"
    );
}

#[test]
fn network_rules_are_parsed() {
    let settings = Place::with("[checks.network]\nallow = [\"*.internal\", \"10.0.0.0/8\"]\n")
        .load(&[])
        .unwrap()
        .settings;
    assert_eq!(
        settings.checks.network.allow,
        [
            NetworkRule::Below("internal".into()),
            NetworkRule::Network {
                address: [10, 0, 0, 0].into(),
                prefix_bits: 8
            }
        ]
    );
}

#[test]
fn a_file_that_was_named_must_be_there_and_one_that_was_not_need_not() {
    let place = Place::with("");
    let absent = place.directory.path().join("absent.toml");
    let refused =
        Configuration::load(&SettingsFile::Named(absent.clone()), Environment::default()).unwrap_err();
    assert!(
        refused.to_string().contains("absent.toml cannot be read"),
        "{refused}"
    );
    assert!(Configuration::load(&SettingsFile::IfPresent(absent), Environment::default()).is_ok());
}

#[test]
fn a_file_that_is_no_toml_is_refused_with_its_place() {
    let sentence = Place::with("[http]\nlisten = \n").refusal(&[]);
    assert!(
        sentence.starts_with("the settings file holdpoint.toml is not valid TOML: line 2, column"),
        "{sentence}"
    );
    assert!(!sentence.contains('\n'), "{sentence}");
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_no_unicode_is_refused_by_name() {
    use std::{ffi::OsString, os::unix::ffi::OsStringExt as _};

    let variables = [("HOLDPOINT__LOG__FILTER", OsString::from_vec(vec![0xff]))];
    let refused = Configuration::load(&SettingsFile::None, variables.into_iter().collect()).unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("HOLDPOINT__LOG__FILTER is not valid Unicode"),
        "{refused}"
    );
}

#[test]
fn the_token_comes_from_a_variable_or_a_file_and_the_nearer_wins() {
    let place = Place::with(&format!("[discord]\ntoken = \"{CANARY}\"\n"));
    let secret = place.directory.path().join("token");
    std::fs::write(&secret, "from-a-file\n").unwrap();
    let secret = secret.display().to_string();

    let token = |variables: &[(&str, &str)]| {
        let configuration = place.load(variables).unwrap();
        configuration
            .settings
            .discord
            .token()
            .map(|token| token.expose_secret().to_owned())
    };
    assert_eq!(token(&[]).unwrap(), CANARY);
    assert_eq!(
        token(&[("HOLDPOINT__DISCORD__TOKEN_FILE", &secret)]).unwrap(),
        "from-a-file"
    );
    assert_eq!(
        token(&[("HOLDPOINT__DISCORD__TOKEN", "from-a-variable")]).unwrap(),
        "from-a-variable"
    );

    let both = [
        ("HOLDPOINT__DISCORD__TOKEN_FILE", secret.as_str()),
        ("HOLDPOINT__DISCORD__TOKEN", "x"),
    ];
    assert!(place.refusal(&both).contains("only one of them can hold"));

    let absent = token(&[("HOLDPOINT__DISCORD__TOKEN_FILE", "/nowhere/token")])
        .unwrap_err()
        .to_string();
    assert!(
        absent.contains("/nowhere/token") && absent.contains("HOLDPOINT__DISCORD__TOKEN_FILE"),
        "{absent}"
    );
    let spaced = token(&[("HOLDPOINT__DISCORD__TOKEN", "two words")])
        .unwrap_err()
        .to_string();
    assert!(
        !spaced.contains("two words") && spaced.contains("copy it again"),
        "{spaced}"
    );
}

#[test]
fn the_token_is_never_shown() {
    let place = Place::with(&format!("[discord]\ntoken = \"{CANARY}\"\n"));
    let configuration = place.load(&[]).unwrap();
    let table = configuration.effective.to_string();
    let json = configuration.effective.to_json();
    assert!(
        table
            .lines()
            .any(|line| line.starts_with("discord.token ") && line.contains("********")),
        "{table}"
    );
    assert_eq!(json["discord.token"]["value"], "********");
    assert_eq!(json["discord.token"]["source"], "file");
    assert_eq!(json["discord.token_file"]["value"], serde_json::Value::Null);
    for shown in [table, json.to_string(), format!("{configuration:?}")] {
        assert!(!shown.contains(CANARY), "the token is shown in {shown}");
    }

    // Neither is it in what is said about a file or a variable that is wrong.
    let mistakes = [
        (format!("[discord]\ntoken = \"{CANARY}\n"), vec![]),
        (format!("[discord]\ntoken = {CANARY}\n"), vec![]),
        (format!("[discord]\ntokem = \"{CANARY}\"\n"), vec![]),
        (format!("[discord]\ntoken = [\"{CANARY}\"]\n"), vec![]),
        (format!("discord = \"{CANARY}\"\n"), vec![]),
        (String::new(), vec![("HOLDPOINT__DISCORD__TOKENS", CANARY)]),
        (String::new(), vec![("HOLDPOINT__DISCORD", CANARY)]),
    ];
    for (text, variables) in mistakes {
        let sentence = Place::with(&text).refusal(&variables);
        assert!(!sentence.contains("canary"), "the token is shown in {sentence}");
    }
}

#[test]
fn what_is_in_force_is_shown_as_an_aligned_table() {
    let place = Place::with("[http]\nlisten = \"127.0.0.1:9000\"\n");
    let configuration = place.load(&[("HOLDPOINT__SHUTDOWN__DRAIN", "1m")]).unwrap();
    let table = configuration
        .effective
        .to_string()
        .replace(&place.file().display().to_string(), "holdpoint.toml");
    insta::assert_snapshot!(table);
}

#[test]
fn a_stand_in_for_discord_is_taken_whole_and_on_this_machine_alone() {
    let load = |variables: &[(&str, &str)]| {
        Configuration::load(&SettingsFile::None, variables.iter().copied().collect())
    };
    let proxy = "HOLDPOINT__DISCORD__LOCAL_PROXY";
    let certificate = ("HOLDPOINT__DISCORD__LOCAL_CERTIFICATE", "authority.pem");
    let both = load(&[(proxy, "http://127.0.0.1:8123"), certificate]).unwrap();
    let local = both.settings.discord.local.unwrap();
    assert_eq!(local.proxy.to_string(), "127.0.0.1:8123");
    for elsewhere in [
        "http://10.1.2.3:8123",
        "http://localhost:8123",
        "https://127.0.0.1:8123",
        "127.0.0.1",
    ] {
        let refused = load(&[(proxy, elsewhere), certificate]).unwrap_err().to_string();
        assert!(refused.contains("must be a loopback address"), "{refused}");
    }
    let half = load(&[certificate]).unwrap_err().to_string();
    assert!(half.contains("without discord.local_proxy"), "{half}");
}
