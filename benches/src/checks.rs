//! HTTP checks beside a bare reqwest loop that asks and looks at the same, and what many large answers hold in memory.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use futures_util::StreamExt as _;
use holdpoint::checks::{Checks, Environment, Guard, GuardSettings, Limits, Variables};
use holdpoint::clock::SystemClock;
use holdpoint::domain::check::{Check, CheckSeverity, CheckStatus, Condition, HttpProbe, Probe};
use holdpoint::domain::ids::CheckId;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::Effort;
use crate::measure::{paired, per};
use crate::service;
use crate::table::{Goal, Row, rate, times};

/// Requests on their way at once.
pub(crate) const AT_ONCE: usize = 32;
/// Checks in a round.
const ROUND: usize = 1000;
/// What a check looks at: a status, a header and two parts of a JSON body.
const CONDITION: &str = r#"status == 200 && headers["content-type"] == "application/json" && json.status == "healthy" && json.checks.database"#;
const MEBIBYTE: f64 = 1024.0 * 1024.0;

pub(crate) async fn rows(effort: Effort) -> Result<Vec<Row>> {
    let address = service::start()?;
    let health = format!("http://{address}/health");
    let checker = checker(AT_ONCE)?;
    let client = reqwest::Client::builder().no_proxy().build()?;
    let pair = paired(
        effort.rounds(30),
        async || seconds_a_check(&checker, &health, ROUND).await,
        async || seconds_a_request(&client, &health, ROUND).await,
    )
    .await?;
    let large = match effort {
        Effort::Full => 10_000,
        Effort::Quick => 1_000,
    };
    let grown = growth(&format!("http://{address}/large"), large).await?;
    Ok(vec![
        Row {
            name: format!("HTTP checks, {AT_ONCE} at once, beside a bare reqwest loop"),
            ours: rate(pair.ours),
            floor: rate(pair.floor),
            ratio: times(pair.speed()),
            goal: Goal::AtLeast {
                limit: 0.8,
                seen: pair.speed(),
            },
        },
        Row {
            name: format!("memory that {large} answers of 1 MB add"),
            ours: format!("{:.1} MiB", grown / MEBIBYTE),
            floor: "–".to_owned(),
            ratio: "–".to_owned(),
            // At most as many are read at once as checks run against one host, each of them cut at the cap for bodies and held
            // more than once while it is judged, and 10,000 results besides.
            goal: Goal::memory(64.0, grown / MEBIBYTE),
        },
    ])
}

/// Checks with room for so many at once.
pub(crate) fn checker(at_once: usize) -> Result<Checks> {
    let limits = Limits {
        at_once,
        per_host: at_once,
        ..Limits::default()
    };
    with_limits(limits)
}

/// Makes so many checks, and gives the seconds that one took, counted over all.
pub(crate) async fn seconds_a_check(checker: &Checks, url: &str, count: usize) -> Result<f64> {
    let checks = (0..count)
        .map(|number| check(number, url, Some(CONDITION)))
        .collect();
    let checker = checker.clone();
    // In a task, as the bot takes results: one that waits outside of the workers is woken by the kernel for each of them.
    let taking = tokio::spawn(async move {
        let begun = Instant::now();
        let results = checker.run_all(checks, Arc::new(Variables::new()), CancellationToken::new());
        let mut results = std::pin::pin!(results);
        let mut passed = 0;
        while let Some(result) = results.next().await {
            ensure!(
                result.status == CheckStatus::Passed,
                "a check says: {}",
                result.why
            );
            passed += 1;
        }
        ensure!(passed == count, "{passed} of {count} checks gave a result");
        Ok(per(begun.elapsed(), count))
    });
    taking.await?
}

async fn seconds_a_request(client: &reqwest::Client, url: &str, count: usize) -> Result<f64> {
    let begun = Instant::now();
    let mut asking = JoinSet::new();
    for worker in 0..AT_ONCE {
        let (client, url) = (client.clone(), url.to_owned());
        let share = count / AT_ONCE + usize::from(worker < count % AT_ONCE);
        asking.spawn(async move {
            for _ in 0..share {
                let response = client.get(&url).send().await?;
                let right = response.status() == 200
                    && response
                        .headers()
                        .get("content-type")
                        .is_some_and(|kind| kind == "application/json");
                let json: serde_json::Value = serde_json::from_slice(&response.bytes().await?)?;
                ensure!(
                    right && json["status"] == "healthy" && json["checks"]["database"] == true,
                    "the service is not healthy"
                );
            }
            Ok(())
        });
    }
    while let Some(asked) = asking.join_next().await {
        asked??;
    }
    Ok(per(begun.elapsed(), count))
}

/// Bytes by which the most that was ever held exceeds what was held before, over so many large answers.
async fn growth(url: &str, count: usize) -> Result<f64> {
    let checker = with_limits(Limits::default())?;
    let run = async |count: usize| -> Result<()> {
        let checks = (0..count)
            .map(|number| check(number, url, Some("status == 200 && size(json) > 900000")))
            .collect();
        let results = checker.run_all(checks, Arc::new(Variables::new()), CancellationToken::new());
        let results: Vec<_> = results.collect().await;
        for result in &results {
            ensure!(
                result.status == CheckStatus::Passed,
                "a check says: {}",
                result.why
            );
        }
        Ok(())
    };
    // Connections, compiled conditions and the like are there already when it is counted.
    run(20).await?;
    // The kernel forgets the most that was held: proc_pid_clear_refs(5).
    std::fs::write("/proc/self/clear_refs", "5")?;
    let before = resident("VmHWM")?;
    run(count).await?;
    Ok(resident("VmHWM")? - before)
}

fn resident(what: &str) -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let kibibytes: f64 = status
        .lines()
        .find_map(|line| {
            line.strip_prefix(what)?
                .trim_start_matches(':')
                .trim()
                .strip_suffix(" kB")?
                .parse()
                .ok()
        })
        .context("the kernel does not say what the process has in memory")?;
    Ok(kibibytes * 1024.0)
}

fn with_limits(limits: Limits) -> Result<Checks> {
    let guard = Guard::new(GuardSettings::default(), Environment::default())?;
    Ok(Checks::new(limits, guard, Arc::new(SystemClock))?)
}

fn check(number: usize, url: &str, pass: Option<&str>) -> Check {
    let probe = Probe::Http(HttpProbe {
        url: url.to_owned(),
        method: "GET".to_owned(),
        headers: BTreeMap::new(),
        body: None,
        json: None,
        follow: 0,
        capture: Vec::new(),
    });
    check_of(&format!("check-{number}"), probe, pass, Duration::from_secs(30))
}

/// A check by this name.
pub(crate) fn check_of(id: &str, probe: Probe, pass: Option<&str>, timeout: Duration) -> Check {
    Check {
        id: CheckId::new(id),
        description: None,
        probe,
        pass: pass.map(|text| Condition {
            text: text.to_owned(),
            line: 1,
            column: 1,
        }),
        timeout,
        retry: None,
        after: Vec::new(),
        severity: CheckSeverity::default(),
        rhythm: None,
        escalate: None,
        line: 1,
    }
}
