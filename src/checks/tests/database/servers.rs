//! Real servers, started where their programs are installed. Where they are not, a test says so on the terminal and
//! passes, unless `HOLDPOINT_TEST_SERVERS` is `required`, as `.ci/run` sets it.

use std::io::Write as _;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// The user that a server runs as when the tests run as root: PostgreSQL refuses root. Debian's `nobody`.
const NOBODY: u32 = 65534;

/// A PostgreSQL server with TLS, whose superuser is `owner` with the password `s3cret-canary`. It is stopped when it
/// is dropped.
pub(super) struct Postgres {
    programs: PathBuf,
    directory: TempDir,
    pub(super) port: u16,
}

impl Postgres {
    pub(super) fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            cannot_run("PostgreSQL", "initdb and pg_ctl in /usr/lib/postgresql");
            return None;
        };
        let directory = tempfile::tempdir().expect("a directory");
        hand_over(directory.path());
        let path = directory.path().to_owned();
        let server = Self {
            port: free_port(),
            programs,
            directory,
        };
        let data = path.join("data");
        server.write("password", "s3cret-canary");
        server.run(
            "initdb",
            &[
                "--pgdata",
                text(&data),
                "--username=owner",
                "--auth=scram-sha-256",
                "--no-sync",
                "--encoding=UTF8",
                "--locale=C",
                "--pwfile",
                text(&path.join("password")),
            ],
        );
        let certificate =
            rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
        server.write("data/server.crt", &certificate.cert.pem());
        server.write("data/server.key", &certificate.signing_key.serialize_pem());
        let options = format!(
            "-p {} -k {} -c listen_addresses=127.0.0.1 -c fsync=off -c ssl=on",
            server.port,
            text(&path)
        );
        server.run(
            "pg_ctl",
            &[
                "start",
                "--wait",
                "--pgdata",
                text(&data),
                "--log",
                text(&path.join("log")),
                "-o",
                &options,
            ],
        );
        Some(server)
    }

    pub(super) fn url(&self, password: &str, mode: &str) -> String {
        format!(
            "postgres://owner:{password}@localhost:{}/postgres?sslmode={mode}",
            self.port
        )
    }

    /// The file of its certificate, which it has signed itself.
    pub(super) fn certificate(&self) -> String {
        text(&self.directory.path().join("data/server.crt")).to_owned()
    }

    fn write(&self, name: &str, contents: &str) {
        use std::os::unix::fs::PermissionsExt as _;

        let file = self.directory.path().join(name);
        std::fs::write(&file, contents).expect("a file");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).expect("permissions");
        hand_over(&file);
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let output = self.output(program, arguments);
        assert!(
            output.status.success(),
            "{program}: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }

    fn output(&self, program: &str, arguments: &[&str]) -> Output {
        let mut command = Command::new(self.programs.join(program));
        command.args(arguments).current_dir(self.directory.path());
        if is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        // The server outlives `pg_ctl`, and would keep a pipe open.
        let errors = self.directory.path().join("errors");
        let file = std::fs::File::create(&errors).expect("a file");
        let status = command
            .stdin(std::process::Stdio::null())
            .stdout(file.try_clone().expect("a file"))
            .stderr(file)
            .status()
            .expect("the program runs");
        Output {
            status,
            stdout: std::fs::read(&errors).expect("what it said"),
            stderr: Vec::new(),
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let data = self.directory.path().join("data");
        self.output("pg_ctl", &["stop", "--mode=immediate", "--pgdata", text(&data)]);
    }
}

/// Says loudly that a test did not run. What is written here is shown although the test passes.
pub(super) fn cannot_run(server: &str, wanted: &str) {
    assert_ne!(
        std::env::var("HOLDPOINT_TEST_SERVERS").as_deref(),
        Ok("required"),
        "there is no {wanted}"
    );
    writeln!(
        std::io::stderr(),
        "\nNOT TESTED against a real {server}: there is no {wanted} on this machine; install it and test again\n"
    )
    .expect("a terminal");
}

pub(super) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

/// The newest of the versions that Debian installs beside one another.
fn programs() -> Option<PathBuf> {
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(|programs| programs.join("initdb").is_file() && programs.join("pg_ctl").is_file())
        .collect();
    versions.sort();
    versions.pop()
}

fn hand_over(path: &Path) {
    if is_root() {
        chown(path, Some(NOBODY), Some(NOBODY)).expect("root may give away");
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}
