//! Ours beside other people's programs, which are processes of their own: `benches/peers` installs and starts them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use holdpoint::checks::{Checks, Variables};
use holdpoint::domain::check::{CheckStatus, HttpProbe, LoadExtent, LoadProbe, Probe};
use serde_json::Value;
use tokio::process::Command;

use crate::checks::{AT_ONCE, check_of, checker, seconds_a_check};
use crate::measure::{Paired, paired, per};
use crate::process::Service;
use crate::table::{Goal, Row, rate, time, times};

/// Rounds of each figure.
const ROUNDS: usize = 5;
/// Checks, and requests of oha's and hurl's, in a round.
const MANY: usize = 10_000;
/// How long a load lasts in a round.
const LOAD: Duration = Duration::from_secs(4);
/// Requests a second where both are to agree: what either reaches without being the bottleneck.
const PACE: u32 = 500;

/// Measures beside the programs that are in the directory.
pub(crate) async fn rows(programs: &Path) -> Result<Vec<Row>> {
    let service = Service::start().await?;
    let mut rows = Vec::new();
    match find(programs, "oha") {
        Some(oha) => rows.extend(beside_oha(&oha, &service.url).await?),
        None => rows.push(missing("oha")),
    }
    match find(programs, "hurl") {
        Some(hurl) => rows.push(beside_hurl(&hurl, programs, &service.url).await?),
        None => rows.push(missing("hurl")),
    }
    service.end().await?;
    Ok(rows)
}

async fn beside_oha(oha: &Path, url: &str) -> Result<Vec<Row>> {
    let checker = checker(AT_ONCE)?;
    let connections = AT_ONCE.to_string();
    let many = MANY.to_string();
    let checks = paired(
        ROUNDS,
        async || seconds_a_check(&checker, url, MANY).await,
        async || Ok(1.0 / ask_oha(oha, url, &["-n", &many, "-c", &connections]).await?.rate),
    )
    .await?;
    let lasting = format!("{}s", LOAD.as_secs());
    let load = paired(
        ROUNDS,
        async || Ok(1.0 / ask_ours(&checker, url, None).await?.rate),
        async || {
            Ok(1.0
                / ask_oha(oha, url, &["-z", &lasting, "-c", &connections])
                    .await?
                    .rate)
        },
    )
    .await?;
    let pace = PACE.to_string();
    let paced = [
        "-z",
        &lasting,
        "-c",
        &connections,
        "-q",
        &pace,
        "--latency-correction",
    ];
    let mut rows = vec![
        faster(
            &format!("HTTP checks, {AT_ONCE} at once, beside oha's requests"),
            checks,
            0.5,
        ),
        faster(&format!("load over {AT_ONCE} connections, beside oha"), load, 0.5),
    ];
    for (name, pick) in [
        ("p50", (|figures| figures.p50) as fn(Figures) -> f64),
        ("p99", |figures| figures.p99),
    ] {
        let pair = paired(
            ROUNDS,
            async || Ok(pick(ask_ours(&checker, url, Some(PACE)).await?)),
            async || Ok(pick(ask_oha(oha, url, &paced).await?)),
        )
        .await?;
        rows.push(Row {
            name: format!("{name} at {PACE} requests a second, beside oha's"),
            ours: time(pair.ours),
            floor: time(pair.floor),
            ratio: times(pair.ratio),
            goal: Goal::Time {
                words: "within 15 %".to_owned(),
                limit: 1.15,
                seen: pair.ratio.max(1.0 / pair.ratio),
            },
        });
    }
    Ok(rows)
}

async fn beside_hurl(hurl: &Path, directory: &Path, url: &str) -> Result<Row> {
    let checker = checker(AT_ONCE)?;
    let file = directory.join("health.hurl");
    let one = format!(
        "GET {url}\nHTTP 200\n[Asserts]\nheader \"content-type\" == \"application/json\"\njsonpath \"$.status\" == \"healthy\"\njsonpath \"$.checks.database\" == true\n\n"
    );
    let jobs = std::thread::available_parallelism()?.get();
    let each = MANY.div_ceil(jobs);
    std::fs::write(&file, one.repeat(each))?;
    let pair = paired(
        ROUNDS,
        async || seconds_a_check(&checker, url, MANY).await,
        async || {
            let begun = Instant::now();
            // As many files at once as there are processors: it has one request of a file on its way at a time.
            let status = Command::new(hurl)
                .args(["--parallel", "--jobs", &jobs.to_string(), "--test"])
                .args(vec![&file; jobs])
                .stdout(std::process::Stdio::null())
                .stderr(std::process::Stdio::null())
                .status()
                .await?;
            ensure!(status.success(), "hurl ended with {status}");
            Ok(per(begun.elapsed(), each * jobs))
        },
    )
    .await?;
    Ok(faster("HTTP checks, beside hurl's", pair, 5.0))
}

#[derive(Clone, Copy)]
struct Figures {
    rate: f64,
    p50: f64,
    p99: f64,
}

async fn ask_oha(oha: &Path, url: &str, arguments: &[&str]) -> Result<Figures> {
    let output = Command::new(oha)
        .args(["--no-tui", "--output-format", "json", "--redirect", "0"])
        .args(arguments)
        .arg(url)
        .output()
        .await?;
    ensure!(
        output.status.success(),
        "oha says: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let told: Value = serde_json::from_slice(&output.stdout)?;
    let number = |place: &str| {
        told.pointer(place)
            .and_then(Value::as_f64)
            .with_context(|| format!("oha tells no {place}"))
    };
    Ok(Figures {
        rate: number("/summary/requestsPerSec")?,
        p50: number("/latencyPercentiles/p50")?,
        p99: number("/latencyPercentiles/p99")?,
    })
}

async fn ask_ours(checker: &Checks, url: &str, rate: Option<u32>) -> Result<Figures> {
    let probe = Probe::Load(LoadProbe {
        request: HttpProbe {
            url: url.to_owned(),
            method: "GET".to_owned(),
            headers: BTreeMap::new(),
            body: None,
            json: None,
            follow: 0,
            capture: Vec::new(),
        },
        connections: AT_ONCE as u32,
        extent: LoadExtent::Duration(LOAD),
        rate,
        warm_up: Duration::ZERO,
        baseline: None,
    });
    let result = checker
        .run(&check_of("load", probe, None, LOAD * 3), &Variables::new())
        .await;
    ensure!(
        result.status == CheckStatus::Passed,
        "the load says: {}",
        result.why
    );
    let number = |name: &str| {
        result
            .observed
            .get(name)
            .and_then(Value::as_f64)
            .with_context(|| format!("the load tells no {name}"))
    };
    Ok(Figures {
        rate: number("rate")?,
        p50: number("p50_ms")? / 1e3,
        p99: number("p99_ms")? / 1e3,
    })
}

fn faster(name: &str, pair: Paired, limit: f64) -> Row {
    Row {
        name: name.to_owned(),
        ours: rate(pair.ours),
        floor: rate(pair.floor),
        ratio: times(pair.speed()),
        goal: Goal::AtLeast {
            limit,
            seen: pair.speed(),
        },
    }
}

fn find(programs: &Path, name: &str) -> Option<PathBuf> {
    Some(programs.join("bin").join(name)).filter(|path| path.is_file())
}

fn missing(name: &str) -> Row {
    Row {
        name: format!("beside {name}"),
        ours: "–".to_owned(),
        floor: "–".to_owned(),
        ratio: "–".to_owned(),
        goal: Goal::NotMeasured {
            words: format!("{name} is not installed"),
        },
    }
}
