//! A way for a database client that dials by itself to go through a connection that is already there.
//!
//! sqlx resolves the name of a server anew when it connects, which may give another address than the one that was
//! vetted; and it makes room for a message as soon as its length is announced, however long. So it is handed a socket of
//! ours instead, at whose other end stands the vetted connection, encrypted where that is asked for, and what comes from
//! the server passes message by message (PostgreSQL, "Message Formats") and bounded.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;

/// What a server may begin with: it asks for credentials, reports an error, says something, or offers another version.
const BEGINNINGS: [u8; 4] = *b"RENv";

/// A relay for one connection. It ends when it is dropped.
pub(super) struct Relay {
    /// The directory of the socket, as PostgreSQL clients have it.
    pub(super) directory: PathBuf,
    stopped: Arc<OnceLock<Stopped>>,
    relaying: JoinHandle<()>,
}

/// Why no more is passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stopped {
    /// The server sent, or announced, more than is passed on.
    Full,
    /// The server does not speak PostgreSQL's protocol.
    Foreign,
}

impl Relay {
    /// Opens a socket with this name in a directory of its own, and passes on what comes; from the server no more
    /// than `most` bytes.
    pub(super) fn open(
        server: impl AsyncRead + AsyncWrite + Send + 'static,
        name: &str,
        most: usize,
    ) -> io::Result<Self> {
        let directory = directory()?;
        let listener = UnixListener::bind(directory.join(name))?;
        let stopped = Arc::new(OnceLock::new());
        let noted = Arc::clone(&stopped);
        let relaying = tokio::spawn(async move {
            if let Ok(client) = first_of_ours(&listener).await
                && let Ok(Some(why)) = pass_on(client, server, most).await
            {
                // Nobody else sets it.
                let _ = noted.set(why);
            }
        });
        Ok(Self {
            directory,
            stopped,
            relaying,
        })
    }

    /// Why no more is passed on, when the relay has stopped by itself.
    pub(super) fn stopped(&self) -> Option<Stopped> {
        self.stopped.get().copied()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.relaying.abort();
        clean_up(&self.directory);
    }
}

/// The first connection that this process makes; others have no business here.
async fn first_of_ours(listener: &UnixListener) -> io::Result<UnixStream> {
    let own = i32::try_from(std::process::id()).ok();
    loop {
        let (client, _) = listener.accept().await?;
        if client.peer_cred()?.pid() == own {
            return Ok(client);
        }
    }
}

/// Copies both ways until either end is through.
async fn pass_on(
    client: UnixStream,
    server: impl AsyncRead + AsyncWrite,
    most: usize,
) -> io::Result<Option<Stopped>> {
    let (mut from_client, to_client) = client.into_split();
    let (from_server, mut to_server) = tokio::io::split(server);
    let asking = async {
        let mut bytes = [0; 4096];
        loop {
            match from_client.read(&mut bytes).await? {
                0 => return Ok(None),
                came => {
                    to_server.write_all(&bytes[..came]).await?;
                    // What is encrypted may otherwise wait for more.
                    to_server.flush().await?;
                }
            }
        }
    };
    tokio::select! {
        // A client that closes its end has had what it wanted.
        ended = asking => ended,
        stopped = messages(from_server, to_client, most) => stopped,
    }
}

/// Passes on messages: a letter, a length that counts itself, and as many bytes.
async fn messages(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    most: usize,
) -> io::Result<Option<Stopped>> {
    let mut left = most;
    let mut is_first = true;
    loop {
        let mut head = [0; 5];
        from.read_exact(&mut head).await?;
        let [kind, length @ ..] = head;
        let length = u32::from_be_bytes(length) as usize;
        if length < 4 || (is_first && !BEGINNINGS.contains(&kind)) {
            return Ok(Some(Stopped::Foreign));
        }
        is_first = false;
        let Some(rest) = left.checked_sub(length + 1) else {
            return Ok(Some(Stopped::Full));
        };
        left = rest;
        to.write_all(&head).await?;
        tokio::io::copy(&mut (&mut from).take(length as u64 - 4), &mut to).await?;
    }
}

fn random_name() -> String {
    format!("holdpoint-{:016x}", RandomState::new().build_hasher().finish())
}

/// An abstract address (unix(7)): no file, so that it works where nothing can be written.
#[cfg(target_os = "linux")]
#[expect(
    clippy::unnecessary_wraps,
    reason = "where there are no abstract addresses, making a directory can fail"
)]
fn directory() -> io::Result<PathBuf> {
    Ok(PathBuf::from(format!("\0{}", random_name())))
}

#[cfg(target_os = "linux")]
fn clean_up(_: &Path) {}

/// A directory that is open to nobody else.
#[cfg(not(target_os = "linux"))]
fn directory() -> io::Result<PathBuf> {
    use std::os::unix::fs::DirBuilderExt as _;

    let directory = std::env::temp_dir().join(random_name());
    std::fs::DirBuilder::new().mode(0o700).create(&directory)?;
    Ok(directory)
}

#[cfg(not(target_os = "linux"))]
fn clean_up(directory: &Path) {
    // What cannot be removed is an empty socket in the directory for temporary files.
    let _ = std::fs::remove_dir_all(directory);
}
