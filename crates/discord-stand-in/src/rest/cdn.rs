//! The content delivery network: `cdn.discordapp.com` and `media.discordapp.net`, where applications fetch the files that
//! people gave to their commands.

use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Response};

use super::{BYTES, Outcome, before};
use crate::faults::Fault;
use crate::listener::Cut;
use crate::server::Core;

/// What an address answers that is unknown, not signed, or has expired.
const GONE: &str = "This content is no longer available.";

/// Answers any request to one of the network's hosts. It asks for no authorization and counts nothing.
pub(crate) async fn serve(core: &Core, request: &Parts, cut: &Cut) -> Response {
    let (method, path) = (&request.method, request.uri.path());
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let fault = core.faults.decide(method.as_str(), &segments);
    if let Some(outcome) = before(core, fault).await {
        return outcome.into_response(Some(cut));
    }
    if fault == Some(Fault::LoseReply) {
        return Outcome::cut().into_response(Some(cut));
    }
    if *method != Method::GET {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let query = request.uri.query().unwrap_or_default();
    match core.read(|world| world.given_file(path, query).cloned()) {
        Some(file) => {
            let content_type = file.content_type.unwrap_or_else(|| BYTES.to_owned());
            ([(CONTENT_TYPE, content_type)], file.bytes).into_response()
        }
        None => (StatusCode::NOT_FOUND, GONE).into_response(),
    }
}
