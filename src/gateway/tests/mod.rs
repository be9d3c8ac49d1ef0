//! The gateway on a clock that moves only when told to, over a store on the disk: what happens in a month, in a second.

mod day;
mod portal;
mod published;
mod scene;
mod sessions;
mod streams;
mod turns;
