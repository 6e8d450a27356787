//! The hand-offs between the threads of one user agent: mailboxes, rings, the notifier's queue.
//! What goes in first comes out first, after a drawn delay.

use std::time::Duration;

use offhook_fsm::{Entropy, Instant};

/// How long hand-offs take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hops {
    /// No time.
    Instant,
    /// Some µs as a rule, some ms on a busy machine, and once in a while as long as a thread that
    /// is not let run.
    Drawn,
}

impl Hops {
    /// The delay of one hand-off.
    pub fn draw(self, entropy: &mut Entropy) -> Duration {
        match self {
            Self::Instant => Duration::ZERO,
            Self::Drawn => Duration::from_micros(match entropy.below(100) {
                0..80 => entropy.below(200),
                80..98 => entropy.below(5_000),
                _ => entropy.below(150_000),
            }),
        }
    }
}

/// One queue between two threads.
#[derive(Clone, Copy, Default, Debug)]
pub struct Queue {
    last: Instant,
}

impl Queue {
    /// When what is put in now comes out.
    pub fn pass(&mut self, now: Instant, delay: Duration) -> Instant {
        self.last = (now + delay).max(self.last);
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_is_left_in_the_order_of_entry() {
        let (mut queue, mut entropy) = (Queue::default(), Entropy::from_u64(1));
        let mut last = Instant::ZERO;
        for step in 0..1000 {
            let now = Instant::from_micros(step * 50);
            let out = queue.pass(now, Hops::Drawn.draw(&mut entropy));
            assert!(out >= last && out >= now);
            last = out;
        }
    }
}
