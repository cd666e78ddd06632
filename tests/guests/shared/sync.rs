//! The probes' work on the plain functions of `dapr:state/store`.

use crate::ask::{Ask, SLOW, STORE, TRIES, millis_since, number};
use crate::bindings::dapr::state::{
    store,
    types::{Condition, Error, SetOptions},
};
use std::time::Instant;

/// The status and the text to answer.
pub fn answer(ask: &Ask) -> (u16, String) {
    let answer = match ask {
        Ask::Served(requests) => Ok(*requests),
        Ask::Overlap(reads) => one_after_the_other(*reads),
        Ask::Patience(reads) => patiently(*reads),
        Ask::Read(name) => read(name).map(|(number, _)| number),
        Ask::Add(name) => add(name),
    };
    answer.map_or_else(|error| (500, error), |number| (200, number.to_string()))
}

fn one_after_the_other(reads: usize) -> Result<u64, String> {
    let start = Instant::now();
    for _ in 0..reads {
        store::get(STORE, SLOW, None).map_err(|error| error.to_string())?;
    }
    millis_since(start)
}

fn patiently(reads: usize) -> Result<u64, String> {
    let start = Instant::now();
    for _ in 0..reads {
        let _ = store::get(STORE, SLOW, None);
    }
    millis_since(start)
}

fn read(name: &str) -> Result<(u64, Condition), String> {
    let entry = store::get(STORE, name, None).map_err(|error| error.to_string())?;
    let number = number(entry.as_ref().map(|entry| entry.value.as_slice()))?;
    let etag = entry
        .map(|entry| entry.etag.ok_or("the store has no etags"))
        .transpose()?;
    Ok((number, etag.map_or(Condition::Absent, Condition::Matches)))
}

fn add(name: &str) -> Result<u64, String> {
    for _ in 0..TRIES {
        let (number, condition) = read(name)?;
        let options = SetOptions {
            condition,
            ttl: None,
            content_type: None,
            consistency: None,
            metadata: Vec::new(),
        };
        match store::set(STORE, name, (number + 1).to_string().as_bytes(), Some(&options)) {
            Ok(()) => return Ok(number + 1),
            Err(Error::EtagMismatch(_)) => {}
            Err(error) => return Err(error.to_string()),
        }
    }
    Err(format!("others were faster {TRIES} times"))
}
