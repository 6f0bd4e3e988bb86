//! Style sheet and icons, inside the binary. Their names carry a hash of their content, so browsers keep them for good.
//!
//! The same files are served on the auth host and, under Usher's own prefix, on every app host: a page there may load only from its own origin.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Router, extract::OriginalUri};
use bytes::Bytes;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use rust_embed::RustEmbed;

use super::headers;

#[derive(RustEmbed)]
#[folder = "assets/"]
struct Files;

/// Whose page refers to the assets, which decides their address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AssetBase {
    /// A page on the auth host.
    #[default]
    AuthHost,
    /// A page of ours on an app's host.
    AppHost,
}

impl AssetBase {
    /// The path that all assets start with.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::AuthHost => "/assets/",
            Self::AppHost => "/.usher/assets/",
        }
    }

    /// The address of one asset by its file name; the plain name when there is none such, which then is not found.
    #[must_use]
    pub fn address(self, name: &str) -> String {
        format!("{}{}", self.path(), CATALOG.get(name).map_or(name, |asset| &asset.hashed_name))
    }
}

struct Asset {
    hashed_name: String,
    content_type: String,
    content: Bytes,
}

static CATALOG: LazyLock<BTreeMap<String, Asset>> =
    LazyLock::new(|| Files::iter().filter_map(|name| Some((name.to_string(), load(&name)?))).collect());

fn load(name: &str) -> Option<Asset> {
    let file = Files::get(name)?;
    let (stem, extension) = name.rsplit_once('.')?;
    let hash = file.metadata.sha256_hash().iter().take(6).fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    Some(Asset {
        hashed_name: format!("{stem}.{hash}.{extension}"),
        content_type: file.metadata.mimetype().to_owned(),
        content: Bytes::from(file.data.into_owned()),
    })
}

/// The answer for a whole path, when it is an asset: under either base, or `/favicon.ico`.
///
/// A hash of another build still finds the file, but the answer is not kept: during an upgrade, a page of one node may ask the other.
#[must_use]
pub fn asset_response(path: &str) -> Option<Response> {
    if path == "/favicon.ico" {
        return CATALOG.get("favicon.ico").map(|asset| answer(asset, "public, max-age=86400"));
    }
    let asked = path.strip_prefix(AssetBase::AuthHost.path()).or_else(|| path.strip_prefix(AssetBase::AppHost.path()))?;
    let (rest, extension) = asked.rsplit_once('.')?;
    let (stem, _hash) = rest.rsplit_once('.')?;
    let asset = CATALOG.get(&format!("{stem}.{extension}"))?;
    let caching = if asset.hashed_name == asked { "public, max-age=31536000, immutable" } else { "no-store" };
    Some(answer(asset, caching))
}

fn answer(asset: &Asset, caching: &'static str) -> Response {
    let mut response =
        ([(CONTENT_TYPE, asset.content_type.clone()), (CACHE_CONTROL, caching.to_owned())], Body::from(asset.content.clone()))
            .into_response();
    headers::secure(response.headers_mut(), false);
    response
}

/// The auth host's routes for all assets and the favicon.
pub fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/assets/{*path}", get(serve)).route("/favicon.ico", get(serve))
}

async fn serve(OriginalUri(uri): OriginalUri) -> Response {
    asset_response(uri.path()).unwrap_or_else(|| StatusCode::NOT_FOUND.into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_the_content_and_is_kept_for_good_on_both_hosts() {
        for base in [AssetBase::AuthHost, AssetBase::AppHost] {
            let address = base.address("usher.css");
            assert!(address.starts_with(base.path()) && !address.ends_with("/usher.css"), "{address}");
            let response = asset_response(&address).unwrap();
            assert_eq!(response.headers()[CACHE_CONTROL], "public, max-age=31536000, immutable");
            assert_eq!(response.headers()[CONTENT_TYPE], "text/css");
            assert_eq!(response.headers()["x-content-type-options"], "nosniff");
        }
    }

    #[test]
    fn a_hash_of_another_build_is_answered_but_not_kept() {
        let response = asset_response("/assets/usher.000000000000.css").unwrap();
        assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
    }

    #[test]
    fn nothing_but_assets_is_found() {
        for path in [
            "/assets/",
            "/assets/usher.css",
            "/assets/../Cargo.toml",
            "/assets/..%2FCargo.a.toml",
            "/usher.css",
            "/assets//etc/a.b.passwd",
            "/",
        ] {
            assert!(asset_response(path).is_none(), "{path}");
        }
    }

    #[test]
    fn there_is_a_favicon() {
        assert_eq!(asset_response("/favicon.ico").unwrap().headers()[CONTENT_TYPE], "image/x-icon");
    }
}
