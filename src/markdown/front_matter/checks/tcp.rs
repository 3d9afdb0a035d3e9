//! The `tcp` probe.

use super::required;
use crate::domain::check::{Probe, TcpProbe};
use crate::markdown::front_matter::values::{Entry, Values};

pub(super) fn read(values: &mut Values<'_, '_, '_>, entry: &Entry) -> Option<Probe> {
    let fields = values.fields(entry.value, "`tcp`", &["address"])?;
    let address = required(values, &fields, entry, "address")?;
    Some(Probe::Tcp(TcpProbe {
        address: values.words(address, "`address`")?,
    }))
}
