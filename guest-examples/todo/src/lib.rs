//! A to-do list as a JSON API. This file is HTTP, `todos.rs` is what the app knows about its data.

mod failure;
mod lifetime;
mod parsed;
mod percent;
mod query;
mod todos;

use axum::Router;
use axum::routing::{MethodRouter, get, post};
use failure::Failure;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use parsed::Parsed;
use query::Query;
use serde::Serialize;
use serde_json::json;
use todos::{Change, Id, New};
use wstd::http::{Body, Error};

type Answer = Result<Response<axum::body::Body>, Failure>;

/// What `#[wstd_axum::http_server]` would write, but for HEAD: axum answers that with the length of the body and without the body,
/// and WASI compares a length with what is sent.
#[wstd::http_server]
async fn main(request: Request<Body>) -> Result<Response<Body>, Error> {
    let is_head = request.method() == Method::HEAD;
    let mut response = wstd_axum::serve(request, routes()).await?;
    if is_head {
        response.headers_mut().remove(header::CONTENT_LENGTH);
    }
    Ok(response)
}

fn routes() -> Router {
    Router::new()
        .route("/todos", only("GET, HEAD, POST", get(list).post(create)))
        .route("/todos/archive-done", only("POST", post(archive_done)))
        .route(
            "/todos/{id}",
            only("GET, HEAD, PATCH, DELETE", get(find).patch(change).delete(remove)),
        )
        .route("/archive", only("GET, HEAD", get(archived)))
        .fallback(async || Failure::NotFound)
}

/// A path that answers the other methods with those that it takes.
fn only(allow: &'static str, methods: MethodRouter) -> MethodRouter {
    methods.fallback(async move || Failure::Method { allow })
}

async fn list(uri: Uri) -> Answer {
    page(todos::TODOS, &uri)
}

async fn archived(uri: Uri) -> Answer {
    page(todos::ARCHIVE, &uri)
}

async fn create(Parsed(new): Parsed<New>) -> Answer {
    let todo = todos::create(new)?;
    let location = HeaderValue::try_from(format!("/todos/{}", todo.id)).expect("an id is made of hex digits");
    let mut response = json(StatusCode::CREATED, &todo);
    response.headers_mut().insert(header::LOCATION, location);
    Ok(response)
}

async fn find(id: Id) -> Answer {
    Ok(json(StatusCode::OK, &todos::find(id)?))
}

async fn change(id: Id, Parsed(change): Parsed<Change>) -> Answer {
    Ok(json(StatusCode::OK, &todos::change(id, change)?))
}

async fn remove(id: Id) -> Answer {
    todos::remove(&id)?;
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}

async fn archive_done() -> Answer {
    Ok(json(StatusCode::OK, &json!({ "archived": todos::archive_done()? })))
}

fn page(prefix: &str, uri: &Uri) -> Answer {
    let mut query = Query::parse(uri.query().unwrap_or_default()).map_err(Failure::Bad)?;
    let cursor = query.take("cursor").map(query::decoded).transpose();
    let cursor = cursor.map_err(Failure::Bad)?;
    query.finish().map_err(Failure::Bad)?;
    Ok(json(StatusCode::OK, &todos::page(prefix, cursor)?))
}

fn json(status: StatusCode, value: &impl Serialize) -> Response<axum::body::Body> {
    let text = serde_json::to_string(value).expect("records of text and numbers are always valid JSON");
    let mut response = Response::new(text.into());
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}
