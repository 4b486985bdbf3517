//! The web page: one file, nothing from elsewhere.

use std::sync::LazyLock;

use axum::http::{HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

/// One document with its style and its script inside.
const PAGE: &str = concat!(
    include_str!("page/head.html"),
    "<style>\n",
    include_str!("page/style.css"),
    "</style>\n",
    include_str!("page/body.html"),
    "<script>\n",
    include_str!("page/script/base.js"),
    include_str!("page/script/api.js"),
    include_str!("page/script/fleet.js"),
    include_str!("page/script/jobs.js"),
    include_str!("page/script/drawer.js"),
    include_str!("page/script/live.js"),
    "</script>\n</body>\n</html>\n",
);

/// Only the page's own script and style run, named by their digests, and only this
/// daemon is talked to.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let script = digest_of("<script>", "</script>");
    let style = digest_of("<style>", "</style>");
    format!(
        "default-src 'none'; script-src 'sha256-{script}'; style-src 'sha256-{style}'; \
         connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    )
});

/// Serves the page. It holds no data, so it needs no token.
pub(crate) async fn page() -> Response {
    let mut response = Html(PAGE).into_response();
    if let Ok(policy) = HeaderValue::from_str(&POLICY) {
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

fn digest_of(open: &str, close: &str) -> String {
    let text = between(PAGE, open, close).unwrap_or_default();
    STANDARD.encode(Sha256::digest(text))
}

fn between<'a>(text: &'a str, open: &str, close: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(open)?;
    rest.split_once(close).map(|(inside, _)| inside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_one_script_and_one_style_and_nothing_from_elsewhere() {
        for tag in ["<script", "<style"] {
            assert_eq!(PAGE.matches(tag).count(), 1, "{tag}");
        }
        for outside in [
            "https://",
            "//cdn",
            " src=\"",
            "@import",
            " onclick=",
            " style=\"",
        ] {
            assert!(!PAGE.contains(outside), "{outside}");
        }
        assert!(between(PAGE, "<script>", "</script>").is_some());
        assert!(between(PAGE, "<style>", "</style>").is_some());
    }
}
