//! The operating system's process-wide settings. A library leaves them alone; a command that is the
//! whole process may call these at its start.

#![allow(unsafe_code, reason = "prctl and setrlimit have no safe face in the standard library")]

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
