//! What `staging-telehealth` asks over HTTP: the application and its edge functions, Supabase, Twilio, Sentry, GitHub
//! and Prometheus, all at one address.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use axum::response::{IntoResponse as _, Response};
use holdpoint::checks::Variables;
use holdpoint::domain::checklist::Checklist;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::service::{self, Asked, figure, only, rules, says};
use super::{figures, variables};

/// What Prometheus says for each check while all is well, and what once its switch is thrown.
const FIGURES: [(&str, f64, f64); 4] = [
    ("update-time", 0.12, 0.25),
    ("memory", 1.01, 1.3),
    ("processor", 0.4, 0.9),
    ("error-rate", 0.001, 0.06),
];

/// The alerts: the check that asks for one, its name and its query.
const ALERTS: [(&str, &str, &str); 5] = [
    ("alert-cpu", "DatabaseCpuHigh", "supabase:cpu:percent > 80"),
    (
        "alert-functions",
        "EdgeFunctionsFailing",
        "supabase:function_errors:percent > 5",
    ),
    ("alert-slow", "ApiSlow", "supabase:request_seconds:p95 > 2"),
    (
        "alert-rooms",
        "RoomCreationFailing",
        "increase(twilio_room_errors_total[5m]) > 0",
    ),
    (
        "alert-tokens",
        "TokenIssuingFailing",
        "increase(twilio_token_errors_total[5m]) > 0",
    ),
];

/// Checks that stand on the same deed as the one with the switch, and fail with it.
pub(super) const ALONG: [(&str, &[&str]); 1] = [("session", &["rooms-by-hand", "room-time", "move-time"])];

/// Starts it all, and gives what leads there.
pub(super) async fn serve(servers: &mut JoinSet<()>, checklist: &Checklist, switch: &str) -> Variables {
    let telehealth = Telehealth::new(checklist, switch);
    let address = service::start(servers, move |asked| telehealth.answer(asked)).await;
    variables(checklist, address)
}

struct Telehealth {
    switch: String,
    figures: BTreeMap<String, f64>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    made: usize,
    /// Rooms with the session they are of.
    rooms: BTreeMap<String, String>,
    /// Patients with the room they are in.
    patients: BTreeMap<String, String>,
    /// From which room to which somebody went.
    moves: Vec<(String, String)>,
    /// Which rooms were asked about before anybody was in them, which only one of the checks does that move somebody.
    looked_into: BTreeSet<String>,
}

impl Telehealth {
    fn new(checklist: &Checklist, switch: &str) -> Self {
        Self {
            switch: switch.to_owned(),
            figures: figures(checklist, switch, &FIGURES),
            state: Mutex::default(),
        }
    }

    fn is(&self, switch: &str) -> bool {
        self.switch == switch
    }

    /// What is said while all is well, and an error once this switch is thrown.
    fn unless(&self, switch: &str, answer: Response) -> Response {
        if self.is(switch) { only(500) } else { answer }
    }

    fn answer(&self, asked: &Asked) -> Response {
        match asked.path.as_str() {
            "/" => self.unless("reachable", "The application".into_response()),
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
            "/v1/projects/staging-project-ref" => {
                let status = if self.is("supabase-project") {
                    "INACTIVE"
                } else {
                    "ACTIVE_HEALTHY"
                };
                says(200, json!({ "status": status }))
            }
            "/v1/projects/staging-project-ref/analytics/endpoints/logs.all" => {
                self.unless("function-logs", says(200, json!({ "result": [] })))
            }
            "/2010-04-01/Accounts/ACstaging.json" => {
                let status = if self.is("twilio-account") {
                    "suspended"
                } else {
                    "active"
                };
                says(200, json!({ "status": status }))
            }
            "/2010-04-01/Accounts/ACstaging/Usage/Triggers.json" => {
                let triggers: Vec<Value> = [("alert-usage", "usage"), ("billing-alerts", "price")]
                    .into_iter()
                    .filter(|(check, _)| !self.is(check))
                    .map(|(_, by)| json!({ "trigger_by": by }))
                    .collect();
                says(200, json!({ "usage_triggers": triggers }))
            }
            "/2010-04-01/Accounts/ACstaging/Usage/Records/ThisMonth.json" => self.unless(
                "spending",
                says(200, json!({ "usage_records": [{ "price": "12.34" }] })),
            ),
            "/api/0/projects/telehealth/staging/" => {
                let first = (!self.is("sentry-errors")).then_some("2026-01-01T00:00:00Z");
                says(
                    200,
                    json!({ "firstEvent": first, "firstTransactionEvent": !self.is("sentry-performance") }),
                )
            }
            "/search/issues" => says(200, json!({ "total_count": i32::from(self.is("critical-bugs")) })),
            "/auth/v1/token" => self.log_in(asked),
            "/rest/v1/sessions" if asked.method == "POST" => {
                self.unless("session", says(201, json!([{ "id": self.next("session") }])))
            }
            "/rest/v1/sessions" => only(204),
            "/rest/v1/breakout_rooms" => self.rooms(asked),
            "/rest/v1/breakout_room_participants" => self.participants(asked),
            "/rest/v1/breakout_room_transitions" => self.transitions(asked),
            path => match path.rsplit('/').next() {
                Some(function) => self.function(asked, function),
                None => only(404),
            },
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self, what: &str) -> String {
        let mut state = self.state();
        state.made += 1;
        format!("{what}-{}", state.made)
    }

    fn log_in(&self, asked: &Asked) -> Response {
        let is_therapist = asked.json()["email"]
            .as_str()
            .is_some_and(|email| email.starts_with("therapist"));
        let (login, role) = if is_therapist {
            ("therapist-login", "therapist")
        } else {
            ("patient-login", "patient")
        };
        let token = if self.is(login) {
            ""
        } else {
            "a-token-that-is-long-enough"
        };
        let role = if self.is(&format!("{role}-role")) {
            "nobody"
        } else {
            role
        };
        says(
            200,
            json!({ "access_token": token, "user": { "app_metadata": { "role": role } } }),
        )
    }

    fn rooms(&self, asked: &Asked) -> Response {
        let state = self.state();
        let of = asked
            .query
            .get("session_id")
            .map(|session| session.trim_start_matches("eq."));
        if of.is_none() {
            return says(200, json!([{ "id": "a room of somebody's" }]));
        }
        let rooms: Vec<Value> = state
            .rooms
            .iter()
            .filter(|(_, session)| of == Some(session.as_str()))
            .enumerate()
            .map(|(index, (room, _))| {
                let crowd = if self.is("rooms-automatic") && index == 0 {
                    4
                } else {
                    2
                };
                json!({ "id": room, "breakout_room_participants": vec![json!({ "id": 1 }); crowd] })
            })
            .collect();
        says(200, rooms.into())
    }

    fn participants(&self, asked: &Asked) -> Response {
        let mut state = self.state();
        let Some(filter) = asked.query.get("breakout_room_id") else {
            let is_outsider = asked.bearer() == Some("made-up-outsider_token");
            let seen = if is_outsider && !self.is("rows-hidden") {
                json!([])
            } else {
                json!([{ "id": 1 }])
            };
            return says(200, seen);
        };
        let rooms = filter.trim_start_matches("in.(").trim_end_matches(')').split(',');
        state.looked_into.extend(rooms.map(str::to_owned));
        let there: Vec<Value> = state
            .patients
            .iter()
            .filter(|(_, room)| filter.trim_start_matches("eq.") == room.as_str())
            .map(|(patient, _)| json!({ "id": patient }))
            .collect();
        says(200, there.into())
    }

    fn transitions(&self, asked: &Asked) -> Response {
        let wanted = ["from_room_id", "to_room_id"].map(|name| {
            let filter = asked.query.get(name).map(String::as_str).unwrap_or_default();
            filter.trim_start_matches("eq.").to_owned()
        });
        let [from, to] = wanted;
        let recorded = self
            .state()
            .moves
            .iter()
            .filter(|moved| **moved == (from.clone(), to.clone()))
            .count();
        let recorded = if self.is("rooms-by-hand") { 0 } else { recorded };
        says(200, vec![json!({ "id": 1 }); recorded].into())
    }

    fn function(&self, asked: &Asked, function: &str) -> Response {
        let refused = match asked.bearer() {
            None => Some(("anonymous-refused", 401)),
            Some("not-a-token") => Some(("invalid-token-refused", 401)),
            Some("made-up-expired_token") => Some(("expired-token-refused", 401)),
            Some("made-up-patient_token") if function == "create-breakout-room" => {
                Some(("patient-cannot-create", 403))
            }
            Some("made-up-patient_token") if function == "move-participant" => {
                Some(("patient-cannot-move", 403))
            }
            Some(_) => None,
        };
        if let Some((check, status)) = refused {
            return if self.is(check) {
                says(200, json!({}))
            } else {
                only(status)
            };
        }
        let body = asked.json();
        match function {
            "twilio-video-token" => self.unless("token-time", says(200, json!({ "token": "a" }))),
            "create-breakout-room" => self.create_rooms(&body),
            "move-participant" => self.move_participant(&body),
            "close-breakout-room" => {
                let session = body["sessionId"].as_str().unwrap_or_default().to_owned();
                self.state().rooms.retain(|_, of| *of != session);
                only(200)
            }
            _ => only(404),
        }
    }

    fn create_rooms(&self, body: &Value) -> Response {
        let session = body["sessionId"].as_str().unwrap_or_default();
        if session.contains('\'') {
            return if self.is("sql-injection") {
                only(500)
            } else {
                only(422)
            };
        }
        if let Some(name) = body["names"][0].as_str() {
            return if self.is("script-injection") {
                says(201, json!({ "rooms": [{ "name": name }, { "name": "Two" }] }))
            } else {
                only(422)
            };
        }
        if body["participants"].is_array() {
            return if self.is("lonely-room-refused") {
                says(201, json!({}))
            } else {
                only(422)
            };
        }
        let count = body["rooms"].as_u64().unwrap_or_default();
        if self.is("room-time") && count == 4 {
            return only(504);
        }
        let rooms: Vec<Value> = (0..count)
            .map(|_| {
                let room = self.next("room");
                self.state().rooms.insert(room.clone(), session.to_owned());
                json!({ "id": room })
            })
            .collect();
        says(200, json!({ "rooms": rooms }))
    }

    fn move_participant(&self, body: &Value) -> Response {
        let [patient, from, to] = ["participantId", "fromRoomId", "toRoomId"]
            .map(|name| body[name].as_str().unwrap_or_default().to_owned());
        if to == "room-kept-full" {
            return if self.is("full-room-refused") {
                only(200)
            } else {
                only(409)
            };
        }
        let mut state = self.state();
        if self.is("move-time") && !state.looked_into.contains(&to) {
            return only(504);
        }
        // Another check moves the same patient at the same time, into a room of another session.
        state.patients.insert(format!("{patient} of {to}"), to.clone());
        state.moves.push((from, to));
        only(200)
    }
}
