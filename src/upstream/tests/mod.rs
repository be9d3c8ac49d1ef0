//! The module against origins written by hand: over real sockets where the connecting matters, over pipes in memory with
//! paused time where the time matters.

mod abort;
mod answers;
mod balance;
mod bodies;
mod connect;
mod retry;
mod reuse;
mod support;
mod upgrade;
