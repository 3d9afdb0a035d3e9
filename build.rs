//! Links the release so that what is relocated when it starts is listed in a hundredth of the room, which is resident for as
//! long as it runs.

use std::process::Command;

/// The first glibc that reads such a list (its release notes, 2.36). An older one refuses to start the program.
const FIRST: (u32, u32) = (2, 36);

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|found| found == value);
    let for_here = std::env::var("HOST").is_ok_and(|host| is("TARGET", &host));
    if is("PROFILE", "release")
        && is("CARGO_CFG_TARGET_OS", "linux")
        && is("CARGO_CFG_TARGET_ENV", "gnu")
        // The library of another machine is not known.
        && for_here
        && glibc().is_some_and(|version| version >= FIRST)
    {
        println!("cargo:rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

/// The version of the C library here; nothing where it is another, or cannot be asked.
fn glibc() -> Option<(u32, u32)> {
    let told = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?;
    let text = String::from_utf8(told.stdout).ok()?;
    let (major, minor) = text.trim().strip_prefix("glibc ")?.split_once('.')?;
    let minor = minor.split('.').next()?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}
