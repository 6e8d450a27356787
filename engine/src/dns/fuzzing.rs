//! What must hold for any bytes. The fuzz targets and the tests call these.

use offhook_fsm::{Entropy, Instant};

use super::{
    Answer, Command, Hosts, Kind, Name, NameServers, Question, RECORDS_MAX, Resolver,
    decode_response, encode_query,
};

/// Any bytes as a datagram of a name server, as a stream of one, and as the system's files: no
/// panic, and no record about another name than the one that was asked for.
pub fn dns(data: &[u8]) {
    let hosts = Hosts::parse(data);
    let _servers = NameServers::parse(data);
    if let Some(response) = decode_response(data) {
        assert!(response.records.len() <= RECORDS_MAX);
        if let Some(question) = response.question {
            // What was understood as a question can be asked.
            assert!(encode_query(response.id, &question, true).is_some());
        }
    }
    let Some(name) = Name::new("example.com") else { return };
    for kind in [Kind::A, Kind::Aaaa, Kind::Naptr, Kind::Srv] {
        let question = Question { name: name.clone(), kind };
        let answer = fed(data, &question, hosts.clone());
        if let Some(Ok(records)) = answer {
            assert!(records.iter().all(|record| record.kind() == kind));
        }
    }
}

/// What a resolver makes of those bytes, with the query's own number in front of them.
fn fed(data: &[u8], question: &Question, hosts: Hosts) -> Option<Answer> {
    let now = Instant::ZERO;
    let mut resolver = Resolver::new(NameServers::new(Vec::new()), hosts, Entropy::from_u64(1));
    let until = Instant::from_millis(1000);
    if let Some(known) = resolver.ask(now, question, until) {
        return Some(known);
    }
    for _ in 0..3 {
        let (socket, server, bytes, is_stream) = match resolver.poll_command()? {
            Command::Datagram { socket, server, bytes, .. } => (socket, server, bytes, false),
            Command::Stream { socket, server, bytes } => (socket, server, bytes, true),
            Command::Close(_) => continue,
        };
        let id = bytes.iter().skip(if is_stream { 2 } else { 0 }).take(2);
        let answer: Vec<u8> = id.chain(data.iter().skip(2)).copied().collect();
        if is_stream {
            let length = u16::try_from(answer.len()).unwrap_or(u16::MAX).to_be_bytes();
            resolver.stream(now, socket, &length);
            resolver.stream(now, socket, &answer);
        } else {
            resolver.datagram(now, socket, server, &answer);
        }
        if let Some((asked, answer)) = resolver.poll_answer() {
            assert_eq!(asked, *question);
            return Some(answer);
        }
    }
    resolver.timeout(until);
    let answered = resolver.poll_answer().map(|(_, answer)| answer);
    assert!(answered.is_some(), "a question is answered in time");
    answered
}
