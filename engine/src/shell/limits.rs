//! How many sessions this machine can carry, by the operating system's limits.
//!
//! A thread that cannot be mapped makes the standard library abort the process, so the limit is
//! read before the first session and kept well away from.

use std::fs::read_to_string;

/// Memory mappings that a thread costs.
const MAPPINGS_A_THREAD: u64 = 4;
/// Mappings, threads and descriptors that are left to the rest of the process.
const RESERVE: u64 = 2000;
/// Descriptors that a session's audio costs: RTP and RTCP.
const DESCRIPTORS_A_SESSION: u64 = 2;
/// What is assumed where the system does not say.
const UNKNOWN: u64 = 30_000;

/// Sessions at once that mappings, threads and descriptors allow; at least one.
pub(crate) fn sessions_max() -> usize {
    let number = |path: &str| -> Option<u64> { read_to_string(path).ok()?.trim().parse().ok() };
    let mappings = number("/proc/sys/vm/max_map_count")
        .map_or(UNKNOWN, |maps| maps.saturating_sub(RESERVE) / MAPPINGS_A_THREAD);
    let threads = ["/proc/sys/kernel/pid_max", "/proc/sys/kernel/threads-max"]
        .into_iter()
        .filter_map(number)
        .chain(number("/sys/fs/cgroup/pids.max"))
        .chain(own_limit("Max processes"))
        .min()
        .map_or(UNKNOWN, |threads| threads.saturating_sub(RESERVE.min(threads / 2)));
    let descriptors = own_limit("Max open files")
        .map_or(UNKNOWN, |files| files.saturating_sub(RESERVE.min(files / 4)))
        / DESCRIPTORS_A_SESSION;
    usize::try_from(mappings.min(threads).min(descriptors).max(1)).unwrap_or(usize::MAX)
}

/// The soft limit of that name; `None` when it is unlimited or unknown.
fn own_limit(name: &str) -> Option<u64> {
    let limits = read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find(|line| line.starts_with(name))?;
    line.strip_prefix(name)?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_session_limit_stays_below_what_the_mappings_allow() {
        let maps: Option<usize> = std::fs::read_to_string("/proc/sys/vm/max_map_count")
            .ok()
            .and_then(|text| text.trim().parse().ok());
        let limit = super::sessions_max();
        assert!(limit >= 1);
        if let Some(maps) = maps {
            assert!(limit * 4 <= maps, "{limit} sessions, {maps} mappings");
        }
    }
}
