//! What a plugin answers: it decodes to something that the rest of the host may rely on, or is refused.

#![no_main]

use dapr_blocks::state::{Entry, Etag, Metadata, StateError};
use dapr_runtime::providers::fuzzing::{entry, features};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for tells_errors in [false, true] {
        match features(bytes, tells_errors) {
            Ok(features) => {
                assert!(!features.transactions && !features.listing, "no part of the interface");
                assert!(tells_errors || !features.etags, "it cannot say that a condition failed");
            }
            Err(error) => is_the_plugins_fault(&error),
        }
    }
    match entry(bytes) {
        Ok(entry) => is_an_item(&entry, bytes.len()),
        Err(error) => is_the_plugins_fault(&error),
    }
});

/// What [`Entry`] promises, and that nothing was made larger than what it was made of.
fn is_an_item(entry: &Entry, length: usize) {
    let Entry {
        value,
        etag,
        content_type,
        metadata,
        ..
    } = entry;
    assert!(value.len() <= length);
    if let Some(etag) = etag {
        assert!((1..=Etag::MAX_BYTES).contains(&etag.as_str().len()));
    }
    if let Some(content_type) = content_type {
        assert!(content_type.as_str().bytes().all(|byte| (b' '..=b'~').contains(&byte)));
    }
    assert!(metadata.iter().count() <= Metadata::MAX_ENTRIES);
    for (name, _) in metadata.iter() {
        for reserved in ["ttlInSeconds", "contentType", "ttlExpireTime"] {
            assert!(!name.eq_ignore_ascii_case(reserved), "{name} has a place of its own");
        }
    }
}

fn is_the_plugins_fault(error: &StateError) {
    assert_eq!(error.case(), "internal", "{error}");
}
