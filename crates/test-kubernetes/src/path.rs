//! What a request is about, from its method and address.

use std::collections::BTreeMap;

use hyper::Method;

/// A request, taken apart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Asked {
    /// As access rules name it: `list`, `deletecollection` and so on.
    pub(crate) verb: &'static str,
    /// Empty for the core group.
    pub(crate) group: &'static str,
    pub(crate) resource: &'static str,
    /// Such as `status` or `log`; empty without one.
    pub(crate) subresource: String,
    /// Empty for all.
    pub(crate) namespace: String,
    /// Empty for a collection.
    pub(crate) name: String,
    pub(crate) query: BTreeMap<String, String>,
}

/// What is served, by group.
const SERVED: &[(&str, &str, &str)] = &[
    ("/api/v1", "", "pods"),
    ("/api/v1", "", "secrets"),
    ("/api/v1", "", "configmaps"),
    ("/api/v1", "", "events"),
    ("/apis/batch/v1", "batch", "jobs"),
];

impl Asked {
    /// `None` for what is not served.
    pub(crate) fn read(method: &Method, path: &str, query: &str) -> Option<Self> {
        let query: BTreeMap<String, String> = query
            .split('&')
            .filter_map(|pair| pair.split_once('=').or(Some((pair, ""))))
            .filter(|(name, _)| !name.is_empty())
            .map(|(name, value)| (decode(name), decode(value)))
            .collect();
        let (namespace, rest, root) = place(path)?;
        let mut rest = rest.split('/').map(decode);
        let resource = rest.next()?;
        let (_, group, resource) = SERVED
            .iter()
            .find(|(at, _, name)| *at == root && *name == resource)?;
        let name = rest.next().unwrap_or_default();
        let subresource = rest.next().unwrap_or_default();
        if rest.next().is_some() {
            return None;
        }
        let watches = matches!(query.get("watch").map(String::as_str), Some("true" | "1"));
        let verb = match (method, name.is_empty()) {
            (&Method::GET, true) if watches => "watch",
            (&Method::GET, true) => "list",
            (&Method::GET, false) => "get",
            (&Method::POST, true) => "create",
            (&Method::PUT, false) => "update",
            (&Method::DELETE, false) => "delete",
            (&Method::DELETE, true) => "deletecollection",
            _ => return None,
        };
        Some(Self {
            verb,
            group,
            resource,
            subresource,
            namespace,
            name,
            query,
        })
    }

    /// As access rules name it, such as `pods/log`.
    pub(crate) fn full_resource(&self) -> String {
        match self.subresource.as_str() {
            "" => self.resource.to_owned(),
            sub => format!("{}/{sub}", self.resource),
        }
    }

    pub(crate) fn query(&self, name: &str) -> &str {
        self.query.get(name).map_or("", String::as_str)
    }
}

/// Namespace, what stands behind it, and the root of the group.
fn place(path: &str) -> Option<(String, &str, &'static str)> {
    let root = ["/apis/batch/v1", "/api/v1"]
        .into_iter()
        .find(|root| path.strip_prefix(root).is_some_and(|r| r.starts_with('/')))?;
    let rest = path.strip_prefix(root)?.strip_prefix('/')?;
    match rest
        .strip_prefix("namespaces/")
        .and_then(|it| it.split_once('/'))
    {
        Some((namespace, rest)) => Some((decode(namespace), rest, root)),
        None => Some((String::new(), rest, root)),
    }
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits: String = rest.by_ref().take(2).map(char::from).collect();
                u8::from_str_radix(&digits, 16).unwrap_or(b'?')
            }
            byte => byte,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_taken_apart() {
        let jobs = "/apis/batch/v1/namespaces/ci/jobs";
        for (method, path, query, told) in [
            (Method::GET, jobs, "", "list jobs ci -"),
            (Method::GET, jobs, "watch=true", "watch jobs ci -"),
            (Method::POST, jobs, "", "create jobs ci -"),
            (Method::DELETE, jobs, "", "deletecollection jobs ci -"),
            (
                Method::GET,
                "/apis/batch/v1/namespaces/ci/jobs/x",
                "",
                "get jobs ci x",
            ),
            (
                Method::PUT,
                "/apis/batch/v1/namespaces/ci/jobs/x/status",
                "",
                "update jobs/status ci x",
            ),
            (
                Method::GET,
                "/api/v1/namespaces/ci/pods/x/log",
                "",
                "get pods/log ci x",
            ),
            (Method::GET, "/api/v1/pods", "", "list pods  -"),
        ] {
            let asked = Asked::read(&method, path, query).unwrap();
            let name = if asked.name.is_empty() {
                "-"
            } else {
                &asked.name
            };
            let read = format!(
                "{} {} {} {name}",
                asked.verb,
                asked.full_resource(),
                asked.namespace
            );
            assert_eq!(read, told);
        }
        for path in [
            "/api/v1/namespaces/ci/jobs",
            "/apis/apps/v1/deployments",
            "/healthz",
        ] {
            assert_eq!(Asked::read(&Method::GET, path, ""), None, "{path}");
        }
    }

    #[test]
    fn queries_are_decoded() {
        let asked = Asked::read(
            &Method::GET,
            "/api/v1/pods",
            "labelSelector=a%3D1%2Cb&x=a+b",
        );
        let asked = asked.unwrap();
        assert_eq!(asked.query("labelSelector"), "a=1,b");
        assert_eq!(asked.query("x"), "a b");
    }
}
