//! Each of Discord's limits: what is at it passes, what is one over gets 50035 at the right path.

use discord_stand_in::StandIn;
use serde_json::{Value, json};

use crate::support::{Answer, Gateway, Outcome, Rest, messages_of, options};

/// A limit: where the error is, and a body of a given size.
type Limit = (&'static str, usize, fn(usize) -> Value);

fn letters(count: usize) -> String {
    // Two UTF-16 units and four bytes each, so that anything but code points is found out.
    "🌊".repeat(count)
}

fn ascii(count: usize) -> String {
    "a".repeat(count)
}

fn embed(part: Value) -> Value {
    let mut body = json!({});
    body["embeds"] = Value::Array(vec![part]);
    body
}

fn rows(rows: Value) -> Value {
    let mut body = json!({ "content": "c" });
    body["components"] = rows;
    body
}

fn row(children: Value) -> Value {
    let mut row = json!({ "type": 1 });
    row["components"] = children;
    rows(Value::Array(vec![row]))
}

fn button(index: usize) -> Value {
    json!({ "type": 2, "style": 1, "label": "l", "custom_id": format!("b{index}") })
}

fn select(part: &Value) -> Value {
    let mut menu = json!({
        "type": 3,
        "custom_id": "s",
        "options": [{ "label": "l", "value": "v" }],
    });
    for (key, value) in part.as_object().into_iter().flatten() {
        menu[key] = value.clone();
    }
    row(json!([menu]))
}

fn options_of(count: usize) -> Vec<Value> {
    (0..count)
        .map(|index| json!({ "label": "l", "value": format!("v{index}") }))
        .collect()
}

const MESSAGE_LIMITS: &[Limit] = &[
    ("content", 2000, |n| json!({ "content": letters(n) })),
    ("nonce", 25, |n| json!({ "content": "c", "nonce": ascii(n) })),
    (
        "embeds",
        10,
        |n| json!({ "embeds": vec![json!({ "title": "t" }); n] }),
    ),
    ("embeds/0/title", 256, |n| embed(json!({ "title": letters(n) }))),
    ("embeds/0/description", 4096, |n| {
        embed(json!({ "description": letters(n) }))
    }),
    ("embeds/0/footer/text", 2048, |n| {
        embed(json!({ "footer": { "text": letters(n) } }))
    }),
    ("embeds/0/author/name", 256, |n| {
        embed(json!({ "author": { "name": letters(n) } }))
    }),
    ("embeds/0/fields", 25, |n| {
        embed(json!({ "fields": vec![json!({ "name": "n", "value": "v" }); n] }))
    }),
    ("embeds/0/fields/0/name", 256, |n| {
        embed(json!({ "fields": [{ "name": letters(n), "value": "v" }] }))
    }),
    ("embeds/0/fields/0/value", 1024, |n| {
        embed(json!({ "fields": [{ "name": "n", "value": letters(n) }] }))
    }),
    (
        "embeds",
        6000,
        |n| json!({ "embeds": [{ "description": letters(4000) }, { "description": letters(n - 4000) }] }),
    ),
    ("components", 5, |n| {
        rows(
            (0..n)
                .map(|index| json!({ "type": 1, "components": [button(index)] }))
                .collect(),
        )
    }),
    ("components/0/components", 5, |n| {
        row((0..n).map(button).collect())
    }),
    ("components/0/components/0/label", 80, |n| {
        row(json!([{ "type": 2, "style": 1, "label": letters(n), "custom_id": "b" }]))
    }),
    ("components/0/components/0/custom_id", 100, |n| {
        row(json!([{ "type": 2, "style": 1, "label": "l", "custom_id": ascii(n) }]))
    }),
    ("components/0/components/0/placeholder", 150, |n| {
        select(&json!({ "placeholder": letters(n) }))
    }),
    ("components/0/components/0/options", 25, |n| {
        select(&json!({ "options": options_of(n) }))
    }),
    ("components/0/components/0/max_values", 25, |n| {
        select(&json!({ "options": options_of(25), "max_values": n }))
    }),
    ("components/0/components/0/options/0/label", 100, |n| {
        select(&json!({ "options": [{ "label": letters(n), "value": "v" }] }))
    }),
    ("components/0/components/0/options/0/value", 100, |n| {
        select(&json!({ "options": [{ "label": "l", "value": ascii(n) }] }))
    }),
    ("components/0/components/0/options/0/description", 100, |n| {
        select(&json!({ "options": [{ "label": "l", "value": "v", "description": letters(n) }] }))
    }),
    (
        "allowed_mentions/users",
        100,
        |n| json!({ "content": "c", "allowed_mentions": { "users": vec!["1"; n] } }),
    ),
];

fn command(part: Value) -> Value {
    let mut command = json!({ "name": "deploy", "description": "d" });
    if let Value::Object(part) = part {
        for (key, value) in part {
            command[key] = value;
        }
    }
    command
}

fn option(part: Value) -> Value {
    let mut option = json!({ "type": 3, "name": "o", "description": "d" });
    if let Value::Object(part) = part {
        for (key, value) in part {
            option[key] = value;
        }
    }
    command(json!({ "options": [option] }))
}

/// A command of exactly `total` characters.
fn command_of(total: usize) -> Value {
    let own = "deploy".len() + 1;
    let mut left = total - own;
    let mut options = Vec::new();
    while left > 0 {
        // An option has its name of 3, a description of 1 and 25 choices of up to 200.
        let mut budget = left.min(4 + 25 * 200) - 4;
        left -= budget + 4;
        let mut choices = Vec::new();
        while budget > 0 {
            let size = budget.min(200);
            let name = size.min(100);
            choices.push(json!({ "name": ascii(name), "value": ascii(size - name) }));
            budget -= size;
        }
        options.push(json!({
            "type": 3,
            "name": format!("o{:02}", options.len()),
            "description": "d",
            "choices": choices,
        }));
    }
    command(json!({ "options": options }))
}

const COMMAND_LIMITS: &[Limit] = &[
    ("name", 32, |n| command(json!({ "name": ascii(n) }))),
    ("description", 100, |n| {
        command(json!({ "description": letters(n) }))
    }),
    ("options", 25, |n| {
        let options: Value = (0..n)
            .map(|index| json!({ "type": 3, "name": format!("o{index}"), "description": "d" }))
            .collect();
        command(json!({ "options": options }))
    }),
    ("options/0/name", 32, |n| option(json!({ "name": ascii(n) }))),
    ("options/0/description", 100, |n| {
        option(json!({ "description": letters(n) }))
    }),
    ("options/0/choices", 25, |n| {
        option(json!({ "choices": vec![json!({ "name": "n", "value": "v" }); n] }))
    }),
    ("options/0/choices/0/name", 100, |n| {
        option(json!({ "choices": [{ "name": letters(n), "value": "v" }] }))
    }),
    ("options/0/choices/0/value", 100, |n| {
        option(json!({ "choices": [{ "name": "n", "value": letters(n) }] }))
    }),
    ("", 8000, command_of),
];

fn modal(part: Value) -> Value {
    let mut input = json!({ "type": 4, "style": 1, "custom_id": "i", "label": "l" });
    if let Value::Object(part) = part {
        for (key, value) in part {
            input[key] = value;
        }
    }
    let rows = json!([{ "type": 1, "components": [input] }]);
    json!({ "type": 9, "data": { "title": "t", "custom_id": "m", "components": rows } })
}

const MODAL_LIMITS: &[Limit] = &[
    ("data/title", 45, |n| {
        let mut modal = modal(json!({}));
        modal["data"]["title"] = json!(letters(n));
        modal
    }),
    ("data/components/0/components/0/label", 45, |n| {
        modal(json!({ "label": letters(n) }))
    }),
    ("data/components/0/components/0/placeholder", 100, |n| {
        modal(json!({ "placeholder": letters(n) }))
    }),
    ("data/components/0/components/0/value", 4000, |n| {
        modal(json!({ "value": letters(n) }))
    }),
    ("data/components/0/components/0/max_length", 4000, |n| {
        modal(json!({ "max_length": n }))
    }),
];

const CHOICE_LIMITS: &[Limit] = &[
    (
        "data/choices",
        25,
        |n| json!({ "type": 8, "data": { "choices": vec![json!({ "name": "n", "value": "v" }); n] } }),
    ),
    (
        "data/choices/0/name",
        100,
        |n| json!({ "type": 8, "data": { "choices": [{ "name": letters(n), "value": "v" }] } }),
    ),
];

fn assert_refused(answer: &Answer, path: &str, what: &str) {
    assert_eq!(answer.status, 400, "{what}: {}", answer.body);
    assert_eq!(answer.body["code"], 50035, "{what}: {}", answer.body);
    let pointer = path
        .split('/')
        .filter(|key| !key.is_empty())
        .fold("/errors".to_owned(), |pointer, key| format!("{pointer}/{key}"));
    let error = answer.body.pointer(&format!("{pointer}/_errors/0"));
    assert!(
        error.is_some_and(|error| error["code"].is_string() && error["message"].is_string()),
        "{what}: no error at {path} in {}",
        answer.body
    );
}

#[tokio::test]
async fn messages_keep_to_every_limit() -> Outcome {
    let stand_in = StandIn::start(options()).await?;
    let rest = Rest::new(&stand_in);
    let path = messages_of(stand_in.channel("releases")?.id());
    for (at, most, body) in MESSAGE_LIMITS {
        let passed = rest.post(&path, body(*most)).await?;
        assert_eq!(passed.status, 200, "{at} of {most}: {}", passed.body);
        let refused = rest.post(&path, body(most + 1)).await?;
        assert_refused(&refused, at, &format!("{at} of {}", most + 1));
    }
    Ok(())
}

#[tokio::test]
async fn commands_keep_to_every_limit() -> Outcome {
    let stand_in = StandIn::start(options()).await?;
    let rest = Rest::new(&stand_in);
    let path = format!("/applications/{}/commands", stand_in.application_id());
    for (at, most, body) in COMMAND_LIMITS {
        let passed = rest.post(&path, body(*most)).await?;
        assert!(
            matches!(passed.status, 200 | 201),
            "{at} of {most}: {}",
            passed.body
        );
        let refused = rest.post(&path, body(most + 1)).await?;
        assert_refused(&refused, at, &format!("{at} of {}", most + 1));
    }
    Ok(())
}

#[tokio::test]
async fn an_option_that_takes_a_file_has_neither_choices_nor_autocompletion() -> Outcome {
    let stand_in = StandIn::start(options()).await?;
    let rest = Rest::new(&stand_in);
    let path = format!("/applications/{}/commands", stand_in.application_id());
    let plain = rest.post(&path, option(json!({ "type": 11 }))).await?;
    assert_eq!(plain.status, 201, "{}", plain.body);
    let choices = json!([{ "name": "n", "value": "v" }]);
    for (part, at) in [
        (json!({ "type": 11, "choices": choices }), "options/0/choices"),
        (
            json!({ "type": 11, "autocomplete": true }),
            "options/0/autocomplete",
        ),
    ] {
        assert_refused(&rest.post(&path, option(part)).await?, at, at);
    }
    Ok(())
}

#[tokio::test]
async fn modals_and_suggestions_keep_to_every_limit() -> Outcome {
    let stand_in = StandIn::start(options()).await?;
    let rest = Rest::new(&stand_in);
    let mut auto = option(json!({ "autocomplete": true }));
    auto["name"] = json!("find");
    rest.register(&stand_in, json!([command(json!({})), auto]))
        .await?;
    let (mut gateway, _) = Gateway::ready(&stand_in).await?;
    let channel = stand_in.channel("releases")?;
    let ana = stand_in.person("Ana")?;
    for (at, most, body) in MODAL_LIMITS {
        ana.slash(&channel, "deploy", &[])?;
        let event = gateway.event("INTERACTION_CREATE").await?;
        let refused = rest.callback(&event, body(most + 1)).await?;
        assert_refused(&refused, at, &format!("{at} of {}", most + 1));
        let passed = rest.callback(&event, body(*most)).await?;
        assert_eq!(passed.status, 204, "{at} of {most}: {}", passed.body);
    }
    for (at, most, body) in CHOICE_LIMITS {
        let answered = async {
            let event = gateway.event("INTERACTION_CREATE").await?;
            let refused = rest.callback(&event, body(most + 1)).await?;
            assert_refused(&refused, at, &format!("{at} of {}", most + 1));
            let passed = rest.callback(&event, body(*most)).await?;
            assert_eq!(passed.status, 204, "{at} of {most}: {}", passed.body);
            Ok::<_, Box<dyn std::error::Error>>(())
        };
        let asked = ana.autocomplete(&channel, "find", &[], ("o", "x"));
        let (answered, choices) = tokio::join!(answered, asked);
        answered?;
        assert!(!choices?.is_empty());
    }
    Ok(())
}

#[tokio::test]
async fn what_breaks_a_rule_of_form_is_named() -> Outcome {
    let stand_in = StandIn::start(options()).await?;
    let rest = Rest::new(&stand_in);
    let path = messages_of(stand_in.channel("releases")?.id());
    let same = json!({ "type": 2, "style": 1, "label": "l", "custom_id": "b" });
    let refused = rest.post(&path, row(json!([same, same]))).await?;
    assert_refused(
        &refused,
        "components/0/components/1/custom_id",
        "a custom_id twice",
    );
    let menu = json!({ "type": 3, "custom_id": "s", "options": options_of(1) });
    let refused = rest.post(&path, row(json!([same, menu]))).await?;
    assert_refused(&refused, "components/0/components", "a menu beside a button");
    let empty = rest.post(&path, json!({ "content": " " })).await?;
    assert_eq!((empty.status, &empty.body["code"]), (400, &json!(50006)));

    let path = format!("/applications/{}/commands", stand_in.application_id());
    let optional = json!({ "type": 3, "name": "a", "description": "d" });
    let required = json!({ "type": 3, "name": "b", "description": "d", "required": true });
    let refused = rest
        .post(&path, command(json!({ "options": [optional, required] })))
        .await?;
    assert_refused(&refused, "options/1/required", "an optional option first");
    let refused = rest
        .post(&path, command(json!({ "options": [optional, optional] })))
        .await?;
    assert_refused(&refused, "options/1/name", "an option twice");
    for name in ["Deploy", "de ploy", ""] {
        let refused = rest.post(&path, command(json!({ "name": name }))).await?;
        assert_refused(&refused, "name", name);
    }
    let refused = rest
        .put(&path, json!([command(json!({})), command(json!({}))]))
        .await?;
    assert_refused(&refused, "1/name", "a command twice");
    Ok(())
}
