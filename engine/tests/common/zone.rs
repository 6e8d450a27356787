//! What a name server of the tests knows, and what it answers.

use std::net::IpAddr;

use simple_dns::rdata::{A, AAAA, CNAME, NAPTR, RData, SOA, SRV};
use simple_dns::{CLASS, CharacterString, Name, Packet, PacketFlag, QTYPE, RCODE, ResourceRecord};

/// How long it holds that there is nothing, in seconds.
pub(crate) const NOTHING_TTL: u32 = 30;

/// Records in the order in which they are told.
#[derive(Clone, Debug)]
pub(crate) struct Zone {
    records: Vec<ResourceRecord<'static>>,
    ttl: u32,
    has_soa: bool,
    follows: bool,
}

fn name(text: &str) -> Name<'static> {
    Name::new(text).unwrap().into_owned()
}

fn string(text: &str) -> CharacterString<'static> {
    CharacterString::try_from(text.to_owned()).unwrap()
}

impl Default for Zone {
    fn default() -> Self {
        Self { records: Vec::new(), ttl: 60, has_soa: true, follows: true }
    }
}

impl Zone {
    /// It says of nothing how long that holds.
    pub(crate) fn without_soa(mut self) -> Self {
        self.has_soa = false;
        self
    }

    /// It says of an alias nothing but that it is one.
    pub(crate) fn without_following(mut self) -> Self {
        self.follows = false;
        self
    }

    /// Records added from here on may be kept for so many seconds.
    pub(crate) fn ttl(mut self, seconds: u32) -> Self {
        self.ttl = seconds;
        self
    }

    fn add(mut self, owner: &str, data: RData<'static>) -> Self {
        self.records.push(ResourceRecord::new(name(owner), CLASS::IN, self.ttl, data));
        self
    }

    /// An address of either family.
    pub(crate) fn address(self, owner: &str, address: &str) -> Self {
        let data = match address.parse().unwrap() {
            IpAddr::V4(v4) => RData::A(A { address: v4.into() }),
            IpAddr::V6(v6) => RData::AAAA(AAAA { address: v6.into() }),
        };
        self.add(owner, data)
    }

    /// A server of a service: priority, weight, port.
    pub(crate) fn srv(
        self,
        owner: &str,
        (priority, weight, port): (u16, u16, u16),
        target: &str,
    ) -> Self {
        self.add(owner, RData::SRV(SRV { priority, weight, port, target: name(target) }))
    }

    /// A service: order, preference.
    pub(crate) fn naptr(
        self,
        owner: &str,
        (order, preference): (u16, u16),
        (flags, services, regexp): (&str, &str, &str),
        replacement: &str,
    ) -> Self {
        let (flags, services, regexp) = (string(flags), string(services), string(regexp));
        let replacement = name(replacement);
        let naptr = NAPTR { order, preference, flags, services, regexp, replacement };
        self.add(owner, RData::NAPTR(naptr))
    }

    /// Another name.
    pub(crate) fn alias(self, owner: &str, target: &str) -> Self {
        self.add(owner, RData::CNAME(CNAME(name(target))))
    }

    /// The answer to a query; over `limit` octets it is cut.
    pub(crate) fn answer(&self, query: &[u8], limit: usize) -> Vec<u8> {
        let query = Packet::parse(query).unwrap();
        let asked = query.questions.first().unwrap().clone();
        let mut reply = Packet::new_reply(query.id());
        reply.set_flags(PacketFlag::RECURSION_AVAILABLE);
        let mut at = asked.qname.clone().into_owned();
        for _ in 0..20 {
            let of_name = || self.records.iter().filter(|record| record.name == at);
            let fitting: Vec<_> = of_name().filter(|r| r.match_qtype(asked.qtype)).collect();
            if !fitting.is_empty() {
                reply.answers.extend(fitting.into_iter().cloned());
                break;
            }
            let is_alias = |record: &&ResourceRecord<'_>| {
                matches!(record.rdata, RData::CNAME(_)) && asked.qtype != QTYPE::ANY
            };
            let Some(alias) = of_name().find(is_alias).cloned() else {
                let is_known = self
                    .records
                    .iter()
                    .any(|record| record.name == at || record.name.is_subdomain_of(&at));
                if !is_known {
                    *reply.rcode_mut() = RCODE::NameError;
                }
                if self.has_soa {
                    reply.name_servers.push(soa());
                }
                break;
            };
            let RData::CNAME(target) = &alias.rdata else { break };
            at = target.0.clone();
            reply.answers.push(alias.clone());
            if !self.follows {
                break;
            }
        }
        reply.questions.push(asked.clone());
        let whole = reply.build_bytes_vec_compressed().unwrap();
        if whole.len() <= limit {
            return whole;
        }
        reply.set_flags(PacketFlag::TRUNCATION);
        reply.answers.clear();
        reply.build_bytes_vec_compressed().unwrap()
    }
}

fn soa() -> ResourceRecord<'static> {
    let soa = SOA {
        mname: name("ns.example"),
        rname: name("admin.example"),
        serial: 1,
        refresh: 1,
        retry: 1,
        expire: 1,
        minimum: NOTHING_TTL,
    };
    ResourceRecord::new(name("example"), CLASS::IN, 3600, RData::SOA(soa))
}

/// The answer that tells a code and nothing else.
pub(crate) fn refusal(query: &[u8], code: RCODE) -> Vec<u8> {
    let query = Packet::parse(query).unwrap();
    let mut reply = Packet::new_reply(query.id());
    reply.questions = query.questions.clone();
    *reply.rcode_mut() = code;
    reply.build_bytes_vec().unwrap()
}
