//! Two sessions on one connection.
#![allow(dead_code, reason = "no test uses all of it")]
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

use offhook_fsm::{Entropy, Instant};
use offhook_msrp::chat::{
    Chat, ChatError, Event, Incoming, Input, Local, Outgoing, Output, Peer, Reports,
};
use offhook_msrp::{ContinuationFlag, FailureReport, Frame, Framer};

pub(crate) const ALICE: &str = "msrp://192.0.2.1:2855/alice1234567890;tcp";
pub(crate) const BOB: &str = "msrp://192.0.2.2:2855/bob1234567890;tcp";

#[derive(Clone)]
pub(crate) struct Side {
    pub(crate) chat: Chat,
    pub(crate) events: Vec<Event>,
    pub(crate) wire: Vec<u8>,
    pub(crate) closed: bool,
    pub(crate) deadline: Option<Instant>,
    pub(crate) now: Instant,
}

impl Side {
    pub(crate) fn new(local: Local, seed: u64) -> Self {
        let chat = Chat::new(local, Entropy::from_u64(seed)).unwrap();
        let (events, wire) = (Vec::new(), Vec::new());
        Self { chat, events, wire, closed: false, deadline: None, now: Instant::ZERO }
    }

    pub(crate) fn put(&mut self, input: Input<'_>) {
        self.try_put(input).unwrap();
    }

    pub(crate) fn try_put(&mut self, input: Input<'_>) -> Result<(), ChatError> {
        let result = self.chat.handle_input(self.now, input);
        self.drain();
        result
    }

    /// Polls, with everything that is handed out written at once.
    pub(crate) fn drain(&mut self) {
        loop {
            match self.chat.poll_output() {
                Output::Transmit(bytes) => {
                    assert!(!bytes.is_empty());
                    self.wire.extend_from_slice(&bytes);
                    self.chat.handle_input(self.now, Input::Written(bytes.len())).unwrap();
                }
                Output::Event(event) => self.events.push(event),
                Output::Close => self.closed = true,
                Output::Timeout(deadline) => {
                    self.deadline = deadline;
                    return;
                }
            }
        }
    }

    pub(crate) fn send(&mut self, id: &str, content: &[u8]) {
        self.put(Input::Send(Outgoing::new(id, "text/plain", content.to_vec())));
    }

    pub(crate) fn send_with(
        &mut self,
        id: &str,
        content: &[u8],
        success: bool,
        failure: FailureReport,
    ) {
        let reports = Some(Reports { success, failure });
        let message = Outgoing::new(id, "text/plain", content.to_vec());
        self.put(Input::Send(Outgoing { reports, ..message }));
    }

    pub(crate) fn contents(&self) -> Vec<(&str, &[u8])> {
        let messages = self.events.iter().filter_map(|event| match event {
            Event::Message(Incoming { id, content, .. }) => Some((id.as_str(), &content[..])),
            _ => None,
        });
        messages.collect()
    }

    pub(crate) fn failed(&self) -> Vec<(&str, u16)> {
        let failed = self.events.iter().filter_map(|event| match event {
            Event::NotDelivered { id, code, .. } => Some((id.as_str(), *code)),
            _ => None,
        });
        failed.collect()
    }

    pub(crate) fn delivered(&self) -> Vec<&str> {
        let delivered = self.events.iter().filter_map(|event| match event {
            Event::Delivered { id, .. } => Some(id.as_str()),
            _ => None,
        });
        delivered.collect()
    }
}

/// Moves bytes both ways in pieces of `cut` bytes until nobody has any more.
pub(crate) fn settle(a: &mut Side, b: &mut Side, cut: usize) {
    while !a.wire.is_empty() || !b.wire.is_empty() {
        carry(a, b, cut);
        carry(b, a, cut);
    }
}

pub(crate) fn carry(from: &mut Side, to: &mut Side, cut: usize) {
    for piece in std::mem::take(&mut from.wire).chunks(cut) {
        to.put(Input::Received(piece));
    }
}

pub(crate) fn pair(active: Local, passive: Local) -> (Side, Side) {
    let (alice, bob) = (Peer::new(active.uri.clone()), Peer::new(passive.uri.clone()));
    let (mut a, mut b) = (Side::new(active, 1), Side::new(passive, 2));
    a.put(Input::Start(bob));
    b.put(Input::Start(alice));
    a.put(Input::Connected);
    b.put(Input::Connected);
    settle(&mut a, &mut b, 4096);
    assert_eq!((&a.events[..], &b.events[..]), (&[Event::Started][..], &[Event::Started][..]));
    a.events.clear();
    b.events.clear();
    (a, b)
}

pub(crate) fn usual() -> (Side, Side) {
    pair(Local::new(ALICE, true), Local::new(BOB, false))
}

/// The heads on a wire: start lines and flags.
pub(crate) fn lines(wire: &[u8]) -> Vec<(String, ContinuationFlag)> {
    let mut framer = Framer::new();
    framer.push(wire);
    let mut found = Vec::new();
    let mut line = String::new();
    while let Some(frame) = framer.next_frame().unwrap() {
        match frame {
            Frame::Head { head, fault } => {
                assert_eq!(fault, None);
                line = match head.method() {
                    Some(method) => method.into(),
                    None => format!("{:?}", head.start),
                };
            }
            Frame::Body(_) => {}
            Frame::End(flag) => found.push((line.clone(), flag)),
        }
    }
    assert!(framer.is_between());
    found
}

pub(crate) fn statuses(wire: &[u8]) -> Vec<u16> {
    let number = |line: &str| line.split("status: ").nth(1)?.split(',').next()?.parse().ok();
    lines(wire).iter().filter_map(|(line, _)| number(line)).collect()
}
