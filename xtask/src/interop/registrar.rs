//! Kamailio as a company's server: accounts register there, and call each other through it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Field, OURS, THEIRS};
use crate::process::Process;

const PATIENCE: Duration = Duration::from_secs(20);
const CONFIG: &str = include_str!("scenarios/registrar.cfg");
const PASSWORD: &str = "sesame";
/// How long the server keeps an address, in seconds: a refresh comes in time for a test.
const LIFETIME: &str = "10";

pub(super) fn check(field: &mut Field) {
    for algorithm in ["MD5", "SHA-256"] {
        for transport in ["udp", "tcp"] {
            let shown = if transport == "udp" { "UDP" } else { "TCP" };
            let mut run = |feature: &str, of: fn(&Server) -> Result<String, String>| {
                let (offhook, folder) = (field.offhook.clone(), field.folder.clone());
                let server = Server { offhook, folder, algorithm, transport };
                let result = of(&server);
                field.note("kamailio", shown, &format!("{feature}, {algorithm}"), result);
            };
            run("registers, refreshes, takes it back", Server::keeps);
            run("refuses a wrong password", Server::refuses);
            run("calls, hold and BYE through it", Server::passes_a_call);
            run("a chat through it", Server::passes_a_chat);
            run("restarted: registered again, and in a call", Server::restarts);
        }
    }
}

/// The server that a check runs against.
struct Server {
    /// The command under test.
    offhook: PathBuf,
    folder: PathBuf,
    algorithm: &'static str,
    transport: &'static str,
}

impl Server {
    /// Starts it with all of its processes in a PID namespace, so that they end together.
    fn start(&self) -> Result<Process, String> {
        let file = self.folder.join("registrar.cfg");
        let config = CONFIG
            .replace("ADDRESS", THEIRS)
            .replace("ALGORITHM", if self.algorithm == "MD5" { "" } else { self.algorithm })
            .replace("LIFETIME", LIFETIME);
        fs::write(&file, config).map_err(|error| format!("{}: {error}", file.display()))?;
        let folder = self.folder.to_string_lossy();
        let together = ["--pid", "--fork", "--kill-child", "kamailio", "-DD", "-E"];
        let own = ["-m", "32", "-M", "8", "-Y", &folder, "-f", &file.to_string_lossy()];
        let mut server = Process::start(Path::new("unshare"), &[&together[..], &own].concat())?;
        server.wait(&["processes (at least)"], PATIENCE)?;
        Ok(server)
    }

    fn agent(&self, name: &str, port: u16, password: &str) -> Result<Process, String> {
        let file = self.folder.join(format!("{name}.password"));
        fs::write(&file, password).map_err(|error| format!("{}: {error}", file.display()))?;
        let (account, file) = (format!("{name}@example.com"), file.to_string_lossy());
        let address = format!("{OURS}:{port}");
        let route = format!("sip:{THEIRS}:5060;transport={};lr", self.transport);
        let arguments = [
            "agent",
            "--account",
            &account,
            "--password-file",
            &file,
            "--route",
            &route,
            "--audio-device",
            "null",
            // So that tshark can read what is said.
            "--srtp",
            "disabled",
            "--udp",
            &address,
            "--tcp",
            &address,
        ];
        let mut agent = Process::start(&self.offhook, &arguments)?;
        agent.wait(&["offhook.ready"], PATIENCE)?;
        Ok(agent)
    }

    /// An agent that is registered.
    fn registered(&self, name: &str, port: u16) -> Result<Process, String> {
        let mut agent = self.agent(name, port, PASSWORD)?;
        agent.say("register")?;
        agent.wait(&["SIPAccountRegistrationDidSucceed"], PATIENCE)?;
        Ok(agent)
    }

    fn keeps(&self) -> Result<String, String> {
        let mut server = self.start()?;
        let mut alice = self.registered("alice", 5070)?;
        // The next one comes by itself, before the ten seconds are over.
        alice.wait(&["SIPAccountRegistrationDidSucceed"], PATIENCE)?;
        alice.say("unregister")?;
        alice.wait(&["SIPAccountRegistrationDidEnd", "\"code\":200"], PATIENCE)?;
        leave(&mut [alice])?;
        for _request in 0..3 {
            server.wait(&["registered alice"], PATIENCE)?;
        }
        Ok("three REGISTER requests proven".into())
    }

    fn refuses(&self) -> Result<String, String> {
        let _server = self.start()?;
        let mut mallory = self.agent("mallory", 5070, "guessed")?;
        mallory.say("register")?;
        mallory.wait(&["SIPAccountRegistrationDidFail", "\"code\":401"], PATIENCE)?;
        leave(&mut [mallory])?;
        Ok("401, told once and not tried again".into())
    }

    fn passes_a_call(&self) -> Result<String, String> {
        let mut server = self.start()?;
        let mut parties = self.call("audio")?;
        let [alice, bob] = &mut parties;
        alice.say("hold")?;
        bob.wait(&["SIPSessionGotHoldRequest"], PATIENCE)?;
        alice.say("unhold")?;
        bob.wait(&["SIPSessionGotUnholdRequest"], PATIENCE)?;
        // Who was called proves himself as well.
        bob.say("end")?;
        for party in &mut parties {
            party.wait(&["SIPSessionDidEnd"], PATIENCE)?;
        }
        leave(&mut parties)?;
        for proven in ["INVITE of alice", "INVITE of alice in a call", "BYE of bob in a call"] {
            server.wait(&["proven ", proven], PATIENCE)?;
        }
        Ok("INVITE, two re-INVITEs and the BYE of the other side proven".into())
    }

    fn passes_a_chat(&self) -> Result<String, String> {
        let _server = self.start()?;
        let mut parties = self.call("chat")?;
        for party in &mut parties {
            party.say("message hello")?;
        }
        for party in &mut parties {
            party.wait(&["SIPSessionDidDeliverMessage"], PATIENCE)?;
        }
        let [alice, _] = &mut parties;
        alice.say("end")?;
        for party in &mut parties {
            party.wait(&["SIPSessionDidEnd"], PATIENCE)?;
        }
        leave(&mut parties)?;
        Ok("a message each way".into())
    }

    /// It forgets its nonces, its addresses and its connections while a call stands.
    fn restarts(&self) -> Result<String, String> {
        let server = self.start()?;
        let mut parties = self.call("audio")?;
        drop(server);
        let mut server = self.start()?;
        let [alice, bob] = &mut parties;
        for party in [&mut *alice, &mut *bob] {
            party.wait(&["SIPAccountRegistrationDidSucceed"], PATIENCE)?;
        }
        alice.say("hold")?;
        bob.wait(&["SIPSessionGotHoldRequest"], PATIENCE)?;
        alice.say("end")?;
        for party in &mut parties {
            party.wait(&["SIPSessionDidEnd"], PATIENCE)?;
        }
        leave(&mut parties)?;
        server.wait(&["proven BYE of alice in a call"], PATIENCE)?;
        Ok("both registered again, hold and BYE proven".into())
    }

    /// Alice calls bob through the server.
    fn call(&self, streams: &str) -> Result<[Process; 2], String> {
        let mut alice = self.registered("alice", 5070)?;
        let mut bob = self.registered("bob", 5080)?;
        alice.say(&format!("connect sip:bob@example.com {streams}"))?;
        bob.wait(&["SIPSessionNewIncoming"], PATIENCE)?;
        bob.say(&format!("accept {streams}"))?;
        // A chat's connection may stand before or after that.
        let started = if streams == "chat" { "MSRPChatDidStart" } else { "SIPSessionDidStart" };
        for party in [&mut alice, &mut bob] {
            party.wait(&[started], PATIENCE)?;
        }
        Ok([alice, bob])
    }
}

fn leave(parties: &mut [Process]) -> Result<(), String> {
    for party in parties {
        party.say("quit")?;
        party.finish(PATIENCE)?;
    }
    Ok(())
}
