//! `{{ name }}` in the parameters of a check.
//!
//! Only a variable's name between the braces is a placeholder. Everything else with braces stays as it is, so
//! that the templates of other tools (`docker ps --format '{{.Names}}'`) pass through unharmed.

use std::ops::Range;

/// A placeholder found in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Placeholder<'a> {
    /// The variable it names.
    pub(super) name: &'a str,
    /// Where it stands, braces included, in bytes.
    pub(super) span: Range<usize>,
}

/// The placeholders of a text in order.
pub(super) fn placeholders(text: &str) -> Vec<Placeholder<'_>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(open) = text[from..].find("{{").map(|at| from + at) {
        // With `{{{ name }}`, the inner pair is the placeholder.
        let inside = &text[open + 2..];
        let trimmed = inside.trim_start();
        let length = trimmed
            .find(|character: char| !matches!(character, 'a'..='z' | '0'..='9' | '_'))
            .unwrap_or(trimmed.len());
        let name = &trimmed[..length];
        let rest = trimmed[length..].trim_start();
        if name.starts_with(|character: char| character.is_ascii_lowercase()) && rest.starts_with("}}") {
            let end = text.len() - rest.len() + 2;
            found.push(Placeholder {
                name,
                span: open..end,
            });
            from = end;
        } else {
            from = open + 1;
        }
    }
    found
}

/// The text with every placeholder replaced by what `value_of` gives for its name; the first name it has
/// nothing for ends the expansion and is returned. What is put in is not expanded again.
pub(super) fn expand(text: &str, mut value_of: impl FnMut(&str) -> Option<String>) -> Result<String, &str> {
    let mut expanded = String::with_capacity(text.len());
    let mut from = 0;
    for placeholder in placeholders(text) {
        expanded.push_str(&text[from..placeholder.span.start]);
        expanded.push_str(&value_of(placeholder.name).ok_or(placeholder.name)?);
        from = placeholder.span.end;
    }
    expanded.push_str(&text[from..]);
    Ok(expanded)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn expanded(text: &str) -> Result<String, &str> {
        expand(text, |name| match name {
            "base_url" => Some("https://app.example".to_owned()),
            "nested" => Some("{{ base_url }}".to_owned()),
            _ => None,
        })
    }

    #[test]
    fn a_name_between_braces_is_replaced_and_nothing_else() {
        assert_eq!(
            expanded("{{ base_url }}/x"),
            Ok("https://app.example/x".to_owned())
        );
        assert_eq!(
            expanded("{{base_url}}{{  base_url\t}}"),
            Ok("https://app.example".repeat(2))
        );
        assert_eq!(
            expanded("{{{ base_url }}}"),
            Ok("{https://app.example}".to_owned())
        );
        for literal in [
            "{{.Names}}",
            "{{ json . }}",
            "{{",
            "}}",
            "{{ }}",
            "{{ Base }}",
            "{{ base_url }",
            "${{ github.sha }}",
        ] {
            assert_eq!(expanded(literal), Ok(literal.to_owned()));
        }
    }

    #[test]
    fn an_unknown_name_is_handed_back() {
        assert_eq!(expanded("a {{ base_url }} {{ base_ulr }}"), Err("base_ulr"));
    }

    #[test]
    fn a_value_is_not_expanded_again() {
        assert_eq!(expanded("{{ nested }}"), Ok("{{ base_url }}".to_owned()));
    }

    proptest! {
        #[test]
        fn any_text_is_taken_without_panic_and_text_without_placeholders_is_kept(text in r"[{} a-c_\PC]{0,60}") {
            let found = placeholders(&text);
            for placeholder in &found {
                prop_assert!(text[placeholder.span.clone()].contains(placeholder.name));
            }
            let kept = expand(&text, |name| Some(format!("<{name}>")));
            if found.is_empty() {
                prop_assert_eq!(kept, Ok(text.clone()));
            } else {
                prop_assert!(kept.is_ok());
            }
        }
    }
}
