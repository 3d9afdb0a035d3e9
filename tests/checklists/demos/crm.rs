//! What `staging-crm` asks over HTTP: the CRM with its roles, sessions and audit log, and Stripe, Vercel, Atlas and
//! Prometheus, all at one address; at another, the CRM without encryption.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use axum::response::{IntoResponse as _, Response};
use holdpoint::checks::Variables;
use holdpoint::domain::checklist::Checklist;
use holdpoint::domain::ids::VariableName;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::service::{self, Asked, Collection, figure, only, rules, says, with};
use super::{figures, variables};

/// What Prometheus says for each check while all is well, and what once its switch is thrown.
const FIGURES: [(&str, f64, f64); 6] = [
    ("query-percentile", 12.0, 80.0),
    ("limit-overhead", 0.0004, 0.004),
    ("no-server-errors", 0.0, 3.0),
    ("few-not-found", 0.004, 0.03),
    ("few-forbidden", 0.02, 0.06),
    ("no-refused-connections", 0.0, 1.0),
];

/// The alerts: the check that asks for one, its name and its query.
const ALERTS: [(&str, &str, &str); 4] = [
    (
        "alert-limits",
        "RateLimitsOverrun",
        "increase(rate_limited_total[1m]) > 100",
    ),
    (
        "alert-denials",
        "PermissionsDenied",
        "increase(permission_denied_total[1h]) > 50",
    ),
    (
        "alert-logins",
        "LoginsFailing",
        "increase(login_failures_total[1m]) > 10",
    ),
    (
        "alert-database",
        "DatabaseUnreachable",
        "increase(database_connection_errors_total[5m]) > 0",
    ),
];

/// Checks that stand on the same deed, so that what one finds wrong the others do too.
pub(super) const ALONG: [(&str, &[&str]); 4] = [
    ("billing", &["checkout-abandoned"]),
    ("deployment-begun", &["deployment-ready"]),
    ("log-in", &["log-out"]),
    ("webhook-delivery", &["no-failed-webhooks"]),
];

/// The tokens of those who have a role.
const ADMIN: &str = "made-up-admin_token";
const MEMBER: &str = "made-up-member_token";
const VIEWER: &str = "made-up-viewer_token";
const STRANGER: &str = "made-up-stranger_token";

/// Starts it all, and gives what leads there.
pub(super) async fn serve(servers: &mut JoinSet<()>, checklist: &Checklist, switch: &str) -> Variables {
    let crm = Crm::new(checklist, switch);
    let address = service::start(servers, move |asked| crm.answer(asked)).await;
    let plain = if switch == "https-only" { 200 } else { 308 };
    let redirect = [("location", "https://staging.crm.example/")];
    let plain = service::start(servers, move |_| with(only(plain), &redirect)).await;
    variables(checklist, address)
        .with(VariableName::new("plain_url"), format!("http://{plain}"))
        .with(VariableName::new("pushed.commit"), "0123abcd")
}

struct Crm {
    switch: String,
    figures: BTreeMap<String, f64>,
    others: Collection,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    made: usize,
    /// Accounts with the token of whoever made them.
    accounts: BTreeMap<String, String>,
    /// Whose access to which account was denied.
    denied: Vec<String>,
}

impl Crm {
    fn new(checklist: &Checklist, switch: &str) -> Self {
        let state = State {
            accounts: BTreeMap::from([("first-account".to_owned(), ADMIN.to_owned())]),
            ..State::default()
        };
        Self {
            switch: switch.to_owned(),
            figures: figures(checklist, switch, &FIGURES),
            others: Collection::default(),
            state: Mutex::new(state),
        }
    }

    fn is(&self, switch: &str) -> bool {
        self.switch == switch
    }

    /// A value while all is well, and another once this switch is thrown.
    fn value(&self, switch: &str, well: impl Into<Value>, ill: impl Into<Value>) -> Value {
        if self.is(switch) { ill.into() } else { well.into() }
    }

    fn answer(&self, asked: &Asked) -> Response {
        match asked.path.as_str() {
            "/" => self.start_page(),
            "/api/health" => self.health(),
            "/_vercel/insights/script.js" if self.is("analytics") => only(404),
            "/_vercel/insights/script.js" => with(
                "it counts".into_response(),
                &[("content-type", "application/javascript")],
            ),
            path if path.starts_with("/api/auth/") => self.authenticate(asked),
            path if path.starts_with("/api/users/") => only(204),
            path if path.starts_with("/api/accounts") => self.accounts(asked),
            "/api/audit" => self.audit(asked),
            path if path.starts_with("/api/organizations") && asked.method == "DELETE" => only(204),
            path if path.starts_with("/api/organizations") => says(
                201,
                json!({ "id": "organization-2", "role": self.value("organization", "OWNER", "MEMBER") }),
            ),
            path if path.starts_with("/api/billing/") => self.billing(asked),
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
                    .filter(|(check, _, _)| !self.is(check))
                    .map(|(_, name, query)| (*name, *query))
                    .collect();
                rules(&known)
            }
            path if path.starts_with("/api/atlas/") => self.atlas(path),
            "/v6/deployments" => {
                let state = self.value("deployment-ready", "READY", "ERROR");
                let deployments = self.value("deployment-begun", json!([{ "state": state }]), json!([]));
                says(200, json!({ "deployments": deployments }))
            }
            path if path.starts_with("/v1/") => self.stripe(asked),
            _ => self.other_records(asked),
        }
    }

    fn start_page(&self) -> Response {
        let headers: Vec<(&'static str, &str)> = [
            ("hsts", "strict-transport-security", "max-age=63072000"),
            (
                "content-security-policy",
                "content-security-policy",
                "default-src 'self'",
            ),
            ("content-type-options", "x-content-type-options", "nosniff"),
            ("frame-options", "x-frame-options", "DENY"),
        ]
        .into_iter()
        .filter(|(check, _, _)| !self.is(check))
        .map(|(_, name, value)| (name, value))
        .collect();
        with(only(if self.is("active") { 503 } else { 200 }), &headers)
    }

    fn health(&self) -> Response {
        let status = self.value("health", "healthy", "degraded");
        let checks = json!({
            "database": !self.is("health-database"),
            "auth": !self.is("health-auth"),
            "storage": !self.is("health-storage"),
        });
        let answer = says(200, json!({ "status": status, "checks": checks }));
        if self.is("rate-limit-headers") {
            return answer;
        }
        with(
            answer,
            &[("x-ratelimit-limit", "100"), ("x-ratelimit-remaining", "99")],
        )
    }

    fn authenticate(&self, asked: &Asked) -> Response {
        match asked.path.as_str() {
            "/api/auth/csrf" => says(200, json!({ "csrfToken": "a-token-against-forgery" })),
            "/api/auth/register" if self.is("sign-up") => only(500),
            "/api/auth/register" => {
                let mut account = asked.json();
                account["id"] = json!("user-of-a-probe");
                says(201, account)
            }
            "/api/auth/callback/credentials" => with(
                says(200, json!({ "url": "/" })),
                &[("set-cookie", "session=a-session-of-a-probe; Path=/")],
            ),
            "/api/auth/signout" if self.is("log-out") => says(200, json!({})),
            "/api/auth/signout" => with(
                says(200, json!({})),
                &[("set-cookie", "session=; Path=/; Max-Age=0")],
            ),
            _ => {
                let cookie = asked
                    .headers
                    .get("cookie")
                    .and_then(|cookie| cookie.to_str().ok());
                let is_known = cookie.is_some_and(|cookie| cookie.contains("a-session-of-a-probe"));
                if is_known && !self.is("log-in") {
                    says(200, json!({ "user": { "email": "probe@crm.example" } }))
                } else {
                    says(200, json!({}))
                }
            }
        }
    }

    fn accounts(&self, asked: &Asked) -> Response {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let who = asked.bearer().unwrap_or_default();
        let id = asked
            .path
            .trim_start_matches("/api/accounts")
            .trim_start_matches('/')
            .to_owned();
        let method = asked.method.as_str();
        if id.is_empty() {
            return match method {
                "GET" => says(200, json!({ "items": [{ "id": "first-account" }] })),
                _ if who == VIEWER => only(403),
                _ => {
                    state.made += 1;
                    let id = format!("account-{}", state.made);
                    state.accounts.insert(id.clone(), who.to_owned());
                    let status = if self.is("add-account") { 200 } else { 201 };
                    says(status, json!({ "id": id, "name": asked.json()["name"] }))
                }
            };
        }
        let Some(maker) = state.accounts.get(&id).cloned() else {
            return only(404);
        };
        if method == "GET" {
            let is_hidden = who == STRANGER && !self.is("tenants-apart");
            return if is_hidden {
                only(404)
            } else {
                says(200, json!({ "id": id }))
            };
        }
        let forgets = (who == VIEWER && method == "PATCH" && self.is("viewer-refused"))
            || (who == MEMBER && method == "PATCH" && self.is("member-limited"));
        let may = who == ADMIN || (who == MEMBER && maker == who) || forgets;
        if !may {
            if !self.is("audit-denials") {
                state.denied.push(id);
            }
            return only(403);
        }
        if method == "DELETE" {
            state.accounts.remove(&id);
            return only(204);
        }
        let name = if self.is("admin-free") {
            json!("as it was")
        } else {
            asked.json()["name"].clone()
        };
        says(200, json!({ "id": id, "name": name }))
    }

    fn audit(&self, asked: &Asked) -> Response {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let entries = if let Some(id) = asked.query.get("entityId") {
            let denials = state.denied.iter().filter(|denied| *denied == id);
            denials
                .map(|_| json!({ "action": "PERMISSION_DENIED" }))
                .collect()
        } else if asked.query.contains_key("action") {
            self.value(
                "audit-limits",
                json!([{ "action": "RATE_LIMIT_EXCEEDED" }]),
                json!([]),
            )
        } else {
            self.value("audit-trail", json!([{ "action": "LOGIN" }]), json!([]))
        };
        says(200, json!({ "entries": entries }))
    }

    fn billing(&self, asked: &Asked) -> Response {
        let elsewhere = "https://elsewhere.example/";
        match asked.path.as_str() {
            "/api/billing/subscription" if self.is("billing") => only(403),
            "/api/billing/subscription" => says(
                200,
                json!({ "plan": self.value("checkout-abandoned", "FREE", "PRO") }),
            ),
            "/api/billing/checkout" => {
                let check = match asked.json()["plan"].as_str() {
                    Some("PRO") => "checkout-pro",
                    _ => "checkout-enterprise",
                };
                let url = self.value(check, "https://checkout.stripe.com/c/pay/1", elsewhere);
                says(200, json!({ "id": "checkout-of-a-probe", "url": url }))
            }
            "/api/billing/portal" => {
                let url = self.value(
                    "customer-portal",
                    "https://billing.stripe.com/p/session/1",
                    elsewhere,
                );
                says(200, json!({ "url": url }))
            }
            _ if self.is("past-bills") => only(404),
            _ => says(200, json!({ "items": [] })),
        }
    }

    fn atlas(&self, path: &str) -> Response {
        if path.ends_with("/alertConfigs") {
            let enabled = !self.is("pool-alert");
            let threshold = json!({ "metricName": "CONNECTIONS_PERCENT" });
            return says(
                200,
                json!({ "results": [{ "enabled": enabled, "metricThreshold": threshold }] }),
            );
        }
        let days = self.value("backup-retention", 7, 2);
        let item = json!({ "retentionUnit": "days", "retentionValue": days });
        says(200, json!({ "policies": [{ "policyItems": [item] }] }))
    }

    fn stripe(&self, asked: &Asked) -> Response {
        let data = match asked.path.as_str() {
            "/v1/prices" => [
                ("price-free", "FREE", 0),
                ("price-pro", "PRO", 2900),
                ("price-enterprise", "ENTERPRISE", 29_900),
            ]
            .into_iter()
            .map(|(check, name, amount)| {
                json!({
                    "product": { "name": name },
                    "unit_amount": self.value(check, amount, amount + 1),
                    "currency": "usd",
                    "recurring": { "interval": "month" },
                })
            })
            .collect(),
            "/v1/webhook_endpoints" => {
                let mut events = vec![
                    "customer.subscription.created",
                    "customer.subscription.updated",
                    "customer.subscription.deleted",
                    "invoice.paid",
                ];
                if !self.is("webhook-endpoint") {
                    events.push("invoice.payment_failed");
                }
                json!([{
                    "url": "https://staging.crm.example/api/webhooks/stripe",
                    "status": "enabled",
                    "enabled_events": events,
                }])
            }
            "/v1/events" => {
                let is_taken = asked
                    .query
                    .get("delivery_success")
                    .is_some_and(|taken| taken == "true");
                let some = json!([{ "id": "evt_1" }]);
                if is_taken {
                    self.value("webhook-delivery", some, json!([]))
                } else {
                    self.value("no-failed-webhooks", json!([]), some)
                }
            }
            _ => return says(200, json!({ "status": "expired" })),
        };
        says(200, json!({ "data": data }))
    }

    /// Contacts, leads and opportunities.
    fn other_records(&self, asked: &Asked) -> Response {
        let rest = asked.path.trim_start_matches("/api/");
        let (kind, id) = rest.split_once('/').unwrap_or((rest, ""));
        let check = match kind {
            "contacts" => "add-contact",
            "leads" => "add-lead",
            "opportunities" => "add-opportunity",
            _ => return only(404),
        };
        if self.is(check) {
            return only(500);
        }
        self.others.answer(asked, id)
    }
}
