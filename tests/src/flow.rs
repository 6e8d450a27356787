//! Call flows as text ladders: orders in, and all that follows compared line by line.
//!
//! ```text
//! alice connect bob audio        an order; then 0.4 s pass
//! alice -> bob INVITE            a message
//! alice -x bob INVITE            one that is lost
//! bob: NewIncoming[audio]        what a session tells
//! alice hold !                   an order that is refused
//! lose bob 200 INVITE            the next such message to bob will be lost
//! wait 5 s                       time goes on
//! ```
//!
//! Links take 10 ms, hand-offs no time, nothing is drawn. The user agents are alice, bob, and so
//! on; each has one session.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use offhook::chat::ChatMessage;
use offhook::id::SessionId;
use offhook::notification::StreamKind;
use offhook::session::Order;
use offhook::streams::Streams;
use offhook::transport::Transport;
use offhook_fsm::Instant;

use crate::words;
use crate::world::agent::{self, Ability};
use crate::world::hop::Hops;
use crate::world::network::{Link, Weather};
use crate::world::trace::{Entry, What};
use crate::world::{Conditions, World};

/// What a link takes.
const DELAY: Duration = Duration::from_millis(10);
/// Time for all that follows from an order: shorter than any timer.
const STEP: Duration = Duration::from_millis(400);

/// A flow that is played.
#[derive(Debug)]
pub struct Flow {
    /// The world it is played in.
    pub world: World,
    sessions: BTreeMap<usize, SessionId>,
    /// Entries that were drawn.
    drawn: usize,
    lines: Vec<String>,
}

/// Plays a flow and compares.
///
/// # Panics
/// When what happens is not what the flow says; the message shows both.
pub fn play(text: &str) -> Flow {
    play_with(&Ability::default(), text)
}

/// Plays a flow between user agents who are able to that.
///
/// # Panics
/// When what happens is not what the flow says; the message shows both.
pub fn play_with(ability: &Ability, text: &str) -> Flow {
    let mut flow = Flow::new(ability);
    let wanted: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    for line in &wanted {
        flow.line(line);
    }
    if flow.lines != wanted {
        let same = flow.lines.iter().zip(&wanted).take_while(|(a, b)| a == b).count();
        let show = |lines: &[String]| lines.join("\n  ");
        let rest = flow.lines.get(same..).unwrap_or_default();
        panic!(
            "line {} should be {:?}; what happened:\n  {}\n  --- from here ---\n  {}",
            same + 1,
            wanted.get(same).unwrap_or(&"the end"),
            show(flow.lines.get(..same).unwrap_or_default()),
            show(rest)
        );
    }
    flow
}

impl Flow {
    fn new(ability: &Ability) -> Self {
        let conditions = Conditions {
            seed: 1,
            weather: Weather::Same(Link::steady(DELAY)),
            hops: Hops::Instant,
            agents: vec![ability.clone(); 3],
        };
        let world = World::new(&conditions);
        Self { world, sessions: BTreeMap::new(), drawn: 0, lines: Vec::new() }
    }

    /// Plays a line, if it is something to do.
    fn line(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["wait", seconds, "s"] => {
                self.lines.push(line.to_owned());
                let seconds = Duration::from_secs_f64(seconds.parse().unwrap());
                let until = self.world.now() + seconds;
                self.go_until(until);
            }
            ["lose", who, title @ ..] => {
                self.lines.push(line.to_owned());
                let to = number(who);
                for from in (0..3).filter(|from| *from != to) {
                    self.world.lose_next(from, to, &title.join(" "));
                }
            }
            [_, "->" | "-x", ..] => {}
            [who, ..] if who.ends_with(':') => {}
            [who, order @ ..] => {
                let agent = number(who);
                self.give(agent, order);
                self.go_until(self.world.now() + STEP);
            }
            [] => {}
        }
    }

    fn give(&mut self, agent: usize, words: &[&str]) {
        let order = match words {
            ["connect", whom, streams @ ..] => {
                let (uri, route) = self.world.way(agent, number(whom), Transport::Udp);
                let id = self.world.create(agent, u32::try_from(agent).unwrap());
                self.sessions.insert(agent, id);
                let streams = some(streams);
                Order::Connect { uri, routes: vec![route], streams, headers: Vec::new() }
            }
            ["breaks"] => {
                self.lines.push(format!("{} breaks", agent::name(agent)));
                let id = self.session(agent);
                return self.world.break_session(agent, id, false);
            }
            words => order(words),
        };
        let id = self.session(agent);
        self.world.order(agent, id, order);
    }

    /// The user agent's session: the one that it made, else the one that came.
    fn session(&self, agent: usize) -> SessionId {
        let known = self.sessions.get(&agent).copied();
        known.unwrap_or_else(|| {
            let calls = self.world.trace.calls.keys();
            calls.rev().find(|(of, _)| *of == agent).expect("it has no session").1
        })
    }

    fn go_until(&mut self, until: Instant) {
        drop(self.world.run_until(until));
        let new = self.world.trace.entries.get(self.drawn..).unwrap_or_default();
        self.lines.extend(new.iter().filter_map(drawn));
        self.drawn = self.world.trace.entries.len();
    }
}

fn drawn(entry: &Entry) -> Option<String> {
    let who = agent::name(entry.agent);
    match &entry.what {
        What::Sent { to, bytes, arrivals, .. } => {
            let arrow = if *arrivals == 0 { "-x" } else { "->" };
            let whom = agent::number(*to).map(agent::name).unwrap_or_default();
            Some(format!("{who} {arrow} {whom} {}", words::title(bytes)))
        }
        What::Ordered { order, refused } => {
            Some(format!("{who} {order}{}", if refused.is_some() { " !" } else { "" }))
        }
        What::Told(data) => Some(format!("{who}: {}", words::short(data))),
        What::Received { .. } | What::Chat { .. } | What::Calm(_) | What::Left(_) => None,
    }
}

fn number(who: &str) -> usize {
    (0..8).find(|number| agent::name(*number) == who).unwrap_or_else(|| panic!("who is {who}?"))
}

fn some(words: &[&str]) -> Streams {
    Streams { audio: words.contains(&"audio"), chat: words.contains(&"chat") }
}

fn kind(word: &str) -> StreamKind {
    if word == "chat" { StreamKind::Chat } else { StreamKind::Audio }
}

fn order(words: &[&str]) -> Order {
    let words = words.strip_suffix(&["!"]).unwrap_or(words);
    match words {
        ["accept", streams @ ..] => Order::Accept { streams: some(streams), headers: Vec::new() },
        ["reject", code] => Order::reject(code.parse().unwrap()),
        ["end"] => Order::End,
        ["hold"] => Order::Hold,
        ["unhold"] => Order::Unhold,
        ["add", what] => Order::Add(kind(what)),
        ["remove", what] => Order::Remove(kind(what)),
        ["accept_proposal", streams @ ..] => Order::AcceptProposal(some(streams)),
        ["reject_proposal"] => Order::RejectProposal,
        ["dtmf", digit] => Order::SendDtmf(digit.chars().next().unwrap()),
        ["record", file] => Order::StartRecording(PathBuf::from(file)),
        ["stop_recording"] => Order::StopRecording,
        ["message", text @ ..] => {
            let content = text.join(" ");
            let (id, content_type) = (content.clone(), "text/plain".into());
            Order::SendMessage(ChatMessage {
                id,
                content: content.into(),
                content_type,
                to: None,
                date: None,
            })
        }
        _ => panic!("what is {words:?}?"),
    }
}
