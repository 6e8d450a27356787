//! A TCP connection that never blocks, with what the poll last said of it.

use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;

use mio::event::Event;
use mio::net::TcpStream;
use mio::{Interest, Token};

use super::Context;

/// What is read of a connection in one go.
pub(super) enum Got {
    /// So many octets.
    Bytes(usize),
    /// Nothing for now.
    Nothing,
    /// The peer says no more.
    End,
}

/// A connection.
pub(super) struct Connection {
    stream: TcpStream,
    token: Token,
    readable: bool,
    /// It does not stand yet.
    connecting: bool,
}

impl Connection {
    /// Begins to connect.
    pub(super) fn to(remote: SocketAddr, context: &mut Context<'_>) -> io::Result<Self> {
        Self::register(TcpStream::connect(remote)?, true, context)
    }

    /// One that was accepted.
    pub(super) fn accepted(stream: TcpStream, context: &mut Context<'_>) -> io::Result<Self> {
        // Small messages are not to wait for the answers to others.
        let _best_effort = stream.set_nodelay(true);
        Self::register(stream, false, context)
    }

    fn register(
        mut stream: TcpStream,
        connecting: bool,
        context: &mut Context<'_>,
    ) -> io::Result<Self> {
        let token = context.token();
        let interests = Interest::READABLE | Interest::WRITABLE;
        context.poll.registry().register(&mut stream, token, interests)?;
        Ok(Self { stream, token, readable: false, connecting })
    }

    /// Notes what the poll says. `true` when it is about this connection.
    pub(super) fn ready(&mut self, event: &Event) -> bool {
        if event.token() != self.token {
            return false;
        }
        self.readable |= event.is_readable() || event.is_read_closed() || event.is_error();
        true
    }

    /// Whether there may be something to read.
    pub(super) const fn is_readable(&self) -> bool {
        self.readable && !self.connecting
    }

    pub(super) const fn is_connecting(&self) -> bool {
        self.connecting
    }

    /// Whether it stands by now.
    pub(super) fn connected(&mut self) -> io::Result<bool> {
        if let Some(error) = self.stream.take_error()? {
            return Err(error);
        }
        match self.stream.peer_addr() {
            Ok(_) => {
                self.connecting = false;
                let _best_effort = self.stream.set_nodelay(true);
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Reads once. After `Nothing` there is nothing to read until the poll says so.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<Got> {
        loop {
            match self.stream.read(buffer) {
                Ok(0) => return Ok(Got::End),
                Ok(count) => return Ok(Got::Bytes(count)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.readable = false;
                    return Ok(Got::Nothing);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Writes what there is room for; the number of octets.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut written = 0;
        while let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty()) {
            match self.stream.write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(written)
    }

    /// Says that nothing more comes.
    pub(super) fn shut_down(&self) {
        // The peer may have gone before.
        let _gone = self.stream.shutdown(std::net::Shutdown::Write);
    }
}
