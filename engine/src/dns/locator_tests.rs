use std::collections::BTreeMap;

use offhook_fsm::Entropy;

use super::zone::Zone;
use super::*;
use crate::route::{Route, RouteHost};
use crate::transport::Transport;

const OURS: [Transport; 2] = [Transport::Udp, Transport::Tcp];
const ALL: [Transport; 3] = [Transport::Udp, Transport::Tcp, Transport::Tls];

fn wanted(uri: &str) -> Wanted {
    let (is_secure, rest) = match uri.strip_prefix("sips:") {
        Some(rest) => (true, rest),
        None => (false, uri.strip_prefix("sip:").unwrap()),
    };
    let (host, transport) = match rest.split_once(";transport=") {
        Some((host, transport)) => (host, Some(transport.parse().unwrap())),
        None => (rest, None),
    };
    let route: Route = host.parse().unwrap();
    let (host, port) = (route.host().clone(), route.explicit_port());
    Wanted { host, port, transport, is_secure, is_relay: false }
}

/// Lets the zone answer all that is asked; the routes and the questions.
fn located(wanted: &Wanted, ours: &[Transport], zone: &Zone, seed: u64) -> (Plan, Vec<String>) {
    let (mut answers, mut asked) = (BTreeMap::new(), Vec::new());
    loop {
        let entropy = Entropy::from_u64(seed);
        let Plan::Ask(questions) = plan(wanted, ours, false, &answers, &entropy) else {
            return (plan(wanted, ours, false, &answers, &entropy), asked);
        };
        assert!(!questions.is_empty());
        for question in questions {
            asked.push(format!("{:?} {}", question.kind, question.name));
            let query = encode_query(1, &question, true).unwrap();
            let response = decode_response(&zone.answer(&query, usize::MAX)).unwrap();
            let of_name =
                response.records.into_iter().filter(|record| record.name == question.name);
            let answer = match response.code {
                Code::NoSuchName => Err(Failure::NoSuchName),
                _ => Ok(of_name.map(|record| record.data).collect()),
            };
            assert!(answers.insert(question, answer).is_none(), "nothing is asked twice");
        }
    }
}

fn routes_to(uri: &str, ours: &[Transport], zone: &Zone) -> Vec<String> {
    match located(&wanted(uri), ours, zone, 1).0 {
        Plan::Try(routes) => routes.iter().map(short).collect(),
        other => panic!("{uri}: {other:?}"),
    }
}

fn short(route: &Route) -> String {
    format!("{} {}:{}", route.transport(), route.host(), route.port())
}

fn failure(uri: &str, zone: &Zone) -> String {
    match located(&wanted(uri), &OURS, zone, 1).0 {
        Plan::Fail(reason) => reason,
        other => panic!("{uri}: {other:?}"),
    }
}

fn pbx() -> Zone {
    Zone::default().address("pbx.example", "192.0.2.7").address("pbx.example", "2001:db8::7")
}

/// RFC 3263 §4.1, §4.2
#[test]
fn an_address_is_taken_as_it_is() {
    let zone = Zone::default();
    for (uri, route) in [
        ("sip:192.0.2.1", "udp 192.0.2.1:5060"),
        ("sip:192.0.2.1:5070;transport=tcp", "tcp 192.0.2.1:5070"),
        ("sip:[2001:db8::1]", "udp [2001:db8::1]:5060"),
        ("sips:192.0.2.1", "tls 192.0.2.1:5061"),
    ] {
        assert_eq!(routes_to(uri, &ALL, &zone), [route], "{uri}");
        assert!(located(&wanted(uri), &ALL, &zone, 1).1.is_empty());
    }
    assert_eq!(routes_to("sip:192.0.2.1", &[Transport::Tcp], &zone), ["tcp 192.0.2.1:5060"]);
}

#[test]
fn with_a_port_only_addresses_are_asked_for() {
    let zone = pbx().srv("_sip._udp.pbx.example", (1, 1, 9), "other.example");
    let (_, asked) = located(&wanted("sip:pbx.example:5070"), &OURS, &zone, 1);
    assert_eq!(asked, ["A pbx.example", "Aaaa pbx.example"]);
    let udp = routes_to("sip:pbx.example:5070", &OURS, &zone);
    assert_eq!(udp, ["udp [2001:db8::7]:5070", "udp 192.0.2.7:5070"]);
    let tcp = routes_to("sip:pbx.example:5070;transport=tcp", &OURS, &zone);
    assert_eq!(tcp, ["tcp [2001:db8::7]:5070", "tcp 192.0.2.7:5070"]);
}

/// The example of RFC 3263 §4.1.
#[test]
fn naptr_says_which_transport_srv_which_server() {
    let zone = Zone::default()
        .naptr("example.com", (50, 50), ("s", "SIPS+D2T", ""), "_sips._tcp.example.com")
        .naptr("example.com", (90, 50), ("s", "SIP+D2T", ""), "_sip._tcp.example.com")
        .naptr("example.com", (100, 50), ("s", "SIP+D2U", ""), "_sip._udp.example.com")
        .srv("_sips._tcp.example.com", (0, 1, 5061), "server1.example.com")
        .srv("_sip._tcp.example.com", (0, 1, 5060), "server1.example.com")
        .srv("_sip._tcp.example.com", (1, 2, 5062), "server2.example.com")
        .srv("_sip._udp.example.com", (0, 1, 5060), "server2.example.com")
        .address("server1.example.com", "192.0.2.1")
        .address("server2.example.com", "192.0.2.2");
    let ours = routes_to("sip:example.com", &OURS, &zone);
    assert_eq!(ours, ["tcp 192.0.2.1:5060", "tcp 192.0.2.2:5062", "udp 192.0.2.2:5060"]);
    let all = routes_to("sip:example.com", &ALL, &zone);
    assert_eq!((all[0].as_str(), all.len()), ("tls 192.0.2.1:5061", 4));
    assert_eq!(routes_to("sips:example.com", &ALL, &zone), ["tls 192.0.2.1:5061"]);
    // A transport in the URI stands above what the domain says.
    let (_, asked) = located(&wanted("sip:example.com;transport=udp"), &OURS, &zone, 1);
    assert_eq!(asked[0], "Srv _sip._udp.example.com");
    assert_eq!(routes_to("sip:example.com;transport=udp", &OURS, &zone), ["udp 192.0.2.2:5060"]);
}

#[test]
fn naptr_records_that_we_do_not_follow_are_as_none_and_are_told_if_there_is_nothing_else() {
    let other = pbx().naptr("pbx.example", (1, 1), ("u", "E2U+SIP", "!^.*$!sip:a@b!"), "");
    assert_eq!(routes_to("sip:pbx.example", &OURS, &other)[0], "udp [2001:db8::7]:5060");
    let tls = pbx().naptr("pbx.example", (1, 1), ("s", "SIPS+D2T", ""), "_sips._tcp.pbx.example");
    let told = "pbx.example offers SIPS+D2T, and we can use none of that";
    assert_eq!(failure("sip:pbx.example", &tls), told);
    let rule = pbx().naptr("pbx.example", (1, 1), ("s", "SIP+D2U", "!a!b!"), "x.example");
    assert!(failure("sip:pbx.example", &rule).contains("SIP+D2U"));
}

#[test]
fn without_naptr_each_of_our_transports_is_asked_for() {
    let zone = pbx().srv("_sip._udp.example.com", (1, 1, 5070), "pbx.example").srv(
        "_sip._tcp.example.com",
        (1, 1, 5080),
        "pbx.example",
    );
    let (_, asked) = located(&wanted("sip:example.com"), &OURS, &zone, 1);
    let srv = ["Srv _sip._udp.example.com", "Srv _sip._tcp.example.com"];
    assert_eq!(asked[..3], [["Naptr example.com"].as_slice(), &srv].concat());
    let routes = routes_to("sip:example.com", &OURS, &zone);
    assert_eq!(routes[0], "udp [2001:db8::7]:5070");
    assert_eq!(routes[2], "tcp [2001:db8::7]:5080");
    let (_, asked) = located(&wanted("sips:example.com"), &ALL, &zone, 1);
    assert_eq!(asked[1], "Srv _sips._tcp.example.com");
}

#[test]
fn without_srv_the_name_s_own_addresses_are_tried_at_the_usual_port() {
    let routes = routes_to("sip:pbx.example", &OURS, &pbx());
    assert_eq!(routes, ["udp [2001:db8::7]:5060", "udp 192.0.2.7:5060"]);
    assert_eq!(routes_to("sip:pbx.example;transport=tcp", &OURS, &pbx())[1], "tcp 192.0.2.7:5060");
    assert_eq!(routes_to("sips:pbx.example", &ALL, &pbx())[1], "tls 192.0.2.7:5061");
}

/// RFC 2782: a target of "."
#[test]
fn a_domain_may_say_that_it_has_no_such_service() {
    let zone = pbx().srv("_sip._udp.pbx.example", (0, 0, 0), "");
    assert_eq!(failure("sip:pbx.example", &zone), "pbx.example says that it has no such service");
}

#[test]
fn priorities_order_servers_and_the_seed_orders_equal_ones() {
    let zone = (1..=6).fold(Zone::default(), |zone, n| {
        let host = format!("h{n}.example");
        zone.srv("_sip._udp.example.com", (n / 4, 10, 5060), &host)
            .address(&host, &format!("192.0.2.{n}"))
    });
    let with = |seed| match located(&wanted("sip:example.com;transport=udp"), &OURS, &zone, seed).0
    {
        Plan::Try(routes) => routes.iter().map(short).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(with(5), with(5));
    assert!((0..20).any(|seed| with(seed) != with(5)));
    let mut first = with(5)[..3].to_vec();
    first.sort();
    assert_eq!(first, ["udp 192.0.2.1:5060", "udp 192.0.2.2:5060", "udp 192.0.2.3:5060"]);
}

#[test]
fn a_thousand_servers_are_cut_to_the_limit_and_dead_names_among_them_are_left_out() {
    let many = (0..60).fold(Zone::default(), |zone, n| {
        let host = format!("h{n}.example");
        zone.srv("_sip._udp.example.com", (n, 0, 5060), &host)
            .address(&host, "192.0.2.1")
            .address(&host, &format!("198.51.100.{n}"))
    });
    let (_, asked) = located(&wanted("sip:example.com;transport=udp"), &OURS, &many, 1);
    assert_eq!(asked.len(), 1 + 2 * TARGETS_MAX);
    let routes = routes_to("sip:example.com;transport=udp", &OURS, &many);
    assert_eq!(routes.len(), TARGETS_MAX + 1);
    let full = (0..TARGETS_MAX + 1).fold(pbx(), |zone, n| {
        zone.address("full.example", &format!("192.0.2.{n}"))
            .address("full.example", &format!("2001:db8::{n}"))
    });
    assert_eq!(routes_to("sip:full.example:5060", &OURS, &full).len(), ROUTES_MAX);
    let half = pbx().srv("_sip._udp.example.com", (1, 1, 5060), "gone.example").srv(
        "_sip._udp.example.com",
        (2, 1, 5060),
        "pbx.example",
    );
    assert_eq!(routes_to("sip:example.com;transport=udp", &OURS, &half).len(), 2);
}

#[test]
fn why_there_is_no_way_is_told_in_plain_words() {
    let zone = pbx().srv("_sip._udp.example.com", (1, 1, 5060), "gone.invalid");
    assert_eq!(failure("sip:nowhere.test", &zone), "nowhere.test: the name does not exist");
    assert_eq!(failure("sip:example.com", &zone), "gone.invalid: the name does not exist");
    let empty = Zone::default().srv("_x._udp.example.com", (1, 1, 1), "a.example");
    assert_eq!(failure("sip:example.com", &empty), "example.com has no address");
    let bad = Wanted { host: RouteHost::Name("a..b".into()), ..wanted("sip:x.example") };
    let Plan::Fail(reason) = located(&bad, &OURS, &zone, 1).0 else { panic!("a plan") };
    assert_eq!(reason, "a..b is no name that can be looked up");
}

/// RFC 4976 §10.2, §15
#[test]
fn a_relay_is_found_by_its_own_service_and_port() {
    let zone = pbx().srv("_msrps._tcp.example.com", (1, 1, 2856), "pbx.example");
    let find = |host: &str, port| {
        let relay = Wanted::relay(RouteHost::Name(host.into()), port);
        match located(&relay, &OURS, &zone, 1).0 {
            Plan::Try(routes) => routes.iter().map(short).collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(find("example.com", None)[1], "tls 192.0.2.7:2856");
    assert_eq!(find("pbx.example", None)[1], "tls 192.0.2.7:2855");
    assert_eq!(find("pbx.example", Some(9))[1], "tls 192.0.2.7:9");
}
