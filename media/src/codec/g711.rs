//! G.711: µ-law and A-law, from the definition (ITU-T G.711), not from tables.

/// Added before the logarithm, so that the first segment is as wide as the others.
const MU_LAW_BIAS: i32 = 0x84;
const MU_LAW_CLIP: i32 = 32_635;

/// One sample in µ-law.
#[must_use]
pub fn encode_mu_law(sample: i16) -> u8 {
    let negative = sample < 0;
    let magnitude = i32::from(sample).abs().min(MU_LAW_CLIP) + MU_LAW_BIAS;
    // The biased magnitude is 132..=32767: its highest bit is 7..=14.
    let segment = 24_u32.saturating_sub(magnitude.leading_zeros());
    let mantissa = (magnitude >> (segment + 3)) & 0xf;
    let code =
        (if negative { 0x80 } else { 0 }) | i32::try_from(segment << 4).unwrap_or(0x70) | mantissa;
    !u8::try_from(code).unwrap_or(u8::MAX)
}

/// The sample of a µ-law code.
#[must_use]
pub fn decode_mu_law(code: u8) -> i16 {
    let code = !code;
    let (segment, mantissa) = (u32::from(code >> 4) & 7, i32::from(code & 0xf));
    let magnitude = (((mantissa << 3) + MU_LAW_BIAS) << segment) - MU_LAW_BIAS;
    let sample = if code & 0x80 != 0 { -magnitude } else { magnitude };
    i16::try_from(sample).unwrap_or(i16::MAX)
}

/// One sample in A-law.
#[must_use]
pub fn encode_a_law(sample: i16) -> u8 {
    // 13 bits count; the negative side is one's complement, so that zero has two neighbours.
    let positive = sample >= 0;
    let magnitude = if positive { i32::from(sample) } else { -(i32::from(sample) + 1) } >> 3;
    let code = if magnitude < 32 {
        magnitude >> 1
    } else {
        // The magnitude is 32..=4095: its highest bit is 5..=11.
        let segment = 27_u32.saturating_sub(magnitude.leading_zeros());
        (i32::try_from(segment << 4).unwrap_or(0x70)) | ((magnitude >> segment) & 0xf)
    };
    (u8::try_from(code).unwrap_or(0x7f) | if positive { 0x80 } else { 0 }) ^ 0x55
}

/// The sample of an A-law code.
#[must_use]
pub fn decode_a_law(code: u8) -> i16 {
    let code = code ^ 0x55;
    let (segment, mantissa) = (u32::from(code >> 4) & 7, i32::from(code & 0xf));
    let magnitude = match segment {
        0 => (mantissa << 4) + 8,
        _ => ((mantissa << 4) + 0x108) << (segment - 1),
    };
    let sample = if code & 0x80 != 0 { magnitude } else { -magnitude };
    i16::try_from(sample).unwrap_or(i16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_codes_decode_to_known_samples() {
        for (code, sample) in [(0xff, 0), (0x7f, 0), (0x80, 32_124), (0x00, -32_124), (0xfe, 8)] {
            assert_eq!(decode_mu_law(code), sample, "{code:#x}");
        }
        for (code, sample) in [(0xd5, 8), (0x55, -8), (0xaa, 32_256), (0x2a, -32_256), (0xd4, 24)] {
            assert_eq!(decode_a_law(code), sample, "{code:#x}");
        }
    }

    #[test]
    fn every_code_comes_back_as_itself() {
        for code in 0..=u8::MAX {
            // Negative zero of µ-law has no sample of its own.
            let expected = if code == 0x7f { 0xff } else { code };
            assert_eq!(encode_mu_law(decode_mu_law(code)), expected, "{code:#x}");
            assert_eq!(encode_a_law(decode_a_law(code)), code, "{code:#x}");
        }
    }

    #[test]
    fn every_sample_comes_back_within_half_a_step_of_its_segment() {
        for sample in i16::MIN..=i16::MAX {
            let magnitude = i32::from(sample).abs();
            let mu = (i32::from(decode_mu_law(encode_mu_law(sample))) - i32::from(sample)).abs();
            let a = (i32::from(decode_a_law(encode_a_law(sample))) - i32::from(sample)).abs();
            // The widest segment is 1024 wide; clipping costs a little more at the very top.
            let clipped = (magnitude - 32_124).max(0);
            assert!(mu <= ((magnitude + 132) / 32 + 4).max(clipped), "{sample}: {mu}");
            assert!(a <= ((magnitude / 32) + 16).max(magnitude - 32_256), "{sample}: {a}");
        }
    }

    #[test]
    fn louder_never_decodes_to_quieter() {
        for sample in i16::MIN..i16::MAX {
            let next = sample + 1;
            assert!(decode_mu_law(encode_mu_law(sample)) <= decode_mu_law(encode_mu_law(next)));
            assert!(decode_a_law(encode_a_law(sample)) <= decode_a_law(encode_a_law(next)));
        }
    }
}
