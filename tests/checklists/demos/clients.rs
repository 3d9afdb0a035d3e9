//! What `production-client-platform` asks over HTTP: its API and its web application, and the services that are connected
//! to them, all at one address; at another, the API without encryption.

use std::collections::BTreeMap;

use axum::response::{IntoResponse as _, Response};
use holdpoint::checks::Variables;
use holdpoint::domain::checklist::Checklist;
use holdpoint::domain::ids::VariableName;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::service::{self, Asked, Collection, figure, only, rules, says, with};
use super::{figures, variables};

/// What Prometheus says for each check while all is well, and what once its switch is thrown.
const FIGURES: [(&str, f64, f64); 7] = [
    ("worker", 2.0, 0.0),
    ("worker-redis", 1.0, 0.0),
    ("worker-jobs", 40.0, 0.0),
    ("queues", 12.0, 900.0),
    ("alerts-fire", 1.0, f64::NAN),
    ("performance", 0.2, 0.7),
    ("error-rate", 0.001, 0.02),
];

/// The alerts: the check that asks for one, and its name.
const ALERTS: [(&str, &str); 7] = [
    ("alert-health", "ApiUnhealthy"),
    ("alert-ready", "ApiNotReady"),
    ("alert-database", "DatabaseUnreachable"),
    ("alert-redis", "RedisUnreachable"),
    ("alert-services", "StripeUnreachable"),
    ("", "TwilioUnreachable"),
    ("", "SendGridUnreachable"),
];

/// Checks that ask the same of the same address, so that what one finds wrong the other does too.
pub(super) const ALONG: [(&str, &[&str]); 2] = [("health", &["api-latency"]), ("api-latency", &["health"])];

/// Starts it all, and gives what leads there.
pub(super) async fn serve(servers: &mut JoinSet<()>, checklist: &Checklist, switch: &str) -> Variables {
    let platform = Platform::new(checklist, switch);
    let address = service::start(servers, move |asked| platform.answer(asked)).await;
    let location = if switch == "https-only" {
        "http://elsewhere.example/"
    } else {
        "https://api.clients.example/"
    };
    let plain = service::start(servers, move |_| with(only(308), &[("location", location)])).await;
    variables(checklist, address).with(VariableName::new("plain_api_url"), format!("http://{plain}"))
}

struct Platform {
    switch: String,
    figures: BTreeMap<String, f64>,
    contacts: Collection,
    deals: Collection,
}

impl Platform {
    fn new(checklist: &Checklist, switch: &str) -> Self {
        Self {
            switch: switch.to_owned(),
            figures: figures(checklist, switch, &FIGURES),
            contacts: Collection::default(),
            deals: Collection::default(),
        }
    }

    fn is(&self, switch: &str) -> bool {
        self.switch == switch
    }

    /// A status while all is well, and another once this switch is thrown.
    fn code(&self, switch: &str, well: u16, ill: u16) -> Response {
        only(if self.is(switch) { ill } else { well })
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
            "/terms" => self.page("terms-page", "Terms"),
            "/privacy" => self.page("privacy-page", "Privacy"),
            "/dpa" => self.page("dpa-page", "Agreement"),
            "/cookies" => self.page("cookies-page", "Cookies"),
            "/sitemap.xml" => self.page("sitemap", "<urlset></urlset>"),
            "/robots.txt" => self.page("robots", "User-agent: *"),
            "/docs" => self.page("user-guide", "<h1>Guide</h1>"),
            "/faq" => self.page("questions", "<h1>FAQ</h1> Why?"),
            "/support" => self.page("support", r#"<a href="mailto:support@clients.example">Write</a>"#),
            "/health" => self.health(asked),
            "/ready" => self.code("ready", 200, 503),
            "/api/openapi.json" => says(200, json!({ "openapi": self.value("openapi", "3.1.0", "2.0") })),
            "/api/docs" => self.page("swagger", "swagger-ui"),
            "/webhooks/stripe" => self.code("webhook-stripe", 400, 404),
            "/webhooks/twilio" => self.code("webhook-twilio", 403, 404),
            "/webhooks/sendgrid-inbound" => self.code("webhook-sendgrid", 403, 405),
            "/webhooks/gcal" => self.code("webhook-gcal", 400, 500),
            "/api/messages" => says(
                202,
                json!({ "status": self.value("message-sent", "queued", "failed") }),
            ),
            "/api/organizations" => self.code("member-refused", 403, 200),
            "/api/v1/query" => figure(
                asked
                    .query
                    .get("query")
                    .and_then(|query| self.figures.get(query))
                    .copied(),
            ),
            "/api/v1/rules" => {
                let known: Vec<(&str, &str)> = ALERTS
                    .iter()
                    .filter(|(check, _)| !self.is(check) || check.is_empty())
                    .map(|(_, name)| (*name, "up == 0"))
                    .collect();
                rules(&known)
            }
            path if path.starts_with("/api/contacts") => self.contacts(asked),
            path if path.starts_with("/api/deals") => self.deals(asked),
            path if path.starts_with("/v1/projects/") => self.supabase(path),
            path if path.starts_with("/auth/") => self.sign_in(path),
            path if path.starts_with("/2010-04-01/") => self.twilio(path),
            "/v1/Services" => {
                let services = self.value("twilio-service", json!([{ "sid": "MG1" }]), json!([]));
                says(200, json!({ "services": services }))
            }
            path if path.starts_with("/v3/") => self.sendgrid(path),
            path if path.starts_with("/api/0/") => self.sentry(path),
            path if path.starts_with("/loki/") => self.loki(asked),
            path if path.starts_with("/repos/") => self.github(path),
            path if path.starts_with("/v9/projects/") => self.vercel(),
            path if path.starts_with("/api/projects/") => {
                let seen = self.value("visits-counted", json!([{ "event": "$pageview" }]), json!([]));
                says(200, json!({ "results": seen }))
            }
            path => self.stripe(path, asked),
        }
    }

    fn start_page(&self) -> Response {
        let mut body = String::new();
        for (check, part) in [
            ("terms-link", "<a href=\"/terms\">Terms</a>"),
            ("privacy-link", "<a href=\"/privacy\">Privacy</a>"),
            ("meta-tags", "<title>Clients</title><meta name=\"description\">"),
            (
                "open-graph",
                "<meta property=\"og:title\"><meta property=\"og:image\">",
            ),
        ] {
            if !self.is(check) {
                body.push_str(part);
            }
        }
        let mut headers = vec![
            ("strict-transport-security", "max-age=63072000"),
            ("x-content-type-options", "nosniff"),
        ];
        if !self.is("security-headers") {
            headers.push(("content-security-policy", "default-src 'self'"));
        }
        if !self.is("web") {
            headers.push(("x-vercel-id", "fra1::abc"));
        }
        with(body.into_response(), &headers)
    }

    fn health(&self, asked: &Asked) -> Response {
        if asked.method == "OPTIONS" {
            let origin = asked
                .headers
                .get("origin")
                .and_then(|origin| origin.to_str().ok())
                .unwrap_or_default();
            let is_foreign = origin == "https://foreign.example";
            let is_allowed = if is_foreign {
                self.is("cors-foreign")
            } else {
                !self.is("cors-own")
            };
            return if is_allowed {
                with(only(204), &[("access-control-allow-origin", origin)])
            } else {
                only(204)
            };
        }
        let is_well = !(self.is("health") || self.is("api-latency"));
        let answer = only(if is_well { 200 } else { 503 });
        if self.is("rate-limit-headers") {
            answer
        } else {
            with(answer, &[("x-ratelimit-limit", "100")])
        }
    }

    fn contacts(&self, asked: &Asked) -> Response {
        match asked.bearer() {
            Some("not.signed.by-us") => self.code("forged-token-refused", 401, 200),
            Some("token-from-login") => self.code("login", 200, 403),
            Some(_) => {
                let id = asked
                    .path
                    .trim_start_matches("/api/contacts")
                    .trim_start_matches('/');
                if asked.method == "GET" && self.is("contact-created") {
                    return says(200, json!({ "name": "" }));
                }
                self.contacts.answer(asked, id)
            }
            None => only(401),
        }
    }

    fn deals(&self, asked: &Asked) -> Response {
        let id = asked
            .path
            .trim_start_matches("/api/deals")
            .trim_start_matches('/');
        if asked.method == "PATCH" && self.is("deal-managed") {
            return says(200, json!({ "stage": "new" }));
        }
        self.deals.answer(asked, id)
    }

    fn supabase(&self, path: &str) -> Response {
        if path.ends_with("/database/backups") {
            let status = self.value("database-backups", "COMPLETED", "FAILED");
            says(200, json!({ "backups": [{ "status": status }] }))
        } else if path.ends_with("/config/auth") {
            says(
                200,
                json!({ "mfa_totp_enroll_enabled": !self.is("second-factor") }),
            )
        } else {
            let networks = self.value("database-reach", json!(["192.0.2.0/24"]), json!(["0.0.0.0/0"]));
            says(200, json!({ "config": { "dbAllowedCidrs": networks } }))
        }
    }

    fn sign_in(&self, path: &str) -> Response {
        if path.ends_with("/signup") {
            let code = self.value("weak-password-refused", "weak_password", "user_already_exists");
            return says(422, json!({ "error_code": code }));
        }
        says(200, json!({ "access_token": "token-from-login" }))
    }

    fn twilio(&self, path: &str) -> Response {
        if path.ends_with("/Messages.json") {
            let delivered = self.value("sms-both-ways", "delivered", "undelivered");
            return says(
                200,
                json!({ "messages": [
                    { "direction": "inbound", "status": "received" },
                    { "direction": "outbound-api", "status": delivered },
                ] }),
            );
        }
        let url = self.value(
            "twilio-inbound",
            "https://api.clients.example/webhooks/twilio",
            "https://demo.twilio.com/",
        );
        says(200, json!({ "incoming_phone_numbers": [{ "sms_url": url }] }))
    }

    fn sendgrid(&self, path: &str) -> Response {
        match path {
            "/v3/user/webhooks/parse/settings" => {
                let url = self.value(
                    "sendgrid-inbound",
                    "https://api.clients.example/webhooks/sendgrid-inbound",
                    "",
                );
                says(200, json!({ "result": [{ "url": url }] }))
            }
            "/v3/whitelabel/domains" => says(
                200,
                json!([{ "domain": "clients.example", "valid": !self.is("sendgrid-domain") }]),
            ),
            _ => says(
                200,
                json!({ "results": [{ "from_email": "hello@clients.example", "verified": !self.is("sendgrid-sender") }] }),
            ),
        }
    }

    fn sentry(&self, path: &str) -> Response {
        if path.ends_with("/rules/") {
            let actions = self.value("sentry-alerts", json!([{ "id": "mail" }]), json!([]));
            says(200, json!([{ "actions": actions }]))
        } else if path.ends_with("/issues/") {
            says(
                200,
                self.value("sentry-releases", json!([{ "id": "1" }]), json!([])),
            )
        } else {
            let slug = self.value("sentry-project", "platform", "");
            says(
                200,
                json!({ "slug": slug, "firstTransactionEvent": !self.is("sentry-performance") }),
            )
        }
    }

    fn loki(&self, asked: &Asked) -> Response {
        if asked.path.ends_with("/values") {
            let services = self.value("logs-together", json!(["api", "web", "worker"]), json!(["api"]));
            return says(200, json!({ "data": services }));
        }
        let of_errors = asked
            .query
            .get("query")
            .is_some_and(|query| query.contains("__error__"));
        let some = json!([{ "metric": {}, "value": [0, "40"] }]);
        let result = if of_errors {
            self.value("logs-structured", json!([]), some)
        } else {
            some
        };
        says(200, json!({ "data": { "result": result } }))
    }

    fn github(&self, path: &str) -> Response {
        if path.ends_with("/secrets") {
            let names = ["DATABASE_URL", "JWT_SECRET", "STRIPE_SECRET_KEY"];
            let kept = if self.is("github-secrets") { 2 } else { 3 };
            let secrets: Vec<Value> = names
                .iter()
                .take(kept)
                .map(|name| json!({ "name": name }))
                .collect();
            return says(200, json!({ "secrets": secrets }));
        }
        let scanning = self.value("scans", "enabled", "disabled");
        says(
            200,
            json!({ "security_and_analysis": {
                "secret_scanning": { "status": scanning },
                "dependabot_security_updates": { "status": "enabled" },
            } }),
        )
    }

    fn vercel(&self) -> Response {
        let names = [
            "NEXT_PUBLIC_SUPABASE_URL",
            "NEXT_PUBLIC_SUPABASE_ANON_KEY",
            "NEXT_PUBLIC_STRIPE_PUBLISHABLE_KEY",
            "NEXT_PUBLIC_POSTHOG_KEY",
            "NEXT_PUBLIC_API_BASE_URL",
        ];
        let target = self.value("web-variables", "production", "preview");
        let envs: Vec<Value> = names
            .iter()
            .map(|name| json!({ "key": name, "target": [target] }))
            .collect();
        says(200, json!({ "envs": envs }))
    }

    fn stripe(&self, path: &str, asked: &Asked) -> Response {
        let data = match path {
            "/v1/webhook_endpoints" => {
                let status = self.value("stripe-endpoint", "enabled", "disabled");
                let mut events = vec!["checkout.session.completed", "invoice.payment_failed"];
                if !self.is("stripe-events") {
                    events.push("customer.subscription.updated");
                }
                json!([{
                    "url": "https://api.clients.example/webhooks/stripe",
                    "status": status,
                    "enabled_events": events,
                }])
            }
            "/v1/events" if asked.query.contains_key("delivery_success") => {
                self.value("webhooks-taken", json!([{ "id": "evt_1" }]), json!([]))
            }
            "/v1/events" => json!([{ "pending_webhooks": i32::from(self.is("stripe-processed")) }]),
            "/v1/billing_portal/configurations" => {
                self.value("customer-portal", json!([{ "active": true }]), json!([]))
            }
            "/v1/prices" => [("plan-free", "Free", 0), ("plan-pro", "Pro", 2900), ("plan-scale", "Scale", 9900)]
                .into_iter()
                .map(|(check, name, amount)| {
                    json!({ "product": { "name": name, "active": !self.is(check) }, "unit_amount": amount })
                })
                .collect(),
            _ => return only(404),
        };
        says(200, json!({ "data": data }))
    }
}
