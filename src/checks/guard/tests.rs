use super::*;

fn guard(change: impl FnOnce(&mut GuardSettings)) -> Guard {
    let mut settings = GuardSettings::default();
    change(&mut settings);
    let environment = [("PATH", "relative:/nowhere:/usr/bin:/bin"), ("HOME", "/home/x")];
    Guard::new(settings, environment.into_iter().collect()).expect("the settings are right")
}

fn texts(values: &[&str]) -> Vec<String> {
    values.iter().copied().map(str::to_owned).collect()
}

fn url(text: &str) -> url::Url {
    text.parse().expect("a URL")
}

#[test]
fn loopback_is_found_in_every_disguise() {
    let open = guard(|_| {});
    let closed = guard(|settings| settings.denied_networks = texts(&["127.0.0.0/8", "::1"]));
    for disguise in [
        "http://127.0.0.1/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://0177.0.0.1/",
        "http://127.1/",
        "http://①②⑦.0.0.1/",
        "http://0.0.0.0/",
        "http://[::]/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::127.0.0.1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[64:ff9b:1::7f00:1]/",
        "http://[2002:7f00:1::]/",
        "http://[2001:0:1:2:3:4:80ff:fffe]/",
    ] {
        assert_eq!(open.vet_url(&url(disguise)), Ok(()), "{disguise}");
        assert!(
            matches!(closed.vet_url(&url(disguise)), Err(Refusal::Address(..))),
            "{disguise} passes"
        );
    }
    assert_eq!(closed.vet_url(&url("http://192.0.2.1/")), Ok(()));
    assert_eq!(closed.vet_url(&url("http://[2001:db8::1]/")), Ok(()));
}

#[test]
fn metadata_addresses_are_closed_until_allowed() {
    let metadata = url("http://169.254.169.254/latest/meta-data/");
    assert_eq!(
        guard(|_| {}).vet_url(&metadata).map_err(|refusal| refusal.to_string()),
        Err("the address 169.254.169.254 may not be reached; the operator can change checks.network.deny and checks.network.allow".to_owned())
    );
    let open = guard(|settings| settings.allowed_networks = texts(&["169.254.169.254"]));
    assert_eq!(open.vet_url(&metadata), Ok(()));
}

#[test]
fn hosts_are_held_to_their_lists() {
    let guard = guard(|settings| {
        settings.allowed_hosts = texts(&["*.Example.org", "example.com"]);
        settings.denied_hosts = texts(&["secret.example.org"]);
    });
    for open in ["http://a.example.org/", "http://EXAMPLE.com./"] {
        assert_eq!(guard.vet_url(&url(open)), Ok(()), "{open}");
    }
    for closed in [
        "http://example.org/",
        "http://badexample.org/",
        "http://secret.example.org./",
        "http://example.com.evil.test/",
        "http://192.0.2.1/",
    ] {
        assert!(
            matches!(guard.vet_url(&url(closed)), Err(Refusal::Host(_))),
            "{closed}"
        );
    }
}

#[test]
fn imported_checklists_reach_public_addresses_only() {
    let open = guard(|_| {});
    let imported = open.for_imported();
    for private in [
        "http://127.0.0.1/",
        "http://10.1.2.3/",
        "http://192.168.0.1/",
        "http://[::1]/",
        "http://[fd12::1]/",
        "http://[::ffff:10.1.2.3]/",
        "http://[64:ff9b::a01:203]/",
    ] {
        assert_eq!(open.vet_url(&url(private)), Ok(()), "{private}");
        assert!(
            matches!(
                imported.vet_url(&url(private)),
                Err(Refusal::Address(_, Barrier::NotPublic))
            ),
            "{private} passes"
        );
    }
    assert_eq!(imported.vet_url(&url("http://192.0.2.1/")), Ok(()));
    assert_eq!(imported.vet_url(&url("http://[2606:4700:4700::1111]/")), Ok(()));
    assert_eq!(
        imported
            .vet_address_of("db.example", [10, 1, 2, 3].into())
            .map_err(|refusal| refusal.to_string()),
        Err("the host db.example is at 10.1.2.3, which is not public, and a checklist that was imported reaches public addresses only; the operator can approve the checklist, or name the host or the network in checks.imported.allow".to_owned())
    );
}

#[test]
fn imported_checklists_reach_what_the_operator_names_for_them() {
    let imported = guard(|settings| {
        settings.networks_for_imported = texts(&["10.1.0.0/16", "169.254.0.0/16"]);
        settings.hosts_for_imported = texts(&["*.staging.example"]);
    })
    .for_imported();
    assert_eq!(imported.vet_address([10, 1, 2, 3].into()), Ok(()));
    assert!(imported.vet_address([10, 2, 2, 3].into()).is_err());
    assert_eq!(
        imported.vet_address_of("app.staging.example", [10, 2, 2, 3].into()),
        Ok(())
    );
    assert!(
        imported
            .vet_address_of("app.example", [10, 2, 2, 3].into())
            .is_err()
    );
    // What is denied to all stays denied.
    assert_eq!(
        imported.vet_address([169, 254, 169, 254].into()),
        Err(Refusal::Address([169, 254, 169, 254].into(), Barrier::Denied))
    );
}

#[test]
fn imported_checklists_see_nothing_of_the_machine_and_put_no_load_on_others() {
    let trusted = guard(|settings| settings.commands = texts(&["sh"]));
    assert!(trusted.vet_program("sh").is_ok() && trusted.readable().is_ok());
    let imported = trusted.for_imported();
    assert_eq!(
        imported.vet_program("sh").map_err(|refusal| refusal.to_string()),
        Err(
            "a checklist that was imported runs no commands; the operator can read it and approve it"
                .to_owned()
        )
    );
    assert_eq!(
        imported.readable().err(),
        Some(Refusal::Forbidden(Forbidden::Files))
    );
    assert_eq!(
        imported.environment().err(),
        Some(Refusal::Forbidden(Forbidden::Environment))
    );
    assert_eq!(imported.environment_passed_on().count(), 0);
    assert_eq!(trusted.vet_load(), Ok(()));
    assert_eq!(imported.vet_load(), Err(Refusal::Forbidden(Forbidden::Load)));
}

#[test]
fn only_http_is_spoken() {
    for other in ["ftp://example.org/", "file:///etc/passwd", "data:,x"] {
        assert!(
            matches!(guard(|_| {}).vet_url(&url(other)), Err(Refusal::Scheme(_))),
            "{other}"
        );
    }
}

#[test]
fn programs_are_held_to_their_list() {
    let refused = |guard: &Guard, program: &str| {
        guard
            .vet_program(program)
            .map_err(|refusal| refusal.to_string())
            .expect_err("a refusal")
    };
    assert_eq!(
        refused(&guard(|_| {}), "sh"),
        "commands are off; the operator can allow programs by name, here sh"
    );
    let by_name = guard(|settings| settings.commands = texts(&["sh", "no-such-program-here"]));
    assert!(by_name.vet_program("sh").is_ok_and(|path| path.is_absolute()));
    assert_eq!(
        refused(&by_name, "cat"),
        "the program cat is not one that may be run; the operator can add it to the allowed commands"
    );
    assert_eq!(
        refused(&by_name, "/tmp/sh"),
        "the program /tmp/sh is not one that may be run; the operator can add it to the allowed commands"
    );
    assert_eq!(
        refused(&by_name, "no-such-program-here"),
        "the program no-such-program-here is not on this machine; install it, or add its directory to the bot's PATH"
    );
    let by_path = guard(|settings| settings.commands = texts(&["/usr/bin/env"]));
    assert_eq!(
        by_path.vet_program("env").ok(),
        Some(PathBuf::from("/usr/bin/env"))
    );
    assert_eq!(
        by_path.vet_program("/usr/bin/env").ok(),
        Some(PathBuf::from("/usr/bin/env"))
    );
    assert!(by_path.vet_program("sh").is_err());
}

#[test]
fn commands_get_the_named_variables_only() {
    let guard = guard(|settings| settings.environment = texts(&["HOME", "NOT_THERE"]));
    assert_eq!(
        guard.environment_passed_on().collect::<Vec<_>>(),
        [("HOME", "/home/x")]
    );
}

#[test]
fn a_wrong_setting_is_told() {
    let told = |change: fn(&mut GuardSettings)| {
        let mut settings = GuardSettings::default();
        change(&mut settings);
        Guard::new(settings, Environment::default())
            .map_err(|error| error.to_string())
            .err()
    };
    assert_eq!(
        told(|settings| settings.denied_networks = texts(&["10.0.0.0/33"])).as_deref(),
        Some(
            "denied_networks names \"10.0.0.0/33\", which is not an address or a network such as 10.0.0.0/8"
        )
    );
    assert_eq!(
        told(|settings| settings.allowed_hosts = texts(&["https://x"])).as_deref(),
        Some(
            "allowed_hosts names \"https://x\", which is not a host such as app.example or *.app.example, without scheme or port"
        )
    );
    assert_eq!(
        told(|settings| settings.commands = texts(&["./run"])).as_deref(),
        Some("commands names \"./run\", which is not a program's name or absolute path")
    );
}
