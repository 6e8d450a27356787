//! `offhook devices`: the sound devices of this machine.

use lexopt::prelude::{Long, Short};
use offhook::media::shell::DeviceInfo;
use serde_json::{Value, json};

use crate::sound;
use crate::trace::printable;
use crate::{Outcome, Usage, print};

const HELP: &str = "\
offhook devices [--json]

Lists the sound devices; a star marks the system's default ones. Two more are
always there: null (sends silence, drops what comes) and wav:IN.wav,OUT.wav
(files in place of microphone and speaker).

Example: offhook call sip:bob@192.0.2.1 --audio-device 'USB Audio'
";

pub(crate) fn run(args: &mut lexopt::Parser) -> Result<Outcome, Usage> {
    let mut json = false;
    while let Some(arg) = args.next()? {
        match arg {
            Long("json") => json = true,
            Long("help") | Short('h') => {
                print(HELP.trim_end());
                return Ok(Outcome::Done);
            }
            other => return Err(other.unexpected().into()),
        }
    }
    let devices = sound::devices();
    for device in &devices {
        print(&if json { object(device).to_string() } else { line(device) });
    }
    if !json {
        if !sound::BUILT {
            print("(built without sound devices)");
        } else if devices.is_empty() {
            print("(no sound device was found)");
        }
        print("  null                      sends silence, drops what comes");
        print("  wav:IN.wav,OUT.wav        files in place of microphone and speaker");
    }
    Ok(Outcome::Done)
}

fn object(device: &DeviceInfo) -> Value {
    json!({"name": "offhook.device", "data": {
        "device": device.name,
        "input": device.is_input,
        "output": device.is_output,
        "default": device.is_default,
    }})
}

fn line(device: &DeviceInfo) -> String {
    let mark = if device.is_default { '*' } else { ' ' };
    let sides = match (device.is_input, device.is_output) {
        (true, true) => "microphone, speaker",
        (true, false) => "microphone",
        (false, true) => "speaker",
        (false, false) => "",
    };
    format!("{mark} {:<25} {sides}", printable(device.name.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_marks_a_default_device() {
        let mut device = DeviceInfo {
            name: "USB\x1b".into(),
            is_input: true,
            is_output: true,
            is_default: true,
        };
        assert_eq!(line(&device), "* USB\\u{1b}                 microphone, speaker");
        assert_eq!(object(&device)["data"]["default"], true);
        device.is_default = false;
        device.is_input = false;
        assert_eq!(line(&device), "  USB\\u{1b}                 speaker");
        assert_eq!(object(&device)["data"]["output"], true);
    }
}
