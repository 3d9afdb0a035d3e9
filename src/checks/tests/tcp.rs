use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

use super::*;
use crate::domain::check::TcpProbe;

fn port(address: impl Into<String>) -> Probe {
    Probe::Tcp(TcpProbe {
        address: address.into(),
    })
}

/// A service that says this to everybody who connects, and its address.
async fn saying(words: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        let mut connections = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            stream.write_all(words.as_bytes()).await.expect("a listener");
            connections.push(stream);
        }
    });
    address.to_string()
}

/// An address at which nothing listens any more.
async fn closed() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    listener.local_addr().expect("an address").to_string()
}

#[tokio::test]
async fn a_port_is_open_or_closed_and_either_can_be_the_pass() {
    let mut table = Vec::new();
    for (name, address) in [("open", saying("").await), ("closed", closed().await)] {
        for pass in [
            None,
            Some("open"),
            Some("closed"),
            Some("open && latency < duration('5s')"),
        ] {
            let result = run(&check(port(address.as_str()), pass)).await;
            table.push(format!("{name}, pass {pass:?}\n  {}\n", told(&result)));
        }
    }
    insta::assert_snapshot!(table.concat(), @r#"
    open, pass None
      Passed: 127.0.0.1:PORT is open and latency is SPAN
    open, pass Some("open")
      Passed: open is true
    open, pass Some("closed")
      Failed: closed is false, expected true
    open, pass Some("open && latency < duration('5s')")
      Passed: open is true and latency is SPAN
    closed, pass None
      Failed: 127.0.0.1:PORT is closed, expected it to be open
    closed, pass Some("open")
      Failed: open is false, expected true
    closed, pass Some("closed")
      Passed: closed is true
    closed, pass Some("open && latency < duration('5s')")
      Failed: open is false, expected true
    "#);
}

#[tokio::test]
async fn what_a_service_says_first_is_its_banner() {
    let address = saying("SSH-2.0-OpenSSH_9.2\r\nmore").await;
    let probe = port(address);
    let held = run(&check(probe.clone(), Some("banner.startsWith('SSH-2.0')"))).await;
    let failed = run(&check(probe, Some("banner.contains('nginx')"))).await;
    insta::assert_snapshot!(format!("{}\n{}", told(&held), told(&failed)), @r#"
    Passed: banner begins with "SSH-2.0"
    Failed: banner is "SSH-2.0-OpenSSH_9.2", expected it to contain "nginx"
    "#);
    assert_eq!(held.observed["banner"], "SSH-2.0-OpenSSH_9.2");
}

#[tokio::test]
async fn what_cannot_be_dialled_is_told_and_is_no_closed_port() {
    let denying = checks_with(|settings, _| settings.denied_networks.push("127.0.0.0/8".to_owned()));
    let mut table = Vec::new();
    for address in [
        closed().await.as_str(),
        "169.254.169.254:80",
        "[::ffff:169.254.169.254]:80",
        "no-such-host.invalid:80",
    ] {
        let result = denying
            .run(&check(port(address), Some("closed")), &Variables::new())
            .await;
        table.push(format!("{}\n", told(&result)));
    }
    insta::assert_snapshot!(table.concat(), @"
    Error: the address 127.0.0.1 may not be reached; the operator can change checks.network.deny and checks.network.allow
    Error: the address 169.254.169.254 may not be reached; the operator can change checks.network.deny and checks.network.allow
    Error: the address ::ffff:169.254.169.254 may not be reached; the operator can change checks.network.deny and checks.network.allow
    Error: the host no-such-host.invalid does not resolve; check the name and DNS
    ");
}

#[test]
fn an_address_that_is_none_is_told_at_once() {
    let mut table = Vec::new();
    for address in [
        "db.example",
        "db.example:0",
        "db.example:70000",
        "http://db.example:80",
        "::1:80",
        "{{ db }}:5432",
    ] {
        let problems = Checks::problems(&check(port(address), None), &BTreeMap::new());
        let told: Vec<String> = problems.into_iter().map(|problem| problem.message).collect();
        table.push(format!("{address}: {}\n", told.join("; ")));
    }
    insta::assert_snapshot!(table.concat(), @r#"
    db.example: `address` is "db.example", which is not a host and a port; write it as in db.example:5432
    db.example:0: `address` is "db.example:0", which is not a host and a port; write it as in db.example:5432
    db.example:70000: `address` is "db.example:70000", which is not a host and a port; write it as in db.example:5432
    http://db.example:80: `address` is "http://db.example:80", which is not a host and a port; write it as in db.example:5432
    ::1:80: `address` is "::1:80", which is not a host and a port; write it as in db.example:5432
    {{ db }}:5432: there is no variable db; declare it under `variables`
    "#);
}
