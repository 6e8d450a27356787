//! `/etc/resolv.conf` and `/etc/hosts`, read again when they change.

use std::io::Read as _;
use std::net::SocketAddr;
use std::path::Path;
use std::time::SystemTime;

use crate::dns::{Hosts, NameServers};

const RESOLV_CONF: &str = "/etc/resolv.conf";
const HOSTS: &str = "/etc/hosts";
/// Bytes of one file that are read at most.
const FILE_MAX: u64 = 1 << 20;

/// When a file was changed last, and how long it then was; `None` when there is none.
type Stamp = Option<(SystemTime, u64)>;

/// What the system says about names, and whether it still says so.
pub(crate) struct NameFiles {
    /// Set by the user: then the system's servers are not asked.
    nameservers: Vec<SocketAddr>,
    seen: [Stamp; 2],
}

impl NameFiles {
    pub(crate) const fn new(nameservers: Vec<SocketAddr>) -> Self {
        Self { nameservers, seen: [None, None] }
    }

    /// What the files say now. One that cannot be read says nothing.
    pub(crate) fn read(&mut self) -> (NameServers, Hosts) {
        self.seen = stamps();
        let servers = match self.nameservers.is_empty() {
            true => NameServers::parse(&contents(RESOLV_CONF)),
            false => NameServers::new(self.nameservers.clone()),
        };
        (servers, Hosts::parse(&contents(HOSTS)))
    }

    /// The same, if a file has changed since.
    pub(crate) fn changed(&mut self) -> Option<(NameServers, Hosts)> {
        (stamps() != self.seen).then(|| self.read())
    }
}

fn stamps() -> [Stamp; 2] {
    [RESOLV_CONF, HOSTS].map(|file| {
        let about = Path::new(file).metadata().ok()?;
        Some((about.modified().ok()?, about.len()))
    })
}

fn contents(file: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let read =
        std::fs::File::open(file).and_then(|file| file.take(FILE_MAX).read_to_end(&mut bytes));
    if let Err(error) = read {
        log::debug!("{file}: {error}");
    }
    bytes
}
