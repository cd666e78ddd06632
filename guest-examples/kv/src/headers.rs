//! Headers that a request may have once.

use crate::failure::Failure;
use http::{HeaderMap, HeaderName};

/// The value of a header. Of two the store could keep or check one only, and the client would not learn which.
pub fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Failure> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => match value.to_str() {
            Ok(text) => Ok(Some(text.trim())),
            Err(_) => Err(Failure::invalid(format!("{name} is not plain ASCII"))),
        },
        (Some(_), Some(_)) => Err(Failure::invalid(format!("{name} is given twice"))),
    }
}
