//! One session's loop: wait for mail or the core's next timeout, hand it in, carry out what comes
//! out. It decides nothing and waits on nobody.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use offhook_fsm::{Entropy, Instant};

use super::endpoint_thread::EndpointMail;
use super::engine::EngineShared;
use super::registry::{Mail, Shared};
use crate::error::SessionError;
use crate::notification::{Notification, NotificationData, SessionState};
use crate::session::{Core, Farewell, Input, Order, Output};
use crate::snapshot::Snapshot;

/// Notifications and endpoint mail that wait because a queue is full; beyond it the session ends.
const OUTBOX_MAX: usize = 1024;
/// How long to wait before a full queue is tried again.
const RETRY: Duration = Duration::from_millis(5);
/// How often an ended session tries to get its last words out.
const LAST_RETRIES: u32 = 2000;

/// Where an order's result goes.
type Reply = Sender<Result<(), SessionError>>;

/// A session and all that its thread needs.
pub(crate) struct SessionThread {
    pub(crate) core: Core,
    pub(crate) shared: Arc<Shared>,
    pub(crate) mailbox: Receiver<Mail>,
    pub(crate) engine: Arc<EngineShared>,
    /// For the farewell of a core that broke.
    pub(crate) entropy: Entropy,
    pub(crate) outbox: VecDeque<Posted>,
    /// Inputs that arose here: sends that failed, and what the chat tells.
    pub(crate) failed: VecDeque<Input>,
    pub(crate) next: Option<Instant>,
    /// The next input makes the core panic.
    pub(crate) breaks: bool,
}

/// What waits in the outbox.
pub(crate) enum Posted {
    Notification(Box<Notification>),
    Endpoint(Box<EndpointMail>),
}

impl SessionThread {
    /// Runs the session to its end.
    pub(crate) fn run(mut self) {
        self.engine.pool.replenish();
        let mut farewell = self.core.farewell();
        while !self.core.is_terminated() {
            let Some((input, reply)) = self.next_input() else { continue };
            let now = self.engine.clock.now();
            let (core, breaks) = (&mut self.core, self.breaks);
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                #[allow(clippy::panic, reason = "a test asks for it")]
                if breaks {
                    panic!("a fault was injected");
                }
                let result = core.handle_input(now, input);
                let mut outputs = Vec::new();
                loop {
                    match core.poll_output() {
                        Output::Timeout(at) => return (result, outputs, at),
                        output => outputs.push(output),
                    }
                }
            }));
            let Ok((result, outputs, next)) = outcome else {
                return self.broken(farewell);
            };
            self.next = next;
            let refused = result.is_err();
            self.shared.publish(self.core.snapshot());
            if let Some(reply) = reply {
                // The caller may have gone away.
                let _told = reply.try_send(result);
            }
            for output in outputs {
                self.carry_out(output);
            }
            if refused && self.core.snapshot().state == SessionState::Null {
                // `connect` was refused: the session is as fresh as before.
                return;
            }
            farewell = self.core.farewell();
        }
        self.finish();
    }

    /// The next thing that happened, with the channel for an order's result.
    fn next_input(&mut self) -> Option<(Input, Option<Reply>)> {
        if let Some(input) = self.failed.pop_front() {
            return Some((input, None));
        }
        self.flush();
        if self.outbox.len() > OUTBOX_MAX {
            self.outbox.truncate(OUTBOX_MAX);
            let reason = "the notifications of this session are not taken".to_owned();
            return Some((Input::Fault(reason), None));
        }
        let retry = (!self.outbox.is_empty()).then(|| self.engine.clock.now() + RETRY);
        let wake = self.next.into_iter().chain(retry).min();
        let mail = match wake {
            None => self.mailbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(at) => self.mailbox.recv_deadline(self.engine.clock.os(at)),
        };
        match mail {
            Ok(Mail::Order(order, reply)) => Some((Input::Order(*order), Some(reply))),
            Ok(Mail::Input(input)) => Some((*input, None)),
            Ok(Mail::End) => Some((Input::Order(Order::End), None)),
            Ok(Mail::Panic) => {
                self.breaks = true;
                Some((Input::Timeout, None))
            }
            Err(RecvTimeoutError::Timeout) => {
                let due = self.next.is_some_and(|at| at <= self.engine.clock.now());
                due.then_some((Input::Timeout, None))
            }
            // Nobody can reach this session any more; the registry holds it till it ends.
            Err(RecvTimeoutError::Disconnected) => Some((Input::Order(Order::End), None)),
        }
    }

    fn carry_out(&mut self, output: Output) {
        match output {
            Output::Transmit(transmit) => {
                if let Err(failed) = self.engine.send_request(transmit) {
                    self.failed.push_back(*failed);
                }
            }
            Output::Respond { key, status, transmit } => {
                let direct = self.engine.send_datagram(&transmit);
                // What goes over a stream the endpoint sends, and a refusal over UDP it repeats.
                let mail = EndpointMail::Responded { key, status, transmit, send: !direct };
                self.outbox.push_back(Posted::Endpoint(Box::new(mail)));
            }
            Output::Media(command) => {
                if let Err(refused) = self.engine.media.command(command) {
                    self.failed.push_back(Input::Fault(refused.to_string()));
                }
            }
            Output::Chat(command) => {
                let event = super::chat::carry_out(command, &mut self.entropy);
                self.failed.extend(event.map(Input::Chat));
            }
            Output::Notification(notification) => {
                self.outbox.push_back(Posted::Notification(Box::new(notification)));
            }
            Output::HandOver(transaction) => {
                let mail = EndpointMail::HandOver(transaction);
                self.outbox.push_back(Posted::Endpoint(Box::new(mail)));
            }
            Output::Timeout(_) => {}
        }
    }

    /// Hands on what waits, in order, until a queue is full.
    fn flush(&mut self) {
        while let Some(posted) = self.outbox.pop_front() {
            let refused = match posted {
                Posted::Notification(notification) => {
                    let ends = matches!(notification.data, NotificationData::SessionDidEnd { .. });
                    let posted = self.engine.center.post(*notification);
                    if ends && posted.is_ok() {
                        self.shared.did_end();
                    }
                    posted.err().map(|full| Posted::Notification(full.0))
                }
                Posted::Endpoint(mail) => self.engine.post(*mail).err().map(Posted::Endpoint),
            };
            if let Some(posted) = refused {
                self.outbox.push_front(posted);
                return;
            }
        }
    }

    /// The core broke: what it left for this case is carried out in its place.
    fn broken(mut self, farewell: Farewell) {
        log::error!("session {} broke and is ended", self.shared.id);
        let now = self.engine.clock.now();
        let value = format!("the core of session {} panicked", self.shared.id);
        self.engine.tell(NotificationData::EngineGotException {
            kind: "panic",
            value,
            traceback: None,
        });
        let mut snapshot = Snapshot::clone(&self.shared.snapshot.load());
        farewell.settle(now, &mut snapshot);
        self.shared.publish(&snapshot);
        for output in farewell.outputs(now, &mut self.entropy) {
            self.carry_out(output);
        }
        self.finish();
    }

    /// Gets the last words out and leaves.
    fn finish(mut self) {
        for _ in 0..LAST_RETRIES {
            self.flush();
            if self.outbox.is_empty() {
                break;
            }
            std::thread::park_timeout(RETRY);
        }
        if !self.outbox.is_empty() {
            log::error!("session {} ended, but its notifications are not taken", self.shared.id);
        }
        self.shared.did_end();
        self.engine.registry.ended();
        // A handle that orders something from here on finds nobody and reads the snapshot.
        self.shared.close();
        while let Ok(mail) = self.mailbox.try_recv() {
            if let Mail::Input(input) = mail
                && let Input::Request(key, received) = *input
            {
                let gone = EndpointMail::Gone(key, Box::new(received));
                let _full = self.engine.post(gone);
            }
        }
    }
}
