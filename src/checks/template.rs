//! `{{ name }}` in the parameters of a check.
//!
//! Only a variable's name between the braces is a placeholder, or a check's key and what it captures, as in
//! `{{ login.token }}`. Everything else with braces stays as it is, so that the templates of other tools
//! (`docker ps --format '{{.Names}}'`, `${{ github.sha }}`) pass through unharmed.

use std::borrow::Cow;
use std::ops::Range;

use super::written;

/// A placeholder found in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Placeholder<'a> {
    /// The variable it names, or the check and its capture with a point between them.
    pub(super) name: &'a str,
    /// Where it stands, braces included, in bytes.
    pub(super) span: Range<usize>,
}

impl<'a> Placeholder<'a> {
    /// The check and the capture, where it names those and no variable.
    pub(super) fn captured(&self) -> Option<(&'a str, &'a str)> {
        self.name.split_once('.')
    }
}

/// The placeholders of a text in order.
pub(super) fn placeholders(text: &str) -> Vec<Placeholder<'_>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(open) = text[from..].find("{{").map(|at| from + at) {
        // With `{{{ name }}`, the inner pair is the placeholder.
        let inside = &text[open + 2..];
        let trimmed = inside.trim_start();
        let name = &trimmed[..name_length(trimmed)];
        let rest = trimmed[name.len()..].trim_start();
        // GitHub's own, which begin with a dollar sign, are dotted too.
        let foreign = name.contains('.') && text[..open].ends_with('$');
        if !name.is_empty() && rest.starts_with("}}") && !foreign {
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

/// How long the name is that a text begins with; 0 where it begins with none.
fn name_length(text: &str) -> usize {
    let run = |text: &str, belongs: fn(char) -> bool| {
        text.find(|character| !belongs(character)).unwrap_or(text.len())
    };
    let key = run(text, |character| matches!(character, 'a'..='z' | '0'..='9' | '-'));
    if key > 0
        && let Some(rest) = text[key..].strip_prefix('.')
    {
        let capture = run(rest, |character| {
            character.is_ascii_alphanumeric() || character == '_'
        });
        if capture > 0 && !rest.starts_with(|first: char| first.is_ascii_digit()) {
            return key + 1 + capture;
        }
    }
    if text.starts_with(|first: char| first.is_ascii_lowercase()) {
        run(text, |character| matches!(character, 'a'..='z' | '0'..='9' | '_'))
    } else {
        0
    }
}

/// The text with every placeholder replaced by what `value_of` gives for its name; the first name it has
/// nothing for ends the expansion and is returned. What is put in is not expanded again.
pub(super) fn expand(
    text: &str,
    mut value_of: impl FnMut(&str) -> Option<String>,
) -> Result<Cow<'_, str>, &str> {
    // Most texts have none, which is told sooner so.
    if !text.contains('{') {
        return Ok(Cow::Borrowed(text));
    }
    let mut expanded = String::with_capacity(text.len());
    let mut from = 0;
    for placeholder in placeholders(text) {
        expanded.push_str(&text[from..placeholder.span.start]);
        expanded.push_str(&value_of(placeholder.name).ok_or(placeholder.name)?);
        from = placeholder.span.end;
    }
    expanded.push_str(&text[from..]);
    Ok(Cow::Owned(expanded))
}

/// A parameter that is a URL: its name, and what the checklist has there.
#[derive(Clone, Copy)]
pub(super) struct Written<'a> {
    pub(super) parameter: &'static str,
    pub(super) text: &'a str,
}

impl Written<'_> {
    /// The variables to check, or the parameter where it names none.
    pub(super) fn named(&self) -> String {
        match variables_in(self.text).as_slice() {
            [] => format!("`{}`", self.parameter),
            named => variables_named(named),
        }
    }
}

/// The variables that a text names.
pub(super) fn variables_in(written: &str) -> Vec<String> {
    placeholders(written)
        .iter()
        .map(|placeholder| placeholder.name.to_owned())
        .collect()
}

/// Variables as a sentence names them.
pub(super) fn variables_named(names: &[String]) -> String {
    let noun = if names.len() == 1 {
        "the variable"
    } else {
        "the variables"
    };
    format!("{noun} {}", written::joined(names, "and"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn expanded(text: &str) -> Result<Cow<'_, str>, &str> {
        expand(text, |name| match name {
            "base_url" => Some("https://app.example".to_owned()),
            "nested" => Some("{{ base_url }}".to_owned()),
            "2fa-login.Token" => Some("t".to_owned()),
            _ => None,
        })
    }

    #[test]
    fn a_name_between_braces_is_replaced_and_nothing_else() {
        assert_eq!(expanded("{{ base_url }}/x"), Ok("https://app.example/x".into()));
        assert_eq!(
            expanded("{{base_url}}{{  base_url\t}}"),
            Ok("https://app.example".repeat(2).into())
        );
        assert_eq!(expanded("{{{ base_url }}}"), Ok("{https://app.example}".into()));
        assert_eq!(expanded("a {{2fa-login.Token}} b"), Ok("a t b".into()));
        for literal in [
            "{{.Names}}",
            "{{ login. }}",
            "{{ login.1 }}",
            "{{ Login.token }}",
            "{{ json . }}",
            "{{",
            "}}",
            "{{ }}",
            "{{ Base }}",
            "{{ base_url }",
            "${{ github.sha }}",
        ] {
            assert_eq!(expanded(literal), Ok(literal.into()));
        }
    }

    #[test]
    fn an_unknown_name_is_handed_back() {
        assert_eq!(expanded("a {{ base_url }} {{ base_ulr }}"), Err("base_ulr"));
    }

    #[test]
    fn a_value_is_not_expanded_again() {
        assert_eq!(expanded("{{ nested }}"), Ok("{{ base_url }}".into()));
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
                prop_assert_eq!(kept, Ok(text.as_str().into()));
            } else {
                prop_assert!(kept.is_ok());
            }
        }
    }
}
