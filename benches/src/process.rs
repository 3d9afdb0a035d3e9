//! The two bots as processes of their own: `holdpoint serve`, and the bare one.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use discord_stand_in::StandIn;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

/// How long a start may take before it has failed.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it is asked whether it is ready.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// The service that is asked, as a process of its own, which ends when this is dropped.
pub(crate) struct Service {
    child: Child,
    /// Where its health document is.
    pub(crate) url: String,
}

/// A bot that runs, and ends when this is dropped.
pub(crate) struct Process {
    child: Child,
    /// Seconds from its start until it was ready.
    pub(crate) took: f64,
}

impl Service {
    /// Starts it, and waits until it says where it is.
    pub(crate) async fn start() -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("service")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let out = child.stdout.take().context("the service has no output")?;
        let mut lines = BufReader::new(out).lines();
        let url = tokio::time::timeout(PATIENCE, lines.next_line())
            .await
            .context("the service did not start")??
            .context("the service did not start")?;
        Ok(Self { child, url })
    }

    /// Ends it.
    pub(crate) async fn end(mut self) -> Result<()> {
        Ok(self.child.kill().await?)
    }
}

impl Process {
    /// Starts `holdpoint serve` from the release build, on a stand-in and a directory of its own, and waits until
    /// `/ready` says so.
    pub(crate) async fn serve(stand_in: &StandIn, directory: &Path, checklists: &Path) -> Result<Self> {
        std::fs::create_dir_all(directory)?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let log = directory.join("serve.log");
        let begun = Instant::now();
        let mut child = Command::new(beside_us("holdpoint")?)
            .arg("serve")
            .current_dir(directory)
            .env("HOLDPOINT__DISCORD__TOKEN", "bench")
            .env("HOLDPOINT__DISCORD__LOCAL_PROXY", stand_in.proxy_url())
            .env(
                "HOLDPOINT__DISCORD__LOCAL_CERTIFICATE",
                certificate(stand_in, directory)?,
            )
            .env("HOLDPOINT__DATABASE__PATH", directory.join("holdpoint.db"))
            .env("HOLDPOINT__CHECKLISTS__DIRECTORY", checklists)
            .env("HOLDPOINT__HTTP__LISTEN", format!("127.0.0.1:{port}"))
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stdout(std::fs::File::create(directory.join("serve.out"))?)
            .stderr(std::fs::File::create(&log)?)
            .kill_on_drop(true)
            .spawn()?;
        while !is_ready(port).await {
            if child.try_wait()?.is_some() || begun.elapsed() > PATIENCE {
                bail!(
                    "holdpoint serve did not get ready: {}",
                    std::fs::read_to_string(&log)?
                );
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(Self {
            child,
            took: begun.elapsed().as_secs_f64(),
        })
    }

    /// Starts the bare bot and waits until the gateway has greeted it.
    pub(crate) async fn bare(stand_in: &StandIn, directory: &Path) -> Result<Self> {
        std::fs::create_dir_all(directory)?;
        let begun = Instant::now();
        let mut child = Command::new(std::env::current_exe()?)
            .arg("bare-bot")
            .env("BARE_BOT_PROXY", stand_in.proxy_url())
            .env("BARE_BOT_CERTIFICATE", certificate(stand_in, directory)?)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let out = child.stdout.take().context("the bare bot has no output")?;
        let mut lines = BufReader::new(out).lines();
        let line = tokio::time::timeout(PATIENCE, lines.next_line())
            .await
            .context("the bare bot did not start")??;
        if line.as_deref() != Some("ready") {
            bail!("the bare bot did not get ready");
        }
        Ok(Self {
            child,
            took: begun.elapsed().as_secs_f64(),
        })
    }

    /// What it has in memory, in bytes, as the kernel counts it.
    pub(crate) fn resident(&self) -> Result<f64> {
        let id = self.child.id().context("the process has ended")?;
        let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
        let kibibytes: f64 = status
            .lines()
            .find_map(|line| {
                line.strip_prefix("VmRSS:")?
                    .trim()
                    .strip_suffix(" kB")?
                    .parse()
                    .ok()
            })
            .context("the kernel does not say what the process has in memory")?;
        Ok(kibibytes * 1024.0)
    }

    /// Ends it.
    pub(crate) async fn end(mut self) -> Result<()> {
        Ok(self.child.kill().await?)
    }
}

/// A program of the same build.
fn beside_us(name: &str) -> Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name(name);
    if path.is_file() {
        Ok(path)
    } else {
        bail!(
            "{} is not there; start with benches/run, which builds it",
            path.display()
        )
    }
}

fn certificate(stand_in: &StandIn, directory: &Path) -> Result<PathBuf> {
    let path = directory.join("stand-in.pem");
    std::fs::write(&path, stand_in.ca_certificate_pem())?;
    Ok(path)
}

async fn is_ready(port: u16) -> bool {
    async fn ask(port: u16) -> std::io::Result<bool> {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream
            .write_all(b"GET /ready HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
            .await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        Ok(answer.starts_with(b"HTTP/1.1 200"))
    }
    // Nobody listens until it has come so far.
    matches!(
        tokio::time::timeout(Duration::from_secs(1), ask(port)).await,
        Ok(Ok(true))
    )
}
