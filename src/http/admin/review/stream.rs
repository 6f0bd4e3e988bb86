//! A review while it is being made. Most are there in an instant and answered as any page; for the others the page begins at once and says how far
//! the review is, until it follows. The browser needs no script for that: each step of progress hides the one before.

use std::time::Duration;

use askama::Template;
use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use futures_util::stream;
use tokio::sync::mpsc;

use super::{InHand, in_hand, page};
use crate::admin::AdminError;
use crate::admin::settings::{Progress, Review};
use crate::doors::describe;
use crate::http::admin::console::Console;
use crate::http::admin::trouble::{Trouble, as_sentence};
use crate::http::views::View as _;

/// So long a page waits for its review before it begins without it.
const PATIENCE: Duration = Duration::from_millis(400);
/// Progress is told at most this often.
const STEP: Duration = Duration::from_millis(200);
/// Where in the page the review goes.
const MARK: &str = "\u{1}review\u{1}";

type Reviewed = Result<Review, AdminError>;

/// `GET /admin/{organization}/review`
pub(super) async fn show(console: Console) -> Result<Response, Trouble> {
    let Some(in_hand) = in_hand(&console).await? else { return Ok(Redirect::to(&console.path("access")).into_response()) };
    let change = in_hand.edit.change();
    let (say, mut said) = mpsc::channel::<Progress>(1);
    let (admin, actor) = (console.admin(), console.actor.clone());
    let mut reviewing = tokio::spawn(async move {
        // A reader that is busy misses a step, and nobody waits for it.
        let tell = move |progress| {
            let _ = say.try_send(progress);
        };
        admin.review_settings(&actor, &change, &tell).await
    });
    if let Ok(finished) = tokio::time::timeout(PATIENCE, &mut reviewing).await {
        let review = finished.map_err(|_| AdminError::Stale)??;
        return Ok(page::respond(&console, &in_hand, &review, None));
    }
    let view = page::page(&console, &in_hand.edit, MARK.to_owned(), StatusCode::OK);
    let Ok(whole) = view.render() else { return Ok(view.respond()) };
    let (head, tail) = whole.split_once(MARK).unwrap_or((&whole, ""));
    let (pieces, ready) = mpsc::channel::<Bytes>(4);
    let (head, tail) = (Bytes::from(head.to_owned()), Bytes::from(tail.to_owned()));
    tokio::spawn(async move {
        if pieces.send(head).await.is_err() {
            return;
        }
        let finished = loop {
            tokio::select! {
                finished = &mut reviewing => break finished,
                progress = said.recv() => {
                    if let Some(progress) = progress && pieces.send(told(progress)).await.is_err() {
                        reviewing.abort();
                        return;
                    }
                    tokio::time::sleep(STEP).await;
                }
            }
        };
        let piece = finished.map_or_else(|_| failed(&AdminError::Stale), |reviewed| result(&console, &in_hand, reviewed));
        for piece in [piece, tail] {
            if pieces.send(piece).await.is_err() {
                return;
            }
        }
    });
    let body =
        Body::from_stream(stream::unfold(ready, async |mut ready| Some((Ok::<_, std::convert::Infallible>(ready.recv().await?), ready))));
    let (parts, _) = view.respond().into_parts();
    let mut response = Response::from_parts(parts, body);
    response.headers_mut().remove(axum::http::header::CONTENT_LENGTH);
    Ok(response)
}

fn told(progress: Progress) -> Bytes {
    format!("<p class=\"progress\">Looked at {} of {} members…</p>\n", progress.done, progress.total).into()
}

fn result(console: &Console, in_hand: &InHand, reviewed: Reviewed) -> Bytes {
    match reviewed {
        Ok(review) => page::render(console, in_hand, &review, None).into(),
        Err(error) => failed(&error),
    }
}

/// The status was sent already; the page says it in words.
fn failed(error: &AdminError) -> Bytes {
    tracing::warn!(cause = describe(error), "a review could not be made");
    let words = askama::filters::escape(as_sentence(&error.to_string()), askama::filters::Html);
    let words = words.map(|words| words.to_string()).unwrap_or_default();
    format!("<div class=\"alert bad\" role=\"alert\" id=\"review\"><p>{words}</p></div>").into()
}
