//! The log: checkpoint, tiles, entry bundles, proofs.

use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::IntoResponse;
use indelible_log::tile::{TILE_WIDTH, Tile};

use super::Shared;
use super::problem::Problem;

type Answer<T> = Result<T, Problem>;

/// The newest published checkpoint; with witnesses, the newest that enough of them have cosigned.
pub(super) async fn checkpoint(State(shown): State<Shared>) -> Answer<impl IntoResponse> {
    let note = blocking(shown, |shown| match shown.witnessed {
        true => shown.published.witnessed_note(),
        false => shown.published.checkpoint_note(),
    });
    Ok((
        [(CONTENT_TYPE, TEXT), (CACHE_CONTROL, "no-cache")],
        note.await?,
    ))
}

/// The newest checkpoint of all, which witnesses may not have seen yet.
pub(super) async fn pending(State(shown): State<Shared>) -> Answer<impl IntoResponse> {
    let note = blocking(shown, |shown| shown.published.checkpoint_note()).await?;
    Ok(([(CONTENT_TYPE, TEXT), (CACHE_CONTROL, "no-cache")], note))
}

/// The log's public key, and a line for each that it had before.
pub(super) async fn key(State(shown): State<Shared>) -> Answer<impl IntoResponse> {
    let key = blocking(shown, |shown| Ok(shown.published.key())).await?;
    let text = format!("{}\n", key.to_text());
    Ok(([(CONTENT_TYPE, TEXT), (CACHE_CONTROL, "no-cache")], text))
}

/// `tile/<L>/<N>[.p/<W>]` and `tile/entries/<N>[.p/<W>]`.
pub(super) async fn tile(
    State(shown): State<Shared>,
    Path(rest): Path<String>,
) -> Answer<impl IntoResponse> {
    let wanted = Wanted::parse(&rest).ok_or(Problem::Bad("not a path of tlog-tiles"))?;
    let bytes = blocking(shown, move |shown| {
        let size = shown.published.checkpoint()?.size;
        match wanted {
            Wanted::Tile(tile) => shown.published.tile(tile, size),
            Wanted::Bundle { index, width } => shown.published.bundle(index, width, size),
        }
    })
    .await?
    .ok_or(Problem::NotFound)?;
    Ok(([(CONTENT_TYPE, BYTES), (CACHE_CONTROL, IMMUTABLE)], bytes))
}

/// One entry, its exact bytes.
pub(super) async fn entry(
    State(shown): State<Shared>,
    Path(index): Path<u64>,
) -> Answer<impl IntoResponse> {
    let bytes = blocking(shown, move |shown| {
        let size = shown.published.checkpoint()?.size;
        (index < size)
            .then(|| shown.published.entry(index))
            .transpose()
    })
    .await?
    .ok_or(Problem::NotFound)?;
    Ok(([(CONTENT_TYPE, BYTES), (CACHE_CONTROL, IMMUTABLE)], bytes))
}

/// The proof that an entry is under the newest published checkpoint, as a tlog-proof.
pub(super) async fn proof(
    State(shown): State<Shared>,
    Path(index): Path<u64>,
) -> Answer<impl IntoResponse> {
    let text = blocking(shown, move |shown| {
        let checkpoint = shown.published.checkpoint()?;
        let proof = shown.published.prove(index, &checkpoint)?;
        Ok(proof.to_text(&shown.published.key()))
    })
    .await?;
    Ok(([(CONTENT_TYPE, TEXT)], text))
}

/// The proof that the tree of `new` entries continues that of `old`, a hash per line.
pub(super) async fn consistency(
    State(shown): State<Shared>,
    Path((old, new)): Path<(u64, u64)>,
) -> Answer<impl IntoResponse> {
    let hashes = blocking(shown, move |shown| shown.published.consistency(old, new)).await?;
    let text: String = hashes.iter().map(|hash| format!("{hash}\n")).collect();
    Ok(([(CONTENT_TYPE, TEXT)], text))
}

/// What a path below `tile/` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Tile(Tile),
    Bundle { index: u64, width: u64 },
}

impl Wanted {
    /// Only the one spelling of each path is understood, so that caches hold a thing once.
    fn parse(rest: &str) -> Option<Self> {
        let (level, place) = rest.split_once('/')?;
        let (full, width) = match place.split_once(".p/") {
            Some((full, width)) => {
                let width = width.parse().ok().filter(|width| *width < TILE_WIDTH)?;
                (full, width)
            }
            None => (place, TILE_WIDTH),
        };
        let (level, is_bundle) = match level {
            "entries" => ("0", true),
            level => (level, false),
        };
        let index = Tile::parse_full(&format!("tile/{level}/{full}"))?.index;
        let tile = Tile {
            level: level.parse().ok()?,
            index,
            width,
        };
        let wanted = tile.path();
        let spelt = format!("tile/{level}/{place}");
        (wanted == spelt).then_some(match is_bundle {
            true => Self::Bundle { index, width },
            false => Self::Tile(tile),
        })
    }
}

/// Reads the store on a thread that may wait for the disk.
async fn blocking<T: Send + 'static>(
    shown: Shared,
    read: impl FnOnce(&super::Shown) -> indelible_log::Result<T> + Send + 'static,
) -> Answer<T> {
    let read = tokio::task::spawn_blocking(move || read(&shown)).await;
    // The task panicked or the collector stops.
    Ok(read.map_err(|_| Problem::NotFound)??)
}

const TEXT: &str = "text/plain; charset=utf-8";
const BYTES: &str = "application/octet-stream";
/// Tiles and entries never change.
const IMMUTABLE: &str = "private, max-age=604800, immutable";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        let tile = |level, index, width| {
            Some(Wanted::Tile(Tile {
                level,
                index,
                width,
            }))
        };
        assert_eq!(Wanted::parse("0/x001/x234/067"), tile(0, 1_234_067, 256));
        assert_eq!(Wanted::parse("1/001.p/17"), tile(1, 1, 17));
        assert_eq!(
            Wanted::parse("entries/273.p/112"),
            Some(Wanted::Bundle {
                index: 273,
                width: 112
            })
        );
        for bad in [
            "0/1",
            "01/001",
            "0/001.p/256",
            "0/001.p/017",
            "0/001.p/0x1",
            "entries/x000/001",
            "9/001",
            "data/001",
            "0",
            "",
        ] {
            assert_eq!(Wanted::parse(bad), None, "{bad}");
        }
    }
}
