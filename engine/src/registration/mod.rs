//! Keeping an account registered (RFC 3261 §10.2): REGISTER, refresh, fail-over, back-off, and the
//! REGISTER that ends it.
//!
//! [`Core`] is pure: [`Core::handle_input`], then [`Core::poll_output`] until [`Output::Timeout`].
//! One core is one account's registration; an idle one costs its memory and one timer. There is
//! never more than one REGISTER on its way.

mod answer;
mod core;

#[cfg(test)]
mod tests;

use std::time::Duration;

use offhook_fsm::Instant;

use crate::credentials::Credentials;
use crate::id::AccountId;
use crate::notification::NotificationData;
use crate::sip::{Message, SipUri};
use crate::transaction::Timers;
use crate::transport::{Destination, Transmit};

pub use self::core::Core;

/// How long the ways to a registrar are tried one after the other before there is a pause.
pub const ROUND: Duration = Duration::from_secs(30);
/// What the pause after the first failure is at least; it doubles with each further one.
pub const BACK_OFF_MIN: Duration = Duration::from_millis(500);
/// What the doubling ends at. A pause is between this and twice this then.
pub const BACK_OFF_MAX: Duration = Duration::from_secs(30);
/// How often one try is asked again for the same in another form, or sent elsewhere.
pub const REPEATS_MAX: u8 = 5;

/// What does not change in a registration's life.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Whose branches the requests have.
    pub account: AccountId,
    /// The account as notifications name it: `user@domain`.
    pub name: String,
    /// The address of record.
    pub uri: SipUri,
    /// The user of our Contact.
    pub contact_user: String,
    /// How long a registration is asked for, in seconds.
    pub expires: u32,
    /// How the account proves who it is.
    pub credentials: Vec<Credentials>,
    /// The user chose the way (a proxy of his own): its host is trusted with the password.
    pub is_chosen_way: bool,
    /// T1, T2, T4.
    pub timers: Timers,
    /// User-Agent.
    pub user_agent: String,
}

/// What happens to a registration.
#[derive(Debug)]
pub enum Input {
    /// It is wanted; when it stands already, it is refreshed.
    Register,
    /// It is not wanted any more.
    Unregister,
    /// It is not wanted, and no answer is waited for any more.
    Cut,
    /// The ways to the registrar, best first, or why there is none.
    Located(Result<Vec<Destination>, String>),
    /// A response to a request of this account.
    Response(Box<Message>),
    /// The request with that branch could not be sent.
    TransportError {
        /// Its branch.
        branch: Vec<u8>,
        /// Why.
        reason: String,
    },
    /// The time of [`Output::Timeout`] has come.
    Timeout,
}

/// What a registration wants done.
#[derive(Clone, Debug)]
pub enum Output {
    /// Look up the ways to the registrar: to the account's own, or to the one that another named.
    Locate(Option<SipUri>),
    /// Send this.
    Transmit(Transmit),
    /// Tell the application.
    Notify(NotificationData),
    /// Nothing more for now; come back at that time, if any.
    Timeout(Option<Instant>),
}
