//! Which way a URI is reached: transport, address, and our own address on that way.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use super::engine::Listener;
use crate::error::SessionError;
use crate::session::Route;
use crate::sip::{Host, SipUri, text};
use crate::transport::{Destination, Transport};

/// Our own address on the way to `remote`, as the routing table has it. Nothing is sent.
pub(crate) fn local_towards(remote: IpAddr) -> Option<IpAddr> {
    let any: IpAddr = match remote {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0)).ok()?;
    socket.connect((remote, 9)).ok()?;
    let local = socket.local_addr().ok()?.ip();
    (!local.is_unspecified()).then_some(local)
}

/// An address that others on this machine, or on its network, can send to in place of a wildcard.
pub(crate) fn reachable(bound: SocketAddr) -> SocketAddr {
    if !bound.ip().is_unspecified() {
        return bound;
    }
    let outside: IpAddr = match bound {
        SocketAddr::V4(_) => Ipv4Addr::new(192, 0, 2, 1).into(),
        SocketAddr::V6(_) => Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into(),
    };
    let loopback: IpAddr = match bound {
        SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    SocketAddr::new(local_towards(outside).unwrap_or(loopback), bound.port())
}

/// The listener of that transport that datagrams to `remote` leave from, with our address as the
/// peer should know it.
pub(crate) fn local_of(
    listeners: &[Listener],
    transport: Transport,
    remote: IpAddr,
) -> Option<SocketAddr> {
    let same = |l: &&Listener| l.transport == transport && l.address.is_ipv4() == remote.is_ipv4();
    let routed = local_towards(remote);
    let mut fitting = listeners.iter().filter(same);
    let exact = fitting.clone().find(|l| Some(l.address.ip()) == routed);
    let wildcard = || fitting.clone().find(|l| l.address.ip().is_unspecified());
    let listener = exact.or_else(wildcard).or_else(|| fitting.next())?;
    let ip = if listener.address.ip().is_unspecified() { routed? } else { listener.address.ip() };
    Some(SocketAddr::new(ip, listener.address.port()))
}

/// The route that a URI names by its own host, port and transport (RFC 3263 §4 for literal
/// addresses and `localhost`; other names are looked up before).
pub(crate) fn route(uri: &SipUri, listeners: &[Listener]) -> Result<Route, SessionError> {
    let invalid = |why: String| SessionError::InvalidArgument(format!("{uri}: {why}"));
    let parts = uri.as_uri();
    let named = parts.transport().map(text);
    let transport = match named.as_deref().map(str::parse::<Transport>) {
        _ if parts.is_secure() => Transport::Tls,
        None => Transport::Udp,
        Some(Ok(transport)) => transport,
        Some(Err(unknown)) => return Err(invalid(unknown.to_string())),
    };
    if transport == Transport::Tls {
        return Err(SessionError::NotBuilt("SIP over TLS"));
    }
    let ip: IpAddr = match parts.host {
        Some(Host::Ip(ip)) => ip,
        Some(Host::Name(name)) if name.eq_ignore_ascii_case(b"localhost") => {
            Ipv4Addr::LOCALHOST.into()
        }
        _ => return Err(invalid("this name was not looked up".into())),
    };
    let port = parts.port.unwrap_or(transport.default_port());
    if port == 0 || ip.is_unspecified() {
        return Err(invalid("nothing can be sent to this address".into()));
    }
    let remote = SocketAddr::new(ip, port);
    let unroutable = || SessionError::Local(format!("there is no way to {remote} from here"));
    let over_tcp = || {
        let local = local_of(listeners, Transport::Tcp, ip)
            .or_else(|| local_of(listeners, Transport::Udp, ip))
            .or_else(|| Some(SocketAddr::new(local_towards(ip)?, 5060)))?;
        Some(Destination { transport: Transport::Tcp, remote, local, flow: None })
    };
    let datagrams = local_of(listeners, Transport::Udp, ip).filter(|_| transport == Transport::Udp);
    match datagrams {
        Some(local) => {
            let transport = Transport::Udp;
            let destination = Destination { transport, remote, local, flow: None };
            Ok(Route { destination, when_long: over_tcp() })
        }
        None if transport == Transport::Udp && named.is_some() => {
            Err(invalid("there is no UDP listener of that address family".into()))
        }
        None => Ok(Route { destination: over_tcp().ok_or_else(unroutable)?, when_long: None }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listener(transport: Transport, address: &str) -> Listener {
        Listener { transport, address: address.parse().unwrap() }
    }

    #[test]
    fn a_wildcard_listener_shows_the_address_that_routes_to_the_peer() {
        let listeners = [listener(Transport::Udp, "0.0.0.0:5070")];
        let route = route(&"sip:bob@127.0.0.1".parse().unwrap(), &listeners).unwrap();
        assert_eq!(route.destination.local.to_string(), "127.0.0.1:5070");
        assert_eq!(route.destination.remote.to_string(), "127.0.0.1:5060");
        assert_eq!(route.when_long.map(|way| way.transport), Some(Transport::Tcp));
    }

    #[test]
    fn a_uri_without_transport_goes_over_tcp_where_there_is_no_udp_listener() {
        let listeners = [listener(Transport::Tcp, "127.0.0.1:5071")];
        let plain = route(&"sip:bob@127.0.0.1:6000".parse().unwrap(), &listeners).unwrap();
        assert_eq!(plain.destination.transport, Transport::Tcp);
        assert_eq!(plain.destination.local.to_string(), "127.0.0.1:5071");
        let asked = route(&"sip:bob@127.0.0.1;transport=udp".parse().unwrap(), &listeners);
        assert!(asked.is_err(), "{asked:?}");
    }

    #[test]
    fn names_tls_and_unknown_transports_are_refused_with_a_reason() {
        let listeners = [listener(Transport::Udp, "127.0.0.1:5070")];
        for uri in ["sip:bob@example.com", "sips:bob@127.0.0.1", "sip:bob@127.0.0.1;transport=sctp"]
        {
            assert!(route(&uri.parse().unwrap(), &listeners).is_err(), "{uri}");
        }
    }
}
