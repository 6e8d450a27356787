//! `cargo xtask fsm`: every machine's diagrams, beside its table.

use std::path::Path;

use offhook_fsm::MACHINES;

pub(crate) fn run(root: &Path, check: bool) -> Result<(), String> {
    let folder = root.join("fsm/diagrams");
    for machine in MACHINES {
        let pictures = [
            ("mmd", machine.mermaid().to_string()),
            ("dot", machine.dot().to_string()),
            ("json", machine.json().to_string()),
        ];
        for (kind, text) in pictures {
            let file = folder.join(format!("{}.{kind}", machine.name));
            if !check {
                std::fs::write(&file, text).map_err(|e| format!("{}: {e}", file.display()))?;
            } else if std::fs::read_to_string(&file).unwrap_or_default() != text {
                return Err(format!("{} is stale: run cargo xtask fsm", file.display()));
            }
        }
    }
    Ok(())
}
