//! Percent decoding that refuses what is malformed. The same file in each example that needs it.

use percent_encoding::percent_decode_str;

/// Undoes percent encoding.
///
/// The decoder keeps a `%` that no two hex digits follow, so that two spellings would mean one name. Here it is refused.
pub fn decoded(text: &str) -> Result<String, String> {
    let hex = |rest: &str| {
        rest.as_bytes()
            .get(..2)
            .is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    if !text.split('%').skip(1).all(hex) {
        return Err(format!("`{text}` has a `%` without two hex digits after it"));
    }
    match percent_decode_str(text).decode_utf8() {
        Ok(decoded) => Ok(decoded.into_owned()),
        Err(_) => Err(format!("`{text}` is not UTF-8 when decoded")),
    }
}
