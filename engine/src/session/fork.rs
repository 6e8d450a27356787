//! Answers to our INVITE that nobody wants: from other branches of a fork, or after a refusal
//! (RFC 3261 §13.2.2.4). Each is acknowledged and ended.

use offhook_fsm::{Entropy, Instant};

use super::auth::proven_ack;
use super::{Core, Output, message};
use crate::dialog::Dialog;
use crate::id::SessionId;
use crate::sip::Message;
use crate::transaction::{ClientTransaction, Timers};
use crate::transport::Transmit;

/// Other branches that one call ends; what more of them answer is left to their own timers.
pub const FORKS_MAX: usize = 16;

/// Requests that a session sends at most in an early dialog of one branch: PRACKs. The BYE that ends
/// a branch after the session leaves room for them in its CSeq, for a peer refuses a number that it
/// has seen (RFC 3261 §12.2.2).
pub const LATE_BYE_GAP: u32 = 256;

/// A branch that answered too.
#[derive(Clone, Debug)]
pub(super) struct Fork {
    tag: Box<[u8]>,
    pub(super) bye: Option<ClientTransaction>,
}

/// The ACK and the BYE to a 2xx that nobody wants, `None` when it makes no dialog. `invite` is the
/// request that it answers, with the branch of a session of ours.
///
/// For a 2xx that reaches an INVITE transaction after its session has ended.
#[must_use]
pub fn end_late_answer<B: AsRef<[u8]>>(
    now: Instant,
    timers: Timers,
    user_agent: &str,
    entropy: &mut Entropy,
    invite: &Transmit,
    answer: &Message<B>,
) -> Option<(Transmit, ClientTransaction)> {
    let request = Message::parse(&invite.bytes[..]).ok()?;
    let id = SessionId::from_branch(request.via().ok()?.branch()?)?;
    let mut dialog = Dialog::of_caller(&request, answer).ok()?;
    dialog.skip(LATE_BYE_GAP);
    let (peer, cseq) = (invite.destination, request.cseq().ok()?.number);
    let mut sender = message::Sender { id, timers, user_agent, entropy };
    let ack = sender.ack(&dialog, peer, cseq)?;
    let ack = proven_ack(ack, invite);
    Some((ack, sender.bye(now, &mut dialog, peer)?))
}

impl Core {
    /// Another branch answered too, or did so again.
    pub(super) fn end_fork(&mut self, now: Instant, answer: &Message) {
        let tag = answer.to().ok().and_then(|to| to.tag()).unwrap_or_default();
        let known = self.forks.iter().any(|fork| *fork.tag == *tag);
        if !known && self.forks.len() >= FORKS_MAX {
            return;
        }
        let (Some(mut dialog), Some(peer)) = (self.dialog_of(answer), self.peer()) else { return };
        let cseq = self.invite_cseq();
        let mut sender = self.sender();
        let Some(ack) = sender.ack(&dialog, peer, cseq) else { return };
        if !known {
            let bye = sender.bye(now, &mut dialog, peer);
            let bye = bye.map(|bye| self.with_proof(now, bye));
            self.forks.push(Fork { tag: tag.into(), bye });
        }
        let invite = self.outgoing.as_ref().and_then(|outgoing| outgoing.transaction.as_ref());
        let ack = match invite {
            Some(invite) => proven_ack(ack, invite.request()),
            None => ack,
        };
        self.push(Output::Transmit(ack));
    }
}
