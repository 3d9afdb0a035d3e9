//! The `manual` probe: nothing is probed, a person attests.

use std::collections::BTreeMap;

use super::observation::Observation;
use super::probe::{Hindrance, Seen};
use crate::domain::check::{ManualProbe, Standing};

/// Looks at what stands.
pub(super) fn probe(probe: &ManualProbe) -> Result<Seen, Hindrance> {
    match &probe.standing {
        Some(Standing::Attested(attestation)) => Ok(Seen {
            observation: Observation::default(),
            evidence: attestation.observed(),
            holds: true,
            why: attestation.sentence(),
        }),
        Some(Standing::Open) => Err(Hindrance::failed(
            "nobody has attested it; ticking one of its items does",
            BTreeMap::new(),
        )),
        None => Err(Hindrance::new(
            "a person attests it in a deployment, and there is none here",
        )),
    }
}
