//! The protobuf of requests and responses, with go-plugin's field numbers.
//!
//! Written out by hand and not generated from a `.proto`, since nothing here needs a compiler for that then.

use prost::encoding::{DecodeContext, decode_key, skip_field};
use std::collections::HashMap;

/// Whether a message has a field at most so many times. Asked before it is decoded: each of a plugin's million pairs would
/// take a hundred bytes of the host's memory.
pub(crate) fn has_at_most(mut message: &[u8], field: u32, most: usize) -> bool {
    let mut found = 0;
    while !message.is_empty() {
        let skipped = decode_key(&mut message).and_then(|(tag, wire_type)| {
            found += usize::from(tag == field);
            skip_field(wire_type, tag, &mut message, DecodeContext::default())
        });
        // What does not decode is found out by who decodes it.
        if skipped.is_err() {
            break;
        }
    }
    found <= most
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct InitRequest {
    #[prost(message, optional, tag = "1")]
    pub(crate) metadata: Option<InitMetadata>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct InitMetadata {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(map = "string, string", tag = "2")]
    pub(crate) properties: HashMap<String, String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct FeaturesResponse {
    #[prost(string, repeated, tag = "1")]
    pub(crate) features: Vec<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct GetRequest {
    #[prost(string, tag = "1")]
    pub(crate) key: String,
    #[prost(map = "string, string", tag = "2")]
    pub(crate) metadata: HashMap<String, String>,
    #[prost(message, optional, tag = "3")]
    pub(crate) options: Option<GetOptions>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct GetOptions {
    #[prost(string, tag = "1")]
    pub(crate) consistency: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct GetResponse {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) data: Vec<u8>,
    #[prost(string, tag = "2")]
    pub(crate) etag: String,
    #[prost(map = "string, string", tag = "3")]
    pub(crate) metadata: HashMap<String, String>,
    #[prost(string, tag = "4")]
    pub(crate) content_type: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct SetRequest {
    #[prost(string, tag = "1")]
    pub(crate) key: String,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) data: Vec<u8>,
    #[prost(string, tag = "3")]
    pub(crate) etag: String,
    #[prost(map = "string, string", tag = "4")]
    pub(crate) metadata: HashMap<String, String>,
    #[prost(message, optional, tag = "5")]
    pub(crate) options: Option<WriteOptions>,
    #[prost(string, tag = "6")]
    pub(crate) content_type: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct WriteOptions {
    #[prost(string, tag = "1")]
    pub(crate) concurrency: String,
    #[prost(string, tag = "2")]
    pub(crate) consistency: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct DeleteRequest {
    #[prost(string, tag = "1")]
    pub(crate) key: String,
    #[prost(string, tag = "2")]
    pub(crate) etag: String,
    #[prost(map = "string, string", tag = "3")]
    pub(crate) metadata: HashMap<String, String>,
    #[prost(message, optional, tag = "4")]
    pub(crate) options: Option<WriteOptions>,
}
