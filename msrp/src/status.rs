//! Status codes (RFC 4975 §10).

/// What a code means, in the words of RFC 4975 §10 and RFC 7701 §7.2; empty for others.
#[must_use]
pub const fn comment(code: u16) -> &'static str {
    match code {
        200 => "OK",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Failure to Resolve",
        408 => "Timeout",
        413 => "Message Too Large",
        415 => "Unsupported Media Type",
        423 => "Parameter Out of Bounds",
        425 => "Nickname Not Usable",
        428 => "Private Messages Not Supported",
        481 => "Session Does Not Exist",
        501 => "Method Not Understood",
        506 => "Session Already Bound",
        _ => "",
    }
}
