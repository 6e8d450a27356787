//! `cargo xtask tidy`: rules about the sources themselves.

use std::path::{Path, PathBuf};

use crate::run::say;

const LINES_MAX: usize = 800;
const LINES_MEDIAN_MAX: usize = 250;
/// Written in pieces so that this file does not find itself.
const BANNED: [&str; 6] = [
    concat!("todo", "!("),
    concat!("unimplemented", "!("),
    concat!("FIX", "ME"),
    concat!("#[", "ignore"),
    concat!("thread::", "sleep"),
    concat!("/", "root/"),
];
/// Layers inside the engine: a module uses those of a lower number and itself.
const LAYERS: [(&str, u8); 10] = [
    ("sip", 0),
    ("sdp", 0),
    ("dns", 0),
    ("auth", 1),
    ("negotiate", 1),
    ("transaction", 2),
    ("dialog", 3),
    ("endpoint", 3),
    ("registration", 3),
    ("session", 4),
];

pub(crate) fn run(root: &Path) -> Result<(), String> {
    let mut files = Vec::new();
    for folder in ["engine", "fsm", "fuzz", "media", "msrp", "tests", "xtask"] {
        collect(&root.join(folder), &mut files)?;
    }
    files.sort();
    let mut findings = Vec::new();
    let mut lengths = Vec::new();
    for file in &files {
        let text = std::fs::read_to_string(file).map_err(|e| format!("{}: {e}", file.display()))?;
        let name = file.strip_prefix(root).unwrap_or(file).display().to_string();
        let lines = text.lines().count();
        lengths.push(lines);
        if lines > LINES_MAX {
            findings.push(format!("{name}: {lines} lines, at most {LINES_MAX}"));
        }
        for (number, line) in text.lines().enumerate() {
            let place = format!("{name}:{}", number + 1);
            findings.extend(banned(&place, line));
            findings.extend(layering(&place, &name, line));
        }
    }
    lengths.sort_unstable();
    let median = lengths.get(lengths.len() / 2).copied().unwrap_or_default();
    if median > LINES_MEDIAN_MAX {
        findings.push(format!("the median file has {median} lines, at most {LINES_MEDIAN_MAX}"));
    }
    if findings.is_empty() {
        say(&format!("tidy: {} files, median {median} lines", files.len()));
        Ok(())
    } else {
        Err(findings.join("\n"))
    }
}

fn banned(place: &str, line: &str) -> Option<String> {
    let word = BANNED.iter().find(|word| line.contains(**word))?;
    Some(format!("{place}: {word:?} is banned"))
}

fn layering(place: &str, name: &str, line: &str) -> Option<String> {
    let module = name.strip_prefix("engine/src/")?.split(['/', '.']).next()?;
    let used = line.split("crate::").nth(1)?.split([':', ';', ',', ' ', '{']).next()?;
    let layer = |name: &str| LAYERS.iter().find(|(known, _)| *known == name).map(|(_, rank)| *rank);
    if used == "shell" && module != "shell" && module != "lib" {
        return Some(format!("{place}: nothing pure uses shell"));
    }
    match (layer(module), layer(used)) {
        (Some(own), Some(other)) if module != used && other >= own => {
            Some(format!("{place}: {module} may not use {used}"))
        }
        _ => None,
    }
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), String> {
    let entries = std::fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    for entry in entries {
        let path = entry.map_err(|error| error.to_string())?.path();
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "target") {
                collect(&path, files)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}
