//! Asks a running Holdpoint whether it is alive, for `holdpoint health`.
//!
//! One fixed request over plain TCP needs no HTTP client, and a health check that runs every few seconds should start
//! and end quickly.

use std::{
    io::{self, Read as _, Write as _},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    time::Duration,
};

/// How long connecting, sending and each read may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// How much of the answer is read, in bytes: the status line is at its start.
const ENOUGH: u64 = 512;

/// Why it is not known to be alive.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody answers.
    #[error("nothing answers at {address} ({fault}); is `holdpoint serve` running with these settings?")]
    NoAnswer {
        /// Who was asked.
        address: SocketAddr,
        /// What the operating system said.
        fault: io::Error,
    },
    /// Somebody answers, but not that it is alive.
    #[error("{address} answers {answer:?} instead of \"200 OK\"; does another program listen there?")]
    NotAlive {
        /// Who was asked.
        address: SocketAddr,
        /// The first line of the answer.
        answer: String,
    },
}

/// Asks `/health` of whoever listens on `listen`; an unspecified address, such as `0.0.0.0`, is asked on loopback.
///
/// # Errors
/// [`AskError`] when there is no answer within three seconds, or another answer than 200.
pub fn ask_health(listen: SocketAddr) -> Result<(), AskError> {
    let address = reachable(listen);
    let answer = ask(address).map_err(|fault| AskError::NoAnswer { address, fault })?;
    let line = answer.lines().next().unwrap_or_default();
    let status = line.split(' ').nth(1);
    if line.starts_with("HTTP/1.") && status == Some("200") {
        Ok(())
    } else {
        Err(AskError::NotAlive {
            address,
            answer: line.to_owned(),
        })
    }
}

fn ask(address: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    // In one piece, as a short request is expected to come.
    stream.write_all(
        format!("GET /health HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes(),
    )?;
    let mut answer = Vec::new();
    stream.take(ENOUGH).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn reachable(listen: SocketAddr) -> SocketAddr {
    let loopback: IpAddr = match listen.ip() {
        IpAddr::V4(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(address) if address.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        given => given,
    };
    SocketAddr::new(loopback, listen.port())
}

#[cfg(test)]
mod tests {
    use std::{net::TcpListener, thread};

    use super::*;

    /// Answers one request with a text.
    fn answering(answer: &'static str) -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 1024];
            let read = stream.read(&mut request).unwrap();
            assert!(request[..read].starts_with(b"GET /health "));
            stream.write_all(answer.as_bytes()).unwrap();
        });
        address
    }

    #[test]
    fn only_200_is_alive() {
        assert!(ask_health(answering("HTTP/1.1 200 OK\r\n\r\n")).is_ok());
        for answer in [
            "HTTP/1.1 503 Service Unavailable\r\n\r\n",
            "HTTP/1.1 404 200\r\n\r\n",
            "SSH-2.0 200\r\n",
            "",
        ] {
            let refused = ask_health(answering(answer)).unwrap_err();
            assert!(
                matches!(refused, AskError::NotAlive { .. }),
                "{answer:?} gave {refused}"
            );
        }
    }

    #[test]
    fn nobody_there_is_said_so() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let refused = ask_health(address).unwrap_err();
        assert!(matches!(refused, AskError::NoAnswer { .. }), "{refused}");
    }

    #[test]
    fn every_address_of_this_machine_is_asked_on_loopback() {
        assert_eq!(
            reachable("0.0.0.0:80".parse().unwrap()),
            "127.0.0.1:80".parse().unwrap()
        );
        assert_eq!(reachable("[::]:80".parse().unwrap()), "[::1]:80".parse().unwrap());
        assert_eq!(
            reachable("10.0.0.1:80".parse().unwrap()),
            "10.0.0.1:80".parse().unwrap()
        );
    }
}
