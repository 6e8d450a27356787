//! Every method called in every state, on both sides of a call: what it does is what the table
//! says, and so is the text of its error.

use offhook::session::Order;
use offhook::streams::Streams;
use offhook_fsm::Step;
use offhook_fsm::session::{Event, State, allowed, step};
use offhook_tests::Rig;
use offhook_tests::steps::{CHAT, message};

/// A session in one state, and what of its streams there is.
struct Place {
    name: &'static str,
    rig: fn() -> Rig,
    state: State,
    /// Audio is prepared or runs.
    audio: bool,
    /// Audio runs.
    running: bool,
    chat: bool,
    /// A recording runs or is armed.
    recording: bool,
    /// A proposal is being accepted.
    working: bool,
}

fn accepting() -> Rig {
    let mut rig = Rig::incoming();
    rig.accept().unwrap();
    rig
}

fn early() -> Rig {
    let mut rig = Rig::calling();
    rig.reply(183, "", offhook_tests::SDP);
    rig
}

fn proposing_callee() -> Rig {
    let mut rig = Rig::callee();
    rig.order(Order::Add(offhook::notification::StreamKind::Chat)).unwrap();
    rig
}

fn proposed_callee() -> Rig {
    let mut rig = Rig::callee();
    rig.request_with("INVITE", 2, &offhook_tests::steps::with_chat_line());
    rig
}

fn recorded(mut rig: Rig) -> Rig {
    rig.order(Order::StartRecording("first.wav".into())).unwrap();
    rig
}

/// The peer's proposal is accepted, and the chat is not prepared yet.
fn working(mut rig: Rig) -> Rig {
    rig.order(Order::AcceptProposal(CHAT)).unwrap();
    rig
}

/// Early media of ours.
fn progressed() -> Rig {
    let mut rig = Rig::incoming();
    rig.order(Order::Progress(Streams::AUDIO)).unwrap();
    rig.prepared();
    rig
}

fn ending(mut rig: Rig) -> Rig {
    rig.order(Order::End).unwrap();
    rig
}

fn ended(mut rig: Rig) -> Rig {
    rig.request("BYE", 9);
    rig
}

const fn place(name: &'static str, state: State, rig: fn() -> Rig) -> Place {
    let running = matches!(state, State::Established | State::Proposing | State::Proposed);
    let chat = matches!(state, State::Proposing);
    Place { name, rig, state, audio: running, running, chat, recording: false, working: false }
}

/// Every state, on each side that knows it.
fn places() -> Vec<Place> {
    vec![
        place("fresh", State::Null, Rig::new),
        Place { audio: true, ..place("calling", State::Calling, Rig::calling) },
        Place { audio: true, running: true, ..place("early media", State::Calling, early) },
        place("ringing", State::Incoming, Rig::incoming),
        Place { audio: true, running: true, ..place("progress", State::Incoming, progressed) },
        Place { audio: true, ..place("preparing", State::Accepting, accepting) },
        Place { audio: true, running: true, ..place("answered", State::Accepting, Rig::answered) },
        place("caller", State::Established, Rig::established),
        place("callee", State::Established, Rig::callee),
        Place { chat: true, ..place("with chat", State::Established, Rig::with_chat) },
        Place {
            audio: false,
            running: false,
            chat: true,
            ..place("chat alone", State::Established, Rig::chatting)
        },
        place("caller proposes", State::Proposing, Rig::proposing),
        place("callee proposes", State::Proposing, proposing_callee),
        place("caller holds", State::Established, Rig::holding),
        Place {
            recording: true,
            ..place("caller records", State::Established, || recorded(Rig::established()))
        },
        Place {
            recording: true,
            ..place("callee records", State::Established, || recorded(Rig::callee()))
        },
        Place {
            recording: true,
            ..place("armed in hold", State::Established, || recorded(Rig::holding()))
        },
        Place {
            recording: true,
            ..place("records and proposes", State::Proposing, || recorded(Rig::proposing()))
        },
        Place {
            recording: true,
            ..place("records and is asked", State::Proposed, || recorded(Rig::proposed()))
        },
        Place {
            working: true,
            chat: true,
            ..place("caller takes a proposal", State::Proposed, || working(Rig::proposed()))
        },
        Place {
            working: true,
            chat: true,
            ..place("callee takes a proposal", State::Proposed, || working(proposed_callee()))
        },
        place("caller is asked", State::Proposed, Rig::proposed),
        place("callee is asked", State::Proposed, proposed_callee),
        place("caller ends", State::Terminating, || ending(Rig::established())),
        place("callee ends", State::Terminating, || ending(Rig::callee())),
        place("cancelling", State::Terminating, || ending(Rig::calling())),
        place("callee ends before the ACK", State::Terminating, || ending(Rig::answered())),
        place("caller ended", State::Terminated, || ended(Rig::established())),
        place("callee ended", State::Terminated, || ended(Rig::callee())),
        place("rejected", State::Terminated, || ending(Rig::incoming())),
    ]
}

/// A method: its name, the order, the table's event, and what it lacks in that place: what its error
/// says behind the name then, and that event.
struct Method {
    name: &'static str,
    order: fn() -> Order,
    event: Event,
    lacks: fn(&Place) -> Option<(&'static str, Event)>,
}

const fn method(name: &'static str, event: Event, order: fn() -> Order) -> Method {
    Method { name, order, event, lacks: |_| None }
}

fn connect() -> Order {
    let (transport, when_long) = (offhook::transport::Transport::Udp, None);
    let route =
        offhook::session::Route { destination: offhook_tests::destination(transport), when_long };
    let (uri, streams) = ("sip:bob@192.0.2.9".parse().unwrap(), Streams::AUDIO);
    Order::Connect { uri, routes: vec![route], streams, headers: Vec::new() }
}

const fn when(lacks: bool, why: &'static str, event: Event) -> Option<(&'static str, Event)> {
    if lacks { Some((why, event)) } else { None }
}

/// What is sent in place of the microphone. Before an answer the stream may still come.
const fn steering(name: &'static str, order: fn() -> Order) -> Method {
    let lacks: fn(&Place) -> _ =
        |p| when(!p.audio && p.state != State::Incoming, "", Event::MissAudio);
    Method { lacks, ..method(name, Event::SteerAudio, order) }
}

fn streams() -> Vec<Method> {
    use offhook::notification::StreamKind::{Audio, Chat};
    vec![
        Method {
            lacks: |p| when(p.audio, " while there is audio", Event::ProposePresent),
            ..method("add_audio()", Event::Propose, || Order::Add(Audio))
        },
        Method {
            lacks: |p| when(p.chat, " while there is a chat", Event::ProposePresent),
            ..method("add_chat()", Event::Propose, || Order::Add(Chat))
        },
        Method {
            lacks: |p| when(!p.audio, " without audio", Event::RemoveAbsent),
            ..method("remove_audio()", Event::Remove, || Order::Remove(Audio))
        },
        Method {
            lacks: |p| when(!p.chat, " without a chat", Event::RemoveAbsent),
            ..method("remove_chat()", Event::Remove, || Order::Remove(Chat))
        },
        Method {
            lacks: |p| when(!p.chat, " without a chat", Event::MissChat),
            ..method("send_message()", Event::SendMessage, || message("m1"))
        },
        Method {
            lacks: |p| when(!p.running, " without active audio", Event::MissAudio),
            ..method("send_dtmf()", Event::SendDtmf, || Order::SendDtmf('1'))
        },
        Method {
            lacks: |p| {
                let second =
                    when(p.recording, " while a recording runs", Event::StartSecondRecording);
                second.or(when(!p.running, " without active audio", Event::MissAudio))
            },
            ..method("start_recording_audio()", Event::StartRecording, || {
                Order::StartRecording("call.wav".into())
            })
        },
        Method {
            lacks: |p| when(!p.recording, " without a recording", Event::StopNoRecording),
            ..method("stop_recording_audio()", Event::StopRecording, || Order::StopRecording)
        },
        steering("play()", || Order::Play("a.wav".into())),
        steering("stop_playing()", || Order::StopPlaying),
        steering("echo()", || Order::Echo(true)),
        steering("mute()", || Order::Mute(true)),
    ]
}

fn methods() -> Vec<Method> {
    let mut methods = vec![
        method("connect()", Event::Connect, connect),
        method("accept()", Event::Accept, || Order::Accept {
            streams: Streams::AUDIO,
            headers: Vec::new(),
        }),
        method("reject()", Event::Reject, || Order::reject(486)),
        method("send_progress()", Event::Progress, || Order::Progress(Streams::AUDIO)),
        method("end()", Event::End, || Order::End),
        method("hold()", Event::Hold, || Order::Hold),
        method("unhold()", Event::Hold, || Order::Unhold),
        Method {
            lacks: |p| when(p.working, " while the first one works", Event::AcceptProposalAgain),
            ..method("accept_proposal()", Event::AcceptProposal, || Order::AcceptProposal(CHAT))
        },
        method("reject_proposal()", Event::RejectProposal, || Order::RejectProposal),
    ];
    methods.extend(streams());
    methods
}

/// What the table says of a method in a place: the text of its error, or whether it does something.
fn expected(method: &Method, place: &Place) -> Result<bool, String> {
    let refusal = |why: &str, event| {
        let name = method.name;
        let states: Vec<_> = allowed(event).map(State::name).collect();
        let needs = if states.is_empty() { "another state".into() } else { states.join(" or ") };
        format!("{name}{why} needs {needs}, the session is {}", place.state)
    };
    match step(place.state, method.event) {
        Step::Refused => Err(refusal("", method.event)),
        Step::Ignored => Ok(false),
        Step::Go { .. } => match (method.lacks)(place) {
            Some((why, event)) => Err(refusal(why, event)),
            None => Ok(true),
        },
    }
}

#[test]
fn the_places_are_in_the_states_that_they_name_and_leave_none_out() {
    for place in places() {
        assert_eq!((place.rig)().core.snapshot().state, place.state, "{}", place.name);
    }
    for state in State::ALL {
        assert!(places().iter().any(|place| place.state == *state), "{state}");
    }
}

/// REFERENCE 2 row 9, 2 row 10, 2 row 11
#[test]
fn every_method_in_every_state_does_what_the_table_says() {
    for place in places() {
        for method in methods() {
            let what = format!("{} in {} ({})", method.name, place.name, place.state);
            let mut rig = (place.rig)();
            rig.clear();
            rig.chats.clear();
            let result = rig.order((method.order)());
            let expected = expected(&method, &place);
            assert_eq!(
                result.as_ref().map_err(ToString::to_string),
                expected.as_ref().map(|_| &()).map_err(String::clone),
                "{what}"
            );
            if let Err(error) = result {
                assert_eq!(error.name(), "SessionStateError", "{what}");
            }
            if expected != Ok(true) {
                // Refused or ignored: nothing has happened.
                let nothing = (vec![], vec![], vec![], place.state);
                let state = rig.core.snapshot().state;
                assert_eq!((rig.told(), rig.sent(), rig.media(), state), nothing, "{what}");
                assert!(rig.chats.is_empty(), "{what}");
            }
        }
    }
}
