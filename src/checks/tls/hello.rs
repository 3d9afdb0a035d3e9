//! A greeting in an old version of TLS, and what a server makes of it.
//!
//! The TLS library speaks 1.2 and 1.3 alone, so whether a server still takes 1.0 or 1.1 is found out by hand: a
//! `ClientHello` that offers nothing newer is sent, and the server's answer is read as far as it tells the version it
//! agrees to. No session comes of it.
//!
//! TLS 1.0 is RFC 2246, TLS 1.1 RFC 4346 and TLS 1.2 RFC 5246; sections below are those of RFC 5246 unless said
//! otherwise, and the parts used here are the same in all three.

use std::fmt;

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Version {
    Tls10,
    Tls11,
    Tls12,
    Tls13,
}

/// What a server has said so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// Too little to tell.
    NotYet,
    /// It goes on in this version.
    Accepted(Version),
    /// It gave up with an alert (7.2).
    Refused,
    /// It does not speak TLS, or breaks its rules.
    Foreign,
}

/// The most bytes of an answer that are looked at: a record (6.2.3) holds what is needed several times over.
pub(super) const LONGEST_ANSWER: usize = 5 + (1 << 14) + 2048;

/// Content types of records (6.2.1).
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
/// Types of handshake messages (7.4).
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
/// The level of an alert that is only a warning, and the one that says goodbye (7.2).
const WARNING: u8 = 1;
const CLOSE_NOTIFY: u8 = 0;
/// The shortest body of a `ServerHello`: version, random, an empty session id, a suite and a compression (7.4.1.3).
const SHORTEST_SERVER_HELLO: usize = 2 + 32 + 1 + 2 + 1;

/// Cipher suites, so many that a server which takes the version finds one it takes too: by preference those with
/// forward secrecy, then plain RSA, then what nobody should use any more. From RFC 5246 A.5, RFC 5288, RFC 5289,
/// RFC 7905, RFC 8422 and RFC 4492, RFC 4132 and RFC 4162; the last one is a signal, not a suite (RFC 5746, 3.3).
const SUITES: [u16; 48] = [
    0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0x009e, 0x009f, 0xccaa, // AEAD, ephemeral
    0xc023, 0xc027, 0xc024, 0xc028, 0x0067, 0x006b, // CBC with SHA-2, ephemeral
    0xc009, 0xc00a, 0xc013, 0xc014, 0x0033, 0x0039, 0x0032, 0x0038, // CBC with SHA-1, ephemeral
    0x009c, 0x009d, 0x003c, 0x003d, 0x002f, 0x0035, // RSA
    0x0041, 0x0084, 0x0045, 0x0088, 0x0096, 0x009a, // Camellia and SEED
    0xc008, 0xc012, 0x0016, 0x0013, 0x000a, // triple DES
    0xc007, 0xc011, 0x0005, 0x0004, // RC4
    0x0015, 0x0012, 0x0009, // DES
    0x00ff,
];

/// Groups for ephemeral keys: X25519, P-256, P-384 and P-521 (RFC 8422, 5.1.1).
const GROUPS: [u16; 4] = [0x001d, 0x0017, 0x0018, 0x0019];
/// Signatures of TLS 1.2 (7.4.1.4.1, and RFC 8446, 4.2.3 for PSS and Ed25519).
const SIGNATURES: [u16; 12] = [
    0x0403, 0x0503, 0x0603, 0x0807, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601, 0x0203, 0x0201,
];

impl Version {
    /// Those that a greeting can end at, the oldest first.
    pub(super) const OLD: [Self; 3] = [Self::Tls10, Self::Tls11, Self::Tls12];

    /// As in `1.2`.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Tls10 => "1.0",
            Self::Tls11 => "1.1",
            Self::Tls12 => "1.2",
            Self::Tls13 => "1.3",
        }
    }

    /// How it is written on the wire (6.2.1; RFC 2246, 6.2.1; RFC 4346, 6.2.1). For 1.3, the greeting names it
    /// elsewhere (RFC 8446, 4.2.1), and this is what its own `ServerHello` says.
    fn on_wire(self) -> [u8; 2] {
        match self {
            Self::Tls10 => [3, 1],
            Self::Tls11 => [3, 2],
            Self::Tls12 | Self::Tls13 => [3, 3],
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A greeting that offers a version and everything older (7.4.1.2), for a site when it has a name and not just an
/// address (RFC 6066, 3), in one record.
pub(super) fn greeting(newest: Version, site: Option<&str>, random: [u8; 32]) -> Vec<u8> {
    let mut body = Vec::with_capacity(512);
    body.extend_from_slice(&newest.on_wire());
    body.extend_from_slice(&random);
    // No session is resumed.
    body.push(0);
    body.extend(counted(&numbers(&SUITES)));
    // One compression: none.
    body.extend_from_slice(&[1, 0]);
    body.extend(counted(&extensions(newest, site)));

    let length = (body.len() as u32).to_be_bytes();
    let mut message = vec![CLIENT_HELLO];
    message.extend_from_slice(&length[1..]);
    message.extend(body);

    // The record's own version is 1.0 in a first greeting, which servers of every version read (E.1).
    let mut record = vec![HANDSHAKE, 3, 1];
    record.extend(counted(&message));
    record
}

/// What a server has said to a greeting that offered `newest`, given all that came so far.
pub(super) fn heard(mut bytes: &[u8], newest: Version) -> Heard {
    // A message can be spread over several records (6.2.1).
    let mut message: Vec<u8> = Vec::new();
    loop {
        // What is no TLS is told from its first bytes on: it may never send as many as a record has.
        if !matches!(bytes.first(), None | Some(&ALERT | &HANDSHAKE))
            || !matches!(bytes.get(1), None | Some(3))
        {
            return Heard::Foreign;
        }
        let Some((header, rest)) = bytes.split_first_chunk::<5>() else {
            return Heard::NotYet;
        };
        let length = usize::from(u16::from_be_bytes([header[3], header[4]]));
        if length == 0 || length > (1 << 14) + 2048 {
            return Heard::Foreign;
        }
        let part = &rest[..length.min(rest.len())];
        if header[0] == ALERT {
            match part {
                _ if length != 2 => return Heard::Foreign,
                // A warning, such as that there is no site of that name, is followed by the rest (RFC 6066, 3).
                [WARNING, description] if *description != CLOSE_NOTIFY => {}
                [_, _] => return Heard::Refused,
                _ => return Heard::NotYet,
            }
        } else {
            message.extend_from_slice(part);
            match agreed(&message, newest) {
                Heard::NotYet => {}
                decided => return decided,
            }
        }
        match rest.get(length..) {
            Some(next) => bytes = next,
            None => return Heard::NotYet,
        }
    }
}

/// What the beginning of a handshake message says: the version that the server chose stands first in its
/// `ServerHello` (7.4.1.3).
fn agreed(message: &[u8], newest: Version) -> Heard {
    if message.first().is_some_and(|kind| *kind != SERVER_HELLO) {
        return Heard::Foreign;
    }
    let Some(beginning) = message.first_chunk::<6>() else {
        return Heard::NotYet;
    };
    let length = usize::from(beginning[1]) << 16 | usize::from(beginning[2]) << 8 | usize::from(beginning[3]);
    let chosen = Version::OLD
        .into_iter()
        .find(|version| version.on_wire() == [beginning[4], beginning[5]]);
    match chosen {
        Some(version) if version <= newest && length >= SHORTEST_SERVER_HELLO => Heard::Accepted(version),
        _ => Heard::Foreign,
    }
}

fn extensions(newest: Version, site: Option<&str>) -> Vec<u8> {
    let mut all = Vec::new();
    let mut add = |kind: u16, data: Vec<u8>| {
        all.extend_from_slice(&kind.to_be_bytes());
        all.extend(counted(&data));
    };
    if let Some(site) = site {
        // A list of one name, whose type is "host name" (RFC 6066, 3).
        let mut name = vec![0];
        name.extend(counted(site.as_bytes()));
        add(0, counted(&name));
    }
    add(10, counted(&numbers(&GROUPS)));
    // Points are sent uncompressed (RFC 8422, 5.1.2).
    add(11, vec![1, 0]);
    if newest >= Version::Tls12 {
        // Older versions have no choice of signatures, and must not be sent one (7.4.1.4.1).
        add(13, counted(&numbers(&SIGNATURES)));
    }
    all
}

/// The bytes after their number, in two bytes.
fn counted(bytes: &[u8]) -> Vec<u8> {
    let mut all = (bytes.len() as u16).to_be_bytes().to_vec();
    all.extend_from_slice(bytes);
    all
}

fn numbers(numbers: &[u16]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio_rustls::rustls::server::Acceptor;

    use super::*;

    /// A `ServerHello` in one record, choosing a version, with a suite and without a session.
    fn server_hello(version: [u8; 2]) -> Vec<u8> {
        let mut body = version.to_vec();
        body.extend([7; 32]);
        body.extend([0, 0x00, 0x2f, 0]);
        let mut message = vec![SERVER_HELLO, 0, 0, body.len() as u8];
        message.extend(body);
        record(HANDSHAKE, &message)
    }

    fn record(kind: u8, data: &[u8]) -> Vec<u8> {
        let mut record = vec![kind, 3, 1];
        record.extend(counted(data));
        record
    }

    #[test]
    fn a_greeting_is_laid_out_as_the_standards_say() {
        let sent = greeting(Version::Tls11, Some("app.example"), [9; 32]);
        assert_eq!(sent[..3], [22, 3, 1], "a handshake record");
        assert_eq!(
            usize::from(u16::from_be_bytes([sent[3], sent[4]])),
            sent.len() - 5
        );
        assert_eq!(sent[5..7], [1, 0], "a ClientHello");
        assert_eq!(
            usize::from(u16::from_be_bytes([sent[7], sent[8]])),
            sent.len() - 9
        );
        assert_eq!(sent[9..11], [3, 2], "the newest version it offers");
        assert_eq!(sent[11..43], [9; 32], "the random");
        assert_eq!(sent[43], 0, "no session");
        let suites = usize::from(u16::from_be_bytes([sent[44], sent[45]]));
        assert_eq!(suites, 2 * SUITES.len());
        assert_eq!(sent[46 + suites..48 + suites], [1, 0], "no compression");
        let rest = &sent[48 + suites..];
        let (length, mut rest) = rest.split_first_chunk::<2>().expect("extensions");
        assert_eq!(usize::from(u16::from_be_bytes(*length)), rest.len());
        let mut kinds = Vec::new();
        while let Some((header, data)) = rest.split_first_chunk::<4>() {
            kinds.push(u16::from_be_bytes([header[0], header[1]]));
            rest = &data[usize::from(u16::from_be_bytes([header[2], header[3]]))..];
        }
        assert_eq!((kinds, rest), (vec![0, 10, 11], &[][..]));
    }

    #[test]
    fn a_library_of_today_reads_the_greeting() {
        let mut acceptor = Acceptor::default();
        let sent = greeting(Version::Tls12, Some("app.example"), [9; 32]);
        acceptor.read_tls(&mut sent.as_slice()).expect("it is in memory");
        let accepted = acceptor
            .accept()
            .map_err(|(error, _)| error)
            .expect("a ClientHello");
        let accepted = accepted.expect("all of it");
        let hello = accepted.client_hello();
        assert_eq!(hello.server_name(), Some("app.example"));
        assert_eq!(hello.cipher_suites().len(), SUITES.len());
        assert_eq!(hello.signature_schemes().len(), SIGNATURES.len());
        assert_eq!(hello.named_groups().map(<[_]>::len), Some(GROUPS.len()));
    }

    #[test]
    fn a_server_hello_tells_the_version() {
        for (wire, version) in [
            ([3, 1], Version::Tls10),
            ([3, 2], Version::Tls11),
            ([3, 3], Version::Tls12),
        ] {
            assert_eq!(
                heard(&server_hello(wire), Version::Tls12),
                Heard::Accepted(version)
            );
        }
        // Newer than what was offered, SSL 3.0, and a version of nothing.
        assert_eq!(heard(&server_hello([3, 2]), Version::Tls10), Heard::Foreign);
        assert_eq!(heard(&server_hello([3, 0]), Version::Tls12), Heard::Foreign);
        assert_eq!(heard(&server_hello([4, 1]), Version::Tls12), Heard::Foreign);
    }

    #[test]
    fn what_comes_in_pieces_is_waited_for() {
        let whole = server_hello([3, 1]);
        for cut in 0..11 {
            assert_eq!(heard(&whole[..cut], Version::Tls10), Heard::NotYet, "{cut} bytes");
        }
        let message = &whole[5..];
        let spread: Vec<u8> = message
            .chunks(3)
            .flat_map(|chunk| record(HANDSHAKE, chunk))
            .collect();
        assert_eq!(heard(&spread, Version::Tls10), Heard::Accepted(Version::Tls10));
    }

    #[test]
    fn alerts_refuse_but_for_warnings() {
        let protocol_version = record(ALERT, &[2, 70]);
        assert_eq!(heard(&protocol_version, Version::Tls10), Heard::Refused);
        assert_eq!(heard(&protocol_version[..6], Version::Tls10), Heard::NotYet);
        assert_eq!(
            heard(&record(ALERT, &[WARNING, CLOSE_NOTIFY]), Version::Tls10),
            Heard::Refused
        );
        let mut warned = record(ALERT, &[WARNING, 112]);
        assert_eq!(heard(&warned, Version::Tls10), Heard::NotYet);
        warned.extend(server_hello([3, 1]));
        assert_eq!(heard(&warned, Version::Tls10), Heard::Accepted(Version::Tls10));
    }

    #[test]
    fn what_is_no_tls_is_told_at_once() {
        for bytes in [
            &b"HTTP/1.1 400 Bad Request"[..],
            b"S",
            &[22, 2],
            &[22, 3, 1, 0, 0],
            &[22, 3, 1, 0xff, 0xff],
            &[22, 3, 1, 0, 4, 11, 0, 0, 1],
            &[21, 3, 1, 0, 3, 2, 70, 0],
        ] {
            assert_eq!(heard(bytes, Version::Tls12), Heard::Foreign, "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_and_a_decision_stays(bytes: Vec<u8>, more: Vec<u8>) {
            let mut all = vec![HANDSHAKE, 3];
            all.extend(bytes);
            let before = heard(&all, Version::Tls12);
            all.extend(more);
            let after = heard(&all, Version::Tls12);
            prop_assert!(before == Heard::NotYet || before == after, "{before:?} became {after:?}");
        }
    }
}
