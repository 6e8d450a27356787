//! What `cargo xtask sim` runs: random calls over a bad network from seeds.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program tells what it found")]
#![expect(clippy::disallowed_methods, reason = "timings on standard error need a clock")]

use std::collections::BTreeMap;
use std::ops::Range;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::sync_channel;
use std::time::Instant;

use offhook_tests::sim::plan::Plan;
use offhook_tests::sim::report::{self, Sum};
use offhook_tests::sim::{run, shrink};

const USAGE: &str = "simulate --seeds A..B [--loss P] | --shrink SEED [--loss P]";

struct Options {
    seeds: Option<Range<u64>>,
    shrink: Option<u64>,
    loss: Option<u64>,
    commit: String,
}

fn options() -> Result<Options, String> {
    let mut options = Options { seeds: None, shrink: None, loss: None, commit: "unknown".into() };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let value = words.next().ok_or(format!("{word} needs a value"))?;
        let number =
            |text: &str| text.parse::<u64>().map_err(|_| format!("{word}: {text:?} is no number"));
        match word.as_str() {
            "--seeds" => {
                let (from, to) = value.split_once("..").ok_or("--seeds takes A..B")?;
                options.seeds = Some(number(from)?..number(to)?);
            }
            "--shrink" => options.shrink = Some(number(&value)?),
            "--loss" => {
                let loss = number(&value)?;
                if loss > 100 {
                    return Err("--loss takes a percentage".into());
                }
                options.loss = Some(loss);
            }
            "--commit" => options.commit = value,
            _ => return Err(format!("there is no {word}")),
        }
    }
    if options.seeds.is_none() && options.shrink.is_none() {
        return Err("give --seeds or --shrink".into());
    }
    Ok(options)
}

fn main() -> ExitCode {
    let options = match options() {
        Ok(options) => options,
        Err(error) => {
            eprintln!("{error}: {USAGE}");
            return ExitCode::from(2);
        }
    };
    let fine = match (options.shrink, options.seeds.clone()) {
        (Some(seed), _) => shorter(seed, &options),
        (None, Some(seeds)) => all(seeds, &options),
        (None, None) => false,
    };
    if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs every seed, on all cores, and tells of each in order.
fn all(seeds: Range<u64>, options: &Options) -> bool {
    let started = Instant::now();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicU64::new(seeds.start);
    let mut sum = Sum::default();
    std::thread::scope(|scope| {
        let (sender, results) = sync_channel(64);
        for _ in 0..threads {
            let (sender, next, end) = (sender.clone(), &next, seeds.end);
            scope.spawn(move || {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        return;
                    }
                    let plan = Plan::new(seed, options.loss);
                    let run = run(&plan);
                    let mut text = report::line(&plan, &run);
                    if !run.violations.is_empty() {
                        text = format!("{text}\n{}", report::failure(&plan, &run, &options.commit));
                    }
                    if sender.send((seed, text, Sum::of(&run))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let (mut early, mut due) = (BTreeMap::new(), seeds.start);
        for (seed, text, own) in results {
            early.insert(seed, (text, own));
            while let Some((text, own)) = early.remove(&due) {
                println!("{}", text.trim_end());
                sum.join(own);
                due += 1;
            }
        }
    });
    println!("{}", sum.text());
    let took = started.elapsed().as_secs_f64();
    eprintln!("{took:.1} s, {:.0} calls a second on {threads} threads", sum.calls as f64 / took);
    sum.failed == 0
}

/// Looks for a shorter run that still fails.
fn shorter(seed: u64, options: &Options) -> bool {
    let started = Instant::now();
    let plan = Plan::new(seed, options.loss);
    let found = shrink::shrink(&plan);
    eprintln!("{:.1} s", started.elapsed().as_secs_f64());
    let Some((plan, run)) = found else {
        println!("seed {seed} does not fail");
        return true;
    };
    println!("{}", report::line(&plan, &run));
    println!("shortest run found of seed {seed}, commit {}: {plan:?}", options.commit);
    print!("{}", report::details(&run));
    false
}
