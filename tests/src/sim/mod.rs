//! Random users in a simulated world: a run from a seed, judged by every checker.

pub mod deeds;
pub mod person;
pub mod plan;
pub mod report;
pub mod said;
pub mod shrink;

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use offhook::id::SessionId;
use offhook::notification::{NotificationData, SessionState};
use offhook::session::Order;
use offhook::streams::Streams;
use offhook::transport::Transport;
use offhook_fsm::Instant;

use self::deeds::Deed;
use self::person::Person;
use self::plan::Plan;
use crate::check::{self, Violation};
use crate::world::agent::address;
use crate::world::{Occasion, World, trace::Trace};

/// Users do nothing of their own from here on: what is under way settles.
pub const CALM_FROM_MS: u64 = 300_000;
/// Everything is settled, and users end what still stands.
pub const CALM_UNTIL_MS: u64 = 600_000;
/// Until then all of them have.
const LAST_END_MS: u64 = 660_000;
/// More events than this and a run does not end.
const OCCASIONS_MAX: usize = 10_000_000;

/// What a call's number grows by when it goes on to whom a redirection names.
const FOLLOWED: u32 = 1 << 16;

/// What an alarm is for: calls to place, then the end of the calm, then persons.
const CALM_ALARM: u64 = 1 << 32;
const FIRST_PERSON: u64 = CALM_ALARM + 1;

/// A run from its beginning to its end.
#[derive(Debug)]
pub struct Run {
    /// All that happened.
    pub trace: Trace,
    /// What was wrong.
    pub violations: Vec<Violation>,
    /// Calls that were placed.
    pub calls: usize,
    /// Sessions that there were.
    pub sessions: usize,
    /// Calls that stood on both sides.
    pub stood: usize,
}

/// The users of all sessions of a world.
struct Users<'a> {
    plan: &'a Plan,
    world: World,
    persons: Vec<Person>,
    of_session: BTreeMap<(usize, SessionId), usize>,
}

/// Runs a plan to its end and judges what happened.
#[must_use]
pub fn run(plan: &Plan) -> Run {
    let world = World::new(&plan.conditions());
    let mut users = Users { plan, world, persons: Vec::new(), of_session: BTreeMap::new() };
    for call in plan.calls() {
        users.world.wake_at(plan.call(call).begin, call.into());
    }
    users.world.wake_at(Instant::from_millis(CALM_UNTIL_MS), CALM_ALARM);
    // A panic is a finding, too: what happened before it is shown.
    let panic = catch_unwind(AssertUnwindSafe(|| users.drive())).err();
    let now = users.world.now();
    let trace = users.world.trace;
    let violations = match panic {
        None => check::all(&trace),
        Some(panic) => vec![panicked(now, &trace, panic.as_ref())],
    };
    let stood = stood(&trace);
    Run { violations, calls: plan.only.len(), sessions: trace.calls.len(), stood, trace }
}

/// The panic, with the session that something happened to last.
fn panicked(at: Instant, trace: &Trace, panic: &(dyn Any + Send)) -> Violation {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic");
    let last = trace.entries.iter().rev().find(|entry| entry.session.is_some());
    let (agent, session) = last.map_or((0, None), |entry| (entry.agent, entry.session));
    Violation { check: "panic", at, agent, session, text: text.into() }
}

/// Calls of which both sides told that they stand.
fn stood(trace: &Trace) -> usize {
    let mut sides: BTreeMap<u32, BTreeSet<(usize, SessionId)>> = BTreeMap::new();
    for entry in &trace.entries {
        if let (crate::world::trace::What::Told(NotificationData::SessionDidStart), Some(id)) =
            (&entry.what, entry.session)
            && let Some(call) = trace.calls.get(&(entry.agent, id))
        {
            sides.entry(*call).or_default().insert((entry.agent, id));
        }
    }
    sides.values().filter(|sides| sides.len() > 1).count()
}

impl Users<'_> {
    fn drive(&mut self) {
        let mut occasions = 0;
        while let Some(occasion) = self.world.next_occasion() {
            self.notice(occasion);
            occasions += 1;
            assert!(occasions < OCCASIONS_MAX, "the run does not end");
        }
        self.world.note_left();
    }

    fn notice(&mut self, occasion: Occasion) {
        match occasion {
            Occasion::Alarm(CALM_ALARM) => self.end_the_calm(),
            Occasion::Alarm(number) if number < CALM_ALARM => {
                self.place(u32::try_from(number).unwrap());
            }
            Occasion::Alarm(number) => {
                let person = usize::try_from(number - FIRST_PERSON).unwrap();
                self.act(person);
            }
            Occasion::Told(agent, id, data) => self.hear(agent, id, data),
        }
    }

    fn meet(&mut self, agent: usize, id: SessionId, call: u32) -> usize {
        let chance = self.plan.chance(call, 1 + agent as u64);
        let acts = self.plan.acts;
        self.persons.push(Person::new(agent, id, acts, self.plan.rough, chance));
        self.of_session.insert((agent, id), self.persons.len() - 1);
        self.persons.len() - 1
    }

    /// A user calls another.
    fn place(&mut self, number: u32) {
        let call = self.plan.call(number);
        let id = self.world.create(call.from, number);
        let order = call.connect(&self.world);
        let person = self.meet(call.from, id, number);
        self.world.order(call.from, id, order);
        self.think(person);
    }

    fn hear(&mut self, agent: usize, id: SessionId, data: NotificationData) {
        let person = match self.of_session.get(&(agent, id)) {
            Some(person) => *person,
            None => {
                let call = self.world.trace.calls.get(&(agent, id)).copied().unwrap_or_default();
                let person = self.meet(agent, id, call);
                self.think(person);
                person
            }
        };
        if let NotificationData::SessionDidFail { redirect_identities, .. } = &data
            && let Some(whom) = redirect_identities.first()
        {
            self.follow(person, whom);
        }
        self.persons[person].hear(data);
    }

    /// A user is told to call somebody else, and does so once. The callee's own Contact is all that
    /// a session writes: the call goes there without a fork between.
    fn follow(&mut self, person: usize, whom: &str) {
        let (agent, id) = (self.persons[person].agent, self.persons[person].id);
        let call = self.world.trace.calls.get(&(agent, id)).copied().unwrap_or_default();
        let to = (0..self.plan.agents).find(|to| whom.contains(&address(*to).to_string()));
        let again = to.filter(|to| *to != agent && call < FOLLOWED);
        let Some(to) = again.filter(|_| self.world.now() < Instant::from_millis(CALM_FROM_MS))
        else {
            return;
        };
        let (uri, route) = self.world.way(agent, to, Transport::Udp);
        let id = self.world.create(agent, call + FOLLOWED);
        let person = self.meet(agent, id, call + FOLLOWED);
        let (routes, streams, headers) = (vec![route], Streams::AUDIO, Vec::new());
        self.world.order(agent, id, Order::Connect { uri, routes, streams, headers });
        self.think(person);
    }

    /// When this person does something next: some time soon, while it may.
    fn think(&mut self, number: usize) {
        let person = &mut self.persons[number];
        if person.is_done() {
            return;
        }
        let at = self.world.now() + person.pause();
        if at < Instant::from_millis(CALM_FROM_MS) {
            self.world.wake_at(at, FIRST_PERSON + number as u64);
        } else if self.world.now() >= Instant::from_millis(CALM_UNTIL_MS) {
            self.end_soon(number);
        }
    }

    fn end_soon(&mut self, number: usize) {
        let room = LAST_END_MS - CALM_UNTIL_MS;
        let pause = std::time::Duration::from_millis(self.persons[number].chance.below(room));
        self.persons[number].ends = true;
        self.world.wake_at(self.world.now() + pause, FIRST_PERSON + number as u64);
    }

    fn end_the_calm(&mut self) {
        self.world.note_calm();
        for number in 0..self.persons.len() {
            if self.persons[number].view.state != SessionState::Terminated {
                self.end_soon(number);
            }
        }
    }

    fn act(&mut self, number: usize) {
        let person = &mut self.persons[number];
        if person.is_done() && !person.ends {
            return;
        }
        let (agent, id) = (person.agent, person.id);
        match if person.ends { Deed::Order(Order::End) } else { person.choose() } {
            Deed::Order(order) => self.world.order(agent, id, order),
            Deed::Say(orders) => {
                for order in orders {
                    self.world.order(agent, id, order);
                }
            }
            Deed::Drop => {
                // Dropping the last handle is end(), and nobody orders any more.
                person.dropped = true;
                self.world.order(agent, id, Order::End);
            }
            Deed::Break { lost } => self.world.break_session(agent, id, lost),
            Deed::Nothing => {}
        }
        self.think(number);
    }
}
