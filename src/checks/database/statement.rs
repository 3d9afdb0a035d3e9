//! SQL as far as it must be understood to tell one statement that reads from others.

/// Whose SQL it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Postgres,
    Sqlite,
}

/// Whether a text is one statement that begins like one that reads. The database holds it to reading all the same.
pub(super) fn vet(text: &str, dialect: Dialect) -> Result<(), String> {
    let outline = outline(text, dialect);
    let mut statements = outline
        .split(';')
        .filter(|statement| !statement.trim().is_empty());
    let Some(statement) = statements.next() else {
        return Err("`query` asks nothing; write it as in SELECT count(*) FROM users".to_owned());
    };
    if statements.next().is_some() {
        return Err(
            "`query` has more than one statement; keep one, and make another check of the other".to_owned(),
        );
    }
    let start = statement.trim_start_matches(|character: char| character == '(' || character.is_whitespace());
    let word: String = start
        .chars()
        .take_while(char::is_ascii_alphabetic)
        .collect::<String>()
        .to_ascii_uppercase();
    let known: &[&str] = match dialect {
        Dialect::Postgres => &["SELECT", "WITH", "VALUES", "TABLE", "EXPLAIN", "SHOW"],
        Dialect::Sqlite => &["SELECT", "WITH", "VALUES", "EXPLAIN", "PRAGMA"],
    };
    if known.contains(&word.as_str()) {
        return Ok(());
    }
    Err(if word.is_empty() {
        "`query` is no SQL; write it as in SELECT count(*) FROM users".to_owned()
    } else {
        let [others @ .., last] = known else {
            return Ok(());
        };
        format!(
            "`query` begins with {word}, and a check only reads; begin with {} or {last}",
            others.join(", ")
        )
    })
}

/// The first word of a statement, in upper case.
pub(super) fn first_word(text: &str, dialect: Dialect) -> String {
    outline(text, dialect)
        .chars()
        .skip_while(|character| !character.is_ascii_alphabetic())
        .take_while(char::is_ascii_alphabetic)
        .collect::<String>()
        .to_ascii_uppercase()
}

/// The text with comments, texts and quoted names left out, so that what is left over of `;` ends statements.
fn outline(text: &str, dialect: Dialect) -> String {
    let mut outline = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let skipped = match first {
            '\'' | '"' => quoted(rest, first),
            '`' if dialect == Dialect::Sqlite => quoted(rest, first),
            '[' if dialect == Dialect::Sqlite => rest.find(']').map_or(rest.len(), |end| end + 1),
            '$' if dialect == Dialect::Postgres => dollar_quoted(rest),
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => comment(rest, dialect),
            _ => 0,
        };
        if skipped == 0 {
            outline.push(first);
            rest = &rest[first.len_utf8()..];
        } else {
            outline.push(' ');
            rest = &rest[skipped..];
        }
    }
    outline
}

/// The length of a quoted text; a doubled quote ends it and begins the next, which comes to the same.
fn quoted(text: &str, quote: char) -> usize {
    text[1..].find(quote).map_or(text.len(), |end| end + 2)
}

/// The length of a text such as `$$ … $$` or `$body$ … $body$`; 0 when it is none.
fn dollar_quoted(text: &str) -> usize {
    let Some(end) = text[1..].find('$') else {
        return 0;
    };
    let tag = &text[..end + 2];
    let name = &tag[1..tag.len() - 1];
    let is_name = name
        .chars()
        .all(|character| character.is_alphanumeric() || character == '_')
        && !name.starts_with(|first: char| first.is_ascii_digit());
    if !is_name {
        return 0;
    }
    let inside = &text[tag.len()..];
    inside
        .find(tag)
        .map_or(text.len(), |close| tag.len() + close + tag.len())
}

/// The length of a comment. PostgreSQL's may stand inside one another.
fn comment(text: &str, dialect: Dialect) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with("/*") && (depth == 0 || dialect == Dialect::Postgres) {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_statement_that_reads_is_let_through() {
        for dialect in [Dialect::Postgres, Dialect::Sqlite] {
            for right in [
                "SELECT 1",
                "  select ';' ;  ",
                "-- a comment;\nSELECT 1 -- another;",
                "/* ; */ WITH x AS (SELECT 1) SELECT * FROM x",
                "(SELECT 1) UNION (SELECT 2)",
                "VALUES (1, 'it''s; fine')",
                "SELECT \"a;b\" FROM t",
                "EXPLAIN SELECT 1",
            ] {
                assert_eq!(vet(right, dialect), Ok(()), "{dialect:?} {right}");
            }
        }
        assert_eq!(vet("SELECT $a$;$$;$a$ || $$;$$", Dialect::Postgres), Ok(()));
        assert_eq!(vet("SELECT /* a /* ; */ ; */ 1", Dialect::Postgres), Ok(()));
        assert_eq!(vet("SELECT [a;b], `c;d` FROM t", Dialect::Sqlite), Ok(()));
        assert_eq!(vet("PRAGMA integrity_check", Dialect::Sqlite), Ok(()));
        assert_eq!(vet("SHOW server_version", Dialect::Postgres), Ok(()));
    }

    #[test]
    fn anything_else_is_refused() {
        let told = |text: &str| vet(text, Dialect::Postgres).expect_err("a refusal");
        assert_eq!(
            told("DELETE FROM users"),
            "`query` begins with DELETE, and a check only reads; begin with SELECT, WITH, VALUES, TABLE, EXPLAIN or SHOW"
        );
        assert_eq!(
            told("SELECT 1; DROP TABLE users"),
            "`query` has more than one statement; keep one, and make another check of the other"
        );
        assert_eq!(
            told("SELECT $1;$2"),
            "`query` has more than one statement; keep one, and make another check of the other"
        );
        for nothing in ["", " ; ", "-- only a comment"] {
            assert_eq!(
                told(nothing),
                "`query` asks nothing; write it as in SELECT count(*) FROM users"
            );
        }
        for other in [
            "COPY (SELECT 1) TO PROGRAM 'sh'",
            "COMMIT",
            "SET x = 1",
            "PRAGMA query_only",
            "42",
            "é",
        ] {
            assert!(vet(other, Dialect::Postgres).is_err(), "{other}");
        }
        for other in [
            "ATTACH 'x' AS y",
            "VACUUM INTO 'x'",
            "SELECT 1;;SELECT 2",
            "SELECT [a]; SELECT 1",
        ] {
            assert!(vet(other, Dialect::Sqlite).is_err(), "{other}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_taken_without_panic(text in r"[-/*$'\x22;\[\]` a-bé]{0,40}") {
            for dialect in [Dialect::Postgres, Dialect::Sqlite] {
                let _ = vet(&text, dialect);
                prop_assert!(outline(&text, dialect).chars().count() <= text.chars().count());
            }
        }
    }
}
