//! Taking connections: plain HTTP as it is, `CONNECT` to one of Discord's hosts through TLS into the same server.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::tls::{API_HOST, CDN_HOST, MEDIA_HOST};

/// How long a client may take over CONNECT and its TLS handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the head of a CONNECT may be.
const MAX_HEAD_BYTES: usize = 8 * 1024;

trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> ByteStream for T {}

/// A handle with which the answering side cuts its own connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cut(Arc<AtomicBool>);

/// Whom a connection takes the stand-in for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Site {
    /// The API's host, or the stand-in itself without a proxy.
    Api,
    /// The hosts of files.
    Cdn,
}

/// What an answering side knows of its connection.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) site: Site,
    pub(crate) cut: Cut,
}

/// A connection as the HTTP server sees it.
pub(crate) struct Wire {
    stream: Box<dyn ByteStream>,
    line: Line,
}

/// The connections that are ready for HTTP.
pub(crate) struct Door {
    ready: mpsc::Receiver<(Wire, SocketAddr)>,
    address: SocketAddr,
}

impl Cut {
    /// From now on nothing is written: the client sees the connection end.
    pub(crate) fn cut(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn check(&self) -> io::Result<()> {
        if self.0.load(Ordering::Acquire) {
            Err(io::ErrorKind::ConnectionReset.into())
        } else {
            Ok(())
        }
    }
}

impl Wire {
    fn new(stream: impl ByteStream + 'static, site: Site) -> Self {
        let cut = Cut::default();
        Self {
            stream: Box::new(stream),
            line: Line { site, cut },
        }
    }
}

impl Connected<IncomingStream<'_, Door>> for Line {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Self {
        stream.io().line.clone()
    }
}

impl Listener for Door {
    type Io = Wire;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Wire, SocketAddr) {
        match self.ready.recv().await {
            Some(connection) => connection,
            // The accepting task has ended, so nothing comes any more; the server is told to stop elsewhere.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.line.cut.check()?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.line.cut.check()?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.line.cut.check()?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.line.cut.check()?;
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// Begins to accept; what is ready comes out of the door.
pub(crate) fn open(
    listener: TcpListener,
    address: SocketAddr,
    tls: TlsAcceptor,
    stopping: CancellationToken,
    tasks: &TaskTracker,
) -> Door {
    let (ready, waiting) = mpsc::channel(64);
    let handshakes = tasks.clone();
    tasks.spawn(async move {
        loop {
            let accepted = tokio::select! {
                () = stopping.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            let Ok((stream, peer)) = accepted else {
                // Out of file handles, most likely: leave the others time to end.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            let (ready, tls, stopping) = (ready.clone(), tls.clone(), stopping.clone());
            handshakes.spawn(async move {
                let prepared = tokio::select! {
                    () = stopping.cancelled() => return,
                    prepared = tokio::time::timeout(HANDSHAKE_TIMEOUT, prepare(stream, tls)) => prepared,
                };
                match prepared {
                    Ok(Ok(Some(wire))) => {
                        // When the server is gone so is the need for the connection.
                        drop(ready.send((wire, peer)).await);
                    }
                    Ok(Err(error)) => tracing::debug!(%error, "a connection ended before its first request"),
                    Ok(Ok(None)) | Err(_) => {}
                }
            });
        }
    });
    Door {
        ready: waiting,
        address,
    }
}

/// Looks at a connection's first byte. No HTTP method but CONNECT begins with a C.
async fn prepare(mut stream: TcpStream, tls: TlsAcceptor) -> io::Result<Option<Wire>> {
    stream.set_nodelay(true)?;
    let mut first = [0];
    if stream.peek(&mut first).await? == 0 {
        return Ok(None);
    }
    if first != *b"C" {
        return Ok(Some(Wire::new(stream, Site::Api)));
    }
    let head = read_head(&mut stream).await?;
    let target = head.split_whitespace().nth(1).unwrap_or_default();
    let site = match target.strip_suffix(":443") {
        Some(API_HOST) => Some(Site::Api),
        Some(CDN_HOST | MEDIA_HOST) => Some(Site::Cdn),
        _ => None,
    };
    let Some(site) = site.filter(|_| head.starts_with("CONNECT ")) else {
        stream
            .write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            .await?;
        stream.shutdown().await?;
        return Ok(None);
    };
    stream
        .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
        .await?;
    Ok(Some(Wire::new(tls.accept(stream).await?, site)))
}

/// Reads up to the empty line. A client says nothing more before it has the answer, so nothing is read too much.
async fn read_head(stream: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= MAX_HEAD_BYTES || stream.read_buf(&mut head).await? == 0 {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}
