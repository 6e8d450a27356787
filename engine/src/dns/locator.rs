//! Locating SIP servers (RFC 3263 §4) and MSRP relays (RFC 4976 §10.2).

use std::collections::BTreeMap;
use std::net::IpAddr;

use offhook_fsm::Entropy;

use super::{Answer, Data, Failure, Kind, Name, Naptr, Question, Srv, order_srv};
use crate::route::{Route, RouteHost};
use crate::transport::Transport;

/// Servers of one name at most; more are left.
pub const TARGETS_MAX: usize = 8;
/// Routes to one name at most.
pub const ROUTES_MAX: usize = 16;
/// NAPTR records that are followed at most.
const SERVICES_MAX: usize = 4;
/// An MSRP relay's port (RFC 4976 §15).
const RELAY_PORT: u16 = 2855;

/// Whom to find.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wanted {
    /// The host as the URI names it.
    pub host: RouteHost,
    /// The URI's port.
    pub port: Option<u16>,
    /// The URI's transport; TLS for `sips:` with `transport=tcp`.
    pub transport: Option<Transport>,
    /// A `sips:` URI: TLS and nothing else.
    pub is_secure: bool,
    /// A relay for MSRP and no SIP server.
    pub is_relay: bool,
}

impl Wanted {
    /// The MSRP relay of a domain; with a port it is the domain's own address.
    #[must_use]
    pub const fn relay(host: RouteHost, port: Option<u16>) -> Self {
        Self { host, port, transport: Some(Transport::Tls), is_secure: true, is_relay: true }
    }
}

/// What is next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Plan {
    /// These are to be answered first.
    Ask(Vec<Question>),
    /// These are to be tried in order; one at least.
    Try(Vec<Route>),
    /// There is no way, for this reason.
    Fail(String),
}

/// What is next on the way to `wanted`, by what is answered so far. `transports` are ours, the
/// preferred one first. A name that `is_local` has an address in the hosts file and nothing else.
/// The same entropy orders the same servers in the same way.
#[must_use]
pub fn plan(
    wanted: &Wanted,
    transports: &[Transport],
    is_local: bool,
    answers: &BTreeMap<Question, Answer>,
    entropy: &Entropy,
) -> Plan {
    let name = match &wanted.host {
        RouteHost::Ip(ip) => {
            let transport = wanted.plain_transport(transports);
            let port = wanted.port.unwrap_or(wanted.default_port(transport));
            return Plan::Try(Route::to_address(*ip, port, transport).into_iter().collect());
        }
        RouteHost::Name(name) => name,
    };
    let Some(name) = Name::new(name) else {
        return Plan::Fail(format!("{name} is no name that can be looked up"));
    };
    let mut locator = Locator { wanted, transports, answers, entropy: entropy.clone(), name };
    let found = locator.servers(is_local).and_then(|servers| locator.routes(servers));
    match found {
        Ok(routes) => Plan::Try(routes),
        Err(Stop::Ask(questions)) => Plan::Ask(questions),
        Err(Stop::Fail(reason)) => Plan::Fail(reason),
    }
}

impl Wanted {
    /// RFC 3263 §4.1: what a URI means that leaves the transport open, where nothing else tells.
    fn plain_transport(&self, ours: &[Transport]) -> Transport {
        let open = if self.is_secure || ours.contains(&Transport::Udp) {
            None
        } else {
            ours.first().copied()
        };
        let implied = if self.is_secure { Transport::Tls } else { Transport::Udp };
        self.transport.or(open).unwrap_or(implied)
    }

    const fn default_port(&self, transport: Transport) -> u16 {
        if self.is_relay { RELAY_PORT } else { transport.default_port() }
    }

    const fn service(&self, transport: Transport) -> &'static str {
        match transport {
            _ if self.is_relay => "_msrps._tcp",
            Transport::Udp => "_sip._udp",
            Transport::Tcp => "_sip._tcp",
            Transport::Tls => "_sips._tcp",
        }
    }
}

enum Stop {
    Ask(Vec<Question>),
    Fail(String),
}

struct Server {
    name: Name,
    port: u16,
    transport: Transport,
}

struct Locator<'a> {
    wanted: &'a Wanted,
    transports: &'a [Transport],
    answers: &'a BTreeMap<Question, Answer>,
    entropy: Entropy,
    name: Name,
}

impl<'a> Locator<'a> {
    /// The answers to all of these, or those that are missing.
    fn all(&self, questions: &[Question]) -> Result<Vec<&'a Answer>, Stop> {
        let missing = questions.iter().filter(|question| !self.answers.contains_key(question));
        let missing: Vec<Question> = missing.cloned().collect();
        if missing.is_empty() {
            Ok(questions.iter().filter_map(|question| self.answers.get(question)).collect())
        } else {
            Err(Stop::Ask(missing))
        }
    }

    fn servers(&mut self, is_local: bool) -> Result<Vec<Server>, Stop> {
        let wanted = self.wanted;
        let plain = wanted.plain_transport(self.transports);
        let itself = |port| vec![Server { name: self.name.clone(), port, transport: plain }];
        if wanted.port.is_some() || is_local {
            return Ok(itself(wanted.port.unwrap_or(wanted.default_port(plain))));
        }
        let services = match wanted.transport {
            Some(transport) => self.services(&[transport]),
            None => match self.named_services()? {
                named if !named.is_empty() => named,
                _ if wanted.is_secure => self.services(&[Transport::Tls]),
                _ => self.services(self.transports),
            },
        };
        let questions: Vec<Question> = services.iter().map(|(_, q)| q.clone()).collect();
        let answers = self.all(&questions)?;
        let (mut servers, mut is_told) = (Vec::new(), false);
        for ((transport, _), answer) in services.iter().zip(answers) {
            let told: Vec<Srv> = records(answer, |data| match data {
                Data::Srv(srv) => Some(srv.clone()),
                _ => None,
            });
            is_told |= !told.is_empty();
            let usable = order_srv(told, &mut self.entropy);
            servers.extend(usable.into_iter().filter(|srv| srv.port != 0).filter_map(|srv| {
                Some(Server { name: srv.target?, port: srv.port, transport: *transport })
            }));
        }
        servers.truncate(TARGETS_MAX);
        match (servers.is_empty(), is_told) {
            (false, _) => Ok(servers),
            // RFC 2782: the service is decidedly not available.
            (true, true) => {
                Err(Stop::Fail(format!("{} says that it has no such service", self.name)))
            }
            (true, false) => Ok(itself(wanted.default_port(plain))),
        }
    }

    /// The questions after the servers of these transports.
    fn services(&self, transports: &[Transport]) -> Vec<(Transport, Question)> {
        let question = |transport: &Transport| {
            let name = self.name.under(self.wanted.service(*transport))?;
            Some((*transport, Question { name, kind: Kind::Srv }))
        };
        transports.iter().filter_map(question).collect()
    }

    /// What the domain itself says about its services (RFC 3263 §4.1), in its order.
    fn named_services(&self) -> Result<Vec<(Transport, Question)>, Stop> {
        let question = Question { name: self.name.clone(), kind: Kind::Naptr };
        let answers = self.all(&[question])?;
        let mut named: Vec<Naptr> = Vec::new();
        for answer in answers {
            named.extend(records(answer, |data| match data {
                Data::Naptr(naptr) => Some(naptr.clone()),
                _ => None,
            }));
        }
        named.sort_by_key(|naptr| (naptr.order, naptr.preference));
        let is_sip = |naptr: &&Naptr| naptr.services.starts_with("SIP");
        let offered: Vec<&Naptr> = named.iter().filter(is_sip).collect();
        let usable = |naptr: &&Naptr| {
            let transport = transport_of(&naptr.services)?;
            let fits = self.transports.contains(&transport)
                && (transport == Transport::Tls || !self.wanted.is_secure)
                && naptr.flags == "s"
                && !naptr.has_regexp;
            let name = naptr.replacement.clone().filter(|_| fits)?;
            Some((transport, Question { name, kind: Kind::Srv }))
        };
        let services: Vec<_> = offered.iter().filter_map(usable).take(SERVICES_MAX).collect();
        if services.is_empty() && !offered.is_empty() {
            let all: Vec<_> = offered.iter().map(|naptr| naptr.services.as_str()).collect();
            let all = all.join(", ");
            let text = format!("{} offers {all}, and we can use none of that", self.name);
            return Err(Stop::Fail(text));
        }
        Ok(services)
    }

    fn routes(&self, servers: Vec<Server>) -> Result<Vec<Route>, Stop> {
        let of = |server: &Server| {
            // RFC 6724 §2.1 prefers IPv6; what cannot be reached from here is left out later.
            [Kind::Aaaa, Kind::A].map(|kind| Question { name: server.name.clone(), kind })
        };
        let mut questions: Vec<Question> = servers.iter().flat_map(of).collect();
        questions.sort();
        questions.dedup();
        self.all(&questions)?;
        let (mut routes, mut failure) = (Vec::new(), None::<(Name, Failure)>);
        for server in servers {
            for answer in self.all(&of(&server))? {
                let addresses: Vec<IpAddr> = records(answer, |data| match data {
                    Data::Address(address) => Some(*address),
                    _ => None,
                });
                for address in addresses.into_iter().take(TARGETS_MAX) {
                    let route = Route::to_address(address, server.port, server.transport);
                    routes.extend(route.filter(|route| !routes.contains(route)));
                }
                if let Err(why) = answer {
                    failure.get_or_insert((server.name.clone(), why.clone()));
                }
            }
        }
        routes.truncate(ROUTES_MAX);
        match (routes.is_empty(), failure) {
            (false, _) => Ok(routes),
            (true, Some((name, why))) => Err(Stop::Fail(format!("{name}: {why}"))),
            (true, None) => Err(Stop::Fail(format!("{} has no address", self.name))),
        }
    }
}

fn records<T>(answer: &Answer, read: impl Fn(&Data) -> Option<T>) -> Vec<T> {
    answer.iter().flat_map(|records| records.iter()).filter_map(read).collect()
}

/// RFC 3263 §4.1
fn transport_of(services: &str) -> Option<Transport> {
    match services {
        "SIP+D2U" => Some(Transport::Udp),
        "SIP+D2T" => Some(Transport::Tcp),
        "SIPS+D2T" => Some(Transport::Tls),
        _ => None,
    }
}
