//! Random calls of random users over a bad network, judged by every checker.

use offhook_tests::sim::{Run, plan::Plan, run};

fn judged(seed: u64, loss: Option<u64>) -> Run {
    let run = run(&Plan::new(seed, loss));
    let texts: Vec<String> = run.violations.iter().map(ToString::to_string).collect();
    assert!(texts.is_empty(), "seed {seed}, loss {loss:?}:\n{}", texts.join("\n"));
    run
}

#[test]
fn whatever_users_do_at_any_loss_no_checker_finds_anything() {
    let (mut calls, mut stood) = (0, 0);
    for loss in [Some(0), Some(10), Some(30), None] {
        for seed in 0..10 {
            let run = judged(seed, loss);
            calls += run.calls;
            stood += run.stood;
        }
    }
    assert!(stood * 3 > calls && calls > 1900, "{stood} of {calls} calls stood");
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let hash = |seed| judged(seed, None).trace.hash();
    assert_eq!(hash(1), hash(1));
    assert_ne!(hash(1), hash(2));
}
