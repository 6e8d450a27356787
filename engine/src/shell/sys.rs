//! The operating system's process-wide settings, and the terminal. A library leaves them alone; a
//! command that is the whole process may call these.

#![allow(
    unsafe_code,
    reason = "prctl, setrlimit and termios have no safe face in the standard library"
)]

/// Buckets of the process's futex table.
const FUTEX_SLOTS: libc::c_ulong = 16_384;
const PR_FUTEX_HASH: libc::c_int = 78;
const PR_FUTEX_HASH_SET_SLOTS: libc::c_ulong = 1;

/// Gives the process's futexes a table of their own that is wide enough for thousands of parked
/// threads: with the kernel's 16 buckets a wake slows down with each of them. Kernels before
/// 6.16 do not know it and are left as they are; `true` where it was granted.
#[cfg(target_os = "linux")]
pub fn widen_futex_table() -> bool {
    let zero: libc::c_ulong = 0;
    // SAFETY: prctl reads its integer arguments and touches no memory of ours.
    unsafe { libc::prctl(PR_FUTEX_HASH, PR_FUTEX_HASH_SET_SLOTS, FUTEX_SLOTS, zero, zero) == 0 }
}

/// Other systems have no such table.
#[cfg(not(target_os = "linux"))]
pub fn widen_futex_table() -> bool {
    false
}

/// Raises the limit of open descriptors to the hard one; the limit that then holds.
#[cfg(unix)]
pub fn raise_descriptor_limit() -> Option<u64> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: getrlimit fills the structure it is given, setrlimit reads it; both live on our
    // stack for the whole call.
    unsafe {
        if libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) != 0 {
            return None;
        }
        let raised = libc::rlimit { rlim_cur: limit.rlim_max, ..limit };
        if libc::setrlimit(libc::RLIMIT_NOFILE, &raw const raised) == 0 {
            limit = raised;
        }
    }
    Some(limit.rlim_cur)
}

/// Other systems have no such limit.
#[cfg(not(unix))]
pub fn raise_descriptor_limit() -> Option<u64> {
    None
}

/// How the terminal was before [`raw_terminal`].
#[cfg(unix)]
static TERMINAL: std::sync::Mutex<Option<libc::termios>> = std::sync::Mutex::new(None);

/// Has the terminal of standard input give every key at once and show none of them; Ctrl-C still
/// interrupts, Ctrl-Z and Ctrl-\ are keys like others. `false` when it is no terminal. Whoever ends
/// the process calls [`restore_terminal`] before.
#[cfg(unix)]
pub fn raw_terminal() -> bool {
    // SAFETY: termios is made of integers, for which zeros are values.
    let mut mode: libc::termios = unsafe { std::mem::zeroed() };
    // SAFETY: tcgetattr fills the structure, which lives on our stack for the whole call.
    if unsafe { libc::tcgetattr(libc::STDIN_FILENO, &raw mut mode) } != 0 {
        return false;
    }
    let before = mode;
    mode.c_lflag &= !(libc::ICANON | libc::ECHO | libc::IEXTEN);
    mode.c_iflag &= !libc::IXON;
    for (place, value) in [
        (libc::VMIN, 1),
        (libc::VTIME, 0),
        (libc::VSUSP, libc::_POSIX_VDISABLE),
        (libc::VQUIT, libc::_POSIX_VDISABLE),
    ] {
        if let Some(character) = mode.c_cc.get_mut(place) {
            *character = value;
        }
    }
    let mut saved = TERMINAL.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    // SAFETY: tcsetattr reads the structure, which lives on our stack for the whole call.
    let done = unsafe { libc::tcsetattr(libc::STDIN_FILENO, libc::TCSANOW, &raw const mode) } == 0;
    if done && saved.is_none() {
        *saved = Some(before);
    }
    done
}

/// Undoes [`raw_terminal`]; does nothing where that was not called.
#[cfg(unix)]
pub fn restore_terminal() {
    let mut saved = TERMINAL.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(mode) = saved.take() {
        // SAFETY: tcsetattr reads the structure, which lives on our stack for the whole call.
        let _done =
            unsafe { libc::tcsetattr(libc::STDIN_FILENO, libc::TCSADRAIN, &raw const mode) };
    }
}

/// Columns and rows of the terminal of standard output; `None` when they are not known.
#[cfg(unix)]
pub fn terminal_size() -> Option<(usize, usize)> {
    let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: TIOCGWINSZ fills a winsize, which lives on our stack for the whole call.
    let done = unsafe { libc::ioctl(libc::STDOUT_FILENO, libc::TIOCGWINSZ, &raw mut size) } == 0;
    let known = done && size.ws_col > 0 && size.ws_row > 0;
    known.then(|| (size.ws_col.into(), size.ws_row.into()))
}

/// Other systems' terminals stay as they are.
#[cfg(not(unix))]
pub fn raw_terminal() -> bool {
    false
}

/// Other systems' terminals stay as they are.
#[cfg(not(unix))]
pub fn restore_terminal() {}

/// Other systems' terminals are not asked.
#[cfg(not(unix))]
pub fn terminal_size() -> Option<(usize, usize)> {
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #[test]
    fn the_descriptor_limit_is_the_hard_one_after_raising_it() {
        let raised = super::raise_descriptor_limit();
        let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
        let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
        let words: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(words[3], words[4]);
        assert_eq!(raised.map(|limit| limit.to_string()).as_deref(), Some(words[3]));
    }
}
