//! `offhook call user@domain` with a name server of the test's own.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper of a test may fail the test")]
#![allow(dead_code, reason = "the name server is for others as well")]

#[path = "../../tests/common/name_server.rs"]
mod name_server;
mod support;
#[path = "../../tests/common/zone.rs"]
mod zone;

use std::path::Path;

use name_server::{Manner, NameServer};
use support::{Agent, Process, folder};
use zone::Zone;

/// A folder whose settings name that server.
fn asking(server: &NameServer, name: &str) -> std::path::PathBuf {
    let folder = folder(name);
    let nameservers = format!("dns.nameservers={}", server.address);
    set(&folder, &nameservers);
    folder
}

fn set(folder: &Path, pair: &str) {
    let arguments = ["settings", "--config", folder.to_str().unwrap(), "set", pair];
    let (status, out, errors) = Process::start(&arguments).end();
    assert_eq!(status.code(), Some(0), "{out:#?} {errors}");
}

fn call(to: &str, folder: &Path, more: &[&str]) -> Process {
    let common = ["call", to, "--udp", "127.0.0.1:0", "--audio-device", "null", "--config"];
    Process::start(&[&common, &[folder.to_str().unwrap()][..], more].concat())
}

#[test]
fn a_call_to_user_at_domain_reaches_the_server_that_dns_names() {
    let mut bob = Agent::start();
    let port: u16 = bob.uri.split([':', ';']).nth(2).unwrap().parse().unwrap();
    let zone = Zone::default()
        .srv("_sip._udp.company.test", (1, 1, port), "pbx.company.test")
        .address("pbx.company.test", "127.0.0.1");
    let server = NameServer::start(zone, Manner::Honest);
    let folder = asking(&server, "names-reach");
    let caller = call("bob@company.test", &folder, &["--duration", "0.2"]);
    bob.wait("SIPSessionNewIncoming");
    bob.order("accept audio");
    let (status, out, errors) = caller.end();
    assert_eq!(status.code(), Some(0), "{out:#?} {errors}");
    assert!(server.asked() >= 3);
}

#[test]
fn a_domain_that_does_not_exist_is_told_in_a_sentence() {
    let server = NameServer::start(Zone::default(), Manner::Honest);
    let folder = asking(&server, "names-nowhere");
    let (status, out, errors) = call("bob@nowhere.test", &folder, &[]).end();
    assert_eq!(status.code(), Some(1), "{out:#?} {errors}");
    let told = "The call failed on this side: DNS: nowhere.test: the name does not exist.";
    assert_eq!(out.last().unwrap(), told);
}

#[test]
fn a_name_server_that_is_no_address_is_refused_at_the_start() {
    let folder = folder("names-bad");
    set(&folder, "dns.nameservers=ns.example.com");
    let (status, out, errors) = call("bob@nowhere.test", &folder, &[]).end();
    assert_eq!(status.code(), Some(2), "{out:#?}");
    assert!(errors.contains("dns.nameservers: ns.example.com is no address"), "{errors}");
}
