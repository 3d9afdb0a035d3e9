//! The stand-in as its users meet it: over HTTP, over the gateway, and by a client that was not written for it.

mod allowed_mentions;
mod faults;
mod gateway;
mod given_files;
mod interactions;
mod limits;
mod messages;
mod page;
mod proxy;
mod serenity_client;
mod support;
