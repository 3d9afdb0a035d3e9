use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};

use hickory_proto::op::{Message, Query, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA, CAA, CNAME, MX, NS, SOA, SRV, TXT};
use hickory_proto::rr::{Name, RData, Record, RecordType as WireType};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, UdpSocket};

use super::*;
use crate::domain::check::{DnsProbe, RecordType};
use crate::domain::ids::VariableName;

/// What a server says to a question.
type Saying = fn(&Message) -> Option<Vec<u8>>;

/// How a question came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Udp,
    Tcp,
}

fn asking(name: &str, record_type: RecordType, resolver: impl Into<String>) -> Probe {
    Probe::Dns(DnsProbe {
        name: name.to_owned(),
        record_type,
        resolver: Some(resolver.into()),
    })
}

/// A DNS server that answers with these bytes, or not at all, and its address.
async fn serving(answer: impl Fn(&Message, Way) -> Option<Vec<u8>> + Send + Sync + 'static) -> String {
    let (udp, tcp) = loop {
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        // The port of the same number may be taken for UDP.
        if let Ok(udp) = UdpSocket::bind(tcp.local_addr().expect("an address")).await {
            break (udp, tcp);
        }
    };
    let address = tcp.local_addr().expect("an address");
    let answer = Arc::new(answer);
    let by_udp = Arc::clone(&answer);
    tokio::spawn(async move {
        let mut bytes = [0; 512];
        while let Ok((length, peer)) = udp.recv_from(&mut bytes).await {
            let question = Message::from_vec(&bytes[..length]).expect("a question");
            if let Some(said) = by_udp(&question, Way::Udp) {
                udp.send_to(&said, peer).await.expect("a listener");
            }
        }
    });
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = tcp.accept().await {
            let length = stream.read_u16().await.expect("a length");
            let mut bytes = vec![0; usize::from(length)];
            stream.read_exact(&mut bytes).await.expect("a question");
            let question = Message::from_vec(&bytes).expect("a question");
            if let Some(said) = answer(&question, Way::Tcp) {
                stream.write_u16(said.len() as u16).await.expect("a listener");
                stream.write_all(&said).await.expect("a listener");
            }
        }
    });
    address.to_string()
}

fn name(text: &str) -> Name {
    Name::from_str_relaxed(text).expect("a name")
}

fn record(owner: &str, ttl: u32, data: RData) -> Record {
    Record::from_rdata(name(owner), ttl, data)
}

/// An answer to the question from a resolver, without records.
fn answer_to(question: &Message) -> Message {
    let mut answer = Message::response(question.metadata.id, question.metadata.op_code);
    answer.metadata.recursion_available = true;
    answer.add_queries(question.queries.clone());
    answer
}

/// Everything that the server of these tests knows.
fn records() -> Vec<Record> {
    let app = "app.example.";
    vec![
        record(app, 300, RData::A(A::new(192, 0, 2, 20))),
        record(app, 60, RData::A(A::new(192, 0, 2, 10))),
        record(app, 90, RData::AAAA(AAAA::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1))),
        record(app, 30, RData::MX(MX::new(10, name("Mail.Example.")))),
        record(app, 30, RData::MX(MX::new(20, name("backup.example.")))),
        record(
            app,
            30,
            RData::TXT(TXT::new(vec![
                "v=spf1 include:".to_owned(),
                "mail.example -all".to_owned(),
            ])),
        ),
        record(app, 86_400, RData::NS(NS(name("ns1.example.")))),
        record(
            app,
            3600,
            RData::SOA(SOA::new(
                name("ns1.example."),
                name("admin.example."),
                2026,
                7200,
                900,
                86_400,
                300,
            )),
        ),
        record(
            app,
            30,
            RData::CAA(CAA::new_issue(false, Some(name("ca.example")), Vec::new())),
        ),
        record(
            "_sip._tcp.app.example.",
            30,
            RData::SRV(SRV::new(10, 5, 5060, name("sip.example."))),
        ),
        record("www.app.example.", 20, RData::CNAME(CNAME(name("edge.example.")))),
        record("edge.example.", 120, RData::CNAME(CNAME(name(app)))),
        record(
            "dangling.example.",
            20,
            RData::CNAME(CNAME(name("gone.example."))),
        ),
        record("loop.example.", 20, RData::CNAME(CNAME(name("loop.example.")))),
        record("xn--mnchen-3ya.example.", 20, RData::A(A::new(192, 0, 2, 30))),
        record("empty.example.", 20, RData::A(A::new(192, 0, 2, 40))),
    ]
}

/// What a resolver says that knows [`records`], following aliases.
fn resolved(question: &Message) -> Message {
    let mut answer = answer_to(question);
    let Query { name, query_type, .. } = question.queries[0].clone();
    answer.metadata.response_code = match name.to_ascii().as_str() {
        "servfail.example." => ResponseCode::ServFail,
        "refused.example." => ResponseCode::Refused,
        "formerr.example." => ResponseCode::FormErr,
        "notimp.example." => ResponseCode::NotImp,
        "notauth.example." => ResponseCode::NotAuth,
        "referred.example." => {
            answer.metadata.recursion_available = false;
            ResponseCode::NoError
        }
        _ => ResponseCode::NoError,
    };
    let known = records();
    let mut owner = name;
    let mut exists = false;
    for _ in 0..5 {
        let here: Vec<&Record> = known.iter().filter(|record| record.name == owner).collect();
        exists = !here.is_empty();
        let alias = here.iter().find(|record| record.record_type() == WireType::CNAME);
        if let Some(alias) = alias {
            answer.add_answer((*alias).clone());
            if query_type != WireType::CNAME
                && let RData::CNAME(target) = &alias.data
            {
                owner = target.0.clone();
                continue;
            }
            break;
        }
        let wanted = here.iter().filter(|record| record.record_type() == query_type);
        answer.add_answers(wanted.map(|record| (*record).clone()));
        break;
    }
    if !exists
        && answer.metadata.response_code == ResponseCode::NoError
        && answer.metadata.recursion_available
    {
        answer.metadata.response_code = ResponseCode::NXDomain;
    }
    answer
}

fn written(message: &Message) -> Vec<u8> {
    message.to_vec().expect("a message that can be written")
}

async fn resolver() -> String {
    serving(|question, _| Some(written(&resolved(question)))).await
}

#[tokio::test]
async fn every_kind_of_record_is_told_in_one_form() {
    let resolver = resolver().await;
    let mut table = Vec::new();
    for record_type in RecordType::ALL {
        let asked = match record_type {
            RecordType::Srv => "_sip._tcp.APP.example",
            RecordType::Cname => "www.app.example.",
            _ => "app.example",
        };
        let result = run(&check(asking(asked, record_type, resolver.as_str()), None)).await;
        table.push(format!(
            "{}\n  {} for {} s\n",
            told(&result),
            result.observed["answers"],
            result.observed["ttl_s"]
        ));
    }
    insta::assert_snapshot!(table.concat(), @r#"
    Passed: app.example has the A records 192.0.2.10 and 192.0.2.20
      ["192.0.2.10","192.0.2.20"] for 60 s
    Passed: app.example has the AAAA record 2001:db8::1
      ["2001:db8::1"] for 90 s
    Passed: app.example has the CAA record 0 issue "ca.example"
      ["0 issue \"ca.example\""] for 30 s
    Passed: www.app.example has the CNAME record edge.example
      ["edge.example"] for 20 s
    Passed: app.example has the MX records 10 mail.example and 20 backup.example
      ["10 mail.example","20 backup.example"] for 30 s
    Passed: app.example has the NS record ns1.example
      ["ns1.example"] for 86400 s
    Passed: app.example has the SOA record ns1.example admin.example 2026 7200 900 86400 300
      ["ns1.example admin.example 2026 7200 900 86400 300"] for 3600 s
    Passed: _sip._tcp.APP.example has the SRV record 10 5 5060 sip.example
      ["10 5 5060 sip.example"] for 30 s
    Passed: app.example has the TXT record v=spf1 include:mail.example -all
      ["v=spf1 include:mail.example -all"] for 30 s
    "#);
}

#[tokio::test]
async fn a_condition_holds_the_answers_to_what_they_should_be() {
    let resolver = resolver().await;
    let mut table = Vec::new();
    for (asked, record_type, pass) in [
        (
            "app.example",
            RecordType::A,
            "answers == ['192.0.2.10', '192.0.2.20']",
        ),
        ("app.example", RecordType::A, "'192.0.2.99' in answers"),
        ("app.example", RecordType::A, "ttl <= duration('5m')"),
        ("app.example", RecordType::A, "ttl <= duration('30s')"),
        (
            "www.app.example",
            RecordType::Cname,
            "answers == ['edge.example']",
        ),
        (
            "app.example",
            RecordType::Txt,
            "answers.exists(text, text.startsWith('v=spf1'))",
        ),
        ("gone.example", RecordType::A, "size(answers) == 0"),
        ("gone.example", RecordType::A, "ttl < duration('5m')"),
    ] {
        let result = run(&check(asking(asked, record_type, resolver.as_str()), Some(pass))).await;
        table.push(format!(
            "{asked} {record_type}, pass {pass}\n  {}\n",
            told(&result)
        ));
    }
    insta::assert_snapshot!(table.concat(), @r#"
    app.example A, pass answers == ['192.0.2.10', '192.0.2.20']
      Passed: answers is ["192.0.2.10", "192.0.2.20"]
    app.example A, pass '192.0.2.99' in answers
      Failed: '192.0.2.99' in answers does not hold (answers is ["192.0.2.10", "192.0.2.20"])
    app.example A, pass ttl <= duration('5m')
      Passed: ttl is 1 min
    app.example A, pass ttl <= duration('30s')
      Failed: ttl is 1 min, expected at most 30 s
    www.app.example CNAME, pass answers == ['edge.example']
      Passed: answers is ["edge.example"]
    app.example TXT, pass answers.exists(text, text.startsWith('v=spf1'))
      Passed: answers.exists(text, text.startsWith('v=spf1')) holds
    gone.example A, pass size(answers) == 0
      Passed: size(answers) is 0
    gone.example A, pass ttl < duration('5m')
      Failed: there is no ttl: gone.example does not exist (NXDOMAIN)
    "#);
}

#[tokio::test]
async fn a_name_without_an_answer_is_an_observation_and_aliases_are_followed() {
    let resolver = resolver().await;
    let mut table = Vec::new();
    for (asked, record_type) in [
        ("gone.example", RecordType::A),
        ("empty.example", RecordType::Aaaa),
        ("www.app.example", RecordType::A),
        ("dangling.example", RecordType::A),
        ("loop.example", RecordType::A),
        ("münchen.example", RecordType::A),
    ] {
        let result = run(&check(asking(asked, record_type, resolver.as_str()), None)).await;
        let aliases = result.observed.get("aliases").cloned().unwrap_or_default();
        table.push(format!("{}\n  aliases {aliases}\n", told(&result)));
    }
    insta::assert_snapshot!(table.concat(), @r#"
    Failed: gone.example does not exist (NXDOMAIN), expected at least one record of type A
      aliases null
    Failed: empty.example has no AAAA record, expected at least one record of type AAAA
      aliases null
    Passed: www.app.example (an alias of app.example) has the A records 192.0.2.10 and 192.0.2.20
      aliases ["edge.example","app.example"]
    Failed: dangling.example (an alias of gone.example) does not exist (NXDOMAIN), expected at least one record of type A
      aliases ["gone.example"]
    Failed: loop.example (an alias of loop.example) has no A record, expected at least one record of type A
      aliases ["loop.example"]
    Passed: münchen.example has the A record 192.0.2.30
      aliases null
    "#);
    let through = run(&check(asking("www.app.example", RecordType::A, resolver), None)).await;
    assert_eq!(through.observed["ttl_s"], 20, "the alias may be kept no longer");
}

#[tokio::test]
async fn a_server_that_does_not_answer_the_question_is_told_with_the_cause() {
    let resolver = resolver().await;
    let mut table = Vec::new();
    for asked in [
        "servfail.example",
        "refused.example",
        "formerr.example",
        "notimp.example",
        "notauth.example",
        "referred.example",
    ] {
        let probe = asking(asked, RecordType::A, resolver.as_str());
        let result = run(&check(probe, Some("size(answers) == 0"))).await;
        table.push(format!("{}\n", told(&result)));
    }
    insta::assert_snapshot!(table.concat(), @"
    Error: 127.0.0.1:PORT could not resolve servfail.example (SERVFAIL); look at the zone's own servers and its DNSSEC
    Error: 127.0.0.1:PORT refuses to answer for refused.example (REFUSED); ask one that serves this machine
    Error: 127.0.0.1:PORT could not read the question about formerr.example (FORMERR); ask another server
    Error: 127.0.0.1:PORT does not take such questions as this one about notimp.example (NOTIMP); ask another server
    Error: 127.0.0.1:PORT answered the question about notauth.example with the error 9; ask another server
    Error: 127.0.0.1:PORT does not know referred.example and refers to other servers; ask one that resolves, or the zone's own
    ");
}

#[tokio::test]
async fn an_answer_that_does_not_fit_is_fetched_by_tcp() {
    let many = |question: &Message, way| {
        let mut answer = answer_to(question);
        if way == Way::Udp {
            answer.metadata.truncation = true;
        } else {
            answer.add_answers(
                (0..200).map(|last| record("app.example.", 60, RData::A(A::new(192, 0, 2, last)))),
            );
        }
        Some(written(&answer))
    };
    let resolver = serving(many).await;
    let result = run(&check(
        asking("app.example", RecordType::A, resolver),
        Some("size(answers) == 200"),
    ))
    .await;
    assert_eq!(told(&result), "Passed: size(answers) is 200");
    assert_eq!(result.observed["answers"].as_array().map(Vec::len), Some(20));
    assert_eq!(result.observed["answers_left_out"], 180);

    let mut table = Vec::new();
    let short_by_tcp = |tcp: Saying| {
        serving(move |question: &Message, way| {
            if way == Way::Tcp {
                return tcp(question);
            }
            let mut answer = answer_to(question);
            answer.metadata.truncation = true;
            Some(written(&answer))
        })
    };
    for tcp in [
        (|_| None) as Saying,
        |_| Some(b"not DNS at all".to_vec()),
        |question| {
            let mut answer = answer_to(question);
            answer.metadata.truncation = true;
            Some(written(&answer))
        },
    ] {
        let resolver = short_by_tcp(tcp).await;
        let result = run(&check(asking("app.example", RecordType::A, resolver), None)).await;
        table.push(format!("{}\n", told(&result)));
    }
    insta::assert_snapshot!(table.concat(), @"
    Error: the answer is too long for UDP, and by TCP 127.0.0.1:PORT closed the connection without an answer; look at its log
    Error: 127.0.0.1:PORT sent an answer that cannot be read; check that it is a DNS server
    Error: 127.0.0.1:PORT sent an answer that cannot be read; check that it is a DNS server
    ");
}

#[tokio::test]
async fn what_is_no_answer_to_the_question_is_not_taken_for_one() {
    let forgeries: [Saying; 6] = [
        |_| None,
        |_| Some(b"?".to_vec()),
        |question| {
            let mut answer = resolved(question);
            answer.metadata.id = !answer.metadata.id;
            Some(written(&answer))
        },
        |question| Some(written(question)),
        |question| {
            let mut answer = resolved(question);
            answer.queries[0].name = name("other.example.");
            Some(written(&answer))
        },
        |question| {
            let mut bytes = written(&resolved(question));
            bytes.truncate(bytes.len() - 3);
            Some(bytes)
        },
    ];
    // They are asked at once: each that says nothing of use costs the whole time-out.
    let results = futures_util::future::join_all(forgeries.map(async |forged| {
        let resolver = serving(move |question, _| forged(question)).await;
        let mut asked = check(asking("app.example", RecordType::A, resolver), None);
        asked.timeout = Duration::from_secs(1);
        run(&asked).await
    }))
    .await;
    let table: Vec<String> = results
        .iter()
        .map(|result| format!("{}\n", told(result)))
        .collect();
    insta::assert_snapshot!(table.concat(), @"
    Error: 127.0.0.1:PORT did not answer the question about app.example within 1 s; raise `timeout` if that is too short
    Error: 127.0.0.1:PORT did not answer the question about app.example (something came that is not DNS) within 1 s; raise `timeout` if that is too short
    Error: 127.0.0.1:PORT did not answer the question about app.example (an answer came with the id of another question) within 1 s; raise `timeout` if that is too short
    Error: 127.0.0.1:PORT did not answer the question about app.example (a question came back instead of an answer) within 1 s; raise `timeout` if that is too short
    Error: 127.0.0.1:PORT did not answer the question about app.example (an answer came to another question) within 1 s; raise `timeout` if that is too short
    Error: 127.0.0.1:PORT sent an answer that cannot be read; check that it is a DNS server
    ");
}

#[tokio::test]
async fn a_record_of_another_name_is_no_answer() {
    let resolver = serving(|question, _| {
        let mut answer = answer_to(question);
        answer.add_answer(record("evil.example.", 60, RData::A(A::new(192, 0, 2, 66))));
        Some(written(&answer))
    })
    .await;
    let result = run(&check(
        asking("app.example", RecordType::A, resolver),
        Some("size(answers) == 0"),
    ))
    .await;
    assert_eq!(told(&result), "Passed: size(answers) is 0");
}

#[tokio::test]
async fn a_datagram_that_was_lost_is_sent_again() {
    let asked = AtomicUsize::new(0);
    let resolver = serving(move |question, _| {
        let first = asked.fetch_add(1, Ordering::Relaxed) == 0;
        if first {
            None
        } else {
            Some(written(&resolved(question)))
        }
    })
    .await;
    let mut asked = check(asking("empty.example", RecordType::A, resolver), None);
    asked.timeout = Duration::from_secs(2);
    let result = run(&asked).await;
    assert_eq!(told(&result), "Passed: empty.example has the A record 192.0.2.40");
}

#[tokio::test]
async fn what_may_not_be_reached_is_neither_asked_nor_asked_about() {
    let resolver = resolver().await;
    let port = resolver.parse::<SocketAddr>().expect("an address").port();
    let mut table = Vec::new();
    let denying = checks_with(|settings, _| {
        settings.denied_networks.push("127.0.0.0/8".to_owned());
        settings.denied_hosts.push("*.internal.example".to_owned());
    });
    for (asked, server) in [
        ("app.example", resolver),
        ("app.example", format!("[::ffff:127.0.0.1]:{port}")),
        ("app.example", "169.254.169.253".to_owned()),
        ("app.example", "no-such-host.invalid".to_owned()),
        ("DB.internal.example.", "192.0.2.53".to_owned()),
    ] {
        let result = denying
            .run(
                &check(asking(asked, RecordType::A, server), None),
                &Variables::new(),
            )
            .await;
        table.push(format!("{}\n", told(&result)));
    }
    insta::assert_snapshot!(table.concat().replace(&format!(":{port}"), ":PORT"), @"
    Error: the address 127.0.0.1 may not be reached; the operator can change checks.network.deny and checks.network.allow
    Error: the address ::ffff:127.0.0.1 may not be reached; the operator can change checks.network.deny and checks.network.allow
    Error: the address 169.254.169.253 may not be reached; the operator can change checks.network.deny and checks.network.allow
    Error: the host no-such-host.invalid does not resolve; check the name and DNS
    Error: the host db.internal.example may not be reached; the operator can change checks.network.deny and checks.network.allow
    ");
}

#[tokio::test]
async fn a_port_without_a_server_is_told() {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let address = socket.local_addr().expect("an address");
    drop(socket);
    let result = run(&check(
        asking("app.example", RecordType::A, address.to_string()),
        None,
    ))
    .await;
    insta::assert_snapshot!(told(&result), @"Error: no DNS server listens at 127.0.0.1:PORT; start it, or mend `resolver`");
}

#[test]
fn a_name_or_a_resolver_that_is_none_is_told_at_once() {
    let mut table = Vec::new();
    let long = ["abcdefghi."; 30].concat();
    let label = format!("{}.example", "a".repeat(64));
    for (asked, server) in [
        (long.as_str(), "192.0.2.53"),
        (label.as_str(), "192.0.2.53"),
        ("https://app.example/", "192.0.2.53"),
        ("app..example", "192.0.2.53"),
        ("app\\.example", "192.0.2.53"),
        ("app example", "192.0.2.53"),
        ("app.example", "192.0.2.53:70000"),
        ("app.example", "https://dns.example/dns-query"),
        ("{{ site }}", "{{ server }}:53"),
        ("_dmarc.app.example.", "[2001:db8::53]:5353"),
        ("app.example", "2001:db8::53"),
    ] {
        let problems = Checks::problems(
            &check(asking(asked, RecordType::A, server), None),
            &BTreeMap::new(),
        );
        let told: Vec<String> = problems.into_iter().map(|problem| problem.message).collect();
        table.push(format!("{}\n", told.join("; ")));
    }
    insta::assert_snapshot!(table.concat(), @r#"
    `name` is 299 characters long, and a name in DNS has at most 253; shorten it
    `name` is "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example", which has more than 63 characters between two dots, and DNS does not allow that; shorten it
    `name` is "https://app.example/", which is not a name in DNS; write it as in app.example, without scheme or port
    `name` is "app..example", which is not a name in DNS; write it as in app.example, without scheme or port
    `name` is "app\\.example", which is not a name in DNS; write it as in app.example, without scheme or port
    `name` is "app example", which is not a name in DNS; write it as in app.example, without scheme or port
    `resolver` is "192.0.2.53:70000", which is no address of a DNS server; write it as in 192.0.2.53 or 192.0.2.53:5353
    `resolver` is "https://dns.example/dns-query", which is no address of a DNS server; write it as in 192.0.2.53 or 192.0.2.53:5353
    there is no variable site; declare it under `variables`; there is no variable server; declare it under `variables`
    "#);
}

#[tokio::test]
async fn a_secret_in_a_name_is_shown_in_no_form() {
    let variables = Variables::new().with_secret(
        VariableName::new("token"),
        secrecy::SecretString::from("AbC-Canary-Ünlike"),
    );
    let resolver = resolver().await;
    for asked in [
        "{{ token }}.app.example",
        "{{ token }}..",
        "{{ token }}.{{ token }}.{{ token }}.{{ token }}.x",
    ] {
        let result = checks()
            .run(
                &check(asking(asked, RecordType::A, resolver.as_str()), None),
                &variables,
            )
            .await;
        let all = format!("{result:?}").to_lowercase();
        assert!(!all.contains("canary"), "{all}");
    }
}
