//! `offhook demo`: two user agents, two processes, one call.

mod peer;
mod tone;

use std::path::Path;

use lexopt::prelude::{Long, Short};
use serde_json::{Value, json};

use crate::ladder::{self, Detail};
use crate::{Outcome, Usage, json as objects, note, print};
use peer::Peer;
use tone::Heard;

const HELP: &str = "\
offhook demo [--ladder] [--json]

Two user agents in two processes call each other on this machine: each plays a
tone to the other and records the call, they chat, one holds the other and takes
it back, sends a DTMF digit and hangs up. Prints the call as a ladder with the
states of both sides, and a summary of what was checked; exits 1 when a check
fails. --ladder shows every SIP message and notification. WAV files and logs are
left in target/demo/. Needs no network, sound card or account.

Example: offhook demo --ladder
";

const FOLDER: &str = "target/demo";
/// What each side plays, in Hz; no harmonic of the other, nor a DTMF frequency.
const ALICE_HZ: u32 = 440;
const BOB_HZ: u32 = 700;
const TONE_SECONDS: u32 = 4;
/// What they write to each other.
const ALICE_SAYS: &str = "Can you hear me?";
const BOB_SAYS: &str = "Loud and clear.";
const DIGIT: &str = "5";
/// The longest hole that is allowed in a tone, in ms.
const GAP_MAX: u32 = 100;
/// How far a tone may be off, in Hz.
const HZ_OFF_MAX: u32 = 5;

/// One thing that was looked at.
struct Check {
    what: String,
    found: String,
    holds: bool,
}

pub(crate) fn run(args: &mut lexopt::Parser) -> Result<Outcome, Usage> {
    let (mut whole, mut json) = (false, false);
    while let Some(arg) = args.next()? {
        match arg {
            Long("ladder") => whole = true,
            Long("json") => json = true,
            Long("help") | Short('h') => {
                print(HELP.trim_end());
                return Ok(Outcome::Done);
            }
            other => return Err(other.unexpected().into()),
        }
    }
    let folder = std::path::absolute(FOLDER)
        .and_then(|folder| std::fs::create_dir_all(&folder).map(|()| folder))
        .map_err(|error| {
            let hint = "the demonstration writes there: run it in a folder of your own";
            Usage(format!("{FOLDER}: {error}; {hint}"))
        })?;
    let (mut alice, mut bob) = (start("alice", &folder)?, start("bob", &folder)?);
    let called = call(&mut alice, &mut bob, &folder);
    let told = [alice.finish(), bob.finish()];
    let checks = match &called {
        Ok(digit) => checks(&folder, digit, &told),
        Err(_) => Vec::new(),
    };
    let holds = called.is_ok() && checks.iter().all(|check| check.holds);
    if json {
        print(&object(&checks, holds).to_string());
    } else {
        let detail = if whole { Detail::Whole } else { Detail::Short };
        print(&ladder::of_both(["alice", "bob"], &told, detail));
        show(&checks, &folder);
    }
    if let Err(error) = called {
        note(&format!("{error}; see {}", folder.display()));
    }
    Ok(if holds { Outcome::Done } else { Outcome::Refused })
}

fn start(name: &'static str, folder: &Path) -> Result<Peer, Usage> {
    Peer::start(name, folder).map_err(|error| Usage(format!("cannot start {name}: {error}")))
}

/// The call, step by step. Gives the digit that arrived.
fn call(alice: &mut Peer, bob: &mut Peer, folder: &Path) -> Result<String, String> {
    let file = |name: &str| folder.join(name);
    tone::write(&file("alice.wav"), ALICE_HZ, TONE_SECONDS)?;
    tone::write(&file("bob.wav"), BOB_HZ, TONE_SECONDS)?;
    let play = |name: &str| peer::with_file("play", &file(name));
    let record = |name: &str| peer::with_file("record", &file(name));
    alice.wait("offhook.ready")?;
    let ready = bob.wait("offhook.ready")?;
    let uri = text(&ready, "uri").ok_or("bob has no URI")?;

    alice.say(&format!("connect {uri} audio chat"))?;
    bob.wait("SIPSessionNewIncoming")?;
    bob.say("accept audio chat")?;
    for side in [&mut *alice, &mut *bob] {
        // The chat's connection may be there before the ACK.
        side.wait_all(&["SIPSessionDidStart", "MSRPChatDidStart"])?;
    }
    for (side, text) in [(&mut *alice, ALICE_SAYS), (&mut *bob, BOB_SAYS)] {
        side.say(&format!("message {text}"))?;
        side.wait("SIPSessionDidDeliverMessage")?;
    }
    alice.say(&record("alice-recording.wav"))?;
    bob.say(&record("bob-recording.wav"))?;
    for side in [&mut *alice, &mut *bob] {
        side.wait("SIPSessionDidStartRecordingAudio")?;
    }
    alice.say(&play("alice.wav"))?;
    bob.say(&play("bob.wav"))?;
    for side in [&mut *alice, &mut *bob] {
        side.wait("WaveFileDidFinishPlaying")?;
    }
    for (order, told) in
        [("hold", "SIPSessionGotHoldRequest"), ("unhold", "SIPSessionGotUnholdRequest")]
    {
        alice.say(order)?;
        for side in [&mut *alice, &mut *bob] {
            side.wait(told)?;
        }
    }
    // A digit takes the place of audio while it is sent, so it comes after the tones.
    alice.say(&format!("dtmf {DIGIT}"))?;
    let digit = bob.wait("SIPSessionGotDTMF")?;
    for side in [&mut *alice, &mut *bob] {
        side.say("stop_recording")?;
        side.wait("SIPSessionDidStopRecordingAudio")?;
        side.say("statistics")?;
        side.wait("offhook.statistics")?;
    }
    alice.say("end")?;
    for side in [&mut *alice, &mut *bob] {
        side.wait("SIPSessionDidEnd")?;
    }
    Ok(text(&digit, "digit").unwrap_or_default().to_owned())
}

fn checks(folder: &Path, digit: &str, told: &[Vec<Value>; 2]) -> Vec<Check> {
    let [alice, bob] = told;
    let heard = |who: &str, hz: u32| {
        let file = folder.join(format!("{who}-recording.wav"));
        sound(&format!("{who} hears {hz} Hz"), hz, &tone::measure(&file, hz))
    };
    let mut checks = vec![
        heard("alice", BOB_HZ),
        heard("bob", ALICE_HZ),
        Check {
            what: format!("bob gets the digit {DIGIT}"),
            found: digit.to_owned(),
            holds: digit == DIGIT,
        },
    ];
    for (who, told, text) in [("alice", alice, BOB_SAYS), ("bob", bob, ALICE_SAYS)] {
        let messages = told.iter().filter(|object| object["name"] == "SIPSessionGotMessage");
        let got: Vec<&str> = messages.map(|o| self::text(o, "content").unwrap_or("?")).collect();
        checks.push(Check {
            what: format!("{who} reads what was written"),
            found: got.join(", "),
            holds: got == [text],
        });
    }
    let held = |name: &str| {
        let by_alice = |object: &&Value| {
            object["name"] == name && text(object, "originator") == Some("remote")
        };
        bob.iter().filter(by_alice).count()
    };
    let (holds, unholds) = (held("SIPSessionGotHoldRequest"), held("SIPSessionGotUnholdRequest"));
    checks.push(Check {
        what: "bob is held and taken back".into(),
        found: format!("{holds} hold, {unholds} unhold"),
        holds: (holds, unholds) == (1, 1),
    });
    for (who, told) in [("alice", alice), ("bob", bob)] {
        let of = |name: &str| told.iter().find(|object| object["name"] == name);
        let data = of("offhook.statistics").map(|object| &object["data"]);
        let number = |key: &str| data.and_then(|data| data[key].as_u64());
        let (received, lost) = (number("packets_received"), number("packets_lost"));
        checks.push(Check {
            what: format!("{who} loses no packet"),
            found: format!("{} received, {} lost", received.unwrap_or(0), lost.unwrap_or(0)),
            holds: received.is_some_and(|count| count > 0) && lost == Some(0),
        });
        let failed =
            of("SIPSessionDidFail").map(|object| text(object, "reason").unwrap_or("?").to_owned());
        checks.push(Check {
            what: format!("{who}'s call ends without a failure"),
            holds: failed.is_none() && of("SIPSessionDidEnd").is_some(),
            found: failed.unwrap_or_else(|| "ended".into()),
        });
    }
    checks
}

/// A text of an object's data.
fn text<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.get("data")?.get(key)?.as_str()
}

fn sound(what: &str, hz: u32, heard: &Result<Heard, String>) -> Check {
    let what = what.to_owned();
    match heard {
        Err(error) => Check { what, found: error.clone(), holds: false },
        Ok(Heard { frequency, longest_gap, millis }) => Check {
            what,
            found: format!("{frequency} Hz for {millis} ms, longest gap {longest_gap} ms"),
            holds: frequency.abs_diff(hz) <= HZ_OFF_MAX
                && *longest_gap <= GAP_MAX
                && *millis >= TONE_SECONDS * 900,
        },
    }
}

fn show(checks: &[Check], folder: &Path) {
    for Check { what, found, holds } in checks {
        print(&format!("{} {what:<36} {found}", if *holds { "ok  " } else { "FAIL" }));
    }
    print(&format!("WAV files and logs are in {}.", folder.display()));
}

fn object(checks: &[Check], holds: bool) -> Value {
    let list = checks
        .iter()
        .map(|Check { what, found, holds }| json!({"check": what, "found": found, "ok": holds}));
    objects::object("offhook.demo", None, &json!({"ok": holds, "checks": list.collect::<Value>()}))
}
