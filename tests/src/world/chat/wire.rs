//! TCP connections as their two ends see them: what goes in at one side comes out at the other,
//! whole and in order, cut anywhere, no more at once than the reader has room for, as long as the
//! connection lives.

use std::collections::BTreeMap;

use offhook_fsm::Entropy;

use super::Who;

/// Bytes that are under way or not read in one direction, at most.
const ROOM: usize = 64 * 1024;
/// The same where there is little room: one connection in so many.
const NARROW: (usize, u64) = (6 * 1024, 3);
/// Bytes that are read in one go.
const READ_MAX: usize = 16 * 1024;
/// The most that a segment carries.
const SEGMENT_MAX: usize = 1460;
/// One connection in so many breaks, where connections do.
const BREAKS_ONE_IN: u64 = 8;
/// After so many segments at most.
const BREAKS_WITHIN: u64 = 40;

/// What goes from one side of a connection to the other.
#[derive(Clone, Debug)]
pub enum Packet {
    /// One side connects to that port.
    Syn {
        /// The port.
        port: u16,
    },
    /// The other lets it in.
    SynAck,
    /// Bytes.
    Data(Vec<u8>),
    /// So many bytes were read.
    Room(usize),
    /// Nothing more comes.
    Fin,
    /// Nobody is there, or the connection is broken.
    Reset,
}

/// A packet with its way.
#[derive(Debug)]
pub struct Sent {
    /// The connection.
    pub wire: u64,
    /// To which side of it.
    pub side: usize,
    /// From which user agent.
    pub from: usize,
    /// To which.
    pub to: usize,
    /// What.
    pub packet: Packet,
}

/// How a side ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Last {
    /// The peer says no more.
    Fin,
    /// It is broken.
    Reset,
}

/// What is read.
#[derive(Debug)]
pub enum Got {
    /// Some bytes.
    Bytes(Vec<u8>),
    /// Nothing for now.
    Nothing,
    /// Nothing any more.
    End(Last),
}

#[derive(Debug)]
struct Side {
    agent: usize,
    owner: Option<Who>,
    inbox: Vec<u8>,
    /// Bytes that it may write.
    room: usize,
    last: Option<Last>,
    closed: bool,
}

#[derive(Debug)]
struct Wire {
    sides: [Side; 2],
    /// Segments until it breaks.
    left: Option<u64>,
    broken: bool,
}

/// All connections.
#[derive(Debug)]
pub struct Wires {
    wires: BTreeMap<u64, Wire>,
    made: u64,
    /// Connections break, and some have little room.
    breaks: bool,
    entropy: Entropy,
    sent: Vec<Sent>,
}

/// One side of one connection.
pub type Place = (u64, usize);

impl Wires {
    pub(super) const fn new(breaks: bool, entropy: Entropy) -> Self {
        Self { wires: BTreeMap::new(), made: 0, breaks, entropy, sent: Vec::new() }
    }

    /// What was sent since the last call.
    pub(super) fn take_sent(&mut self) -> Vec<Sent> {
        std::mem::take(&mut self.sent)
    }

    /// Connections of which a side is open.
    pub(super) fn count(&self) -> usize {
        self.wires.len()
    }

    /// Connects.
    pub(super) fn connect(&mut self, owner: Who, to: usize, port: u16) -> Place {
        self.made += 1;
        let breaks = self.breaks && self.entropy.below(BREAKS_ONE_IN) == 0;
        let narrow = self.breaks && self.entropy.below(NARROW.1) == 0;
        let room = if narrow { NARROW.0 } else { ROOM };
        let side = |agent, owner| Side {
            agent,
            owner,
            inbox: Vec::new(),
            room,
            last: None,
            closed: false,
        };
        let sides = [side(owner.0, Some(owner)), side(to, None)];
        let left = breaks.then(|| self.entropy.below(BREAKS_WITHIN));
        self.wires.insert(self.made, Wire { sides, left, broken: false });
        self.send((self.made, 0), Packet::Syn { port });
        (self.made, 0)
    }

    /// Whose a side is.
    pub(super) fn owner(&self, (wire, side): Place) -> Option<Who> {
        self.wires.get(&wire)?.sides[side].owner
    }

    /// Lets a connection in.
    pub(super) fn accept(&mut self, (wire, side): Place, owner: Who) {
        if let Some(wire) = self.wires.get_mut(&wire) {
            wire.sides[side].owner = Some(owner);
        }
        self.send((wire, side), Packet::SynAck);
    }

    /// Sends from one side to the other.
    fn send(&mut self, (number, side): Place, packet: Packet) {
        let Some(wire) = self.wires.get(&number) else { return };
        let (from, to) = (wire.sides[side].agent, wire.sides[1 - side].agent);
        self.sent.push(Sent { wire: number, side: 1 - side, from, to, packet });
    }

    /// Bytes, room or an end have come to a side. Whether its owner may care.
    pub(super) fn take(&mut self, place: Place, packet: Packet) -> bool {
        let (number, at) = place;
        let Some(wire) = self.wires.get_mut(&number) else { return false };
        let side = &mut wire.sides[at];
        match packet {
            Packet::Data(_) if side.closed => {
                self.send(place, Packet::Reset);
                return false;
            }
            Packet::Data(bytes) => side.inbox.extend_from_slice(&bytes),
            Packet::Room(bytes) => side.room += bytes,
            Packet::Fin => side.last = Some(side.last.unwrap_or(Last::Fin)),
            Packet::Reset => side.last = Some(Last::Reset),
            Packet::Syn { .. } | Packet::SynAck => {}
        }
        true
    }

    /// Reads once.
    pub(super) fn read(&mut self, place: Place) -> Got {
        let (number, at) = place;
        let Some(wire) = self.wires.get_mut(&number) else { return Got::End(Last::Reset) };
        let side = &mut wire.sides[at];
        if side.inbox.is_empty() {
            return side.last.map_or(Got::Nothing, Got::End);
        }
        let count = side.inbox.len().min(READ_MAX);
        let bytes: Vec<u8> = side.inbox.drain(..count).collect();
        if !wire.broken {
            self.send(place, Packet::Room(count));
        }
        Got::Bytes(bytes)
    }

    /// Writes what there is room for; how much it is. `None` when it is known to be broken.
    pub(super) fn write(&mut self, place: Place, bytes: &[u8]) -> Option<usize> {
        let (number, at) = place;
        let side = &mut self.wires.get_mut(&number)?.sides[at];
        if side.last == Some(Last::Reset) {
            return None;
        }
        let count = bytes.len().min(side.room);
        side.room -= count;
        let mut rest = &bytes[..count];
        while !rest.is_empty() {
            let most = match self.entropy.below(4) {
                0 => 1 + self.entropy.below(8),
                1 => 1 + self.entropy.below(200),
                _ => SEGMENT_MAX as u64,
            };
            let (segment, more) = rest.split_at(rest.len().min(usize::try_from(most).unwrap()));
            rest = more;
            self.segment(place, segment);
        }
        Some(count)
    }

    /// A segment goes, or the connection breaks with it: both sides get to know when they do.
    fn segment(&mut self, place: Place, segment: &[u8]) {
        let Some(wire) = self.wires.get_mut(&place.0) else { return };
        if wire.broken {
            return;
        }
        if wire.left == Some(0) {
            wire.broken = true;
            self.send(place, Packet::Reset);
            return self.send((place.0, 1 - place.1), Packet::Reset);
        }
        wire.left = wire.left.map(|left| left - 1);
        self.send(place, Packet::Data(segment.to_vec()));
    }

    /// A side closes: who leaves something unread resets the connection, as kernels do.
    pub(super) fn close(&mut self, place: Place) {
        let (number, at) = place;
        let Some(wire) = self.wires.get_mut(&number) else { return };
        let side = &mut wire.sides[at];
        if std::mem::replace(&mut side.closed, true) {
            return;
        }
        side.owner = None;
        let packet = if side.inbox.is_empty() { Packet::Fin } else { Packet::Reset };
        side.inbox.clear();
        if !wire.broken {
            self.send(place, packet);
        }
        self.forget_closed(number);
    }

    fn forget_closed(&mut self, number: u64) {
        if self.wires.get(&number).is_some_and(|wire| wire.sides.iter().all(|side| side.closed)) {
            self.wires.remove(&number);
        }
    }

    /// Nobody listens.
    pub(super) fn refuse(&mut self, place: Place) {
        self.send(place, Packet::Reset);
        if let Some(wire) = self.wires.get_mut(&place.0) {
            wire.sides[place.1].closed = true;
        }
        self.forget_closed(place.0);
    }
}

#[cfg(test)]
mod tests {
    use offhook::chat::ChatId;

    use super::*;

    const ALICE: Who = (0, ChatId { session: 1, index: 0 });
    const BOB: Who = (1, ChatId { session: 1, index: 0 });

    fn joined(breaks: bool) -> (Wires, Place, Place) {
        let mut wires = Wires::new(breaks, Entropy::from_u64(1));
        let alice = wires.connect(ALICE, 1, 9);
        wires.accept((alice.0, 1), BOB);
        wires.take_sent();
        (wires, alice, (alice.0, 1))
    }

    /// Carries what was sent.
    fn carry(wires: &mut Wires) {
        for sent in wires.take_sent() {
            wires.take((sent.wire, sent.side), sent.packet);
        }
    }

    #[test]
    fn bytes_come_whole_in_order_and_no_more_than_there_is_room_for() {
        let (mut wires, alice, bob) = joined(false);
        let bytes: Vec<u8> = (0..3 * ROOM).map(|at| u8::try_from(at % 251).unwrap()).collect();
        let (mut at, mut got) = (0, Vec::new());
        while got.len() < bytes.len() {
            let written = wires.write(alice, &bytes[at..]).unwrap();
            assert!(written <= ROOM);
            at += written;
            assert_eq!(wires.write(alice, &bytes[at..]), Some(0));
            carry(&mut wires);
            while let Got::Bytes(some) = wires.read(bob) {
                got.extend(some);
            }
            carry(&mut wires);
        }
        assert!(got == bytes);
    }

    #[test]
    fn what_was_written_before_a_close_comes_before_its_end() {
        let (mut wires, alice, bob) = joined(false);
        wires.write(alice, b"last words");
        wires.close(alice);
        carry(&mut wires);
        assert!(matches!(wires.read(bob), Got::Bytes(bytes) if bytes == b"last words"));
        assert!(matches!(wires.read(bob), Got::End(Last::Fin)));
        wires.close(bob);
        assert_eq!(wires.count(), 0);
    }

    #[test]
    fn a_broken_connection_gives_what_came_before_and_then_breaks_on_both_sides() {
        let (mut wires, alice, bob) = joined(false);
        wires.wires.get_mut(&alice.0).unwrap().left = Some(1);
        while !wires.wires[&alice.0].broken {
            wires.write(alice, b"x");
        }
        carry(&mut wires);
        assert!(matches!(wires.read(bob), Got::Bytes(bytes) if bytes == b"x"));
        assert!(matches!(wires.read(bob), Got::End(Last::Reset)));
        assert_eq!(wires.write(alice, b"y"), None);
    }
}
