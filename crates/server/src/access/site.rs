//! Requests that a foreign web page makes a browser send.
//!
//! A page can point a name of its own at 127.0.0.1 (so the host name is checked) and can
//! have a form sent anywhere (so the origin of everything that changes something is).

use axum::http::{HeaderMap, HeaderValue, Uri, header};

use crate::refused::{Answer, Kind, Refused};

/// Names by which this host calls itself.
const LOCAL: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// Only names of this host itself, with any port.
pub(super) fn check_host(headers: &HeaderMap, uri: &Uri) -> Answer<()> {
    let header = headers.get(header::HOST).map(HeaderValue::to_str);
    let host = match header {
        Some(Ok(host)) => host,
        Some(Err(_)) => "",
        // A request line that names the host needs no header.
        None => uri.authority().map_or("", |authority| authority.as_str()),
    };
    let name = name_of(host).to_ascii_lowercase();
    if LOCAL.contains(&name.as_str()) {
        return Ok(());
    }
    let detail = format!("{host:?} is not a name of this host");
    let hint = "use http://127.0.0.1 or http://localhost, or start the daemon with \
                --token-file to serve other names";
    Err(Refused::new(Kind::ForeignHost, detail).hint(hint))
}

/// What the browser says of the page must be this daemon. Other clients say nothing.
pub(super) fn check_origin(headers: &HeaderMap) -> Answer<()> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    let same_site = site.is_none_or(|site| matches!(site, b"same-origin" | b"none"));
    let same_origin = match (headers.get(header::ORIGIN), text(header::HOST)) {
        (None, _) => true,
        (Some(origin), Some(host)) => {
            let origin = origin.to_str().unwrap_or_default();
            let authority = origin.split_once("://").map(|(_, authority)| authority);
            authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host))
        }
        (Some(_), None) => false,
    };
    if same_site && same_origin {
        return Ok(());
    }
    let detail = "a page of another site sent the request";
    Err(Refused::new(Kind::ForeignOrigin, detail).hint("use the daemon's own page, or the CLI"))
}

/// `host:port` without the port.
fn name_of(host: &str) -> &str {
    let colon = host.rfind(':').filter(|at| !host[*at..].contains(']'));
    let digits = |at: &usize| host[at + 1..].bytes().all(|byte| byte.is_ascii_digit());
    match colon.filter(digits) {
        Some(at) => &host[..at],
        None => host,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;

    use super::*;

    fn headers(pairs: &[(HeaderName, &'static str)]) -> HeaderMap {
        let pairs = pairs.iter().cloned();
        pairs
            .map(|(name, value)| (name, HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn only_local_names_are_served() {
        for (host, served) in [
            ("127.0.0.1:4870", true),
            ("localhost", true),
            ("LOCALHOST:80", true),
            ("[::1]:4870", true),
            ("[::1]", true),
            ("evil.example:4870", false),
            ("127.0.0.1.evil.example", false),
            ("localhost:80@evil.example", false),
            ("localhost:x", false),
            ("", false),
        ] {
            let headers = headers(&[(header::HOST, host)]);
            let checked = check_host(&headers, &Uri::from_static("/"));
            assert_eq!(checked.is_ok(), served, "{host}");
        }
        let absolute = Uri::from_static("http://localhost:1/x");
        assert!(check_host(&HeaderMap::new(), &absolute).is_ok());
        assert!(check_host(&HeaderMap::new(), &Uri::from_static("/")).is_err());
    }

    #[test]
    fn only_the_daemons_own_page_may_change_something() {
        let site = HeaderName::from_static("sec-fetch-site");
        let host = (header::HOST, "localhost:4870");
        for (pairs, allowed) in [
            (vec![host.clone()], true),
            (
                vec![host.clone(), (header::ORIGIN, "http://localhost:4870")],
                true,
            ),
            (
                vec![host.clone(), (header::ORIGIN, "http://evil.example")],
                false,
            ),
            (
                vec![host.clone(), (header::ORIGIN, "http://localhost:9999")],
                false,
            ),
            (vec![host.clone(), (header::ORIGIN, "null")], false),
            (vec![(header::ORIGIN, "http://localhost:4870")], false),
            (vec![host.clone(), (site.clone(), "same-origin")], true),
            (vec![host.clone(), (site.clone(), "none")], true),
            (vec![host.clone(), (site.clone(), "cross-site")], false),
            (vec![host.clone(), (site, "same-site")], false),
        ] {
            let checked = check_origin(&headers(&pairs));
            assert_eq!(checked.is_ok(), allowed, "{pairs:?}");
        }
    }
}
