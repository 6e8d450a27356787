//! RTP and RTCP sockets out of the configured range (RFC 3550 §11).

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::ops::RangeInclusive;

use offhook_fsm::Entropy;

/// A stream's sockets: RTP at an even port, RTCP at the next.
#[derive(Debug)]
pub(super) struct Sockets {
    pub(super) rtp: UdpSocket,
    pub(super) rtcp: UdpSocket,
    pub(super) local: SocketAddr,
}

/// Binds a pair, from a random place in the range on.
pub(super) fn bind(
    address: IpAddr,
    range: &RangeInclusive<u16>,
    entropy: &mut Entropy,
) -> Result<Sockets, String> {
    let first = u32::from(*range.start()).next_multiple_of(2);
    // The pair's second port must lie in the range, too.
    let last = u32::from(*range.end()).saturating_sub(1);
    if first > last {
        return Err(format!("the RTP ports {}-{} hold no pair", range.start(), range.end()));
    }
    let pairs = (last - first) / 2 + 1;
    let start = u32::try_from(entropy.below(u64::from(pairs))).unwrap_or_default();
    for pair in 0..pairs {
        let port = first + (start + pair) % pairs * 2;
        let Ok(port) = u16::try_from(port) else { continue };
        match pair_at(address, port) {
            Ok(sockets) => return Ok(sockets),
            Err(error) if error.kind() == ErrorKind::AddrInUse => {}
            Err(error) => return Err(format!("RTP port {port} at {address}: {error}")),
        }
    }
    Err(format!("all RTP ports from {} to {} are taken", range.start(), range.end()))
}

fn pair_at(address: IpAddr, port: u16) -> std::io::Result<Sockets> {
    let rtp = UdpSocket::bind((address, port))?;
    let rtcp = UdpSocket::bind((address, port.saturating_add(1)))?;
    rtp.set_nonblocking(true)?;
    rtcp.set_nonblocking(true)?;
    let local = rtp.local_addr()?;
    Ok(Sockets { rtp, rtcp, local })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    const HOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[test]
    fn the_rtp_port_is_even_and_in_the_range() {
        let mut entropy = Entropy::from_u64(3);
        for _ in 0..20 {
            let sockets = bind(HOST, &(41_001..=41_100), &mut entropy).unwrap();
            let port = sockets.local.port();
            assert!(port.is_multiple_of(2) && (41_002..=41_098).contains(&port), "{port}");
            assert_eq!(sockets.rtcp.local_addr().unwrap().port(), port + 1);
        }
    }

    #[test]
    fn a_range_that_is_used_up_says_so_and_one_without_a_pair_too() {
        let mut entropy = Entropy::from_u64(4);
        let range = 41_200..=41_203;
        let first = bind(HOST, &range, &mut entropy).unwrap();
        let second = bind(HOST, &range, &mut entropy).unwrap();
        assert_ne!(first.local, second.local);
        let error = bind(HOST, &range, &mut entropy).unwrap_err();
        assert_eq!(error, "all RTP ports from 41200 to 41203 are taken");
        assert!(bind(HOST, &(41_301..=41_302), &mut entropy).unwrap_err().contains("no pair"));
        assert!(bind(HOST, &(41_302..=41_302), &mut entropy).unwrap_err().contains("no pair"));
    }

    #[test]
    fn an_address_that_is_not_ours_is_told() {
        let elsewhere = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 77));
        let error = bind(elsewhere, &(41_400..=41_500), &mut Entropy::from_u64(5)).unwrap_err();
        assert!(error.contains("192.0.2.77"), "{error}");
    }
}
