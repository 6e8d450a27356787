//! What each action of the table does.

use std::time::Duration;

use offhook_fsm::Instant;
use offhook_fsm::session::{Action, Event, State};

use super::Core;
use crate::notification::{NotificationData, Originator};

impl Core {
    pub(super) fn act(&mut self, now: Instant, action: Action, event: Event, previous: State) {
        match action {
            Action::TellState => {
                let data = NotificationData::SessionChangedState {
                    prev_state: previous,
                    state: self.state,
                };
                self.tell(now, data);
            }
            Action::TellOutgoing => {
                let streams = self.wanted.kinds();
                self.tell(now, NotificationData::SessionNewOutgoing { streams });
            }
            Action::TellIncoming => {
                let streams = self.offered_streams();
                self.tell(now, NotificationData::SessionNewIncoming { streams });
            }
            Action::TellRinging => self.tell(now, NotificationData::SessionGotRingIndication),
            Action::TellWillStart => {
                self.snapshot.start_time = Some(self.timestamp(now));
                self.tell(now, NotificationData::SessionWillStart);
            }
            Action::TellDidStart => self.tell(now, NotificationData::SessionDidStart),
            Action::TellWillEnd => self.tell(now, NotificationData::SessionWillEnd),
            Action::TellDidFail => {
                let (originator, code) = (self.cause.originator, self.cause.code);
                let reason = self.cause.reason.clone();
                let redirect_identities = std::mem::take(&mut self.redirects);
                let data = NotificationData::SessionDidFail {
                    originator,
                    code,
                    reason,
                    redirect_identities,
                };
                self.tell(now, data);
            }
            Action::TellDidEnd => {
                // What ends in TERMINATING was ended by us, even where BYEs cross.
                let ours = previous == State::Terminating;
                let originator = if ours { Originator::Local } else { self.cause.originator };
                self.snapshot.stop_time = Some(self.timestamp(now));
                self.tell(now, NotificationData::SessionDidEnd { originator });
            }
            Action::TellStreams => self.tell_streams(now),
            Action::TellHold => self.tell_own_hold(now),
            Action::TellProposal => {
                let (proposer, streams) = self.proposed_streams();
                self.tell(now, NotificationData::SessionGotStreamProposal { proposer, streams });
            }
            Action::TellAccepted => self.tell_settled(now, true),
            Action::TellRejected => self.tell_settled(now, false),
            Action::PrepareStreams => self.prepare_streams(),
            Action::SendInvite => self.send_invite(now),
            Action::SendRinging => self.send_provisional(now, 180),
            Action::SendProgress => self.send_provisional(now, 183),
            Action::SendAnswer => self.send_answer(now),
            Action::SendAck => self.send_ack(),
            Action::SendCancel => self.send_cancel(now),
            Action::SendBye => self.send_bye(now),
            Action::SendRefusal => self.send_refusal(now),
            Action::AnswerCancel => {
                self.refuse_with(487, "");
                self.send_refusal(now);
            }
            Action::AnswerBye => self.answer_request(200),
            Action::StartStreams => self.start_streams(now),
            Action::StopStreams => self.stop_streams(now),
            Action::Silence => self.silence(),
            Action::Enqueue => self.enqueue_order(),
            Action::SendOffer => self.send_offer(now),
            Action::SendOfferAck => self.send_offer_ack(),
            Action::CancelOffer => self.cancel_offer(now),
            Action::DropOffer => self.drop_offer(now),
            Action::DropRemoved => self.drop_removed(now),
            Action::RingProposal => self.ring_proposal(),
            Action::AnswerReinvite => self.answer_reinvite(now),
            Action::RefuseReinvite => self.refuse_reinvite(now, event),
            Action::StartChat => {
                self.start_chat();
                self.start_file();
            }
            Action::StopAudio => self.close_audio(now),
            Action::StopChat => self.close_chat(now),
            Action::QueueMessage => self.queue_message(),
            Action::TellWillStartRecording => self.tell_will_start_recording(now),
            Action::OpenRecording => self.open_recording(),
            Action::TellWillStopRecording => self.tell_will_stop_recording(now),
            Action::CloseRecording => self.close_recording(now),
            Action::OrderMedia => self.order_media(),
        }
    }

    /// A BYE of ours is out, or must wait until the ACK is here, or given up (RFC 3261 §15). A session
    /// that ends sooner hands the wait on with the BYE.
    fn send_bye(&mut self, now: Instant) {
        let answered = self.incoming.as_ref().is_none_or(|incoming| incoming.is_answered());
        if !answered {
            // Something broke before the 200: the INVITE itself is refused.
            self.refuse_with(500, "");
            return self.send_refusal(now);
        }
        if self.unacknowledged.is_some() && !self.is_terminated() {
            return;
        }
        if self.bye.is_none() {
            self.begin_bye(now);
            if let Some(ok) = self.unacknowledged.take() {
                self.bye = self.bye.take().map(|bye| bye.after_ack(ok));
            }
            self.farewell = Some(now + Duration::from_millis(self.farewell_ms()));
        }
    }
}
