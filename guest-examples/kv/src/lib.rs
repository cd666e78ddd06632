//! `dapr:state` over HTTP, as requests that curl can send; README.md lists them.

mod etag;
mod failure;
mod reply;
mod transaction;
mod uri;

/// `dapr:state`, generated from the host's WIT. The world is written here because an app's world lists what it uses, and
/// HTTP comes from `wstd`.
mod bindings {
    wit_bindgen::generate!({
        path: "../../wit",
        inline: "package examples:kv; world kv { import dapr:state/store@0.1.0; }",
        world: "examples:kv/kv",
        generate_all,
    });
}

use bindings::dapr::state::{
    store,
    types::{DeleteOptions, Entry, KeyPage, ListOptions, SetOptions},
};
use failure::Failure;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use serde::Serialize;
use std::time::{Duration, SystemTime};
use uri::Query;
use wstd::http::Body;

/// The store where `?store=NAME` names none.
const STORE: &str = "statestore";

/// The last second that an HTTP date can name, in the year 9999.
const LAST_DATE: u64 = 253_402_300_799;

#[wstd::http_server]
async fn main(request: Request<Body>) -> Result<Response<Body>, wstd::http::Error> {
    let wants_body = request.method() != Method::HEAD;
    let response = answer(request).await.unwrap_or_else(Failure::into_response);
    Ok(if wants_body {
        response
    } else {
        reply::without_body(response)
    })
}

async fn answer(request: Request<Body>) -> Result<Response<Body>, Failure> {
    let (head, mut body) = request.into_parts();
    let key = uri::key(&head.uri)?;
    let mut query = Query::parse(head.uri.query())?;
    let store = query.take("store").unwrap_or_else(|| STORE.to_owned());

    match (head.method, key.as_str()) {
        (Method::GET | Method::HEAD, "") => list(&store, query),
        (Method::POST, "") => {
            query.finish()?;
            let steps = body.contents().await.map_err(Failure::unreadable)?;
            transaction::run(&store, steps)?;
            Ok(reply::empty(StatusCode::NO_CONTENT))
        }
        (Method::GET | Method::HEAD, key) => get(&store, key, query),
        // PUT and DELETE take `/` as well: it is the empty key, to which the store has the right answer.
        (Method::PUT, key) => {
            let options = set_options(&head.headers, query)?;
            let value = body.contents().await.map_err(Failure::unreadable)?;
            store::set(&store, key, value, Some(&options))?;
            Ok(reply::empty(StatusCode::NO_CONTENT))
        }
        (Method::DELETE, key) => {
            query.finish()?;
            let etag = etag::precondition(&head.headers)?;
            let options = DeleteOptions {
                etag,
                consistency: None,
                metadata: Vec::new(),
            };
            store::delete(&store, key, Some(&options))?;
            Ok(reply::empty(StatusCode::NO_CONTENT))
        }
        (_, "") => Err(Failure::Method {
            allow: "GET, HEAD, POST",
        }),
        (_, _) => Err(Failure::Method {
            allow: "GET, HEAD, PUT, DELETE",
        }),
    }
}

fn get(store: &str, key: &str, query: Query) -> Result<Response<Body>, Failure> {
    query.finish()?;
    let Some(entry) = store::get(store, key, None)? else {
        // Without a body: that nothing is stored here is an answer, and no error of the store's.
        return Ok(reply::empty(StatusCode::NOT_FOUND));
    };
    let Entry {
        value,
        etag,
        content_type,
        expires_at,
        metadata: _,
    } = entry;
    let mut response = Response::builder().header(header::CONTENT_LENGTH, value.len());
    if let Some(content_type) = content_type {
        response = response.header(header::CONTENT_TYPE, content_type);
    }
    if let Some(etag) = etag {
        response = response.header(header::ETAG, etag::quoted(&etag));
    }
    if let Some(seconds) = expires_at {
        let expires = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.min(LAST_DATE));
        response = response.header(header::EXPIRES, httpdate::fmt_http_date(expires));
    }
    response.body(value.into()).map_err(Failure::unspeakable)
}

fn set_options(headers: &HeaderMap, mut query: Query) -> Result<SetOptions, Failure> {
    let ttl = query.number("ttl")?;
    query.finish()?;
    let content_type = headers.get(header::CONTENT_TYPE).map(|value| value.to_str());
    Ok(SetOptions {
        condition: etag::condition(headers)?,
        ttl,
        content_type: content_type
            .transpose()
            .map_err(|_| Failure::invalid("the Content-Type is not plain ASCII"))?
            .map(str::to_owned),
        consistency: None,
        metadata: Vec::new(),
    })
}

fn list(store: &str, mut query: Query) -> Result<Response<Body>, Failure> {
    let prefix = query.take("prefix").unwrap_or_default();
    let options = ListOptions {
        limit: query.number("limit")?,
        cursor: query.take("cursor"),
    };
    query.finish()?;
    let KeyPage { keys, cursor } = store::list_keys(store, &prefix, Some(&options))?;
    Ok(reply::json(StatusCode::OK, &Page { keys, cursor }))
}

/// A listing as JSON has it.
#[derive(Serialize)]
struct Page {
    keys: Vec<String>,
    cursor: Option<String>,
}
