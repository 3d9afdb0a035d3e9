//! `PING` and `INFO` asked of Redis, in its own protocol (RESP2, which every version and every kin of it speaks).
//!
//! Nothing else is ever sent but `AUTH`, so a check cannot change anything by construction.

use serde_json::{Map, Value};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::Instant;

use super::rows::{Rows, too_long};
use super::{Encryption, Login, tls};
use crate::checks::probe::{Hindrance, Run};
use crate::checks::reach::{self, Place};

/// The longest line of an answer that is not its text, in bytes.
const LONGEST_LINE: usize = 4 << 10;

/// What may be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Question {
    Ping,
    /// All sections that Redis gives by itself, or one.
    Info(Option<String>),
}

impl Question {
    /// Reads `PING`, `INFO` or `INFO section`.
    pub(super) fn parse(query: &str) -> Result<Self, String> {
        let words: Vec<String> = query.split_whitespace().map(str::to_lowercase).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["ping"] => Ok(Self::Ping),
            ["info"] => Ok(Self::Info(None)),
            ["info", section]
                if section
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')) =>
            {
                Ok(Self::Info(Some((*section).to_owned())))
            }
            _ => Err(
                "of Redis, `query` may ask PING, INFO or INFO and a section, as in INFO memory".to_owned(),
            ),
        }
    }

    fn words(&self) -> Vec<&str> {
        match self {
            Self::Ping => vec!["PING"],
            Self::Info(None) => vec!["INFO"],
            Self::Info(Some(section)) => vec!["INFO", section],
        }
    }
}

/// Asks the query.
pub(super) async fn ask(run: &Run<'_>, login: &Login, query: &str) -> Result<Rows, Hindrance> {
    let question = Question::parse(query).map_err(Hindrance::new)?;
    let place = &login.place;
    let stream = reach::connect(run, place)
        .await
        .map_err(|unconnected| unconnected.hindrance(run, place))?;
    let asked = async {
        if login.encryption == Encryption::Never {
            converse(run, login, &question, stream).await
        } else {
            let encrypted = tls::encrypt(place, login.encryption, stream, None).await?;
            converse(run, login, &question, encrypted).await
        }
    };
    run.in_time(asked, || {
        format!("{place} took the connection and did not answer")
    })
    .await?
}

async fn converse(
    run: &Run<'_>,
    login: &Login,
    question: &Question,
    stream: impl AsyncRead + AsyncWrite + Unpin,
) -> Result<Rows, Hindrance> {
    let mut client = Client {
        run,
        place: &login.place,
        stream,
        read: Vec::new(),
    };
    if let Some(password) = &login.password {
        let mut words = vec!["AUTH"];
        words.extend(login.user.as_deref());
        words.push(password);
        client.ask(&words).await?;
    }
    let started = Instant::now();
    let answer = client.ask(&question.words()).await?;
    let value = match question {
        Question::Ping if answer == "PONG" => Value::from(answer),
        Question::Ping => {
            return Err(Hindrance::new(format!(
                "{} answers PING with {:?} and not with PONG; mend `url`",
                login.place,
                run.redactor.beginning(&answer, 60)
            )));
        }
        Question::Info(_) => info(&answer),
    };
    let mut rows = Rows::default();
    rows.push(run, [("value".to_owned(), value)], 0)?;
    rows.latency = started.elapsed();
    Ok(rows)
}

/// One connection.
struct Client<'a, Stream> {
    run: &'a Run<'a>,
    place: &'a Place,
    stream: Stream,
    /// What came and was not yet used.
    read: Vec<u8>,
}

impl<Stream: AsyncRead + AsyncWrite + Unpin> Client<'_, Stream> {
    /// Sends a command and reads its answer, which must be a text.
    async fn ask(&mut self, words: &[&str]) -> Result<String, Hindrance> {
        let mut command = format!("*{}\r\n", words.len());
        for word in words {
            command.push_str(&format_bulk(word));
        }
        self.stream
            .write_all(command.as_bytes())
            .await
            .map_err(|_| self.closed())?;
        self.stream.flush().await.map_err(|_| self.closed())?;
        let line = self.line().await?;
        let Some((kind, rest)) = line.split_at_checked(1) else {
            return Err(self.garbage());
        };
        match kind {
            "+" => Ok(rest.to_owned()),
            "-" => Err(Hindrance::new(self.refused(rest))),
            "$" => {
                let length: usize = rest.parse().map_err(|_| self.garbage())?;
                if length > self.run.limits.body_bytes {
                    return Err(too_long(self.run));
                }
                while self.read.len() < length + 2 {
                    self.more().await?;
                }
                let text = String::from_utf8_lossy(&self.read[..length]).into_owned();
                self.read.drain(..length + 2);
                Ok(text)
            }
            _ => Err(self.garbage()),
        }
    }

    /// A line without its end.
    async fn line(&mut self) -> Result<String, Hindrance> {
        loop {
            if let Some(end) = self.read.windows(2).position(|pair| pair == b"\r\n") {
                let line = String::from_utf8_lossy(&self.read[..end]).into_owned();
                self.read.drain(..end + 2);
                return Ok(line);
            }
            // What is no RESP shows in its first byte; the rest need not be waited for.
            let begins_well = self.read.first().is_none_or(|first| b"+-:$*".contains(first));
            if !begins_well || self.read.len() > LONGEST_LINE {
                return Err(self.garbage());
            }
            self.more().await?;
        }
    }

    async fn more(&mut self) -> Result<(), Hindrance> {
        let mut bytes = [0; 4096];
        match self.stream.read(&mut bytes).await {
            Ok(came @ 1..) => {
                self.read.extend_from_slice(&bytes[..came]);
                Ok(())
            }
            _ => Err(self.closed()),
        }
    }

    fn closed(&self) -> Hindrance {
        Hindrance::new(format!(
            "{} closed the connection without an answer; look at its log, and whether it wants rediss://",
            self.place
        ))
    }

    fn garbage(&self) -> Hindrance {
        Hindrance::new(format!(
            "{} does not answer as Redis does; mend `url`",
            self.place
        ))
    }

    fn refused(&self, words: &str) -> String {
        let place = self.place;
        let said = self.run.redactor.beginning(words, 200);
        match words.split_whitespace().next() {
            Some("NOAUTH") => {
                format!("{place} wants a password ({said}); give `url` one from a secret variable")
            }
            Some("WRONGPASS") => {
                format!("{place} refuses the user or the password of `url` ({said}); check both")
            }
            Some("NOPERM") => format!("the user of `url` may not ask that at {place} ({said})"),
            Some("LOADING") => format!("{place} is still loading its data ({said}); try again soon"),
            _ => format!("{place} answers with an error: {said}"),
        }
    }
}

fn format_bulk(word: &str) -> String {
    format!("${}\r\n{word}\r\n", word.len())
}

/// What `INFO` says, by name: lines such as `used_memory:1024`, below headings such as `# Memory`.
fn info(text: &str) -> Value {
    let mut named = Map::new();
    for line in text.lines() {
        if let Some((name, value)) = line.split_once(':')
            && !line.starts_with('#')
        {
            named.insert(name.to_owned(), info_value(value.trim()));
        }
    }
    Value::Object(named)
}

/// Whole numbers and fractions as such. What only looks like one, as a hash of digits, keeps its leading zeros.
fn info_value(text: &str) -> Value {
    let plain = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'.'));
    let padded = text.starts_with('0') && text.len() > 1 && !text.starts_with("0.");
    if !plain || padded {
        return Value::from(text);
    }
    if let Ok(whole) = text.parse::<i64>() {
        return Value::from(whole);
    }
    text.parse::<f64>()
        .ok()
        .and_then(serde_json::Number::from_f64)
        .map_or_else(|| Value::from(text), Value::Number)
}
