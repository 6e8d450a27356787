//! `offhook devices`: the sound devices of this machine.

use lexopt::prelude::{Long, Short};
use serde_json::{Value, json};

use crate::sound::{self, Device};
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

fn object(device: &Device) -> Value {
    let is_default = |side: Option<bool>| side == Some(true);
    json!({"name": "offhook.device", "data": {
        "device": device.name,
        "input": device.input.is_some(),
        "output": device.output.is_some(),
        "default_input": is_default(device.input),
        "default_output": is_default(device.output),
    }})
}

fn line(device: &Device) -> String {
    let side = |side: Option<bool>, name: &'static str| match side {
        None => String::new(),
        Some(is_default) => format!(" {name}{}", if is_default { "*" } else { "" }),
    };
    let sides = [side(device.input, "microphone"), side(device.output, "speaker")].concat();
    format!("  {:<25}{sides}", crate::trace::printable(device.name.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_marks_a_default_device() {
        let device = Device { name: "USB\x1b".into(), input: Some(true), output: Some(false) };
        assert_eq!(line(&device), "  USB\\u{1b}                 microphone* speaker");
        let value = object(&device);
        assert_eq!(value["data"]["default_input"], true);
        assert_eq!(value["data"]["default_output"], false);
        assert_eq!(value["data"]["output"], true);
    }
}
