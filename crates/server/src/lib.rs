//! HTTP routes, live events, the web page, metrics.
