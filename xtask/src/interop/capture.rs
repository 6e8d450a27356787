//! What tshark says of every packet that passed.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::process::Process;

/// Expert information of severity Error.
pub(super) const FAULTS: &str = "_ws.malformed || _ws.expert.severity == 8388608";

pub(super) struct Capture {
    tshark: Process,
    file: PathBuf,
}

impl Capture {
    pub(super) fn start(file: &Path) -> Result<Self, String> {
        let name = file.to_string_lossy();
        let arguments = ["-q", "-i", "lo", "-B", "64", "-w", &name];
        let mut tshark = Process::start(Path::new("tshark"), &arguments)?;
        tshark.wait(&["Capturing on"], Duration::from_secs(20))?;
        Ok(Self { tshark, file: file.to_path_buf() })
    }

    /// Ends the capture and reads it again with all dissectors.
    pub(super) fn judge(mut self) -> Result<String, String> {
        self.tshark.interrupt()?;
        // tshark's own exit status says nothing of the packets.
        let _ended = self.tshark.finish(Duration::from_secs(30))?;
        let all = self.read("frame")?;
        let faults = self.read(FAULTS)?;
        let sip = self.read("sip")?.len();
        let rtp = self.read("rtp")?.len();
        let rtcp = self.read("rtcp")?.len();
        let msrp = self.read("msrp")?.len();
        let counted =
            format!("{} packets: {sip} SIP, {rtp} RTP, {rtcp} RTCP, {msrp} MSRP", all.len());
        match faults.first() {
            None if sip > 0 => Ok(format!("{counted}, none malformed")),
            None => Err(format!("{counted}: nothing was captured")),
            Some(first) => Err(format!("{counted}, {} at fault, first: {first}", faults.len())),
        }
    }

    fn read(&self, filter: &str) -> Result<Vec<String>, String> {
        read(&self.file, filter)
    }
}

/// What tshark says of those packets of a capture.
pub(super) fn read(file: &Path, filter: &str) -> Result<Vec<String>, String> {
    let output = Command::new("tshark")
        .arg("-r")
        .arg(file)
        .args(["-o", "rtp.heuristic_rtp:TRUE", "-Y", filter])
        .output()
        .map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().map(ToOwned::to_owned).collect())
}
