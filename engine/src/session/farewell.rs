//! What is left to do for a session whose core is lost: its last words, kept outside of it.

use std::sync::Arc;

use offhook_fsm::session::{Action, Event, State, step};
use offhook_fsm::{Entropy, Instant, Step};
use offhook_media::control::{MediaCommand, StreamId};

use super::auth::proven;
use super::caller::build_cancel;
use super::chat::CHAT_ENDED;
use super::recording::Recording;
use super::{Core, Output, Settings, message};
use crate::auth::Authenticator;
use crate::chat::ChatCommand;
use crate::dialog::Dialog;
use crate::id::SessionId;
use crate::notification::{Notification, NotificationData, Originator, Sender, StreamKind};
use crate::sip::reason_phrase;
use crate::snapshot::Snapshot;
use crate::streams::Streams;
use crate::transaction::{ClientTransaction, ServerKey, Unacknowledged};
use crate::transport::{Destination, Received, Transmit};

/// What `SIPSessionDidFail` says.
const REASON: &str = "internal error";

/// Enough of a session to end it from outside. Made anew after each drain of the core, so most of
/// it is shared with the core.
///
/// It does what the table says of `InternalError`, as the core itself would.
#[derive(Clone, Debug)]
pub struct Farewell {
    state: State,
    id: SessionId,
    settings: Arc<Settings>,
    local_tag: Arc<str>,
    dialog: Option<Arc<Dialog>>,
    peer: Option<Destination>,
    /// For the BYE.
    authenticator: Option<Box<Authenticator>>,
    /// The INVITE that came and has no final answer.
    unanswered: Option<Arc<(ServerKey, Received)>>,
    /// Transactions to go on with: our INVITE that is proceeding, CANCEL, BYEs.
    transactions: Vec<ClientTransaction>,
    /// The CANCEL, where our INVITE is proceeding and not cancelled.
    may_cancel: bool,
    said_bye: bool,
    /// Our 2xx that waits for its ACK: no BYE before that.
    unacknowledged: Option<Unacknowledged>,
    /// The peer's proposal that waits for the application.
    proposal: Option<Arc<(ServerKey, Received)>>,
    stream: Option<StreamId>,
    chat: Option<ChatCommand>,
    /// Messages that nothing was told of.
    undelivered: Vec<String>,
    active: Streams,
    recording: Option<Recording>,
}

impl Core {
    /// What to do should this core be lost before its next drain.
    #[must_use]
    pub fn farewell(&self) -> Farewell {
        let invite = self.outgoing.as_ref().and_then(|outgoing| outgoing.transaction.as_ref());
        let may_cancel = invite.is_some_and(ClientTransaction::is_proceeding);
        // An INVITE that nobody answered cannot be cancelled, and one with an answer is done with.
        let ours = self.transactions().skip(usize::from(invite.is_some() && !may_cancel));
        let incoming = self.incoming.as_ref().filter(|incoming| !incoming.is_answered());
        Farewell {
            state: self.state,
            id: self.id,
            settings: Arc::clone(&self.settings),
            local_tag: Arc::clone(&self.local_tag),
            dialog: self.dialog.clone(),
            peer: self.peer(),
            authenticator: self.authenticator(),
            unanswered: incoming.map(|incoming| Arc::clone(&incoming.invite)),
            transactions: ours.filter(|t| !t.is_terminated()).cloned().collect(),
            may_cancel: may_cancel && self.cancel.is_none(),
            said_bye: self.bye.is_some(),
            unacknowledged: self.unacknowledged.clone(),
            proposal: self.proposal.as_ref().map(|proposal| Arc::clone(&proposal.request)),
            stream: self.audio.exists.then(|| self.stream()),
            chat: self.chat_farewell(),
            undelivered: self.chat.undelivered(),
            active: self.told_streams,
            recording: self.audio.recording.clone(),
        }
    }
}

impl Farewell {
    /// The session's last outputs: refusal, CANCEL or BYE, the end of media, and the end told as
    /// an internal error. Nothing for a session that has not begun or is over.
    #[must_use]
    pub fn outputs(self, now: Instant, entropy: &mut Entropy) -> Vec<Output> {
        let Step::Go { next, actions } = step(self.state, Event::InternalError) else {
            return Vec::new();
        };
        let mut ending = Ending { now, left: self, outputs: Vec::new() };
        for action in actions {
            ending.act(*action, next, entropy);
        }
        ending.finish()
    }

    /// Brings the last snapshot of a handle in line with what [`outputs`](Self::outputs) tell.
    pub fn settle(&self, now: Instant, snapshot: &mut Snapshot) {
        if matches!(step(self.state, Event::InternalError), Step::Go { .. }) {
            snapshot.state = State::Terminated;
            snapshot.stop_time = Some(self.settings.epoch.at(now));
            snapshot.has_audio = false;
            snapshot.has_chat = false;
            snapshot.audio_recording_file_name = None;
        }
    }
}

struct Ending {
    now: Instant,
    left: Farewell,
    outputs: Vec<Output>,
}

impl Ending {
    fn act(&mut self, action: Action, state: State, entropy: &mut Entropy) {
        match action {
            Action::TellState => {
                let prev_state = self.left.state;
                self.tell(NotificationData::SessionChangedState { prev_state, state });
            }
            Action::TellDidFail => {
                self.tell(NotificationData::SessionDidFail {
                    originator: Originator::Local,
                    code: 0,
                    reason: REASON.into(),
                    redirect_identities: Vec::new(),
                });
            }
            Action::TellDidEnd => {
                self.tell(NotificationData::SessionDidEnd { originator: Originator::Local });
            }
            Action::StopStreams => self.stop_streams(),
            Action::SendCancel => self.cancel(),
            Action::SendRefusal => self.refuse(),
            Action::RefuseReinvite => {
                self.left.unanswered = self.left.proposal.take();
                self.refuse();
                self.left.unanswered = None;
            }
            Action::SendBye if self.left.unanswered.is_some() => self.refuse(),
            Action::SendBye => self.bye(entropy),
            // The table's rows for this event have no others.
            _ => {}
        }
    }

    fn tell(&mut self, data: NotificationData) {
        let timestamp = self.left.settings.epoch.at(self.now);
        let sender = Sender::Session(self.left.id);
        self.outputs.push(Output::Notification(Notification { timestamp, sender, data }));
    }

    fn stop_streams(&mut self) {
        if let Some(recording) = self.left.recording.take() {
            recording.ending().for_each(|data| self.tell(data));
        }
        if let Some(stream) = self.left.stream {
            self.outputs.push(Output::Media(MediaCommand::Stop { stream }));
        }
        if self.left.active.audio && self.left.active.chat {
            let streams = Streams::only(StreamKind::Chat).kinds();
            self.tell(NotificationData::SessionGotStreamUpdate { streams });
        }
        self.outputs.extend(self.left.chat.take().map(Output::Chat));
        for message_id in std::mem::take(&mut self.left.undelivered) {
            self.tell(NotificationData::SessionDidNotDeliverMessage {
                message_id,
                code: 0,
                reason: CHAT_ENDED.into(),
            });
        }
        if !self.left.active.is_empty() {
            self.tell(NotificationData::SessionGotStreamUpdate { streams: Vec::new() });
        }
    }

    fn refuse(&mut self) {
        let Some(invite) = self.left.unanswered.take() else { return };
        let (key, received) = &*invite;
        let (tag, status) = (&self.left.local_tag, 500);
        let built = message::response(
            &self.left.settings,
            tag,
            received,
            status,
            reason_phrase(status),
            |builder| Ok(builder.finish()),
        );
        if let Some(transmit) = built {
            self.outputs.push(Output::Respond { key: key.clone(), status, transmit });
        }
    }

    fn cancel(&mut self) {
        if !self.left.may_cancel {
            return;
        }
        let Some(invite) = self.left.transactions.first().map(ClientTransaction::request) else {
            return;
        };
        let Ok(bytes) = build_cancel(&invite.bytes) else { return };
        let transmit = Transmit { destination: invite.destination, bytes: bytes.into() };
        let timers = self.left.settings.timers;
        self.left.transactions.extend(ClientTransaction::new(self.now, timers, transmit));
    }

    fn bye(&mut self, entropy: &mut Entropy) {
        let left = &mut self.left;
        let (Some(dialog), Some(peer), false) = (&mut left.dialog, left.peer, left.said_bye) else {
            return;
        };
        let dialog = Arc::make_mut(dialog);
        let (timers, user_agent) = (left.settings.timers, &*left.settings.user_agent);
        let mut sender = message::Sender { id: left.id, timers, user_agent, entropy };
        let bye = sender.bye(self.now, dialog, peer);
        let bye = match &mut left.authenticator {
            Some(own) => bye.map(|bye| proven(self.now, timers, own, bye)),
            None => bye,
        };
        left.transactions.extend(bye.map(|bye| match left.unacknowledged.take() {
            Some(ok) => bye.after_ack(ok),
            None => bye,
        }));
    }

    /// What the transactions have to send, and the transactions themselves.
    fn finish(mut self) -> Vec<Output> {
        for mut transaction in self.left.transactions {
            while let Some(transmit) = transaction.poll_transmit() {
                self.outputs.push(Output::Transmit(transmit));
            }
            if !transaction.is_terminated() {
                self.outputs.push(Output::HandOver(Box::new(transaction)));
            }
        }
        self.outputs
    }
}
