//! What is in a component's `custom_id`. It carries all that is needed to act on a press, so that buttons outlive restarts.

use crate::domain::ids::{DeploymentId, ItemId, RoleKey, SectionId};

/// What a press asks for. Written as `v1:word:deployment[:argument…]`, at most 100 characters (Discord's limit).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Press {
    /// Run all checks.
    Check { deployment: DeploymentId },
    /// Run again those that did not pass.
    CheckAgain { deployment: DeploymentId },
    /// Tick this item.
    Tick { deployment: DeploymentId, item: ItemId },
    /// Open this item again.
    Untick { deployment: DeploymentId, item: ItemId },
    /// Ask for the reason to skip it.
    Skip { deployment: DeploymentId, item: ItemId },
    /// Ask for the reason it is blocked.
    Block { deployment: DeploymentId, item: ItemId },
    /// Ask for a note on it.
    Note { deployment: DeploymentId, item: ItemId },
    /// Show the sign-offs.
    SignOffs { deployment: DeploymentId },
    /// Show a page of the log.
    Log { deployment: DeploymentId, page: usize },
    /// Walk from sections to items: the chosen value is a section. The number tells several menus apart.
    Sections { deployment: DeploymentId, menu: usize },
    /// Show a page of a section's items; everything when there is no section.
    Items {
        deployment: DeploymentId,
        section: Option<SectionId>,
        page: usize,
    },
    /// The chosen value is an item of this page.
    ItemOf {
        deployment: DeploymentId,
        section: Option<SectionId>,
        page: usize,
    },
    /// Snooze the pings of a request.
    Acknowledge { deployment: DeploymentId, role: RoleKey },
    /// Ask for the reason of one's rejection.
    Explain { deployment: DeploymentId, role: RoleKey },
}

/// The longest role key that fits; the checklist language allows 40 characters.
const NONE: &str = "-";

impl Press {
    /// Its text.
    pub(crate) fn custom_id(&self) -> String {
        let section = |section: &Option<SectionId>| {
            section
                .as_ref()
                .map_or_else(|| NONE.to_owned(), |section| section.as_str().to_owned())
        };
        match self {
            Self::Check { deployment } => format!("v1:check:{}", deployment.0),
            Self::CheckAgain { deployment } => format!("v1:check-again:{}", deployment.0),
            Self::Tick { deployment, item } => format!("v1:tick:{}:{item}", deployment.0),
            Self::Untick { deployment, item } => format!("v1:untick:{}:{item}", deployment.0),
            Self::Skip { deployment, item } => format!("v1:skip:{}:{item}", deployment.0),
            Self::Block { deployment, item } => format!("v1:block:{}:{item}", deployment.0),
            Self::Note { deployment, item } => format!("v1:note:{}:{item}", deployment.0),
            Self::SignOffs { deployment } => format!("v1:sign-offs:{}", deployment.0),
            Self::Log { deployment, page } => format!("v1:log:{}:{page}", deployment.0),
            Self::Sections { deployment, menu } => format!("v1:sections:{}:{menu}", deployment.0),
            Self::Items {
                deployment,
                section: of,
                page,
            } => {
                format!("v1:items:{}:{}:{page}", deployment.0, section(of))
            }
            Self::ItemOf {
                deployment,
                section: of,
                page,
            } => {
                format!("v1:item-of:{}:{}:{page}", deployment.0, section(of))
            }
            Self::Acknowledge { deployment, role } => format!("v1:ack:{}:{role}", deployment.0),
            Self::Explain { deployment, role } => format!("v1:explain:{}:{role}", deployment.0),
        }
    }

    /// Reads a `custom_id`; `None` for one that is not ours or of a version we no longer know.
    pub(crate) fn parse(custom_id: &str) -> Option<Self> {
        let mut parts = custom_id.split(':');
        if parts.next()? != "v1" {
            return None;
        }
        let word = parts.next()?;
        let deployment = DeploymentId(parts.next()?.parse().ok()?);
        let mut item = || parts.next().filter(|id| !id.is_empty()).map(ItemId::new);
        let press = match word {
            "check" => Self::Check { deployment },
            "check-again" => Self::CheckAgain { deployment },
            "tick" => Self::Tick {
                deployment,
                item: item()?,
            },
            "untick" => Self::Untick {
                deployment,
                item: item()?,
            },
            "skip" => Self::Skip {
                deployment,
                item: item()?,
            },
            "block" => Self::Block {
                deployment,
                item: item()?,
            },
            "note" => Self::Note {
                deployment,
                item: item()?,
            },
            "sign-offs" => Self::SignOffs { deployment },
            "log" => Self::Log {
                deployment,
                page: parts.next()?.parse().ok()?,
            },
            "sections" => Self::Sections {
                deployment,
                menu: parts.next()?.parse().ok()?,
            },
            "items" | "item-of" => {
                let section = Some(parts.next()?)
                    .filter(|text| *text != NONE)
                    .map(SectionId::new);
                let page = parts.next()?.parse().ok()?;
                if word == "items" {
                    Self::Items {
                        deployment,
                        section,
                        page,
                    }
                } else {
                    Self::ItemOf {
                        deployment,
                        section,
                        page,
                    }
                }
            }
            "ack" => Self::Acknowledge {
                deployment,
                role: RoleKey::new(parts.next()?),
            },
            "explain" => Self::Explain {
                deployment,
                role: RoleKey::new(parts.next()?),
            },
            _ => return None,
        };
        parts.next().is_none().then_some(press)
    }

    /// The deployment it is about.
    pub(crate) fn deployment(&self) -> DeploymentId {
        match self {
            Self::Check { deployment }
            | Self::CheckAgain { deployment }
            | Self::Tick { deployment, .. }
            | Self::Untick { deployment, .. }
            | Self::Skip { deployment, .. }
            | Self::Block { deployment, .. }
            | Self::Note { deployment, .. }
            | Self::SignOffs { deployment }
            | Self::Log { deployment, .. }
            | Self::Sections { deployment, .. }
            | Self::Items { deployment, .. }
            | Self::ItemOf { deployment, .. }
            | Self::Acknowledge { deployment, .. }
            | Self::Explain { deployment, .. } => *deployment,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_press_is_read_back_and_fits() {
        let deployment = DeploymentId(i64::MAX);
        let item = ItemId::new("12.34.56.78.90.12.34");
        let role = RoleKey::new("r".repeat(40));
        let section = Some(SectionId::new("12.34.56.78"));
        let presses = [
            Press::Check { deployment },
            Press::CheckAgain { deployment },
            Press::Tick {
                deployment,
                item: item.clone(),
            },
            Press::Untick {
                deployment,
                item: item.clone(),
            },
            Press::Skip {
                deployment,
                item: item.clone(),
            },
            Press::Block {
                deployment,
                item: item.clone(),
            },
            Press::Note { deployment, item },
            Press::SignOffs { deployment },
            Press::Log { deployment, page: 7 },
            Press::Sections { deployment, menu: 2 },
            Press::Items {
                deployment,
                section: None,
                page: 0,
            },
            Press::ItemOf {
                deployment,
                section,
                page: 99,
            },
            Press::Acknowledge {
                deployment,
                role: role.clone(),
            },
            Press::Explain { deployment, role },
        ];
        for press in presses {
            let custom_id = press.custom_id();
            assert!(custom_id.len() <= 100, "{custom_id}");
            assert_eq!(Press::parse(&custom_id), Some(press));
        }
    }

    #[test]
    fn what_is_not_ours_is_nothing() {
        for foreign in [
            "",
            "v1",
            "v1:tick:1",
            "v1:tick:x:1.2",
            "v2:check:1",
            "v1:check:1:2",
            "v1:dance:1",
        ] {
            assert_eq!(Press::parse(foreign), None, "{foreign}");
        }
    }
}
