//! A question to a server and its reply: by UDP, and by TCP where the reply did not fit (RFC 1035, 4.2; RFC 7766).

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use hickory_proto::op::{Message, Query, ResponseCode};
use hickory_proto::rr::{Name, RecordType};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::Instant;

use crate::checks::probe::{Hindrance, Run};
use crate::checks::written;

/// How long a server has before the next one is asked, or the same one again: datagrams get lost. Each round takes
/// twice as long as the one before. A quarter of the time-out when that is less.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The most bytes of a datagram that are read. Without EDNS, a server sends 512 (RFC 1035, 4.2.1).
const LONGEST_DATAGRAM: usize = 4096;
/// The header of a message (RFC 1035, 4.1.1).
const HEADER: usize = 12;

/// A server's reply.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) message: Message,
    pub(super) server: SocketAddr,
}

/// The question, ready to be sent.
struct Question {
    id: u16,
    query: Query,
    bytes: Vec<u8>,
}

/// Why a server gave no reply that can be used.
#[derive(Debug)]
enum Unanswered {
    /// Nothing came in time. A clause when something did that was no answer.
    Silent(Option<&'static str>),
    /// It will say nothing else when it is asked again: a sentence.
    Settled(String),
}

/// Whether bytes are the answer to a question.
enum Fit {
    Answer(Box<Message>),
    /// The answer is longer than a datagram.
    Truncated,
    /// Not meant for us, and why it is thought so.
    Strange(&'static str),
    /// Meant for us and cannot be read.
    Garbled,
}

/// Asks the servers in turn, until one has answered, each has said that it does not, or time is up. In sentences, the
/// name is as it is shown.
pub(super) async fn ask(
    run: &Run<'_>,
    servers: &[SocketAddr],
    name: &Name,
    shown: &str,
    wanted: RecordType,
) -> Result<Reply, Hindrance> {
    let question = Question::new(name, shown, wanted)?;
    let mut waiting = servers.to_vec();
    let mut said: Vec<String> = Vec::new();
    let mut strange = None;
    let mut wait = FIRST_WAIT.min(run.timeout / 4);
    while !waiting.is_empty() {
        let mut silent = Vec::new();
        for server in waiting {
            let until = run.deadline.min(Instant::now() + wait);
            match question.answered_by(server, until, run.deadline).await {
                Ok(message) => match complaint(&message, server, shown) {
                    None => return Ok(Reply { message, server }),
                    Some(complaint) => said.push(complaint),
                },
                Err(Unanswered::Settled(sentence)) => said.push(sentence),
                Err(Unanswered::Silent(what)) => {
                    strange = strange.or(what);
                    silent.push(server);
                }
            }
            if Instant::now() >= run.deadline {
                if let Some(first) = said.into_iter().next() {
                    return Err(Hindrance::new(first));
                }
                let asked: Vec<String> = servers.iter().map(SocketAddr::to_string).collect();
                let did_not = if asked.len() == 1 {
                    "did not answer the question"
                } else {
                    "did not answer, none of them, the question"
                };
                let mut clause = format!("{} {did_not} about {shown}", written::joined(&asked, "and"));
                if let Some(strange) = strange {
                    clause = format!("{clause} ({strange})");
                }
                return Err(run.out_of_time(&clause));
            }
        }
        waiting = silent;
        wait *= 2;
    }
    // The servers of a list serve the same: what the first one says is what is wrong.
    let first = said.into_iter().next();
    Err(Hindrance::new(first.unwrap_or_else(|| {
        format!("there is no DNS server to ask about {shown}; name one in `resolver`")
    })))
}

impl Question {
    fn new(name: &Name, shown: &str, wanted: RecordType) -> Result<Self, Hindrance> {
        let query = Query::query(name.clone(), wanted);
        // The id is random, and the port is the system's random choice (RFC 5452, 9.2).
        let mut message = Message::query();
        message.metadata.recursion_desired = true;
        message.add_query(query.clone());
        let bytes = message.to_vec().map_err(|error| {
            Hindrance::new(format!("the question about {shown} cannot be written: {error}"))
        })?;
        Ok(Self {
            id: message.metadata.id,
            query,
            bytes,
        })
    }

    /// Asks by UDP until a moment, and by TCP until a later one when the answer does not fit.
    async fn answered_by(
        &self,
        server: SocketAddr,
        until: Instant,
        deadline: Instant,
    ) -> Result<Message, Unanswered> {
        if let Some(message) = self.by_udp(server, until).await? {
            return Ok(message);
        }
        let by_tcp = tokio::time::timeout_at(deadline, self.by_tcp(server));
        by_tcp.await.unwrap_or(Err(Unanswered::Silent(Some(
            "the answer is too long for UDP, and by TCP none came",
        ))))
    }

    /// The answer; nothing when it was too long for a datagram.
    async fn by_udp(&self, server: SocketAddr, until: Instant) -> Result<Option<Message>, Unanswered> {
        let unusable = |error: io::Error| Unanswered::Settled(broken(server, &error));
        let any: IpAddr = match server {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let socket = UdpSocket::bind((any, 0)).await.map_err(unusable)?;
        // From here on, only what comes from that very address is received.
        socket.connect(server).await.map_err(unusable)?;
        socket.send(&self.bytes).await.map_err(unusable)?;
        let mut datagram = [0; LONGEST_DATAGRAM];
        let mut strange = None;
        loop {
            let Ok(received) = tokio::time::timeout_at(until, socket.recv(&mut datagram)).await else {
                return Err(Unanswered::Silent(strange));
            };
            let length = received.map_err(unusable)?;
            match self.fit(&datagram[..length]) {
                Fit::Answer(message) => return Ok(Some(*message)),
                Fit::Truncated => return Ok(None),
                Fit::Strange(why) => strange = Some(why),
                Fit::Garbled => return Err(garbled(server)),
            }
        }
    }

    async fn by_tcp(&self, server: SocketAddr) -> Result<Message, Unanswered> {
        let exchanged = async {
            let mut stream = TcpStream::connect(server).await?;
            let mut sent = Vec::with_capacity(2 + self.bytes.len());
            sent.extend_from_slice(&(self.bytes.len() as u16).to_be_bytes());
            sent.extend_from_slice(&self.bytes);
            stream.write_all(&sent).await?;
            let length = stream.read_u16().await?;
            let mut bytes = vec![0; usize::from(length)];
            stream.read_exact(&mut bytes).await?;
            Ok(bytes)
        };
        let bytes = exchanged.await.map_err(|error: io::Error| {
            Unanswered::Settled(format!(
                "the answer is too long for UDP, and by TCP {}",
                broken(server, &error)
            ))
        })?;
        match self.fit(&bytes) {
            Fit::Answer(message) => Ok(*message),
            Fit::Truncated | Fit::Strange(_) | Fit::Garbled => Err(garbled(server)),
        }
    }

    /// Whether these bytes answer the question: its id, marked as a response, for the same name and type
    /// (RFC 5452, 9.1).
    fn fit(&self, bytes: &[u8]) -> Fit {
        let Some(header) = bytes.first_chunk::<HEADER>() else {
            return Fit::Strange("something came that is not DNS");
        };
        if [header[0], header[1]] != self.id.to_be_bytes() {
            return Fit::Strange("an answer came with the id of another question");
        }
        if header[2] & 0b1000_0000 == 0 {
            return Fit::Strange("a question came back instead of an answer");
        }
        if header[2] & 0b0000_0010 != 0 {
            return Fit::Truncated;
        }
        let Ok(message) = Message::from_vec(bytes) else {
            return Fit::Garbled;
        };
        match message.queries.as_slice() {
            [query]
                if query.query_type == self.query.query_type
                    && query.query_class == self.query.query_class
                    && query.name.eq_ignore_root(&self.query.name) =>
            {
                Fit::Answer(Box::new(message))
            }
            // A server that could not read the question need not repeat it.
            [] if message.metadata.response_code != ResponseCode::NoError => Fit::Answer(Box::new(message)),
            _ => Fit::Strange("an answer came to another question"),
        }
    }
}

/// What the server says instead of answering, as a sentence.
fn complaint(message: &Message, server: SocketAddr, name: &str) -> Option<String> {
    match message.metadata.response_code {
        ResponseCode::NXDomain => None,
        ResponseCode::NoError => {
            let metadata = &message.metadata;
            // RFC 1034, 4.3.1: a server that does not recurse refers to others for what is not its own.
            (message.answers.is_empty() && !metadata.authoritative && !metadata.recursion_available).then(|| {
                format!("{server} does not know {name} and refers to other servers; ask one that resolves, or the zone's own")
            })
        }
        ResponseCode::ServFail => Some(format!(
            "{server} could not resolve {name} (SERVFAIL); look at the zone's own servers and its DNSSEC"
        )),
        ResponseCode::Refused => Some(format!(
            "{server} refuses to answer for {name} (REFUSED); ask one that serves this machine"
        )),
        ResponseCode::FormErr => Some(format!(
            "{server} could not read the question about {name} (FORMERR); ask another server"
        )),
        ResponseCode::NotImp => Some(format!(
            "{server} does not take such questions as this one about {name} (NOTIMP); ask another server"
        )),
        other => Some(format!(
            "{server} answered the question about {name} with the error {}; ask another server",
            u16::from(other)
        )),
    }
}

fn garbled(server: SocketAddr) -> Unanswered {
    Unanswered::Settled(format!(
        "{server} sent an answer that cannot be read; check that it is a DNS server"
    ))
}

fn broken(server: SocketAddr, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => {
            format!("no DNS server listens at {server}; start it, or mend `resolver`")
        }
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => {
            format!("there is no way to {server} from here; check the network and the firewall")
        }
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe => {
            format!("{server} closed the connection without an answer; look at its log")
        }
        _ => format!("{server} cannot be asked: {error}"),
    }
}
