//! What the fuzz targets start from, for tests of conversions.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a helper of a test may fail the test"
)]

use offhook::fsm::Entropy;

/// Every committed seed of these targets, by its name.
pub(crate) fn all(targets: &[&str]) -> Vec<(String, Vec<u8>)> {
    let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    let mut seeds = Vec::new();
    for target in targets {
        for entry in std::fs::read_dir(corpus.join(target)).unwrap() {
            let path = entry.unwrap().path();
            seeds.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
    seeds.sort();
    assert!(!seeds.is_empty());
    seeds
}

/// Changes up to four bytes.
pub(crate) fn mutate(bytes: &mut Vec<u8>, entropy: &mut Entropy) {
    for _ in 0..=entropy.below(3) {
        let at = usize::try_from(entropy.below(bytes.len().max(1) as u64)).unwrap();
        let byte = u8::try_from(entropy.below(256)).unwrap();
        match entropy.below(3) {
            _ if bytes.is_empty() => bytes.push(byte),
            0 => bytes[at] = byte,
            1 => bytes.insert(at, byte),
            _ => drop(bytes.remove(at)),
        }
    }
}
