//! The forms that values are held to.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use regex::Regex;
use serde_json::Value;

use super::Look;
use crate::checks::probe::Hindrance;
use crate::domain::check::EnvFormat;

/// Whether a value has a form.
pub(super) fn holds(look: &Look<'_>, format: &EnvFormat, value: &str) -> Result<bool, Hindrance> {
    Ok(match format {
        EnvFormat::Url(scheme) => url::Url::parse(value).is_ok_and(|url| {
            let same = |wanted: &String| {
                // The two names of PostgreSQL's scheme mean the same.
                let plain = |scheme: &str| scheme.replace("postgresql", "postgres");
                plain(wanted).eq_ignore_ascii_case(&plain(url.scheme()))
            };
            !url.cannot_be_a_base() && url.has_host() && scheme.as_ref().is_none_or(same)
        }),
        EnvFormat::Hex(digits) => {
            value.len() == *digits && value.bytes().all(|byte| byte.is_ascii_hexdigit())
        }
        EnvFormat::Prefix(prefix) => value.starts_with(&*look.run.expand(prefix)?),
        EnvFormat::Equals(text) => look.is_the_same(value, &look.run.expand(text)?),
        EnvFormat::SameAs(other) => look
            .value_of(other)
            .is_some_and(|other| look.is_the_same(value, other)),
        EnvFormat::Matches(pattern) => Regex::new(pattern)
            .map_err(|_| {
                Hindrance::new(format!(
                    "matches({pattern}) is not a regular expression; mend it in the front matter"
                ))
            })?
            .is_match(value),
        EnvFormat::MinLength(characters) => value.chars().count() >= *characters,
        EnvFormat::Base64Json => {
            let packed: String = value
                .chars()
                .filter(|character| !character.is_whitespace())
                .collect();
            let decoded = [alphabet::STANDARD, alphabet::URL_SAFE]
                .into_iter()
                .find_map(|alphabet| {
                    let config =
                        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
                    GeneralPurpose::new(&alphabet, config).decode(&packed).ok()
                });
            decoded.is_some_and(|decoded| {
                serde_json::from_slice::<Value>(&decoded)
                    .is_ok_and(|json| json.is_object() || json.is_array())
            })
        }
        EnvFormat::Integer => value.trim().parse::<i128>().is_ok(),
    })
}

/// What a format asks for, as the checklist has it.
pub(super) fn expected(format: &EnvFormat) -> String {
    match format {
        EnvFormat::Url(None) => "a URL".to_owned(),
        EnvFormat::Url(Some(scheme)) => format!("a URL that begins with {scheme}://"),
        EnvFormat::Hex(digits) => format!("{digits} hexadecimal digits"),
        EnvFormat::Prefix(prefix) => format!("it to begin with {prefix}"),
        EnvFormat::Equals(text) => text.clone(),
        EnvFormat::SameAs(other) => format!("the value of {other}"),
        EnvFormat::Matches(pattern) => format!("it to match {pattern}"),
        EnvFormat::MinLength(characters) => format!("at least {characters} characters"),
        EnvFormat::Base64Json => "a JSON document in base64".to_owned(),
        EnvFormat::Integer => "a whole number".to_owned(),
    }
}
