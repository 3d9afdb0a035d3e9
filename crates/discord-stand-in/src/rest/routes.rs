//! The table of routes.

use std::time::Duration;

use axum::http::Method;

use super::error::ApiError;
use super::{
    Reply, Visit, applications, channels, guilds, interactions, known_method, messages, reactions, users,
};
use crate::rate_limit::Allowance;
use crate::world::World;

type Handler = fn(&mut World, &Visit<'_>) -> Result<Reply, ApiError>;

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Authorization {
    /// Whoever has a bot's token.
    Bot,
    /// Everyone: the path carries a token of its own, or there is nothing to guard.
    None,
}

/// One route.
pub(super) struct Route {
    method: &'static str,
    pattern: &'static str,
    pub(super) authorization: Authorization,
    pub(super) allowance: Allowance,
    pub(super) handler: Handler,
}

/// A route with its path's parameters.
pub(super) struct Found {
    pub(super) route: &'static Route,
    pub(super) parameters: Vec<(&'static str, String)>,
}

impl Found {
    /// Such as `POST /channels/{channel}/messages`.
    pub(super) fn name(&self) -> String {
        format!("{} /{}", self.route.method, self.route.pattern)
    }

    /// The channel, guild or webhook by which Discord counts apart.
    pub(super) fn major(&self) -> &str {
        self.parameters
            .iter()
            .find(|(name, _)| matches!(*name, "channel" | "guild" | "token"))
            .map_or("", |(_, value)| value)
    }
}

const fn bot(method: &'static str, pattern: &'static str, handler: Handler) -> Route {
    counted(method, pattern, 50, 1000, handler)
}

const fn counted(
    method: &'static str,
    pattern: &'static str,
    limit: u32,
    window_ms: u64,
    handler: Handler,
) -> Route {
    Route {
        method,
        pattern,
        authorization: Authorization::Bot,
        allowance: Allowance::Bucket(limit, Duration::from_millis(window_ms)),
        handler,
    }
}

const fn open(method: &'static str, pattern: &'static str, allowance: Allowance, handler: Handler) -> Route {
    Route {
        method,
        pattern,
        authorization: Authorization::None,
        allowance,
        handler,
    }
}

/// How often a webhook, which an interaction's token is, may be used.
const WEBHOOK: Allowance = Allowance::OwnBucket(5, Duration::from_secs(2));

/// Every route, literal segments before parameters in the same place.
const ROUTES: &[Route] = &[
    open("GET", "gateway", Allowance::Free, applications::gateway),
    bot("GET", "gateway/bot", applications::gateway_bot),
    bot("GET", "oauth2/applications/@me", applications::current),
    bot("GET", "applications/@me", applications::current),
    bot("GET", "applications/{application}/commands", applications::list),
    bot(
        "PUT",
        "applications/{application}/commands",
        applications::overwrite,
    ),
    bot(
        "POST",
        "applications/{application}/commands",
        applications::create,
    ),
    bot(
        "GET",
        "applications/{application}/commands/{command}",
        applications::get,
    ),
    bot(
        "PATCH",
        "applications/{application}/commands/{command}",
        applications::change,
    ),
    bot(
        "DELETE",
        "applications/{application}/commands/{command}",
        applications::delete,
    ),
    bot(
        "GET",
        "applications/{application}/guilds/{guild}/commands",
        applications::list,
    ),
    bot(
        "PUT",
        "applications/{application}/guilds/{guild}/commands",
        applications::overwrite,
    ),
    bot(
        "POST",
        "applications/{application}/guilds/{guild}/commands",
        applications::create,
    ),
    bot(
        "GET",
        "applications/{application}/guilds/{guild}/commands/{command}",
        applications::get,
    ),
    bot(
        "PATCH",
        "applications/{application}/guilds/{guild}/commands/{command}",
        applications::change,
    ),
    bot(
        "DELETE",
        "applications/{application}/guilds/{guild}/commands/{command}",
        applications::delete,
    ),
    open(
        "POST",
        "interactions/{interaction}/{token}/callback",
        Allowance::Free,
        interactions::callback,
    ),
    open(
        "POST",
        "webhooks/{application}/{token}",
        WEBHOOK,
        interactions::follow_up,
    ),
    open(
        "GET",
        "webhooks/{application}/{token}/messages/{message}",
        WEBHOOK,
        interactions::get,
    ),
    open(
        "PATCH",
        "webhooks/{application}/{token}/messages/{message}",
        WEBHOOK,
        interactions::edit,
    ),
    open(
        "DELETE",
        "webhooks/{application}/{token}/messages/{message}",
        WEBHOOK,
        interactions::delete,
    ),
    bot("GET", "users/@me", users::me),
    bot("GET", "users/@me/guilds", users::guilds),
    counted(
        "POST",
        "users/@me/channels",
        10,
        10_000,
        users::open_direct_channel,
    ),
    bot("GET", "users/{user}", users::get),
    bot("GET", "channels/{channel}", channels::get),
    bot("PATCH", "channels/{channel}", channels::change),
    bot("DELETE", "channels/{channel}", channels::delete),
    counted("POST", "channels/{channel}/typing", 5, 5000, channels::typing),
    counted(
        "POST",
        "channels/{channel}/threads",
        10,
        10_000,
        channels::start_thread,
    ),
    bot(
        "GET",
        "channels/{channel}/thread-members",
        channels::thread_members,
    ),
    bot("PUT", "channels/{channel}/thread-members/@me", channels::join),
    bot("DELETE", "channels/{channel}/thread-members/@me", channels::leave),
    bot(
        "PUT",
        "channels/{channel}/thread-members/{user}",
        channels::add_member,
    ),
    bot(
        "DELETE",
        "channels/{channel}/thread-members/{user}",
        channels::remove_member,
    ),
    bot("GET", "channels/{channel}/pins", messages::pins_as_list),
    counted("PUT", "channels/{channel}/pins/{message}", 5, 4000, messages::pin),
    counted(
        "DELETE",
        "channels/{channel}/pins/{message}",
        5,
        4000,
        messages::unpin,
    ),
    bot("GET", "channels/{channel}/messages", messages::list),
    counted("POST", "channels/{channel}/messages", 5, 5000, messages::create),
    bot("GET", "channels/{channel}/messages/pins", messages::pins),
    counted(
        "PUT",
        "channels/{channel}/messages/pins/{message}",
        5,
        4000,
        messages::pin,
    ),
    counted(
        "DELETE",
        "channels/{channel}/messages/pins/{message}",
        5,
        4000,
        messages::unpin,
    ),
    bot("GET", "channels/{channel}/messages/{message}", messages::get),
    counted(
        "PATCH",
        "channels/{channel}/messages/{message}",
        5,
        5000,
        messages::edit,
    ),
    counted(
        "DELETE",
        "channels/{channel}/messages/{message}",
        5,
        1000,
        messages::delete,
    ),
    counted(
        "POST",
        "channels/{channel}/messages/{message}/threads",
        10,
        10_000,
        channels::start_thread,
    ),
    counted(
        "PUT",
        "channels/{channel}/messages/{message}/reactions/{emoji}/@me",
        1,
        250,
        reactions::add,
    ),
    counted(
        "DELETE",
        "channels/{channel}/messages/{message}/reactions/{emoji}/@me",
        1,
        250,
        reactions::remove_own,
    ),
    counted(
        "DELETE",
        "channels/{channel}/messages/{message}/reactions/{emoji}/{user}",
        1,
        250,
        reactions::remove,
    ),
    bot(
        "GET",
        "channels/{channel}/messages/{message}/reactions/{emoji}",
        reactions::users,
    ),
    counted(
        "DELETE",
        "channels/{channel}/messages/{message}/reactions/{emoji}",
        1,
        250,
        reactions::clear,
    ),
    counted(
        "DELETE",
        "channels/{channel}/messages/{message}/reactions",
        1,
        250,
        reactions::clear,
    ),
    bot("GET", "guilds/{guild}", guilds::get),
    bot("GET", "guilds/{guild}/channels", guilds::channels),
    bot("GET", "guilds/{guild}/roles", guilds::roles),
    bot("GET", "guilds/{guild}/roles/{role}", guilds::role),
    bot("GET", "guilds/{guild}/members", guilds::members),
    bot("GET", "guilds/{guild}/members/search", guilds::search_members),
    bot("GET", "guilds/{guild}/members/{user}", guilds::member),
    bot("GET", "guilds/{guild}/threads/active", guilds::active_threads),
];

/// Finds the route of a method and a path.
pub(super) fn find(method: &Method, path: &[&str]) -> Result<Found, ApiError> {
    let mut other_method = false;
    for route in ROUTES {
        let Some(parameters) = fit(route.pattern, path) else {
            continue;
        };
        if route.method == method.as_str() {
            return Ok(Found { route, parameters });
        }
        other_method = true;
    }
    if other_method && known_method(method) {
        Err(ApiError::method_not_allowed())
    } else {
        Err(ApiError::not_found())
    }
}

fn fit(pattern: &'static str, path: &[&str]) -> Option<Vec<(&'static str, String)>> {
    let mut parameters = Vec::new();
    let mut segments = path.iter();
    for wanted in pattern.split('/') {
        let segment = segments.next()?;
        let parameter = wanted.strip_prefix('{').and_then(|name| name.strip_suffix('}'));
        match parameter {
            Some(name) => parameters.push((name, (*segment).to_owned())),
            None if wanted == *segment => {}
            None => return None,
        }
    }
    segments.next().is_none().then_some(parameters)
}
