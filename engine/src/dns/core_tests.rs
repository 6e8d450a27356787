use std::net::SocketAddr;
use std::time::Duration;

use offhook_fsm::{Entropy, Instant};

use super::zone::Zone;
use super::*;
use crate::route::{Route, RouteHost};
use crate::transport::Transport;

const PATIENCE: Patience =
    Patience { query: Duration::from_secs(10), total: Duration::from_secs(30) };

fn ms(ms: u64) -> Instant {
    Instant::from_millis(ms)
}

fn core() -> Core {
    let servers = NameServers::new(vec![SocketAddr::from(([192, 0, 2, 53], 53))]);
    let ours = vec![Transport::Udp, Transport::Tcp];
    Core::new(servers, Hosts::parse(b"192.0.2.3 near.example"), ours, Entropy::from_u64(1))
}

fn name(host: &str) -> Wanted {
    let host = RouteHost::Name(host.into());
    Wanted { host, port: None, transport: None, is_secure: false, is_relay: false }
}

fn locate(core: &mut Core, now: Instant, id: u64, wanted: Vec<Wanted>) {
    core.handle_input(now, Input::Locate { id: LookupId(id), wanted, patience: PATIENCE });
}

type Located = Vec<(u64, Result<Vec<String>, String>)>;

/// Lets the zone answer; what was located, and how many queries that took.
fn run(core: &mut Core, now: Instant, zone: Option<&Zone>) -> (Located, usize, Option<Instant>) {
    let (mut located, mut queries) = (Vec::new(), 0);
    loop {
        match core.poll_output() {
            Output::Command(Command::Datagram { socket, server, bytes, .. }) => {
                queries += 1;
                if let Some(zone) = zone {
                    let bytes = zone.answer(&bytes, 1232);
                    core.handle_input(now, Input::Datagram { socket, source: server, bytes });
                }
            }
            Output::Command(_) => {}
            Output::Located(id, found) => {
                let text = |route: &Route| format!("{}:{}", route.host(), route.port());
                located.push((id.0, found.map(|routes| routes.iter().map(text).collect())));
            }
            Output::Timeout(at) => return (located, queries, at),
        }
    }
}

fn pbx() -> Zone {
    Zone::default()
        .srv("_sip._udp.example.com", (1, 1, 5060), "one.example")
        .srv("_sip._udp.example.com", (2, 1, 5060), "two.example")
        .address("one.example", "192.0.2.1")
        .address("two.example", "192.0.2.2")
}

#[test]
fn a_name_is_located_once_and_then_known() {
    let mut core = core();
    locate(&mut core, ms(0), 1, vec![name("example.com")]);
    let (located, queries, at) = run(&mut core, ms(0), Some(&pbx()));
    let routes: Vec<String> = vec!["192.0.2.1:5060".into(), "192.0.2.2:5060".into()];
    assert_eq!(located, [(1, Ok(routes.clone()))]);
    assert_eq!((queries, at), (7, None));
    locate(&mut core, ms(1), 2, vec![name("example.com")]);
    let (located, queries, _) = run(&mut core, ms(1), None);
    assert_eq!((located, queries), (vec![(2, Ok(routes))], 0));
}

#[test]
fn two_lookups_share_their_questions() {
    let mut core = core();
    locate(&mut core, ms(0), 1, vec![name("example.com")]);
    locate(&mut core, ms(0), 2, vec![name("example.com"), name("example.com")]);
    let (located, queries, _) = run(&mut core, ms(0), Some(&pbx()));
    assert_eq!((located.len(), queries), (2, 7));
    assert_eq!(located[0].1, located[1].1);
}

#[test]
fn several_are_located_in_the_order_they_are_wanted_and_one_that_fails_is_left_out() {
    let mut core = core();
    let wanted = vec![name("gone.example"), name("near.example"), name("example.com")];
    locate(&mut core, ms(0), 1, wanted);
    let (located, ..) = run(&mut core, ms(0), Some(&pbx()));
    let routes = ["192.0.2.3:5060", "192.0.2.1:5060", "192.0.2.2:5060"].map(String::from);
    assert_eq!(located, [(1, Ok(routes.into()))]);
    locate(&mut core, ms(0), 2, vec![name("gone.example"), name("away.example")]);
    let (located, ..) = run(&mut core, ms(0), Some(&pbx()));
    assert_eq!(located, [(2, Err("gone.example: the name does not exist".into()))]);
}

/// RFC 3263 §4.3
#[test]
fn a_server_that_did_not_answer_is_last_for_a_while() {
    let mut core = core();
    let dead = SocketAddr::from(([192, 0, 2, 1], 5060));
    core.handle_input(ms(0), Input::Unreachable(Transport::Udp, dead));
    locate(&mut core, ms(0), 1, vec![name("example.com")]);
    let (located, ..) = run(&mut core, ms(0), Some(&pbx()));
    let routes = ["192.0.2.2:5060", "192.0.2.1:5060"].map(String::from);
    assert_eq!(located, [(1, Ok(routes.into()))]);
    let later = ms(0) + UNREACHABLE_FOR;
    locate(&mut core, later, 2, vec![name("example.com")]);
    let (located, ..) = run(&mut core, later, Some(&pbx()));
    assert_eq!(located[0].1.as_ref().unwrap()[0], "192.0.2.1:5060");
}

#[test]
fn a_lookup_ends_in_its_time_however_silent_the_servers_are_and_says_so() {
    let mut core = core();
    locate(&mut core, ms(0), 1, vec![name("example.com")]);
    let mut now = ms(0);
    let told = loop {
        let (located, _, at) = run(&mut core, now, None);
        if let Some(told) = located.into_iter().next() {
            break told;
        }
        now = at.unwrap();
        core.handle_input(now, Input::Timeout);
    };
    let reason = told.1.unwrap_err();
    assert!(reason.starts_with("example.com: no name server answered"), "{reason}");
    assert_eq!(now, ms(30_000));
}

#[test]
fn one_lookup_past_the_limit_fails_at_once() {
    let mut core = core();
    for id in 0..LOOKUPS_MAX as u64 {
        locate(&mut core, ms(0), id, vec![name("example.com")]);
    }
    assert!(run(&mut core, ms(0), None).0.is_empty());
    locate(&mut core, ms(0), 999, vec![name("example.com")]);
    let (located, ..) = run(&mut core, ms(0), None);
    assert_eq!(located, [(999, Err("too many names are being looked up".into()))]);
}

#[test]
fn other_name_servers_are_asked_anew() {
    let mut core = core();
    locate(&mut core, ms(0), 1, vec![name("example.com")]);
    assert_eq!(run(&mut core, ms(0), Some(&pbx())).0.len(), 1);
    let other = NameServers::new(vec![SocketAddr::from(([192, 0, 2, 54], 53))]);
    core.handle_input(ms(1), Input::Configure(other, Hosts::default()));
    locate(&mut core, ms(1), 2, vec![name("example.com")]);
    assert_eq!(run(&mut core, ms(1), Some(&pbx())).1, 7);
}

#[test]
fn any_bytes_do_no_harm() {
    let mut entropy = Entropy::from_u64(3);
    let zone = pbx();
    let question = Question { name: Name::new("example.com").unwrap(), kind: Kind::Srv };
    let good = zone.answer(&encode_query(1, &question, true).unwrap(), 1232);
    for _ in 0..3000 {
        let mut bytes = good.clone();
        for _ in 0..entropy.below(6) {
            let at = usize::try_from(entropy.below(bytes.len() as u64)).unwrap();
            bytes[at] = entropy.next_u32() as u8;
        }
        fuzzing::dns(&bytes);
    }
    fuzzing::dns(b"");
    fuzzing::dns(b"nameserver 192.0.2.1\n192.0.2.1 example.com\n");
}
