//! What the generated options of `dapr:state` lack: a default. The same file in each example that needs it.

use crate::bindings::dapr::state::types::{Condition, DeleteOptions, SetOptions};

/// Without condition, for good.
impl Default for SetOptions {
    fn default() -> Self {
        Self {
            condition: Condition::Any,
            ttl: None,
            content_type: None,
            consistency: None,
            metadata: Vec::new(),
        }
    }
}

/// Whatever is there.
impl Default for DeleteOptions {
    fn default() -> Self {
        Self {
            etag: None,
            consistency: None,
            metadata: Vec::new(),
        }
    }
}
