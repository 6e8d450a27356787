//! Queries and responses (RFC 1035 §4), as far as finding a server needs them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use simple_dns::rdata::{OPT, RData};
use simple_dns::{CLASS, OPCODE, Packet, PacketFlag, QCLASS, QTYPE, RCODE, TYPE};

use super::Name;

/// Records of one response that are read; more are left.
pub const RECORDS_MAX: usize = 64;
/// What we take in one datagram, in octets (RFC 6891 §6.2.5): fits into one packet anywhere.
const DATAGRAM_MAX: u16 = 1232;
const HEADER: usize = 12;
/// The shortest record: root, type, class, TTL and length.
const RECORD_MIN: usize = 11;

/// What is asked for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Kind {
    /// IPv4 addresses.
    A,
    /// IPv6 addresses (RFC 3596).
    Aaaa,
    /// Services and where they are named (RFC 3403).
    Naptr,
    /// Servers of a service (RFC 2782).
    Srv,
}

impl Kind {
    const fn to_type(self) -> TYPE {
        match self {
            Self::A => TYPE::A,
            Self::Aaaa => TYPE::AAAA,
            Self::Naptr => TYPE::NAPTR,
            Self::Srv => TYPE::SRV,
        }
    }

    fn from_type(kind: QTYPE) -> Option<Self> {
        let all = [Self::A, Self::Aaaa, Self::Naptr, Self::Srv];
        all.into_iter().find(|known| QTYPE::TYPE(known.to_type()) == kind)
    }
}

/// A question, of class IN.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Question {
    /// About which name.
    pub name: Name,
    /// What of it.
    pub kind: Kind,
}

/// A server of a service (RFC 2782).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Srv {
    /// The lower ones are tried first.
    pub priority: u16,
    /// The share of those of one priority.
    pub weight: u16,
    /// The port.
    pub port: u16,
    /// The server; `None`: there is none, and the service is not offered.
    pub target: Option<Name>,
}

/// A service that a domain offers (RFC 3403 §4.1).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Naptr {
    /// The lower ones are taken first.
    pub order: u16,
    /// The lower ones are preferred among those of one order.
    pub preference: u16,
    /// What comes next, as `s` for SRV; lower case.
    pub flags: String,
    /// The service, as `SIP+D2U`; upper case.
    pub services: String,
    /// Whether a rule makes the next name; we follow none.
    pub has_regexp: bool,
    /// The next name.
    pub replacement: Option<Name>,
}

/// What a record says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Data {
    /// A or AAAA.
    Address(IpAddr),
    /// SRV.
    Srv(Srv),
    /// NAPTR.
    Naptr(Naptr),
}

impl Data {
    /// What one asks for to get it.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Address(IpAddr::V4(_)) => Kind::A,
            Self::Address(IpAddr::V6(_)) => Kind::Aaaa,
            Self::Srv(_) => Kind::Srv,
            Self::Naptr(_) => Kind::Naptr,
        }
    }
}

/// One record of an answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    /// Whose it is.
    pub name: Name,
    /// How long it may be kept, in seconds.
    pub ttl: u32,
    /// What it says.
    pub data: Data,
}

/// A record that says under which name to look (CNAME).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Alias {
    /// The name that is another's.
    pub name: Name,
    /// How long it may be kept, in seconds.
    pub ttl: u32,
    /// The other one.
    pub target: Name,
}

/// What a server says of the query itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Code {
    /// It is answered.
    Fine,
    /// The name does not exist.
    NoSuchName,
    /// It does not understand the query, perhaps for its EDNS.
    FormatError,
    /// It cannot or does not want to answer: the number (RFC 1035 §4.1.1).
    Refused(u16),
}

/// A response.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Response {
    /// The query's number.
    pub id: u16,
    /// The query's question; `None` when it is none that we ask.
    pub question: Option<Question>,
    /// There is more than fits into a datagram.
    pub is_truncated: bool,
    /// What became of the query.
    pub code: Code,
    /// What was asked for, [`RECORDS_MAX`] at most.
    pub records: Vec<Record>,
    /// Other names of it.
    pub aliases: Vec<Alias>,
    /// How long it holds that there is nothing, in seconds (RFC 2308 §5); `None` when not said.
    pub negative_ttl: Option<u32>,
}

/// A query; `None` when the name is too long. With `edns` the answer may be longer than 512 octets.
#[must_use]
pub fn encode_query(id: u16, question: &Question, edns: bool) -> Option<Vec<u8>> {
    let name = simple_dns::Name::new(question.name.as_str()).ok()?;
    let mut packet = Packet::new_query(id);
    packet.set_flags(PacketFlag::RECURSION_DESIRED);
    let (kind, class) = (QTYPE::TYPE(question.kind.to_type()), QCLASS::CLASS(CLASS::IN));
    packet.questions.push(simple_dns::Question::new(name, kind, class, false));
    if edns {
        let udp_packet_size = DATAGRAM_MAX;
        *packet.opt_mut() = Some(OPT { opt_codes: Vec::new(), udp_packet_size, version: 0 });
    }
    packet.build_bytes_vec().ok()
}

/// A response, if these bytes are one. Records that we cannot use are left out.
#[must_use]
pub fn decode_response(bytes: &[u8]) -> Option<Response> {
    if !is_as_long_as_it_says(bytes) {
        return None;
    }
    let packet = Packet::parse(bytes).ok()?;
    let is_answer = packet.has_flags(PacketFlag::RESPONSE);
    if !is_answer || packet.opcode() != OPCODE::StandardQuery {
        return None;
    }
    let mut response = Response {
        id: packet.id(),
        question: question(&packet),
        is_truncated: packet.has_flags(PacketFlag::TRUNCATION),
        code: code(packet.rcode()),
        records: Vec::new(),
        aliases: Vec::new(),
        negative_ttl: None,
    };
    for answer in packet.answers.iter().take(RECORDS_MAX).filter(|a| a.class == CLASS::IN) {
        let (Some(name), ttl) = (known(&answer.name), seconds(answer.ttl)) else { continue };
        if let RData::CNAME(target) = &answer.rdata {
            let target = known(target);
            response.aliases.extend(target.map(|target| Alias { name, ttl, target }));
        } else if let Some(data) = data(&answer.rdata) {
            response.records.push(Record { name, ttl, data });
        }
    }
    response.negative_ttl = packet.name_servers.iter().find_map(|record| match &record.rdata {
        RData::SOA(soa) => Some(seconds(record.ttl).min(seconds(soa.minimum))),
        _ => None,
    });
    Some(response)
}

/// Room is made for as many records as the head counts: not for more than there can be.
fn is_as_long_as_it_says(bytes: &[u8]) -> bool {
    let Some((head, rest)) = bytes.split_first_chunk::<HEADER>() else { return false };
    let count = |high: u8, low: u8| usize::from(u16::from_be_bytes([high, low]));
    let [.., q1, q0, a1, a0, n1, n0, x1, x0] = *head;
    let records = count(a1, a0) + count(n1, n0) + count(x1, x0);
    count(q1, q0) == 1 && records * RECORD_MIN <= rest.len()
}

fn question(packet: &Packet<'_>) -> Option<Question> {
    let asked = packet.questions.first()?;
    let is_internet = asked.qclass == QCLASS::CLASS(CLASS::IN);
    let (name, kind) = (known(&asked.qname)?, Kind::from_type(asked.qtype)?);
    is_internet.then_some(Question { name, kind })
}

const fn code(code: RCODE) -> Code {
    match code {
        RCODE::NoError => Code::Fine,
        RCODE::NameError => Code::NoSuchName,
        // A server that knows no EDNS (RFC 6891 §7), or not ours.
        RCODE::FormatError | RCODE::BADVERS => Code::FormatError,
        RCODE::ServerFailure => Code::Refused(2),
        RCODE::NotImplemented => Code::Refused(4),
        RCODE::Refused => Code::Refused(5),
        _ => Code::Refused(15),
    }
}

/// RFC 2181 §8: with its highest bit set it is no time.
const fn seconds(ttl: u32) -> u32 {
    if ttl > i32::MAX as u32 { 0 } else { ttl }
}

fn data(data: &RData<'_>) -> Option<Data> {
    Some(match data {
        RData::A(a) => Data::Address(Ipv4Addr::from(a.address).into()),
        RData::AAAA(aaaa) => Data::Address(Ipv6Addr::from(aaaa.address).into()),
        RData::SRV(srv) => Data::Srv(Srv {
            priority: srv.priority,
            weight: srv.weight,
            port: srv.port,
            target: known(&srv.target),
        }),
        RData::NAPTR(naptr) => Data::Naptr(Naptr {
            order: naptr.order,
            preference: naptr.preference,
            flags: naptr.flags.to_string().to_ascii_lowercase(),
            services: naptr.services.to_string().to_ascii_uppercase(),
            has_regexp: !naptr.regexp.to_string().is_empty(),
            replacement: known(&naptr.replacement),
        }),
        _ => return None,
    })
}

/// A name that we can ask about; the root is none.
fn known(name: &simple_dns::Name<'_>) -> Option<Name> {
    let mut text = String::new();
    for label in name.as_bytes() {
        // A label may hold a dot of its own, which must not become one between labels.
        let label = std::str::from_utf8(label).ok().filter(|label| !label.contains('.'))?;
        text.push_str(label);
        text.push('.');
    }
    Name::new(&text)
}
