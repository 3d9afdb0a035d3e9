//! The probes `tcp`, `tls` and `dns`, as they are written.

use std::time::Duration;

use super::{read, told};
use crate::domain::check::{DnsProbe, Probe, PushProbe, RecordType, TcpProbe, TlsProbe};
use crate::domain::ids::CheckId;

#[test]
fn they_are_read_with_all_their_parameters() {
    let text = "---\nchecks:\n  port: { tcp: { address: 'db.example:5432' } }\n  plain: { tls: { host: app.example } }\n  full: { tls: { host: '10.0.0.7:8443', ca: ca.pem, name: '{{ site }}' } }\n  address: { dns: { name: app.example } }\n  mail: { dns: { name: app.example, type: mx, resolver: '192.0.2.53:5353' } }\nvariables:\n  site:\n---\n- [ ] item <!-- check: port, plain, full, address, mail -->\n";
    assert_eq!(told(text), "");
    let checks = read(text).checklist.checks;
    let probe = |id: &str| checks[&CheckId::new(id)].probe.clone();
    assert_eq!(
        probe("port"),
        Probe::Tcp(TcpProbe {
            address: "db.example:5432".to_owned()
        })
    );
    assert_eq!(
        probe("plain"),
        Probe::Tls(TlsProbe {
            host: "app.example".to_owned(),
            ca: None,
            name: None
        })
    );
    assert_eq!(
        probe("full"),
        Probe::Tls(TlsProbe {
            host: "10.0.0.7:8443".to_owned(),
            ca: Some("ca.pem".to_owned()),
            name: Some("{{ site }}".to_owned())
        })
    );
    assert_eq!(
        probe("address"),
        Probe::Dns(DnsProbe {
            name: "app.example".to_owned(),
            record_type: RecordType::A,
            resolver: None
        })
    );
    assert_eq!(
        probe("mail"),
        Probe::Dns(DnsProbe {
            name: "app.example".to_owned(),
            record_type: RecordType::Mx,
            resolver: Some("192.0.2.53:5353".to_owned())
        })
    );
}

#[test]
fn what_is_wrong_with_them_is_told_where_it_stands() {
    let text = "---\nchecks:\n  a: { tcp: {} }\n  b: { tls: { hots: app.example } }\n  c: { tls: { host: app.example, ca: [a] } }\n  d: { dns: { name: app.example, type: PTR } }\n  e: { dns: { type: A, resolver: {} } }\n---\n- [ ] item <!-- check: a, b, c, d, e -->\n";
    insta::assert_snapshot!(told(text), @"
    x.md:3:8: error: `tcp` has no `address`.
      |
    3 |   a: { tcp: {} }
      |        ^
    x.md:4:8: error: `tls` has no `host`.
      |
    4 |   b: { tls: { hots: app.example } }
      |        ^
    x.md:4:15: error: There is no key `hots` in `tls`.
      |
    4 |   b: { tls: { hots: app.example } }
      |               ^
      = help: Did you mean `host`?
    x.md:5:38: error: `ca` must be text, and is a list.
      |
    5 |   c: { tls: { host: app.example, ca: [a] } }
      |                                      ^
    x.md:6:40: error: `type` is `PTR`, which is no kind of record that can be asked for.
      |
    6 |   d: { dns: { name: app.example, type: PTR } }
      |                                        ^
      = help: Give it one of `A`, `AAAA`, `CAA`, `CNAME`, `MX`, `NS`, `SOA`, `SRV` and `TXT`.
    x.md:7:13: error: `dns` has no `name`.
      |
    7 |   e: { dns: { type: A, resolver: {} } }
      |             ^
    x.md:7:34: error: `resolver` must be text, and is a mapping.
      |
    7 |   e: { dns: { type: A, resolver: {} } }
      |                                  ^
    ");
}

#[test]
fn what_is_posted_is_read_and_its_faults_are_told() {
    let text = "---\nvariables:\n  ci: { secret: true }\nchecks:\n  plain: { push: { secret: '{{ ci }}' } }\n  soon: { push: { secret: '{{ ci }}', within: 1h } }\n---\n- [ ] item <!-- check: plain, soon -->\n";
    assert_eq!(told(text), "");
    let checks = read(text).checklist.checks;
    for (id, hours) in [("plain", 24), ("soon", 1)] {
        assert_eq!(
            checks[&CheckId::new(id)].probe,
            Probe::Push(PushProbe {
                secret: "{{ ci }}".to_owned(),
                within: Duration::from_hours(hours),
                inbox: None
            })
        );
    }
    let text = "---\nvariables:\n  ci: { secret: true }\nchecks:\n  a: { push: {} }\n  b: { push: { secret: '{{ ci }}', within: 1s } }\n  c:\n    push: { secret: '{{ ci }}' }\n    after: a\n  d:\n    push: { secret: '{{ ci }}', every: 1h }\n  e:\n    push: { secret: '{{ ci }}' }\n    for: 1h\n    every: 1m\n---\n- [ ] item <!-- check: a, b, c, d, e -->\n";
    insta::assert_snapshot!(told(text), @"
    x.md:5:8: error: `push` has no `secret`.
      |
    5 |   a: { push: {} }
      |        ^
    x.md:6:44: error: `within` must be from 10 s to 720 h, and is 1 s.
      |
    6 |   b: { push: { secret: '{{ ci }}', within: 1s } }
      |                                            ^
    x.md:9:5: error: `after` means nothing to a check whose result is posted.
      |
    9 |     after: a
      |     ^
      = help: Say in `push` how old the last post may be: `within: 1h`.
    x.md:11:33: error: There is no key `every` in `push`.
       |
    11 |     push: { secret: '{{ ci }}', every: 1h }
       |                                 ^
       = help: The keys are `secret` and `within`.
    x.md:14:5: error: `for` means nothing to a check whose result is posted.
       |
    14 |     for: 1h
       |     ^
       = help: Say in `push` how old the last post may be: `within: 1h`.
    ");
}
