//! `cargo xtask fsm`: writes every machine's diagrams beside its table.

use std::path::Path;

use offhook_fsm::MACHINES;

pub(crate) fn run(root: &Path) -> Result<(), String> {
    let folder = root.join("fsm/diagrams");
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for machine in MACHINES {
        let pictures = [
            ("mmd", machine.mermaid().to_string()),
            ("dot", machine.dot().to_string()),
            ("json", machine.json().to_string()),
        ];
        for (kind, text) in pictures {
            let file = folder.join(format!("{}.{kind}", machine.name));
            std::fs::write(&file, text).map_err(|error| format!("{}: {error}", file.display()))?;
        }
    }
    Ok(())
}
