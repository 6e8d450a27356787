use std::net::SocketAddr;
use std::time::Duration;

use offhook_fsm::{Entropy, Instant};
use simple_dns::{Packet, RCODE};

use super::zone::{NOTHING_TTL, Zone, refusal};
use super::*;

const DATAGRAM: usize = 1232;

fn question(name: &str, kind: Kind) -> Question {
    Question { name: Name::new(name).unwrap(), kind }
}

fn server(n: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, n], 53))
}

fn ms(ms: u64) -> Instant {
    Instant::from_millis(ms)
}

const UNTIL: Instant = Instant::from_millis(10_000);

fn resolver(servers: u8) -> Resolver {
    let servers = NameServers::new((1..=servers).map(server).collect());
    Resolver::new(servers, Hosts::default(), Entropy::from_u64(1))
}

/// The next query: socket, port, server, message, and whether it goes over TCP.
struct Query {
    socket: SocketId,
    port: u16,
    server: SocketAddr,
    bytes: Vec<u8>,
    by_stream: bool,
}

fn query(resolver: &mut Resolver) -> Option<Query> {
    loop {
        return Some(match resolver.poll_command()? {
            Command::Close(_) => continue,
            Command::Datagram { socket, port, server, bytes } => {
                Query { socket, port, server, bytes, by_stream: false }
            }
            Command::Stream { socket, server, bytes } => {
                assert_eq!(usize::from(u16::from_be_bytes([bytes[0], bytes[1]])), bytes.len() - 2);
                let bytes = bytes[2..].to_vec();
                Query { socket, port: 0, server, bytes, by_stream: true }
            }
        });
    }
}

fn reply(resolver: &mut Resolver, now: Instant, query: &Query, bytes: &[u8]) {
    if query.by_stream {
        let length = u16::try_from(bytes.len()).unwrap().to_be_bytes();
        resolver.stream(now, query.socket, &[&length[..], bytes].concat());
    } else {
        resolver.datagram(now, query.socket, query.server, bytes);
    }
}

/// Asks, and lets the zone answer all that is sent; the answer and how often was asked.
fn asked(resolver: &mut Resolver, now: Instant, zone: &Zone, asked: &Question) -> (Answer, usize) {
    if let Some(answer) = resolver.ask(now, asked, UNTIL) {
        return (answer, 0);
    }
    let mut queries = 0;
    while let Some(query) = query(resolver) {
        queries += 1;
        let limit = if query.by_stream { usize::MAX } else { DATAGRAM };
        reply(resolver, now, &query, &zone.answer(&query.bytes, limit));
    }
    let (question, answer) = resolver.poll_answer().unwrap();
    assert_eq!(&question, asked);
    (answer, queries)
}

fn addresses(answer: &Answer) -> Vec<String> {
    let address = |data: &Data| match data {
        Data::Address(address) => address.to_string(),
        other => panic!("{other:?}"),
    };
    answer.as_ref().unwrap().iter().map(address).collect()
}

#[test]
fn every_kind_of_record_is_asked_for_and_read() {
    let zone = Zone::default()
        .address("a.example", "192.0.2.7")
        .address("a.example", "2001:db8::7")
        .srv("_sip._udp.a.example", (1, 2, 5070), "PBX.example")
        .srv("_none._udp.a.example", (0, 0, 0), "")
        .naptr("a.example", (10, 20), ("S", "sip+d2u", ""), "_sip._udp.a.example");
    let get = |name, kind| asked(&mut resolver(1), ms(0), &zone, &question(name, kind)).0;
    assert_eq!(addresses(&get("a.example", Kind::A)), ["192.0.2.7"]);
    assert_eq!(addresses(&get("a.example", Kind::Aaaa)), ["2001:db8::7"]);
    let srv = Srv { priority: 1, weight: 2, port: 5070, target: Name::new("pbx.example") };
    assert_eq!(get("_sip._udp.a.example", Kind::Srv).unwrap()[..], [Data::Srv(srv)]);
    let none = Srv { priority: 0, weight: 0, port: 0, target: None };
    assert_eq!(get("_none._udp.a.example", Kind::Srv).unwrap()[..], [Data::Srv(none)]);
    let naptr = Naptr {
        order: 10,
        preference: 20,
        flags: "s".into(),
        services: "SIP+D2U".into(),
        has_regexp: false,
        replacement: Name::new("_sip._udp.a.example"),
    };
    assert_eq!(get("a.example", Kind::Naptr).unwrap()[..], [Data::Naptr(naptr)]);
    assert_eq!(get("a.example", Kind::Srv), Ok([].into()));
    assert_eq!(get("b.example", Kind::A), Err(Failure::NoSuchName));
}

#[test]
fn a_query_asks_for_recursion_and_tells_how_much_it_takes() {
    let mut resolver = resolver(1);
    assert!(resolver.ask(ms(0), &question("a.example", Kind::A), UNTIL).is_none());
    let query = query(&mut resolver).unwrap();
    let packet = Packet::parse(&query.bytes).unwrap();
    assert!(packet.has_flags(simple_dns::PacketFlag::RECURSION_DESIRED));
    assert_eq!(packet.opt().unwrap().udp_packet_size, 1232);
    assert_eq!((query.server, query.by_stream), (server(1), false));
}

/// RFC 5452 §9.1
#[test]
fn an_answer_with_another_number_source_or_question_is_none() {
    let zone = Zone::default().address("a.example", "192.0.2.7");
    let lie = Zone::default().address("a.example", "203.0.113.66");
    let mut resolver = resolver(1);
    assert!(resolver.ask(ms(0), &question("a.example", Kind::A), UNTIL).is_none());
    let sent = query(&mut resolver).unwrap();
    let truth = zone.answer(&sent.bytes, DATAGRAM);
    let mut other_number = lie.answer(&sent.bytes, DATAGRAM);
    other_number[1] ^= 1;
    resolver.datagram(ms(1), sent.socket, sent.server, &other_number);
    let forged = lie.answer(&sent.bytes, DATAGRAM);
    resolver.datagram(ms(1), sent.socket, server(9), &forged);
    let mut port = sent.server;
    port.set_port(54);
    resolver.datagram(ms(1), sent.socket, port, &forged);
    let id = u16::from_be_bytes([sent.bytes[0], sent.bytes[1]]);
    for other in [question("b.example", Kind::A), question("a.example", Kind::Aaaa)] {
        let other = encode_query(id, &other, false).unwrap();
        resolver.datagram(ms(1), sent.socket, sent.server, &lie.answer(&other, DATAGRAM));
    }
    // A query is no answer, and neither is a piece of one.
    resolver.datagram(ms(1), sent.socket, sent.server, &sent.bytes);
    resolver.datagram(ms(1), sent.socket, sent.server, &truth[..truth.len() - 1]);
    resolver.datagram(ms(1), SocketId(99), sent.server, &forged);
    assert_eq!(resolver.poll_answer(), None);
    resolver.datagram(ms(2), sent.socket, sent.server, &truth);
    let (_, answer) = resolver.poll_answer().unwrap();
    assert_eq!(addresses(&answer), ["192.0.2.7"]);
}

#[test]
fn a_question_that_is_guessed_at_goes_over_tcp() {
    let zone = Zone::default().address("a.example", "192.0.2.7");
    let mut resolver = resolver(1);
    assert!(resolver.ask(ms(0), &question("a.example", Kind::A), UNTIL).is_none());
    let sent = query(&mut resolver).unwrap();
    for _ in 0..LIES_MAX {
        resolver.datagram(ms(1), sent.socket, sent.server, b"lie");
    }
    assert!(query(&mut resolver).is_none());
    resolver.datagram(ms(1), sent.socket, sent.server, b"lie");
    let again = query(&mut resolver).unwrap();
    assert!(again.by_stream);
    // Too late: that socket is closed.
    resolver.datagram(ms(1), sent.socket, sent.server, &zone.answer(&sent.bytes, DATAGRAM));
    assert_eq!(resolver.poll_answer(), None);
    reply(&mut resolver, ms(2), &again, &zone.answer(&again.bytes, usize::MAX));
    assert_eq!(addresses(&resolver.poll_answer().unwrap().1), ["192.0.2.7"]);
}

#[test]
fn what_is_too_long_for_a_datagram_comes_over_tcp_in_any_pieces() {
    let zone =
        (0..90).fold(Zone::default(), |zone, n| zone.address("a.example", &format!("192.0.2.{n}")));
    let mut whole = resolver(1);
    let (answer, queries) = asked(&mut whole, ms(0), &zone, &question("a.example", Kind::A));
    assert_eq!((addresses(&answer).len(), queries), (RECORDS_MAX, 2));
    for at in 0..1400 {
        let mut resolver = resolver(1);
        assert!(resolver.ask(ms(0), &question("a.example", Kind::A), UNTIL).is_none());
        let first = query(&mut resolver).unwrap();
        reply(&mut resolver, ms(0), &first, &zone.answer(&first.bytes, DATAGRAM));
        let second = query(&mut resolver).unwrap();
        assert!(second.by_stream);
        let message = zone.answer(&second.bytes, usize::MAX);
        let length = u16::try_from(message.len()).unwrap().to_be_bytes();
        let bytes = [&length[..], &message].concat();
        let (one, two) = bytes.split_at(at.min(bytes.len()));
        resolver.stream(ms(1), second.socket, one);
        resolver.stream(ms(1), second.socket, two);
        assert_eq!(addresses(&resolver.poll_answer().unwrap().1).len(), RECORDS_MAX, "{at}");
    }
}

#[test]
fn a_stream_that_says_something_else_or_ends_is_a_server_that_does_not_answer() {
    for case in 0..3 {
        let mut resolver = resolver(1);
        assert!(resolver.ask(ms(0), &question("a.example", Kind::A), UNTIL).is_none());
        let first = query(&mut resolver).unwrap();
        let zone = (0..90)
            .fold(Zone::default(), |zone, n| zone.address("a.example", &format!("192.0.2.{n}")));
        reply(&mut resolver, ms(0), &first, &zone.answer(&first.bytes, DATAGRAM));
        let stream = query(&mut resolver).unwrap();
        match case {
            0 => resolver.stream(ms(1), stream.socket, &[0, 2, 7, 7]),
            1 => resolver.failed(ms(1), stream.socket),
            _ => {
                let mut lie = zone.answer(&stream.bytes, usize::MAX);
                lie[0] ^= 1;
                reply(&mut resolver, ms(1), &stream, &lie);
            }
        }
        let (_, answer) = resolver.poll_answer().unwrap();
        assert!(answer.is_err(), "{answer:?}");
    }
}

#[test]
fn the_query_is_sent_again_to_one_server_after_the_other_until_the_time_is_over() {
    let mut resolver = resolver(2);
    let asked = question("a.example", Kind::A);
    assert!(resolver.ask(ms(0), &asked, UNTIL).is_none());
    let mut sent = Vec::new();
    let (mut ids, mut ports) = (Vec::new(), Vec::new());
    while let Some(now) = resolver.deadline() {
        while let Some(query) = query(&mut resolver) {
            sent.push(query.server);
            ids.push([query.bytes[0], query.bytes[1]]);
            assert!(query.port >= 1024);
            ports.push(query.port);
        }
        resolver.timeout(now);
        if now == UNTIL {
            break;
        }
    }
    let expected = [1, 2, 1, 2, 1, 2].map(server);
    assert_eq!(sent, expected[..sent.len()]);
    assert!(sent.len() >= 5, "{sent:?}");
    ids.sort_unstable();
    ids.dedup();
    ports.sort_unstable();
    ports.dedup();
    assert_eq!((ids.len(), ports.len()), (sent.len(), sent.len()));
    assert_eq!(resolver.poll_answer(), Some((asked, Err(Failure::TimedOut))));
    assert_eq!(resolver.deadline(), None);
}

#[test]
fn a_late_answer_to_an_earlier_query_still_counts_and_all_sockets_are_closed() {
    let zone = Zone::default().address("a.example", "192.0.2.7");
    let mut resolver = resolver(2);
    assert!(resolver.ask(ms(0), &question("a.example", Kind::A), UNTIL).is_none());
    let first = query(&mut resolver).unwrap();
    resolver.timeout(resolver.deadline().unwrap());
    let second = query(&mut resolver).unwrap();
    reply(&mut resolver, ms(1500), &first, &zone.answer(&first.bytes, DATAGRAM));
    assert!(resolver.poll_answer().unwrap().1.is_ok());
    let closed: Vec<_> = std::iter::from_fn(|| resolver.poll_command()).collect();
    assert_eq!(closed, [Command::Close(first.socket), Command::Close(second.socket)]);
}

#[test]
fn a_server_that_refuses_makes_room_for_the_next_at_once() {
    let zone = Zone::default().address("a.example", "192.0.2.7");
    for code in [RCODE::ServerFailure, RCODE::Refused, RCODE::NotImplemented] {
        let mut resolver = resolver(2);
        assert!(resolver.ask(ms(0), &question("a.example", Kind::A), UNTIL).is_none());
        let first = query(&mut resolver).unwrap();
        reply(&mut resolver, ms(1), &first, &refusal(&first.bytes, code));
        let second = query(&mut resolver).unwrap();
        assert_eq!(second.server, server(2));
        reply(&mut resolver, ms(2), &second, &zone.answer(&second.bytes, DATAGRAM));
        assert!(resolver.poll_answer().unwrap().1.is_ok(), "{code:?}");
    }
}

#[test]
fn when_all_servers_refuse_the_last_one_is_told() {
    let mut resolver = resolver(2);
    let asked = question("a.example", Kind::A);
    assert!(resolver.ask(ms(0), &asked, UNTIL).is_none());
    let first = query(&mut resolver).unwrap();
    resolver.failed(ms(1), first.socket);
    let second = query(&mut resolver).unwrap();
    reply(&mut resolver, ms(2), &second, &refusal(&second.bytes, RCODE::ServerFailure));
    let why = Failure::Refused { server: server(2), code: 2 };
    assert_eq!(resolver.poll_answer(), Some((asked.clone(), Err(why))));
    // That is no answer: the next one asks again.
    assert!(resolver.ask(ms(3), &asked, UNTIL).is_none());
}

/// RFC 6891 §7
#[test]
fn a_server_without_edns_is_asked_without_it() {
    let zone = Zone::default().address("a.example", "192.0.2.7");
    let mut resolver = resolver(1);
    assert!(resolver.ask(ms(0), &question("a.example", Kind::A), UNTIL).is_none());
    let first = query(&mut resolver).unwrap();
    reply(&mut resolver, ms(1), &first, &refusal(&first.bytes, RCODE::FormatError));
    let second = query(&mut resolver).unwrap();
    assert!(Packet::parse(&second.bytes).unwrap().opt().is_none());
    reply(&mut resolver, ms(2), &second, &zone.answer(&second.bytes, 512));
    assert!(resolver.poll_answer().unwrap().1.is_ok());
}

fn chain(length: usize) -> Zone {
    let zone = (0..length).fold(Zone::default(), |zone, n| {
        zone.alias(&format!("n{n}.example"), &format!("n{}.example", n + 1))
    });
    zone.address(&format!("n{length}.example"), "192.0.2.7")
}

#[test]
fn aliases_are_followed_up_to_the_limit_in_one_answer_or_many() {
    let first = question("n0.example", Kind::A);
    for (zone, asks) in [(chain(ALIASES_MAX), 1), (chain(ALIASES_MAX).without_following(), 9)] {
        let (answer, queries) = asked(&mut resolver(1), ms(0), &zone, &first);
        assert_eq!((addresses(&answer), queries), (vec!["192.0.2.7".into()], asks));
    }
    for zone in [chain(ALIASES_MAX + 1), chain(ALIASES_MAX + 1).without_following()] {
        let (answer, _) = asked(&mut resolver(1), ms(0), &zone, &first);
        assert_eq!(answer, Err(Failure::Aliases));
    }
    let circle =
        Zone::default().alias("n0.example", "n1.example").alias("n1.example", "n0.example");
    for zone in [circle.clone(), circle.without_following()] {
        let (answer, _) = asked(&mut resolver(1), ms(0), &zone, &first);
        assert_eq!(answer, Err(Failure::Aliases));
    }
}

#[test]
fn an_answer_is_kept_for_its_time_and_no_longer() {
    let zone = Zone::default().ttl(20).alias("a.example", "b.example");
    let zone = zone.ttl(100).address("b.example", "192.0.2.7");
    let mut resolver = resolver(1);
    let a = question("a.example", Kind::A);
    assert_eq!(asked(&mut resolver, ms(0), &zone, &a).1, 1);
    assert_eq!(asked(&mut resolver, ms(19_999), &zone, &a).1, 0);
    // The shortest time on the way counts.
    assert_eq!(asked(&mut resolver, ms(20_000), &zone, &a).1, 1);
    let changing = Zone::default().ttl(0).address("c.example", "192.0.2.7");
    for _ in 0..2 {
        assert_eq!(asked(&mut resolver, ms(0), &changing, &question("c.example", Kind::A)).1, 1);
    }
}

/// RFC 2308 §5
#[test]
fn that_there_is_nothing_is_kept_as_long_as_the_server_says() {
    let zone = Zone::default().address("a.example", "192.0.2.7");
    let later = Instant::from_millis(u64::from(NOTHING_TTL) * 1000);
    for (name, kind) in [("a.example", Kind::Srv), ("b.example", Kind::A)] {
        let asks = question(name, kind);
        let mut resolver = resolver(1);
        assert_eq!(asked(&mut resolver, ms(0), &zone, &asks).1, 1);
        assert_eq!(asked(&mut resolver, ms(1), &zone, &asks).1, 0);
        assert!(resolver.ask(later, &asks, later + Duration::from_secs(1)).is_none());
        let unsaid = zone.clone().without_soa();
        let mut resolver = resolver_tests::resolver(1);
        assert_eq!(asked(&mut resolver, ms(0), &unsaid, &asks).1, 1);
        assert_eq!(asked(&mut resolver, ms(1), &unsaid, &asks).1, 1);
    }
}

#[test]
fn what_a_server_says_about_other_names_is_not_believed() {
    let lie = Zone::default().address("bank.example", "203.0.113.66");
    let mut resolver = resolver(1);
    let a = question("a.example", Kind::A);
    assert!(resolver.ask(ms(0), &a, UNTIL).is_none());
    let sent = query(&mut resolver).unwrap();
    let other = encode_query(7, &question("bank.example", Kind::A), false).unwrap();
    let mut packet = Packet::parse(&sent.bytes).unwrap().into_reply();
    let told = lie.answer(&other, DATAGRAM);
    let told = Packet::parse(&told).unwrap();
    packet.answers = told.answers.clone();
    packet.additional_records = told.answers.clone();
    let bytes = packet.build_bytes_vec().unwrap();
    reply(&mut resolver, ms(1), &sent, &bytes);
    assert_eq!(resolver.poll_answer(), Some((a, Ok([].into()))));
    let truth = Zone::default().address("bank.example", "192.0.2.1");
    let (answer, queries) = asked(&mut resolver, ms(2), &truth, &question("bank.example", Kind::A));
    assert_eq!((addresses(&answer), queries), (vec!["192.0.2.1".into()], 1));
}

#[test]
fn one_question_of_many_is_sent_once_and_the_same_seed_sends_the_same() {
    let mut resolver = resolver(1);
    let a = question("a.example", Kind::A);
    assert!(resolver.ask(ms(0), &a, UNTIL).is_none());
    assert!(resolver.ask(ms(1), &a, UNTIL + Duration::from_secs(1)).is_none());
    let first = query(&mut resolver).unwrap();
    assert!(query(&mut resolver).is_none());
    let mut same = resolver_tests::resolver(1);
    assert!(same.ask(ms(0), &a, UNTIL).is_none());
    let again = query(&mut same).unwrap();
    assert_eq!((first.bytes, first.port), (again.bytes, again.port));
}

#[test]
fn the_hosts_file_and_localhost_are_not_asked_of_a_server() {
    let hosts = Hosts::parse(b"192.0.2.9 pbx.example");
    let servers = NameServers::new(vec![server(1)]);
    let mut resolver = Resolver::new(servers, hosts, Entropy::from_u64(1));
    let mut known = |name, kind| resolver.ask(ms(0), &question(name, kind), UNTIL);
    assert_eq!(addresses(&known("pbx.example", Kind::A).unwrap()), ["192.0.2.9"]);
    assert_eq!(known("pbx.example", Kind::Aaaa), Some(Ok([].into())));
    assert_eq!(addresses(&known("localhost", Kind::Aaaa).unwrap()), ["::1"]);
    assert_eq!(known("_sip._udp.localhost", Kind::Srv), Some(Ok([].into())));
    assert_eq!(known("pbx.example", Kind::Srv), None);
}

#[test]
fn a_head_that_counts_more_than_there_is_is_no_response() {
    let zone = Zone::default().address("a.example", "192.0.2.7");
    let asks = encode_query(1, &question("a.example", Kind::A), false).unwrap();
    let answer = zone.answer(&asks, DATAGRAM);
    assert!(decode_response(&answer).is_some());
    for count in [4, 6, 8, 10] {
        let mut lie = answer.clone();
        (lie[count], lie[count + 1]) = (0xff, 0xff);
        assert_eq!(decode_response(&lie), None);
    }
    // A name that points to itself, at the first octet after the head.
    let mut circle = answer[..12].to_vec();
    circle.extend([0xc0, 12, 0, 1, 0, 1]);
    assert_eq!(decode_response(&circle), None);
    for length in 0..answer.len() {
        assert_eq!(decode_response(&answer[..length]), None, "{length}");
    }
}
