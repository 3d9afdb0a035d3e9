//! `sign-offs` and `escalations`.

use std::collections::BTreeMap;

use super::values::{Entry, Values, is_key};
use super::yaml::{NodeId, Place};
use crate::domain::escalation::{EscalationPolicy, Level};
use crate::domain::ids::{PolicyName, RoleKey};
use crate::domain::sign_off::{Rank, SignOffRule};
use crate::markdown::words::nearest;

/// Most people whose approval one role can ask for.
const QUORUM_LIMIT: u32 = 100;

/// Most times the last level is pinged again.
const REPEAT_LIMIT: u32 = 1000;

/// Names that mean something else among a gate's needs.
const RESERVED: [&str; 3] = ["items", "checks", "go"];

const RANKS: [(&str, Rank); 3] = [
    ("owner", Rank::Owner),
    ("deputy", Rank::Deputy),
    ("lead", Rank::Lead),
];

/// Reads `escalations`; also gives every key that stands there, whether the policy is sound or not.
pub(super) fn escalations(
    values: &mut Values<'_, '_, '_>,
    id: NodeId,
) -> (BTreeMap<PolicyName, EscalationPolicy>, Vec<String>) {
    let entries = values.entries(id, "`escalations`").unwrap_or_default();
    let mut policies = BTreeMap::new();
    let mut declared = Vec::new();
    for entry in entries {
        if !key_is_sound(values, &entry, "an escalation policy's") {
            continue;
        }
        declared.push(entry.key.clone());
        if let Some(policy) = policy(values, &entry) {
            policies.insert(PolicyName::new(entry.key), policy);
        }
    }
    (policies, declared)
}

fn policy(values: &mut Values<'_, '_, '_>, entry: &Entry) -> Option<EscalationPolicy> {
    let what = format!("the escalation policy `{}`", entry.key);
    let fields = values.fields(entry.value, &what, &["owner", "deputy", "lead", "repeat"])?;
    let mut levels = Vec::new();
    let mut sound = true;
    for (key, rank) in RANKS {
        let Some(id) = fields.get(key) else { continue };
        match values.duration(id, &format!("`{key}`")) {
            Some(wait) => levels.push(Level { rank, wait }),
            None => sound = false,
        }
    }
    if levels.is_empty() && sound {
        values.error(
            entry.place,
            format!("The escalation policy `{}` pings nobody.", entry.key),
            Some("Give it at least one of `owner`, `deputy` and `lead`, as `owner: 15m`.".to_owned()),
        );
        return None;
    }
    let repeat = match fields.get("repeat") {
        None => Some(0),
        Some(id) => values.whole(id, "`repeat`", 0, REPEAT_LIMIT),
    };
    let repeat = repeat?;
    sound.then(|| EscalationPolicy {
        name: PolicyName::new(entry.key.as_str()),
        levels,
        repeat,
    })
}

/// Reads `sign-offs`; also gives every key that stands there with its place, whether the sign-off is sound or not.
pub(super) fn sign_offs(
    values: &mut Values<'_, '_, '_>,
    id: NodeId,
    policies: &[String],
) -> (BTreeMap<RoleKey, SignOffRule>, BTreeMap<RoleKey, Place>) {
    let entries = values.entries(id, "`sign-offs`").unwrap_or_default();
    let mut rules = BTreeMap::new();
    let mut declared = BTreeMap::new();
    for entry in entries {
        if !key_is_sound(values, &entry, "a sign-off's") {
            continue;
        }
        if RESERVED.contains(&entry.key.as_str()) {
            values.error(
                entry.place,
                format!(
                    "`{}` cannot be a sign-off's key, since a gate's needs use it.",
                    entry.key
                ),
                Some("Name the role, as `tech-lead`.".to_owned()),
            );
            continue;
        }
        let key = RoleKey::new(entry.key.as_str());
        declared.insert(key.clone(), entry.place);
        if let Some(rule) = rule(values, &entry, policies) {
            rules.insert(key, rule);
        }
    }
    (rules, declared)
}

fn rule(values: &mut Values<'_, '_, '_>, entry: &Entry, policies: &[String]) -> Option<SignOffRule> {
    let key = RoleKey::new(entry.key.as_str());
    if values.is_nothing(entry.value) {
        return Some(SignOffRule {
            title: title_of(&entry.key),
            key,
            quorum: 1,
            escalate: None,
        });
    }
    let what = format!("the sign-off `{}`", entry.key);
    let fields = values.fields(entry.value, &what, &["role", "quorum", "escalate"])?;
    let title = match fields.get("role") {
        None => Some(title_of(&entry.key)),
        Some(id) => values.words(id, "`role`"),
    };
    let quorum = match fields.get("quorum") {
        None => Some(1),
        Some(id) => values.whole(id, "`quorum`", 1, QUORUM_LIMIT),
    };
    let escalate = match fields.get("escalate") {
        None => None,
        Some(id) => Some(policy_name(values, id, policies)?),
    };
    Some(SignOffRule {
        key,
        title: title?,
        quorum: usize::try_from(quorum?).ok()?,
        escalate,
    })
}

/// The name of an escalation policy, one of these or the built-in one.
pub(super) fn policy_name(
    values: &mut Values<'_, '_, '_>,
    id: NodeId,
    policies: &[String],
) -> Option<PolicyName> {
    let name = values.words(id, "`escalate`")?;
    let built_in = EscalationPolicy::built_in().name;
    if name != built_in.as_str() && !policies.contains(&name) {
        let help = match nearest(&name, policies.iter().map(String::as_str)) {
            Some(near) => format!("Did you mean `{near}`?"),
            None => format!("Write it under `escalations`, or leave `escalate` out for `{built_in}`."),
        };
        values.error(
            values.place(id),
            format!("There is no escalation policy `{name}`."),
            Some(help),
        );
        return None;
    }
    Some(PolicyName::new(name))
}

fn key_is_sound(values: &mut Values<'_, '_, '_>, entry: &Entry, whose: &str) -> bool {
    let sound = is_key(&entry.key);
    if !sound {
        values.error(
            entry.place,
            format!("`{}` cannot be {whose} key.", entry.key),
            Some("A key is at most 40 lower-case letters, digits and hyphens.".to_owned()),
        );
    }
    sound
}

/// `tech-lead` as `Tech Lead`.
fn title_of(key: &str) -> String {
    let words = key.split('-').filter(|word| !word.is_empty()).map(|word| {
        let mut characters = word.chars();
        characters.next().map_or_else(String::new, |first| {
            first.to_uppercase().chain(characters).collect::<String>()
        })
    });
    words.collect::<Vec<_>>().join(" ")
}
