//! Many random calls over a bad network: `simulate WORLDS CALLS LOSS`, loss in percent. Each world
//! has its number as its seed. Exits 1 when a call did not end once or left something behind.
#![expect(clippy::print_stdout, reason = "an example tells what it found")]

use std::process::ExitCode;

use offhook_tests::world::World;

fn main() -> ExitCode {
    let mut numbers = std::env::args().skip(1).filter_map(|arg| arg.parse::<u64>().ok());
    let mut next = |otherwise| numbers.next().unwrap_or(otherwise);
    let (worlds, calls, loss) = (next(10), next(100), next(10));
    let (mut ended, mut stood, mut datagrams, mut faults) = (0_u64, 0_u64, 0, 0_u64);
    for seed in 0..worlds {
        let mut world = World::new(seed, loss);
        (0..calls).for_each(|_| world.call());
        world.run();
        let once = |told: &&Vec<&str>| {
            let ends = told.iter().filter(|name| **name == "SIPSessionDidEnd").count();
            ends == 1 && told.last() == Some(&"SIPSessionDidEnd")
        };
        let sessions = world.told.len();
        let fine = world.told.values().filter(once).count();
        let started = |told: &&Vec<&str>| told.contains(&"SIPSessionDidStart");
        stood += world.told.values().filter(started).count() as u64;
        ended += fine as u64;
        datagrams += world.datagrams;
        if fine != sessions || world.alive() > 0 {
            println!(
                "seed {seed}: {} sessions did not end once, {} are left",
                sessions - fine,
                world.alive()
            );
            faults += 1;
        }
    }
    println!(
        "{} calls, {loss} % loss: {ended} sessions ended once, {stood} of them stood, {datagrams} datagrams, {faults} faults",
        worlds * calls
    );
    if faults == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
