//! A bounded channel whose reader goes to sleep at once: crossbeam's own reader first spins and
//! yields some dozen times, which with a thread a session costs more than the call itself.
//!
//! The channel is crossbeam's; only the sleep is ours. A reader notes its thread, looks once more
//! and parks; a sender looks for such a note after it has put something in.

use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{RecvTimeoutError, SendTimeoutError, TryRecvError, TrySendError, bounded};

/// A mailbox that holds that many. Any number of senders, one reader.
#[must_use]
pub fn mailbox<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let (sender, receiver) = bounded(capacity);
    let bell = Arc::new(Bell::default());
    (
        Sender { channel: Some(sender), bell: Arc::clone(&bell) },
        Receiver { channel: receiver, bell },
    )
}

/// Who sleeps until something comes.
#[derive(Default, Debug)]
struct Bell {
    sleeps: AtomicBool,
    reader: Mutex<Option<Thread>>,
}

impl Bell {
    /// Called after something was put in, or a sender went.
    fn ring(&self) {
        // With the fence in `lie_down`: either we see the sleeper, or it sees what was put in.
        fence(Ordering::SeqCst);
        if self.sleeps.load(Ordering::Relaxed) && self.sleeps.swap(false, Ordering::AcqRel) {
            let reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(reader) = reader {
                reader.unpark();
            }
        }
    }

    fn lie_down(&self) {
        let this = Some(std::thread::current());
        *self.reader.lock().unwrap_or_else(PoisonError::into_inner) = this;
        self.sleeps.store(true, Ordering::Release);
        fence(Ordering::SeqCst);
    }

    fn get_up(&self) {
        self.sleeps.store(false, Ordering::Release);
    }
}

/// The way in.
#[derive(Debug)]
pub struct Sender<T> {
    /// `None` while it is dropped.
    channel: Option<crossbeam_channel::Sender<T>>,
    bell: Arc<Bell>,
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Self { channel: self.channel.clone(), bell: Arc::clone(&self.bell) }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        // The reader looks again, and finds that nobody is left.
        self.channel = None;
        self.bell.ring();
    }
}

impl<T> Sender<T> {
    /// Puts something in, or gives it back.
    ///
    /// # Errors
    /// When there is no room, or the reader is gone.
    pub fn try_send(&self, mail: T) -> Result<(), TrySendError<T>> {
        let Some(channel) = &self.channel else { return Err(TrySendError::Disconnected(mail)) };
        channel.try_send(mail)?;
        self.bell.ring();
        Ok(())
    }

    /// The same, but waits that long for room.
    ///
    /// # Errors
    /// When there was no room all that time, or the reader is gone.
    pub fn send_timeout(&self, mail: T, patience: Duration) -> Result<(), SendTimeoutError<T>> {
        let Some(channel) = &self.channel else { return Err(SendTimeoutError::Disconnected(mail)) };
        channel.send_timeout(mail, patience)?;
        self.bell.ring();
        Ok(())
    }

    /// How much waits.
    #[must_use]
    pub fn len(&self) -> usize {
        self.channel.as_ref().map_or(0, crossbeam_channel::Sender::len)
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The way out. It may move from thread to thread, but only one reads at a time.
#[derive(Debug)]
pub struct Receiver<T> {
    channel: crossbeam_channel::Receiver<T>,
    bell: Arc<Bell>,
}

impl<T> Receiver<T> {
    /// What is there.
    ///
    /// # Errors
    /// When nothing is, or nobody can put anything in any more.
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        self.channel.try_recv()
    }

    /// Waits for what comes; `None` when nobody can put anything in any more. Takes `&mut self`,
    /// since two readers would not both be woken.
    pub fn recv(&mut self) -> Option<T> {
        loop {
            match self.look(std::thread::park) {
                Ok(mail) => return Some(mail),
                Err(TryRecvError::Disconnected) => return None,
                Err(TryRecvError::Empty) => {}
            }
        }
    }

    /// Waits for what comes, until that time.
    ///
    /// # Errors
    /// When nothing came until then, or nobody can put anything in any more.
    #[expect(clippy::disallowed_methods, reason = "a thread that sleeps until a time")]
    pub fn recv_deadline(&mut self, deadline: Instant) -> Result<T, RecvTimeoutError> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return self.try_recv().map_err(|nothing| match nothing {
                    TryRecvError::Empty => RecvTimeoutError::Timeout,
                    TryRecvError::Disconnected => RecvTimeoutError::Disconnected,
                });
            }
            match self.look(|| std::thread::park_timeout(left)) {
                Ok(mail) => return Ok(mail),
                Err(TryRecvError::Disconnected) => return Err(RecvTimeoutError::Disconnected),
                Err(TryRecvError::Empty) => {}
            }
        }
    }

    /// Waits for what comes, no longer than that.
    ///
    /// # Errors
    /// As of [`recv_deadline`](Self::recv_deadline).
    #[expect(clippy::disallowed_methods, reason = "a thread that sleeps for a time")]
    pub fn recv_timeout(&mut self, patience: Duration) -> Result<T, RecvTimeoutError> {
        self.recv_deadline(Instant::now() + patience)
    }

    /// Looks; sleeps once when there is nothing. It may wake for no reason.
    fn look(&self, sleep: impl FnOnce()) -> Result<T, TryRecvError> {
        let first = self.channel.try_recv();
        if !matches!(first, Err(TryRecvError::Empty)) {
            return first;
        }
        self.bell.lie_down();
        let second = self.channel.try_recv();
        if matches!(second, Err(TryRecvError::Empty)) {
            sleep();
        }
        self.bell.get_up();
        second
    }

    /// How much waits.
    #[must_use]
    pub fn len(&self) -> usize {
        self.channel.len()
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.channel.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on_a_thread(work: impl FnOnce() + Send + 'static) -> std::thread::JoinHandle<()> {
        std::thread::Builder::new().spawn(work).unwrap()
    }

    #[test]
    fn what_many_put_in_comes_out_once_and_in_the_order_of_each() {
        const EACH: u32 = 20_000;
        let (sender, mut receiver) = mailbox(8);
        let senders: Vec<_> = (0..4_u32)
            .map(|who| {
                let sender = sender.clone();
                on_a_thread(move || {
                    for number in 0..EACH {
                        sender.send_timeout((who, number), Duration::from_secs(60)).unwrap();
                    }
                })
            })
            .collect();
        drop(sender);
        let mut next = [0; 4];
        while let Some((who, number)) = receiver.recv() {
            assert_eq!(next[who as usize], number);
            next[who as usize] += 1;
        }
        assert_eq!(next, [EACH; 4]);
        senders.into_iter().for_each(|sender| sender.join().unwrap());
    }

    #[test]
    fn a_sleeper_is_woken_by_every_single_letter() {
        // Ping and pong: each side sleeps before each letter, so a lost wake-up would hang.
        let (ping, mut pings) = mailbox(1);
        let (pong, mut pongs) = mailbox(1);
        let other = on_a_thread(move || {
            while let Some(number) = pings.recv() {
                pong.try_send(number).unwrap();
            }
        });
        for number in 0..20_000_u32 {
            ping.try_send(number).unwrap();
            assert_eq!(pongs.recv_timeout(Duration::from_secs(60)), Ok(number));
        }
        drop(ping);
        assert_eq!(pongs.recv(), None);
        other.join().unwrap();
    }

    #[test]
    fn a_sleeper_learns_that_the_last_sender_is_gone() {
        let (sender, mut receiver) = mailbox::<()>(1);
        let twin = sender.clone();
        let other = on_a_thread(move || drop((sender, twin)));
        assert_eq!(receiver.recv(), None);
        other.join().unwrap();
    }

    #[test]
    fn nothing_comes_before_the_deadline_and_what_is_there_comes_after_it() {
        let (sender, mut receiver) = mailbox(1);
        assert_eq!(receiver.recv_timeout(Duration::from_millis(1)), Err(RecvTimeoutError::Timeout));
        sender.try_send(1).unwrap();
        assert_eq!(sender.try_send(2), Err(TrySendError::Full(2)));
        assert_eq!(receiver.recv_timeout(Duration::ZERO), Ok(1));
        drop(receiver);
        assert_eq!(sender.try_send(3), Err(TrySendError::Disconnected(3)));
    }
}
