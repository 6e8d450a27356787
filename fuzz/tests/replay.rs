//! Every committed seed and every past finding, through its target's body.

use std::path::Path;

#[test]
fn corpora_and_findings_break_nothing() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut replayed = 0;
    for (name, body) in offhook_fuzz::TARGETS {
        for folder in ["corpus", "findings"] {
            let Ok(entries) = std::fs::read_dir(root.join(folder).join(name)) else { continue };
            for entry in entries {
                body(&std::fs::read(entry.unwrap().path()).unwrap());
                replayed += 1;
            }
        }
    }
    assert!(replayed >= offhook_fuzz::TARGETS.len(), "every target has a seed");
}

#[test]
fn every_target_has_a_binary() {
    let bins = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/bin");
    let own = offhook_fuzz::TARGETS.iter().map(|(name, _)| *name);
    let names: std::collections::BTreeSet<_> = own.chain(offhook_fuzz::ORACLES).collect();
    for name in &names {
        assert!(bins.join(format!("{name}.rs")).exists(), "{name}");
    }
    assert_eq!(std::fs::read_dir(bins).unwrap().count(), names.len());
}
