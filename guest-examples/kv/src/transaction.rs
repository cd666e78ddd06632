//! `POST /`: a list of operations, done together or not at all.

use crate::{
    bindings::dapr::state::{
        store,
        types::{Condition, DeleteItem, DeleteOptions, Operation, SetItem, SetOptions},
    },
    etag,
    failure::Failure,
};
use serde::Deserialize;

/// One operation as JSON has it. Values are text there; the etag is what stands between the quotes of `ETag`.
#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "lowercase", deny_unknown_fields)]
enum Step {
    Set {
        key: String,
        value: String,
        etag: Option<String>,
    },
    Delete {
        key: String,
        etag: Option<String>,
    },
}

/// Runs the operations in `body`.
pub fn run(store: &str, body: &[u8]) -> Result<(), Failure> {
    let steps: Vec<Step> = serde_json::from_slice(body)
        .map_err(|error| Failure::invalid(format!("the body is not a list of operations: {error}")))?;
    let operations = steps.into_iter().map(operation).collect::<Result<Vec<_>, _>>()?;
    Ok(store::transact(store, &operations, None)?)
}

fn operation(step: Step) -> Result<Operation, Failure> {
    Ok(match step {
        Step::Set { key, value, etag } => {
            let options = match etag {
                Some(etag) => Some(SetOptions {
                    condition: Condition::Matches(etag::unquoted(&etag)?),
                    ..Default::default()
                }),
                None => None,
            };
            Operation::Set(SetItem {
                key,
                value: value.into_bytes(),
                options,
            })
        }
        Step::Delete { key, etag } => {
            let etag = etag.as_deref().map(etag::unquoted).transpose()?;
            let options = DeleteOptions {
                etag,
                ..Default::default()
            };
            Operation::Delete(DeleteItem {
                key,
                options: Some(options),
            })
        }
    })
}
