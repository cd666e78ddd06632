//! A to-do list as a JSON API. This file is HTTP, `todos.rs` is what the app knows about its data.

mod failure;
mod lifetime;
mod percent;
mod query;
mod todos;

use failure::Failure;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use query::Query;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;
use todos::{Id, Todo};
use wstd::http::Body;

#[wstd::http_server]
async fn main(request: Request<Body>) -> Result<Response<Body>, wstd::http::Error> {
    Ok(answer(request).await.unwrap_or_else(Failure::into_response))
}

async fn answer(request: Request<Body>) -> Result<Response<Body>, Failure> {
    let (head, mut body) = request.into_parts();
    let path: Vec<&str> = head.uri.path().split('/').skip(1).collect();

    match (&head.method, path.as_slice()) {
        (&Method::GET, ["todos"]) => list(todos::TODOS, &head.uri),
        (&Method::POST, ["todos"]) => Ok(created(&todos::create(parsed(&mut body).await?)?)),
        (&Method::POST, ["todos", "archive-done"]) => {
            Ok(json(StatusCode::OK, &json!({ "archived": todos::archive_done()? })))
        }
        (_, ["todos", "archive-done"]) => Err(Failure::Method { allow: "POST" }),
        (&Method::GET, ["archive"]) => list(todos::ARCHIVE, &head.uri),
        (&Method::GET, ["todos", id]) => Ok(json(StatusCode::OK, &todos::find(Id::parse(id)?)?)),
        (&Method::PATCH, ["todos", id]) => {
            let id = Id::parse(id)?;
            Ok(json(StatusCode::OK, &todos::change(id, parsed(&mut body).await?)?))
        }
        (&Method::DELETE, ["todos", id]) => {
            todos::remove(&Id::parse(id)?)?;
            Ok(empty(StatusCode::NO_CONTENT))
        }
        (_, ["todos"]) => Err(Failure::Method { allow: "GET, POST" }),
        (_, ["archive"]) => Err(Failure::Method { allow: "GET" }),
        (_, ["todos", _]) => Err(Failure::Method {
            allow: "GET, PATCH, DELETE",
        }),
        _ => Err(Failure::NotFound),
    }
}

fn list(prefix: &str, uri: &Uri) -> Result<Response<Body>, Failure> {
    let mut query = Query::parse(uri.query().unwrap_or_default()).map_err(Failure::Bad)?;
    let cursor = query.take("cursor").map(query::decoded).transpose();
    let cursor = cursor.map_err(Failure::Bad)?;
    query.finish().map_err(Failure::Bad)?;
    Ok(json(StatusCode::OK, &todos::page(prefix, cursor)?))
}

fn created(todo: &Todo) -> Response<Body> {
    let location = HeaderValue::try_from(format!("/todos/{}", todo.id)).expect("an id is made of hex digits");
    let mut response = json(StatusCode::CREATED, todo);
    response.headers_mut().insert(header::LOCATION, location);
    response
}

async fn parsed<T: DeserializeOwned>(body: &mut Body) -> Result<T, Failure> {
    let bytes = body
        .contents()
        .await
        .map_err(|_| Failure::Bad("the body cannot be read".to_owned()))?;
    serde_json::from_slice(bytes).map_err(|error| Failure::Bad(error.to_string()))
}

fn json(status: StatusCode, value: &impl Serialize) -> Response<Body> {
    let text = serde_json::to_string(value).expect("records of text and numbers are always valid JSON");
    let mut response = empty(status);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(text.len()));
    *response.body_mut() = text.into();
    response
}

fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
