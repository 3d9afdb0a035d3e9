//! What a program leaves behind outside of its process group.
//!
//! A descendant that begins a session of its own (`setsid`, a daemon) is not ended with the group. But it has the
//! environment that it was started with, and in it the mark of the command, by which it is found. One that wipes its
//! environment on purpose, or that became another user's, gets away.

use rustix::process::Pid;

/// The variable with the mark.
pub(in crate::checks) const MARK: &str = "HOLDPOINT_COMMAND";

/// A mark that no other command has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark(String);

/// The processes of this machine by number; none where `/proc` is not there.
pub(super) fn processes() -> impl Iterator<Item = Pid> {
    std::fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok())
        .filter_map(Pid::from_raw)
}

impl Mark {
    /// A mark by chance; nothing when the system has no randomness to give.
    pub(super) fn new() -> Option<Self> {
        let number = getrandom::u64().ok()?;
        Some(Self(format!("{number:016x}")))
    }

    /// The variable's value.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Kills every process that has the mark. Blocks for as long as it takes to look at all there are.
    #[cfg(target_os = "linux")]
    pub(super) fn sweep(&self) {
        use rustix::process::{PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

        /// One that forked just before it was killed has a child that the next pass finds; a killed one can be seen
        /// for a moment longer.
        const PASSES: usize = 16;

        let marked = format!("{MARK}={}", self.0).into_bytes();
        for _ in 0..PASSES {
            let mut found = false;
            for process in processes() {
                // The handle comes first: the number cannot become somebody else's between looking and killing.
                let Ok(handle) = pidfd_open(process, PidfdFlags::empty()) else {
                    continue;
                };
                let Ok(environment) = std::fs::read(format!("/proc/{}/environ", process.as_raw_pid())) else {
                    continue;
                };
                if environment
                    .split(|byte| *byte == 0)
                    .any(|variable| variable == marked)
                {
                    found |= pidfd_send_signal(&handle, Signal::KILL).is_ok();
                }
            }
            if !found {
                return;
            }
            std::thread::yield_now();
        }
    }

    /// Elsewhere, nothing tells the environment of another process.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn sweep(&self) {}

    /// The same without waiting for it.
    pub(super) fn sweep_in_background(self) {
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => {
                runtime.spawn_blocking(move || self.sweep());
            }
            Err(_) => self.sweep(),
        }
    }
}
