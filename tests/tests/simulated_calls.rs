//! Random calls over a bad network: every one ends, tells so once, and leaves nothing behind.

use offhook_tests::world::World;

fn run(seed: u64, loss_percent: u64, calls: usize) -> World {
    let mut world = World::new(seed, loss_percent);
    (0..calls).for_each(|_| world.call());
    world.run();
    world
}

fn check(world: &World, what: &str) {
    assert_eq!(world.alive(), 0, "{what}: something is left behind");
    for ((agent, id), told) in &world.told {
        let count = |name: &str| told.iter().filter(|other| **other == name).count();
        let place = format!("{what}, agent {agent}, {id}: {told:?}");
        assert_eq!(count("SIPSessionDidEnd"), 1, "{place}");
        assert_eq!(told.last(), Some(&"SIPSessionDidEnd"), "{place}");
        assert!(count("SIPSessionDidFail") <= 1, "{place}");
        assert!(count("SIPSessionDidStart") <= count("SIPSessionWillStart"), "{place}");
        assert_eq!(count("ESTABLISHED"), count("SIPSessionDidStart"), "{place}");
        assert_eq!(count("TERMINATED"), 1, "{place}");
    }
}

#[test]
fn every_call_ends_once_and_leaves_nothing_at_any_loss() {
    for loss in [0, 5, 15, 30] {
        for seed in 0..10 {
            let world = run(seed, loss, 50);
            check(&world, &format!("seed {seed}, loss {loss} %"));
        }
    }
}

#[test]
fn without_loss_both_sides_agree_that_a_call_stood() {
    for seed in 0..20 {
        let world = run(seed, 0, 50);
        let started = |wanted: usize| {
            let of_agent = world.told.iter().filter(|((agent, _), _)| *agent == wanted);
            of_agent.filter(|(_, told)| told.contains(&"SIPSessionDidStart")).count()
        };
        let (caller, callee) = (started(0), started(1));
        // A BYE may overtake the ACK on the way to the callee, which then never saw the call stand.
        assert!(callee <= caller, "seed {seed}: {caller} {callee}");
        assert!(caller > 0, "seed {seed}");
    }
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let (a, b) = (run(1, 20, 30), run(1, 20, 30));
    assert_eq!((&a.told, a.datagrams), (&b.told, b.datagrams));
    assert_ne!(a.told, run(2, 20, 30).told);
}
