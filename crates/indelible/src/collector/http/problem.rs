//! Answers that are no: a status, and one sentence.

use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use indelible_log::published::WITNESSED;

/// Why a request is not answered.
#[derive(Debug)]
pub(super) enum Problem {
    /// There is no such thing (yet).
    NotFound,
    /// The request makes no sense.
    Bad(&'static str),
    /// It was there once: removed by retention, or erased.
    Gone(String),
    /// The log has no entry of it, so it is not done.
    NotNoted(String),
    /// What is asked for means nothing here.
    Refused(String),
    /// As many searches run as may.
    Busy,
    /// As many of this reader as may.
    TooMany,
    /// No token, or one that is not good for this.
    Unauthorised,
    /// The store could not be read; the log of the collector says more.
    Store(indelible_log::Error),
}

impl From<indelible_log::Error> for Problem {
    fn from(error: indelible_log::Error) -> Self {
        match error {
            indelible_log::Error::OutOfRange { .. } => Self::NotFound,
            // Nothing was cosigned yet.
            indelible_log::Error::Missing { path } if path == WITNESSED => Self::NotFound,
            error
            @ (indelible_log::Error::Removed { .. } | indelible_log::Error::Erased { .. }) => {
                Self::Gone(error.to_string())
            }
            error => Self::Store(error),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        match self {
            Self::NotFound => (StatusCode::NOT_FOUND, "not found\n").into_response(),
            Self::Gone(why) => (StatusCode::GONE, format!("{why}\n")).into_response(),
            Self::NotNoted(why) => (
                StatusCode::SERVICE_UNAVAILABLE,
                format!("the log cannot note this request: {why}\n"),
            )
                .into_response(),
            Self::Bad(why) => (StatusCode::BAD_REQUEST, format!("{why}\n")).into_response(),
            Self::Refused(why) => (StatusCode::BAD_REQUEST, format!("{why}\n")).into_response(),
            Self::Busy => (
                StatusCode::SERVICE_UNAVAILABLE,
                [(RETRY_AFTER, "5")],
                "other searches are running\n",
            )
                .into_response(),
            Self::TooMany => (
                StatusCode::TOO_MANY_REQUESTS,
                [(RETRY_AFTER, "5")],
                "this reader has as many searches as one may have at a time\n",
            )
                .into_response(),
            Self::Unauthorised => (
                StatusCode::UNAUTHORIZED,
                [(axum::http::header::WWW_AUTHENTICATE, "Bearer")],
                "a token is needed (Authorization: Bearer …), or the certificate of a reader\n",
            )
                .into_response(),
            Self::Store(error) => {
                tracing::error!("cannot answer a request: {error}");
                (
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "the store cannot be read\n",
                )
                    .into_response()
            }
        }
    }
}
