//! The promises of ARCHITECTURE.md, each with a test that tries to break it. Faster than the crash test, and closer to the
//! seams: what is cut off here is a task, a delivery or a connection, not the process.

#![expect(clippy::expect_used, reason = "a test may panic, in its helpers too")]

mod at_the_gateway;
mod each_on_its_own;
mod from_chat;
mod history_stays;
mod house;
mod late_is_not_never;
mod nothing_lost;
mod nothing_twice;
mod observed_for_a_while;
mod seen_and_signed;
mod two_people;
