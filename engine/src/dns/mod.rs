//! Names into addresses: the domain name system (RFC 1035) and how SIP uses it (RFC 3263, RFC 2782).
//!
//! [`Core`] is asked to [locate](Input::Locate) a server and answers with a list of
//! [`Route`](crate::Route)s to try in order. It knows no socket and no clock. What comes from a name
//! server is believed only if it comes from the address that was asked, over the socket that asked,
//! with the random number and the very question of the query, and only what it says about the
//! name that was asked: a server is not asked about what another one says on the side.

mod cache;
mod configuration;
mod core;
pub mod fuzzing;
mod job;
mod locator;
mod message;
mod name;
mod resolver;
mod service;
mod unreachable;

#[cfg(test)]
mod core_tests;
#[cfg(test)]
mod locator_tests;
#[cfg(test)]
mod resolver_tests;
#[cfg(test)]
#[path = "../../tests/common/zone.rs"]
mod zone;

pub use self::cache::{CACHE_MAX, NEGATIVE_TTL_MAX, TTL_MAX};
pub use self::configuration::{HOSTS_MAX, Hosts, NAMESERVERS_MAX, NameServers};
pub use self::core::{Core, Input, LOOKUPS_MAX, LookupId, Output, Patience};
pub use self::job::{ALIASES_MAX, ATTEMPTS_MAX, LIES_MAX};
pub use self::locator::{Plan, ROUTES_MAX, TARGETS_MAX, Wanted, plan};
pub use self::message::{
    Alias, Code, Data, Kind, Naptr, Question, RECORDS_MAX, Record, Response, Srv, decode_response,
    encode_query,
};
pub use self::name::Name;
pub use self::resolver::{Answer, Command, Failure, Resolver, SocketId};
pub use self::service::order_srv;
pub use self::unreachable::{UNREACHABLE_FOR, UNREACHABLE_MAX, Unreachable};
