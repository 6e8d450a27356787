//! Sockets as the endpoint wants them: non-blocking, with room for bursts.

use std::io;
use std::net::SocketAddr;

use socket2::{Domain, Protocol, Socket, Type};

/// Room for datagrams that arrive while the thread is busy, in bytes; the system may give less.
const UDP_BUFFER: usize = 4 << 20;
/// Connections that wait to be accepted.
const BACKLOG: i32 = 1024;

/// A bound UDP socket.
pub(crate) fn udp(address: SocketAddr) -> io::Result<mio::net::UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv6() {
        // A listener is of one family, so that addresses are shown as peers know them.
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    // Less room is no reason not to serve.
    let _granted = socket.set_recv_buffer_size(UDP_BUFFER);
    let _granted = socket.set_send_buffer_size(UDP_BUFFER);
    socket.bind(&address.into())?;
    Ok(mio::net::UdpSocket::from_std(socket.into()))
}

/// A listening TCP socket.
pub(crate) fn tcp_listener(address: SocketAddr) -> io::Result<mio::net::TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    // Without it a restart has to wait for old connections to be forgotten.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(mio::net::TcpListener::from_std(socket.into()))
}
