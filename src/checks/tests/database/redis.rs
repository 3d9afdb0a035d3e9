use secrecy::SecretString;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;

use super::servers::{cannot_run, free_port};
use super::*;

/// A server that answers each command by what `answer` says for it, and nothing when that is empty.
async fn answering(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut bytes = [0; 1024];
            while let Ok(came @ 1..) = stream.read(&mut bytes).await {
                let command = String::from_utf8_lossy(&bytes[..came]).into_owned();
                // A client that has heard enough goes, which is what some tests are about.
                if stream.write_all(&answer(&command)).await.is_err() {
                    break;
                }
            }
        }
    });
    format!("redis://{address}")
}

/// What a server that wants the password `right` says.
fn guarded(command: &str) -> Vec<u8> {
    match command {
        "*2\r\n$4\r\nAUTH\r\n$5\r\nright\r\n" | "*3\r\n$4\r\nAUTH\r\n$2\r\nme\r\n$5\r\nright\r\n" => {
            b"+OK\r\n".to_vec()
        }
        auth if auth.contains("AUTH") => {
            b"-WRONGPASS invalid username-password pair or user is disabled.\r\n".to_vec()
        }
        _ => b"-NOAUTH Authentication required.\r\n".to_vec(),
    }
}

const INFO: &str = "# Server\r\nredis_version:7.0.15\r\nredis_git_sha1:00000000\r\nuptime_in_seconds:42\r\n\r\n# Memory\r\nmem_fragmentation_ratio:1.25\r\nmaxmemory_policy:noeviction\r\ndb0:keys=1,expires=0\r\n";

#[tokio::test]
async fn ping_and_info_are_judged() {
    let ping = answering(|command| match command {
        "*1\r\n$4\r\nPING\r\n" => b"+PONG\r\n".to_vec(),
        other => panic!("{other:?} was asked"),
    })
    .await;
    let info = answering(|command| match command {
        "*2\r\n$4\r\nINFO\r\n$6\r\nmemory\r\n" => format!("${}\r\n{INFO}\r\n", INFO.len()).into_bytes(),
        other => panic!("{other:?} was asked"),
    })
    .await;
    let mut table = Vec::new();
    for (url, query, pass) in [
        (&ping, "ping", None),
        (
            &ping,
            "PING",
            Some("value == 'PONG' && latency < duration('10s')"),
        ),
        (&info, "INFO memory", None),
        (
            &info,
            "INFO Memory",
            Some(
                "value.uptime_in_seconds == 42 && value.mem_fragmentation_ratio < 1.5 && value.redis_git_sha1 == '00000000' \
             && value.redis_version == '7.0.15' && value.db0.contains('keys=1')",
            ),
        ),
        (
            &info,
            "INFO memory",
            Some("value.maxmemory_policy == 'allkeys-lru'"),
        ),
    ] {
        table.push(told_of(url, query, pass).await);
    }
    insta::assert_snapshot!(table.join("\n"), @r#"
    Passed: value is "PONG"
    Passed: value is "PONG" and latency is SPAN
    Passed: value is {"db0":"keys=1,expires=0","maxmemory_policy":"noeviction","mem_fragmentation_rat…
    Passed: value.uptime_in_seconds is 42, value.mem_fragmentation_ratio is 1.25, value.redis_git_sha1 is "00000000", value.redis_version is "7.0.15" and value.db0 contains "keys=1"
    Failed: value.maxmemory_policy is "noeviction", expected "allkeys-lru"
    "#);
}

#[tokio::test]
async fn what_stands_in_the_way_is_told_in_time_and_no_password_with_it() {
    let secured = answering(|command| {
        if command.contains("PING") {
            b"+PONG\r\n".to_vec()
        } else {
            guarded(command)
        }
    })
    .await;
    let with = |login: &str, url: &str| url.replace("redis://", &format!("redis://{login}@"));
    let wanting = answering(guarded).await;
    let mut table = Vec::new();
    for (title, url) in [
        ("right password", with(":right", &secured)),
        ("right user and password", with("me:right", &secured)),
        ("wrong password", with(":wr0ng-canary", &secured)),
        ("no password", wanting),
        (
            "garbage",
            answering(|_| b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()).await,
        ),
        ("other answer", answering(|_| b"+NOPE\r\n".to_vec()).await),
        ("an array", answering(|_| b"*1\r\n$4\r\nPONG\r\n".to_vec()).await),
        ("too long", answering(|_| b"$99999999\r\nx".to_vec()).await),
        (
            "a line without end",
            answering(|_| [b"+".as_slice(), &[b'x'; 9000]].concat()).await,
        ),
        (
            "loading",
            answering(|_| b"-LOADING Redis is loading the dataset in memory\r\n".to_vec()).await,
        ),
        ("silent", answering(|_| Vec::new()).await),
        (
            "nobody",
            super::super::server::nobody().await.replace("http:", "redis:"),
        ),
    ] {
        let mut check = check(ask(url, "PING"), None);
        if title == "silent" {
            check = in_short(check);
        }
        let told = told(&run(&check).await);
        assert!(!told.contains("canary"), "{told}");
        table.push(format!("{title}: {told}"));
    }
    let plain = answering(|_| b"-ERR unknown command\r\n".to_vec()).await;
    let encrypted = plain.replace("redis://", "rediss://");
    let told = told_of(&encrypted, "PING", None).await;
    table.push(format!("no TLS: {told}"));
    insta::assert_snapshot!(table.join("\n"), @r#"
    right password: Passed: value is "PONG"
    right user and password: Passed: value is "PONG"
    wrong password: Error: 127.0.0.1:PORT refuses the user or the password of `url` (WRONGPASS invalid username-password pair or user is disabled.); check both
    no password: Error: 127.0.0.1:PORT wants a password (NOAUTH Authentication required.); give `url` one from a secret variable
    garbage: Error: 127.0.0.1:PORT does not answer as Redis does; mend `url`
    other answer: Error: 127.0.0.1:PORT answers PING with "NOPE" and not with PONG; mend `url`
    an array: Error: 127.0.0.1:PORT does not answer as Redis does; mend `url`
    too long: Error: what the query gives is longer than 1048576 bytes; ask for fewer columns or rows
    a line without end: Error: 127.0.0.1:PORT does not answer as Redis does; mend `url`
    loading: Error: 127.0.0.1:PORT is still loading its data (LOADING Redis is loading the dataset in memory); try again soon
    silent: Error: 127.0.0.1:PORT took the connection and did not answer within 200 ms; raise `timeout` if that is too short
    nobody: Error: nothing listens at 127.0.0.1:PORT (connection refused); start the service, or mend the port
    no TLS: Error: 127.0.0.1:PORT could not be spoken to by TLS (received corrupt message of type InvalidContentType); check that it serves TLS there
    "#);
}

#[tokio::test]
async fn a_real_server_answers() {
    let port = free_port();
    let started = tokio::process::Command::new("redis-server")
        .args([
            "--port",
            &port.to_string(),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--requirepass",
            "s3cret-canary",
        ])
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::piped())
        .kill_on_drop(true)
        .spawn();
    let Ok(mut server) = started else {
        cannot_run("Redis", "redis-server");
        return;
    };
    let mut lines = BufReader::new(server.stdout.take().expect("its output")).lines();
    while let Some(line) = lines.next_line().await.expect("a line") {
        if line.contains("Ready to accept connections") {
            break;
        }
    }
    let variables =
        Variables::new().with_secret(VariableName::new("password"), SecretString::from("s3cret-canary"));
    let url = format!("redis://:{{{{ password }}}}@127.0.0.1:{port}");
    let mut table = Vec::new();
    for (url, query, pass) in [
        (url.as_str(), "PING", None),
        (&url, "INFO server", Some("value.redis_mode == 'standalone'")),
        (
            &url,
            "INFO",
            Some("value.role == 'master' && value.connected_clients >= 1"),
        ),
        (&url.replace("}}@", "}}-not@"), "PING", None),
        (&url.replace(":{{ password }}@", ""), "PING", None),
    ] {
        let result = checks().run(&check(ask(url, query), pass), &variables).await;
        assert!(!serde_json::to_string(&result).expect("JSON").contains("canary"));
        table.push(told(&result));
    }
    insta::assert_snapshot!(table.join("\n"), @r#"
    Passed: value is "PONG"
    Passed: value.redis_mode is "standalone"
    Passed: value.role is "master" and value.connected_clients is 1
    Error: 127.0.0.1:PORT refuses the user or the password of `url` (WRONGPASS invalid username-password pair or user is disabled.); check both
    Error: 127.0.0.1:PORT wants a password (NOAUTH Authentication required.); give `url` one from a secret variable
    "#);
}
