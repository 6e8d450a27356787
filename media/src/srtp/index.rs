//! Which 48-bit index a 16-bit sequence number stands for (RFC 3711 §3.3.1, appendix A).

use super::SrtpError;

/// Half of the sequence numbers.
const HALF: u64 = 1 << 15;
/// The highest rollover counter.
const ROLLOVER_MAX: u64 = 0xffff_ffff;

/// The index nearest to the highest one so far. Numbers from before the first packet's rollover
/// are too old, numbers beyond 2^48 are no longer the key's.
pub(super) fn estimate(highest: u64, sequence: u16) -> Result<u64, SrtpError> {
    let (rollover, last, sequence) = (highest >> 16, highest & 0xffff, u64::from(sequence));
    let rollover = if last < HALF {
        if sequence > last + HALF {
            rollover.checked_sub(1).ok_or(SrtpError::Replayed)?
        } else {
            rollover
        }
    } else if last - HALF > sequence {
        rollover + 1
    } else {
        rollover
    };
    if rollover > ROLLOVER_MAX {
        return Err(SrtpError::KeyExpired);
    }
    Ok((rollover << 16) | sequence)
}

/// The rollover counter of an index, as it is authenticated.
pub(super) fn rollover(index: u64) -> [u8; 4] {
    let [_, _, r0, r1, r2, r3, _, _] = index.to_be_bytes();
    [r0, r1, r2, r3]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r56_numbers_count_on_over_the_wrap_in_spite_of_loss_and_disorder() {
        for (highest, sequence, index) in [
            (0, 0, 0),
            (0, 1, 1),
            (0xffff, 0, 0x1_0000),
            (0xffff, 1, 0x1_0001),
            (0xffff, 0x7ffe, 0x1_7ffe),
            (0xffff, 0x7fff, 0x7fff),
            (0x1_0001, 0xffff, 0xffff),
            (0x1_0001, 0x8002, 0x8002),
            (0x1_0001, 0x8001, 0x1_8001),
            (0x1_8000, 0xffff, 0x1_ffff),
            (0x1_8000, 0, 0x1_0000),
            (0x5_7fff, 0xffff, 0x5_ffff),
            (0xffff_fffe_ffff, 0, 0xffff_ffff_0000),
        ] {
            assert_eq!(estimate(highest, sequence), Ok(index), "{highest:x} {sequence:x}");
        }
    }

    #[test]
    fn nothing_lies_before_the_first_rollover_nor_behind_the_last() {
        assert_eq!(estimate(1, 0xffff), Err(SrtpError::Replayed));
        assert_eq!(estimate(0xffff_ffff_ffff, 0), Err(SrtpError::KeyExpired));
        assert_eq!(estimate(0xffff_ffff_fffe, 0xffff), Ok(0xffff_ffff_ffff));
    }

    #[test]
    fn the_rollover_counter_is_an_indexs_upper_part() {
        assert_eq!(rollover(0x1234_5678_9abc), [0x12, 0x34, 0x56, 0x78]);
    }
}
