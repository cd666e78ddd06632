//! What the store says of itself, which the metadata tells it.

use crate::bindings::exports::dapr::state::provider::{Declaration, Error, Features, Instances, Limits};
use crate::{call, items};
use std::net::TcpStream;

/// The declaration, if `init` is to end well.
pub fn declaration(metadata: &[(String, String)]) -> Result<Declaration, Error> {
    let said = |name: &str| {
        metadata
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    };
    call::begin(said("init").unwrap_or_default())?;
    if let Some(server) = said("server") {
        TcpStream::connect(server).map_err(|error| Error::Unavailable(format!("the server: {error}")))?;
    }
    if let Some(command) = said("each") {
        call::do_each(command);
    }
    Ok(Declaration {
        features: match said("features") {
            Some("none") => Features::empty(),
            _ => Features::all(),
        },
        instances: match said("instances") {
            Some("several") => Instances::Several,
            _ => Instances::One,
        },
        limits: Limits {
            key: limit(said("key-limit"))?,
            value: limit(said("value-limit"))?,
            items: limit(said("items-limit"))?,
            operations: limit(said("operations-limit"))?,
            batch: limit(said("batch-limit"))?,
        },
    })
}

fn limit(said: Option<&str>) -> Result<Option<u32>, Error> {
    match said {
        None => Ok(None),
        Some("random") => Ok(Some(1 + (items::instance() % 1_000_000) as u32)),
        Some(number) => match number.parse() {
            Ok(number) => Ok(Some(number)),
            Err(error) => Err(Error::Invalid(format!("the limit `{number}`: {error}"))),
        },
    }
}
