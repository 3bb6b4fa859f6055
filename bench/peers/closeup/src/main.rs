//! The native peer of the closeup bench: the same closeups from the same files, on one thread and axum.
//!
//!   closeup-peer DATA_FOLDER CANDIDATES LOG_FILE     prints the port it listens on
mod artifact;
mod closeup;
mod reply;
mod served;
mod world;

use axum::extract::{Path, RawQuery, State};
use axum::http::{StatusCode, header::CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::{Router, routing::get};
use std::fs::File;
use std::io::{Error, Result};
use std::sync::{Arc, Mutex};

struct Service {
    world: world::World,
    candidates: usize,
    /// Lists served so far, and where they are logged.
    served: Mutex<(u64, served::ServedLog)>,
}

fn main() -> Result<()> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let [data, candidates, log] = &given[..] else {
        return Err(Error::other(
            "usage: closeup-peer DATA_FOLDER CANDIDATES LOG_FILE",
        ));
    };
    let service = Service {
        world: world::World::open(std::path::Path::new(data))?,
        candidates: candidates.parse().map_err(Error::other)?,
        served: Mutex::new((0, served::ServedLog::new(File::create(log)?))),
    };
    let app = Router::new()
        .route("/v1/pins/{id}/related", get(related))
        .with_state(Arc::new(service));
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
            println!("{}", listener.local_addr()?.port());
            axum::serve(listener, app).await
        })
}

async fn related(
    State(service): State<Arc<Service>>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let query = query.unwrap_or_default();
    let value = |name: &str| {
        query
            .split('&')
            .find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
    };
    let limit = value("limit")
        .and_then(|text| text.parse().ok())
        .unwrap_or(25);
    let Some(pin) = service.world.by_id.get(&id) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let at = reply::now_ms();
    let list = match closeup::closeup(&service.world, *pin, service.candidates, limit, at as f64) {
        Ok(list) => list,
        Err(error) => {
            return (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response();
        }
    };
    let Ok(mut served) = service.served.lock() else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    served.0 += 1;
    let id = reply::new_id(at, served.0);
    served
        .1
        .append(&id, value("userId").unwrap_or(""), at as f64, &list);
    let text = reply::reply(&service.world, &list, &id, at);
    ([(CONTENT_TYPE, "application/json; charset=utf-8")], text).into_response()
}
