//! What `production-booking` asks over HTTP: the platform with its pages, and the services around it, all at one address.

use std::collections::BTreeMap;

use axum::response::{IntoResponse as _, Response};
use holdpoint::checks::Variables;
use holdpoint::domain::checklist::Checklist;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::service::{self, Asked, figure, only, rules, says, with};
use super::{figures, variables};

/// What Prometheus says for each check while all is well, and what once its switch is thrown.
const FIGURES: [(&str, f64, f64); 13] = [
    ("times-recorded", 3.0, 0.0),
    ("percentiles-recorded", 3.0, 2.0),
    ("pool-recorded", 4.0, f64::NAN),
    ("cache-hits-recorded", 0.8, 0.6),
    ("cache-memory-recorded", 1e6, 0.0),
    ("hour-of-errors", 0.001, 0.02),
    ("hour-of-connections", 4.0, f64::NAN),
    ("no-bursts-of-errors", 0.01, 0.2),
    ("pool-use", 12.0, 19.0),
    ("week-of-hits", 0.75, 0.65),
    ("week-p99", 0.8, 1.4),
    ("week-uptime", 0.998, 0.99),
    ("month-uptime", 0.9995, 0.998),
];

/// Checks that ask the same of the same address, so that what one finds wrong the others do too.
pub(super) const ALONG: [(&str, &[&str]); 8] = [
    ("cors-origin", &["cors-credentials"]),
    ("cache-hits", &["hour-of-hits"]),
    ("hour-of-hits", &["cache-hits"]),
    ("content-security-policy", &["csp-domains", "csp-stripe"]),
    (
        "packages",
        &["package-add-ons", "package-photos", "sql-injection"],
    ),
    (
        "hour-of-answers",
        &[
            "cors-origin",
            "package-add-ons",
            "package-photos",
            "packages",
            "sql-injection",
        ],
    ),
    ("pool-recorded", &["hour-of-connections"]),
    ("hour-of-connections", &["pool-recorded"]),
];

/// Starts it all, and gives what leads there.
pub(super) async fn serve(servers: &mut JoinSet<()>, checklist: &Checklist, switch: &str) -> Variables {
    let platform = Platform {
        switch: switch.to_owned(),
        figures: figures(checklist, switch, &FIGURES),
    };
    let address = service::start(servers, move |asked| platform.answer(asked)).await;
    variables(checklist, address)
}

struct Platform {
    switch: String,
    figures: BTreeMap<String, f64>,
}

impl Platform {
    fn is(&self, switch: &str) -> bool {
        self.switch == switch
    }

    /// A value while all is well, and another once this switch is thrown.
    fn value(&self, switch: &str, well: impl Into<Value>, ill: impl Into<Value>) -> Value {
        if self.is(switch) { ill.into() } else { well.into() }
    }

    fn page(&self, switch: &str, body: &'static str) -> Response {
        if self.is(switch) {
            only(404)
        } else {
            body.into_response()
        }
    }

    fn answer(&self, asked: &Asked) -> Response {
        match asked.path.as_str() {
            "/" => self.start_page(),
            "/health" => {
                let status = self.value("health", "healthy", "degraded");
                says(
                    200,
                    json!({ "status": status, "timestamp": "2026-01-01T00:00:00Z", "uptime": 3600 }),
                )
            }
            "/health/cache" => {
                let hits = if self.is("cache-hits") || self.is("hour-of-hits") {
                    60
                } else {
                    80
                };
                says(
                    200,
                    json!({ "connected": !self.is("cache-health"), "hits": hits, "totalRequests": 100 }),
                )
            }
            "/widget" if self.is("widget") => {
                with("The widget".into_response(), &[("x-frame-options", "DENY")])
            }
            "/widget" => "The widget".into_response(),
            "/docs/embedding" => self.page("help-embedding", "&lt;iframe&gt;"),
            "/openapi.json" => {
                let version = self.value("help-api", "3.1.0", "2.0");
                says(
                    200,
                    json!({ "openapi": version, "paths": { "/v1/packages": {} } }),
                )
            }
            "/faq" => self.page("help-questions", "Frequent questions: why?"),
            "/support" => self.page("help-address", "mailto:support@booking.example"),
            "/packages/sample.jpg" if self.is("bucket") => only(403),
            "/packages/sample.jpg" => with(
                "a photo".into_response(),
                &[
                    ("content-type", "image/jpeg"),
                    ("access-control-allow-origin", "*"),
                ],
            ),
            "/v1/packages" => self.catalogue(asked),
            path if path.starts_with("/v1/packages/") => {
                only(if self.is("sql-injection") { 500 } else { 404 })
            }
            "/v1/csp-violations" => only(if self.is("csp-reports") { 404 } else { 204 }),
            "/v1/webhooks/stripe" => only(if self.is("webhook-signature") { 200 } else { 400 }),
            "/v1/tenant-auth/login" => self.log_in(),
            "/v1/tenant/admin/packages" if self.is("script-injection") => says(201, asked.json()),
            "/v1/tenant/admin/packages" => only(422),
            "/v1/tenant/branding" => {
                let logo = self.value("tenant-logo", "https://photos.booking.example/logo.svg", "");
                let colour = self.value("tenant-colours", "#aa0000", "red");
                let theme = self.value("tenant-theme", "calm", "");
                says(
                    200,
                    json!({ "logo": logo, "primaryColor": colour, "secondaryColor": "#00AA00", "theme": theme }),
                )
            }
            "/api/v1/query" => figure(
                asked
                    .query
                    .get("query")
                    .and_then(|query| self.figures.get(query))
                    .copied(),
            ),
            "/api/v1/rules" if self.is("alert-slow-queries") => rules(&[]),
            "/api/v1/rules" => rules(&[("QueriesSlow", "max(pg_stat_activity_max_tx_duration) > 1")]),
            path if path.starts_with("/api/0/") => self.sentry(path),
            path if path.starts_with("/api/3.1/") => self.pingdom(path),
            "/api/v3/analyze" => {
                let grade = self.value("ssl-labs", "A+", "B");
                says(
                    200,
                    json!({ "status": "READY", "endpoints": [{ "grade": grade }] }),
                )
            }
            "/search/issues" => self.issues(asked),
            "/v1/projects/production-project-ref" => {
                let status = self.value("supabase-project", "ACTIVE_HEALTHY", "INACTIVE");
                says(200, json!({ "status": status }))
            }
            "/v1/projects/production-project-ref/config/database/pooler" => {
                let mode = self.value("pool-mode", "transaction", "session");
                let size = self.value("pool-size", 15, 50);
                says(200, json!([{ "pool_mode": mode, "default_pool_size": size }]))
            }
            path => self.stripe(path),
        }
    }

    fn start_page(&self) -> Response {
        let hosts = if self.is("csp-stripe") {
            ""
        } else {
            "js.stripe.com hooks.stripe.com"
        };
        let local = if self.is("csp-domains") {
            "localhost:3001"
        } else {
            ""
        };
        let policy = format!("default-src 'self' booking.example {hosts} {local}");
        let headers: Vec<(&'static str, &str)> = [
            ("hsts", "strict-transport-security", "max-age=63072000"),
            (
                "content-security-policy",
                "content-security-policy",
                policy.as_str(),
            ),
            ("content-type-options", "x-content-type-options", "nosniff"),
            ("frame-options", "x-frame-options", "DENY"),
        ]
        .into_iter()
        .filter(|(check, _, _)| !self.is(check))
        .map(|(_, name, value)| (name, value))
        .collect();
        with(only(if self.is("started") { 503 } else { 200 }), &headers)
    }

    fn catalogue(&self, asked: &Asked) -> Response {
        if asked.method == "OPTIONS" {
            let methods = if self.is("cors-preflight") {
                "POST"
            } else {
                "GET, OPTIONS"
            };
            return with(
                only(204),
                &[
                    ("access-control-allow-methods", methods),
                    ("access-control-allow-headers", "X-Tenant-Key"),
                ],
            );
        }
        if self.is("hour-of-answers") {
            let headers = [
                ("access-control-allow-origin", "https://shop.example"),
                ("access-control-allow-credentials", "true"),
            ];
            return with(only(503), &headers);
        }
        let photos = self.value("package-photos", json!(["one.jpg"]), json!([]));
        let add_ons = self.value("package-add-ons", json!(["flowers", "music"]), json!([]));
        let packages = json!([{ "photos": photos, "addOns": add_ons }]);
        let answer = says(200, self.value("packages", packages, json!({ "packages": [] })));
        let mut headers = Vec::new();
        if !self.is("cors-origin") {
            headers.push(("access-control-allow-origin", "https://shop.example"));
        }
        if !self.is("cors-credentials") {
            headers.push(("access-control-allow-credentials", "true"));
        }
        with(answer, &headers)
    }

    fn log_in(&self) -> Response {
        let token = self.value("tenant-login", "a-token-that-is-long-enough", "");
        let site = if self.is("cookies-same-site") {
            "None"
        } else {
            "Lax"
        };
        let cookie = format!("tenant=a-cookie-of-the-tenant; HttpOnly; SameSite={site}");
        with(says(200, json!({ "token": token })), &[("set-cookie", &cookie)])
    }

    fn sentry(&self, path: &str) -> Response {
        if path.ends_with("/issues/") {
            return says(200, self.value("sentry-error", json!([{ "id": "1" }]), json!([])));
        }
        if path.ends_with("/rules/") {
            let actions = self.value("sentry-rule", json!([{ "id": "mail" }]), json!([]));
            let condition =
                json!({ "id": "sentry.rules.conditions.first_seen_event.FirstSeenEventCondition" });
            return says(200, json!([{ "actions": actions, "conditions": [condition] }]));
        }
        says(
            200,
            json!({ "slug": self.value("sentry-project", "platform", "") }),
        )
    }

    fn pingdom(&self, path: &str) -> Response {
        if path.ends_with("/contacts") {
            let paused = self.is("uptime-contacts");
            let targets = json!({ "email": [{ "address": "ops@booking.example" }], "sms": [] });
            return says(
                200,
                json!({ "contacts": [{ "paused": paused, "notification_targets": targets }] }),
            );
        }
        let status = self.value("uptime-check", "up", "down");
        let failures = self.value("uptime-failures", 3, 1);
        says(
            200,
            json!({ "check": {
                "status": status,
                "type": { "http": { "url": "/health" } },
                "sendnotificationwhendown": failures,
            } }),
        )
    }

    fn issues(&self, asked: &Asked) -> Response {
        let is_security = asked
            .query
            .get("q")
            .is_some_and(|query| query.contains("label:security"));
        let count = if is_security {
            self.value("security-problems", 0, 1)
        } else {
            self.value("bugs-p2", 4, 5)
        };
        says(200, json!({ "total_count": count }))
    }

    fn stripe(&self, path: &str) -> Response {
        let data = match path {
            "/v1/webhook_endpoints" => {
                let status = self.value("webhook-endpoint", "enabled", "disabled");
                let mut events = vec![
                    "checkout.session.completed",
                    "checkout.session.expired",
                    "payment_intent.succeeded",
                ];
                if !self.is("webhook-events") {
                    events.push("payment_intent.payment_failed");
                }
                json!([{
                    "url": "https://app.booking.example/v1/webhooks/stripe",
                    "status": status,
                    "enabled_events": events,
                }])
            }
            "/v1/events" => self.value("webhook-delivery", json!([{ "id": "evt_1" }]), json!([])),
            "/v1/subscriptions" => {
                let count = if self.is("tenants-paying") { 9 } else { 10 };
                vec![json!({ "status": "active" }); count].into()
            }
            "/v1/accounts/acct_demo" => {
                let charges = !self.is("stripe-onboarding");
                return says(
                    200,
                    json!({ "details_submitted": true, "charges_enabled": charges }),
                );
            }
            _ => return only(404),
        };
        says(200, json!({ "data": data }))
    }
}
