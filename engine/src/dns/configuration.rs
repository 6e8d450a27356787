//! What the system says about names: `resolv.conf` and the hosts file, as bytes.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use super::{Kind, Name};

/// Name servers that are asked at most.
pub const NAMESERVERS_MAX: usize = 8;
/// Pairs of name and address of a hosts file that are read at most.
pub const HOSTS_MAX: usize = 16_384;
/// Addresses of one name in a hosts file at most.
const HOST_ADDRESSES_MAX: usize = 16;
const PORT: u16 = 53;
/// How long one server is waited for before the next one is asked.
const RETRY: Duration = Duration::from_secs(1);

/// Whom to ask, and how often.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NameServers {
    /// The servers, in order, [`NAMESERVERS_MAX`] at most.
    pub servers: Vec<SocketAddr>,
    /// How long to wait for the first answer before the query is sent again; doubled each round.
    pub retry: Duration,
}

impl NameServers {
    /// These servers. Without any the one on this machine is asked.
    #[must_use]
    pub fn new(mut servers: Vec<SocketAddr>) -> Self {
        servers.truncate(NAMESERVERS_MAX);
        if servers.is_empty() {
            servers.push((Ipv4Addr::LOCALHOST, PORT).into());
        }
        Self { servers, retry: RETRY }
    }

    /// Reads a `resolv.conf`: `nameserver` and `options timeout:`. Search lists are for people who
    /// type names at a shell; a SIP domain is whole. Lines that cannot be read are left out.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Self {
        let mut servers = Vec::new();
        let mut retry = RETRY;
        for words in lines(bytes) {
            match words.as_slice() {
                ["nameserver", address, ..] => {
                    let address = address.parse::<IpAddr>();
                    servers.extend(address.map(|address| SocketAddr::new(address, PORT)));
                }
                ["options", options @ ..] => {
                    let given = options.iter().find_map(|word| word.strip_prefix("timeout:"));
                    let seconds = given.and_then(|text| text.parse::<u64>().ok());
                    // As in resolv.conf(5), but for 0.
                    retry = seconds.map_or(retry, |s| Duration::from_secs(s.clamp(1, 30)));
                }
                _ => {}
            }
        }
        Self { retry, ..Self::new(servers) }
    }
}

/// The hosts file.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Hosts(BTreeMap<Name, Vec<IpAddr>>);

impl Hosts {
    /// Reads a hosts file: an address and its names on each line.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Self {
        let mut known: BTreeMap<Name, Vec<IpAddr>> = BTreeMap::new();
        let mut left = HOSTS_MAX;
        for words in lines(bytes) {
            let Some((address, names)) = words.split_first() else { continue };
            let Ok(address) = address.parse::<IpAddr>() else { continue };
            for name in names.iter().filter_map(|name| Name::new(name)) {
                let Some(less) = left.checked_sub(1) else { return Self(known) };
                left = less;
                let of_name = known.entry(name).or_default();
                if of_name.len() < HOST_ADDRESSES_MAX && !of_name.contains(&address) {
                    of_name.push(address);
                }
            }
        }
        Self(known)
    }

    /// The addresses of a name that is known here; `localhost` is in any case.
    #[must_use]
    pub fn get(&self, name: &Name) -> Option<Vec<IpAddr>> {
        let of_this_machine = || vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        let known = self.0.get(name).cloned();
        known.or_else(|| name.is_localhost().then(of_this_machine))
    }

    /// The same of one family.
    pub(super) fn of_kind(&self, name: &Name, kind: Kind) -> Option<Vec<IpAddr>> {
        let mut addresses = self.get(name)?;
        addresses.retain(|address| address.is_ipv4() == (kind == Kind::A));
        Some(addresses)
    }
}

/// The words of each line, without comments. A line that is no text is left out.
fn lines(bytes: &[u8]) -> impl Iterator<Item = Vec<&str>> {
    let lines =
        bytes.split(|byte| *byte == b'\n').filter_map(|line| std::str::from_utf8(line).ok());
    lines.map(|line| {
        let line = line.split(['#', ';']).next().unwrap_or_default();
        line.split_ascii_whitespace().collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(texts: &[&str]) -> Vec<IpAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn resolv_conf_names_servers_in_order_and_its_comments_name_none() {
        let text = b"; made by hand\nsearch example.com\n nameserver  192.0.2.1 # first\n\
            #nameserver 192.0.2.9\nnameserver 2001:db8::53\nnameserver nonsense\nnameserver\n\xff\n\
            options ndots:2 timeout:3 attempts:2";
        let known = NameServers::parse(text);
        let servers = ["192.0.2.1:53", "[2001:db8::53]:53"].map(|s| s.parse().unwrap());
        assert_eq!(known, NameServers { servers: servers.into(), retry: Duration::from_secs(3) });
    }

    #[test]
    fn without_a_server_the_one_of_this_machine_is_asked_and_too_many_are_cut() {
        assert_eq!(NameServers::parse(b"").servers, ["127.0.0.1:53".parse().unwrap()]);
        let many =
            |n: usize| (1..=n).map(|n| format!("nameserver 192.0.2.{n}\n")).collect::<String>();
        assert_eq!(NameServers::parse(many(NAMESERVERS_MAX).as_bytes()).servers.len(), 8);
        assert_eq!(NameServers::parse(many(NAMESERVERS_MAX + 1).as_bytes()).servers.len(), 8);
        for (text, seconds) in [("0", 1), ("99", 30), ("x", 1)] {
            let known = NameServers::parse(format!("options timeout:{text}").as_bytes());
            assert_eq!(known.retry, Duration::from_secs(seconds), "{text}");
        }
    }

    #[test]
    fn a_hosts_file_names_addresses_of_both_families_in_any_case() {
        let hosts = Hosts::parse(
            b"192.0.2.7 PBX.example pbx # here\n2001:db8::7\tpbx\nnonsense pbx\n192.0.2.7 pbx\n",
        );
        let name = |text| Name::new(text).unwrap();
        assert_eq!(hosts.get(&name("pbx")), Some(addresses(&["192.0.2.7", "2001:db8::7"])));
        assert_eq!(hosts.of_kind(&name("pbx"), Kind::Aaaa), Some(addresses(&["2001:db8::7"])));
        assert_eq!(hosts.of_kind(&name("pbx.example"), Kind::Aaaa), Some(Vec::new()));
        assert_eq!(hosts.get(&name("other")), None);
        assert_eq!(hosts.get(&name("localhost")), Some(addresses(&["127.0.0.1", "::1"])));
        let other = Hosts::parse(b"127.0.0.9 localhost");
        assert_eq!(other.get(&name("localhost")), Some(addresses(&["127.0.0.9"])));
    }

    #[test]
    fn a_hosts_file_is_read_up_to_its_limit() {
        let lines = |n: usize| (0..n).map(|n| format!("192.0.2.1 h{n}\n")).collect::<String>();
        let hosts = Hosts::parse(lines(HOSTS_MAX + 1).as_bytes());
        let name = |n: usize| Name::new(&format!("h{n}")).unwrap();
        assert!(hosts.get(&name(HOSTS_MAX - 1)).is_some());
        assert!(hosts.get(&name(HOSTS_MAX)).is_none());
    }
}
