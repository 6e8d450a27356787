//! Calls to names, as the session's core has them.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

use offhook::dns::Wanted;
use offhook::route::RouteHost;
use offhook::session::{Input, Order, Route};
use offhook::streams::Streams;
use offhook::transport::Transport;
use offhook_tests::{Rig, destination};

/// A call to `bob@example.com`.
fn by_name() -> Rig {
    let mut rig = Rig::new();
    let host = RouteHost::Name("example.com".into());
    let wanted = Wanted { host, port: None, transport: None, is_secure: false, is_relay: false };
    let (uri, wanted) = ("sip:bob@example.com".parse().unwrap(), vec![wanted]);
    let (streams, headers) = (Streams::AUDIO, Vec::new());
    rig.order(Order::ConnectByName { uri, wanted, streams, headers }).unwrap();
    rig
}

fn way(remote: &str) -> Route {
    let mut destination = destination(Transport::Udp);
    destination.remote = remote.parse().unwrap();
    Route { destination, when_long: None }
}

fn unreachable(rig: &Rig) -> Vec<&str> {
    rig.trace.iter().filter_map(|line| line.strip_prefix("Unreachable ")).collect()
}

#[test]
fn streams_are_prepared_when_it_is_known_where_the_peer_is() {
    let mut rig = by_name();
    assert_eq!(rig.told(), ["CS(NULL>CALLING)", "NewOutgoing[audio]"]);
    assert!(rig.media().is_empty() && rig.sent().is_empty());
    rig.feed(Input::Located(Ok(vec![way("192.0.2.7:5070")]))).unwrap();
    rig.prepared();
    assert!(rig.trace.contains(&"Locate 1".into()));
    let (to, _) = rig.wire.first().unwrap();
    assert_eq!(to.remote, "192.0.2.7:5070".parse().unwrap());
}

#[test]
fn each_way_that_leads_nowhere_is_told_and_the_next_one_tried() {
    let mut rig = by_name();
    let ways = ["192.0.2.7:5060", "192.0.2.8:5060"].map(way);
    rig.feed(Input::Located(Ok(ways.into()))).unwrap();
    rig.prepared();
    rig.reply(503, "", "");
    assert_eq!(unreachable(&rig), ["192.0.2.7:5060"]);
    let (to, _) = rig.wire.last().unwrap();
    assert_eq!(to.remote, "192.0.2.8:5060".parse().unwrap());
    // RFC 3261 §17.1.1.2: nobody answers within Timer B.
    rig.run_until(40_000);
    assert_eq!(unreachable(&rig), ["192.0.2.7:5060", "192.0.2.8:5060"]);
}

#[test]
fn what_comes_after_the_call_is_over_is_nobody_s() {
    let mut rig = by_name();
    rig.order(Order::End).unwrap();
    assert!(rig.core.is_terminated());
    let told = rig.told();
    assert!(told.last().unwrap().starts_with("DidEnd"), "{told:?}");
    rig.feed(Input::Located(Ok(vec![way("192.0.2.7:5060")]))).unwrap();
    assert!(rig.told().is_empty() && rig.wire.is_empty());
}

#[test]
fn a_second_result_changes_nothing() {
    let mut rig = by_name();
    rig.feed(Input::Located(Ok(vec![way("192.0.2.7:5060")]))).unwrap();
    rig.feed(Input::Located(Err("too late".into()))).unwrap();
    rig.prepared();
    assert_eq!(rig.wire.len(), 1);
}

#[test]
fn no_way_at_all_fails_the_call() {
    for found in [Ok(Vec::new()), Err("example.com has no address".into())] {
        let mut rig = by_name();
        rig.feed(Input::Located(found)).unwrap();
        assert!(rig.core.is_terminated());
        let told = rig.told().join(" | ");
        assert!(told.contains("DidFail") && told.contains("DNS: "), "{told}");
    }
}
