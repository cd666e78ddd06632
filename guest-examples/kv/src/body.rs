//! The body of a request, whole.

use crate::{bindings::dapr::state::types::Error, failure::Failure};
use wstd::http::{
    Body,
    body::{
        Bytes,
        util::{BodyExt, LengthLimitError, Limited},
    },
};

/// Bytes that are read. The host refuses a body that announces more than its own limit, and cuts one off that does not
/// announce its size; an app that stops before that can say why. A store takes a value of 4 MiB and a transaction of 8, for
/// which JSON needs more.
const MOST: usize = 12 << 20;

pub async fn read(body: Body) -> Result<Bytes, Failure> {
    match Limited::new(body.into_boxed_body(), MOST).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(cause) if cause.is::<LengthLimitError>() => Err(Failure::State(Error::TooLarge(format!(
            "the body is larger than {} MiB",
            MOST >> 20
        )))),
        Err(cause) => Err(Failure::unreadable(&*cause)),
    }
}
