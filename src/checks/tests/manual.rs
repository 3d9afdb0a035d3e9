use super::*;
use crate::domain::check::{Attestation, Evidence, ManualProbe, Standing};
use crate::domain::ids::UserId;

fn manual(standing: Option<Standing>) -> Check {
    let probe = ManualProbe {
        evidence: Evidence::Optional,
        standing,
    };
    check(Probe::Manual(probe), None)
}

fn attestation() -> Attestation {
    Attestation {
        by: UserId(7),
        at: "2026-03-06T09:00:00Z".parse().expect("a time"),
        evidence: Some("https://example.com/pull/7".to_owned()),
    }
}

#[tokio::test]
async fn what_stands_is_told_and_is_read_back() {
    let attested = manual(Some(Standing::Attested(attestation())));
    let result = checks().run(&attested, &Variables::new()).await;
    assert_eq!(
        (result.status, result.why.as_str()),
        (
            CheckStatus::Passed,
            "a person attests it: https://example.com/pull/7"
        )
    );
    assert_eq!(result.observed, attestation().observed());
    assert_eq!(
        Attestation::of(&attestation().result(&attested.id)),
        Some(attestation())
    );

    let open = checks()
        .run(&manual(Some(Standing::Open)), &Variables::new())
        .await;
    assert_eq!(
        (open.status, open.why.as_str()),
        (
            CheckStatus::Failed,
            "nobody has attested it; ticking one of its items does"
        )
    );
    assert_eq!(Attestation::of(&open), None);
}

#[tokio::test]
async fn where_there_is_no_deployment_it_is_skipped() {
    let results = checks()
        .run_all(
            vec![manual(None)],
            Arc::new(Variables::new()),
            CancellationToken::new(),
        )
        .collect::<Vec<_>>()
        .await;
    assert_eq!(
        (results[0].status, results[0].why.as_str()),
        (
            CheckStatus::Skipped,
            "is attested by a person in a deployment, and there is none here; `/deploy tick` does that"
        )
    );
}
