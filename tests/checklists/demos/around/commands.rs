//! What programs print and how they end, when all is well and once a switch is thrown.

/// What a program ends with, and what it prints before.
pub(super) type Ending = (u8, &'static str);

/// What most programs do when all is well, and when not.
pub(super) const WELL: Ending = (0, "");
pub(super) const ILL: Ending = (1, "");
/// What a program does that looks for what should not be there.
const FOUND: Ending = (0, "something/that/should/not/be/there");

/// Programs whose checks look at more than whether they ended well: the checklist and the check, then what they print when
/// all is well, and when not. Of checks that run the same, the first says what is well.
pub(super) const COMMANDS: &[(&str, &str, Ending, Ending)] = &[
    (
        "staging-telehealth",
        "function-secrets",
        (0, SECRETS),
        (
            0,
            "OPENAI_API_KEY TWILIO_ACCOUNT_SID TWILIO_API_KEY_SID TWILIO_API_KEY_SECRET",
        ),
    ),
    (
        "staging-telehealth",
        "openai-secret",
        (0, SECRETS),
        (
            0,
            "TWILIO_ACCOUNT_SID TWILIO_AUTH_TOKEN TWILIO_API_KEY_SID TWILIO_API_KEY_SECRET",
        ),
    ),
    (
        "staging-telehealth",
        "nothing-uncommitted",
        (0, "## staging...origin/staging"),
        (0, "## staging...origin/staging\n M src/app.ts"),
    ),
    (
        "staging-telehealth",
        "migrations",
        (0, "Remote database is up to date."),
        (0, "Would push 20260101_rooms.sql"),
    ),
    (
        "staging-telehealth",
        "function-token",
        (0, FUNCTIONS),
        (
            0,
            "create-breakout-room close-breakout-room move-participant bulk-assign-participants",
        ),
    ),
    (
        "staging-telehealth",
        "function-create-room",
        (0, FUNCTIONS),
        (
            0,
            "twilio-video-token close-breakout-room move-participant bulk-assign-participants",
        ),
    ),
    (
        "staging-telehealth",
        "function-close-room",
        (0, FUNCTIONS),
        (
            0,
            "twilio-video-token create-breakout-room move-participant bulk-assign-participants",
        ),
    ),
    (
        "staging-telehealth",
        "function-move",
        (0, FUNCTIONS),
        (
            0,
            "twilio-video-token create-breakout-room close-breakout-room bulk-assign-participants",
        ),
    ),
    (
        "staging-telehealth",
        "function-bulk-assign",
        (0, FUNCTIONS),
        (
            0,
            "twilio-video-token create-breakout-room close-breakout-room move-participant",
        ),
    ),
    (
        "staging-telehealth",
        "validation",
        (0, "Nothing was found"),
        (0, "CRITICAL: one thing was found"),
    ),
    ("staging-crm", "no-development-server", ILL, (0, "4711 next dev")),
    ("staging-crm", "no-prisma-process", ILL, (0, "4712 prisma studio")),
    (
        "staging-crm",
        "prisma-generate",
        (0, "Generated Prisma Client"),
        WELL,
    ),
    (
        "staging-crm",
        "enum-values",
        (0, "PERMISSION_DENIED\nRATE_LIMIT_EXCEEDED"),
        (0, "PERMISSION_DENIED"),
    ),
    (
        "staging-crm",
        "tests-permissions",
        (0, "Tests:       21 passed, 21 total"),
        (0, "Tests:       20 passed, 20 total"),
    ),
    (
        "staging-crm",
        "tests-quotas",
        (0, "Tests:       30 passed, 30 total"),
        (1, "Tests:       1 failed, 29 passed, 30 total"),
    ),
    (
        "staging-crm",
        "tests-stripe",
        (0, "Tests:       18 passed, 18 total"),
        (1, "Tests:       1 failed, 17 passed, 18 total"),
    ),
    (
        "staging-crm",
        "tests-rate-limits",
        (0, "Tests:       35 passed, 35 total"),
        (0, "Tests:       34 passed, 34 total"),
    ),
    (
        "staging-crm",
        "tests",
        (0, "Tests:       96 passed, 96 total"),
        (1, "Tests:       21 failed, 79 passed, 100 total"),
    ),
    (
        "staging-crm",
        "tests-week-one",
        (0, "Tests:       96 passed, 96 total"),
        (1, "Tests:       6 failed, 94 passed, 100 total"),
    ),
    (
        "staging-crm",
        "build",
        (0, "Compiled successfully\nGenerating static pages"),
        (0, "Compiled with warnings"),
    ),
    ("staging-crm", "no-raw-queries", ILL, FOUND),
    ("staging-crm", "no-secrets-in-code", ILL, FOUND),
    ("staging-crm", "nothing-uncommitted", WELL, (0, " M src/app.ts")),
    (
        "staging-crm",
        "pushed",
        (0, "# branch.oid 0123abcd\n# branch.head main\n# branch.ab +0 -0"),
        (0, "# branch.oid 0123abcd\n# branch.head main\n# branch.ab +1 -0"),
    ),
    (
        "staging-crm",
        "no-conflicts",
        WELL,
        (0, "100644 0123abcd 1 src/app.ts"),
    ),
    (
        "staging-crm",
        "first-paint",
        (
            0,
            r#"{"id": "first-contentful-paint", "score": 1, "numericValue": 812.5}"#,
        ),
        (
            0,
            r#"{"id": "first-contentful-paint", "score": 0, "numericValue": 2812.5}"#,
        ),
    ),
    (
        "staging-crm",
        "tests-authentication",
        (0, "Tests:       12 passed, 12 total"),
        (1, "Tests:       1 failed, 11 passed, 12 total"),
    ),
    (
        "staging-crm",
        "tests-webhook",
        (0, "Tests:       9 passed, 9 total"),
        (1, "Tests:       1 failed, 8 passed, 9 total"),
    ),
    (
        "production-booking",
        "schema",
        (0, "Database schema is up to date!"),
        (0, "1 migration has not been applied"),
    ),
    (
        "production-booking",
        "tests",
        (0, "Tests  600 passed (616)"),
        (1, "Tests  566 passed (616)"),
    ),
    (
        "production-booking",
        "secrets-in-history",
        WELL,
        (0, "0123abc Add what is secret"),
    ),
    ("production-booking", "secrets-in-client", ILL, FOUND),
    (
        "production-client-platform",
        "ci",
        (0, r#"[{"conclusion":"success"}]"#),
        (0, r#"[{"conclusion":"failure"}]"#),
    ),
    (
        "production-client-platform",
        "codeql",
        (0, r#"[{"conclusion":"success"}]"#),
        (0, r#"[{"conclusion":"cancelled"}]"#),
    ),
    ("production-client-platform", "no-secrets-in-code", ILL, FOUND),
    (
        "production-client-platform",
        "page-time",
        (
            0,
            r#"{"id": "largest-contentful-paint", "score": 1, "numericValue": 1812.5}"#,
        ),
        (
            0,
            r#"{"id": "largest-contentful-paint", "score": 0, "numericValue": 3812.5}"#,
        ),
    ),
];

const SECRETS: &str =
    "OPENAI_API_KEY TWILIO_ACCOUNT_SID TWILIO_AUTH_TOKEN TWILIO_API_KEY_SID TWILIO_API_KEY_SECRET";
const FUNCTIONS: &str =
    "twilio-video-token create-breakout-room close-breakout-room move-participant bulk-assign-participants";
