//! The conformance suite: REFERENCE 1.3 to 1.11 and part 2, row by row, in simulated time. Each
//! test names its rows in its doc comment; `TABLE.md` is made from them. Part 0 of the reference
//! and each `R:` overrule the row; a test says so where they do.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a helper of a test may fail the test"
)]

mod added;
mod audio;
mod calls;
mod chat;
mod corners;
mod faults;
mod filters;
mod hold;
mod items;
mod methods;
mod offers;
mod pairs;
mod proposals;
mod recordings;
mod reinvites;
mod rooms;
mod seed;
mod streams;
mod table;
