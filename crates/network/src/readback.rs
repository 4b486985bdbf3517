//! Who is admitted, as the kernel tells it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use headcount_model::AgentId;
use serde_json::Value;

use crate::{Addresses, script};

/// Agents and their addresses in the table that `nft -j` listed. Anything not understood
/// in a map of agents is an error, never left out.
pub(crate) fn agents(listed: &str) -> Result<BTreeMap<AgentId, Addresses>, String> {
    let objects = objects(listed)?;
    let maps: Vec<&Value> = objects
        .iter()
        .filter_map(|object| object.get("map"))
        .collect();
    let mut agents = BTreeMap::new();
    for name in script::AGENT_MAPS {
        let map = maps.iter().find(|map| map["name"].as_str() == Some(name));
        for element in elements(map.ok_or_else(|| format!("no map `{name}`"))?)? {
            let (address, agent) = element_of(element)?;
            note(agents.entry(agent).or_default(), address)?;
        }
    }
    Ok(agents)
}

/// The names of all tables that `nft -j` listed.
pub(crate) fn tables(listed: &str) -> Result<Vec<String>, String> {
    let objects = objects(listed)?;
    let tables = objects.iter().filter_map(|object| object.get("table"));
    let name = |table: &Value| {
        let name = table["name"].as_str().map(str::to_owned);
        name.ok_or_else(|| format!("the table {table}"))
    };
    tables.map(name).collect()
}

fn objects(listed: &str) -> Result<Vec<Value>, String> {
    let mut document: Value =
        serde_json::from_str(listed).map_err(|error| format!("an unreadable list ({error})"))?;
    match document.get_mut("nftables").map(Value::take) {
        Some(Value::Array(objects)) => Ok(objects),
        _ => Err("a list without objects".to_owned()),
    }
}

fn elements(map: &Value) -> Result<&[Value], String> {
    match map.get("elem") {
        // An empty map is listed without elements.
        None => Ok(&[]),
        Some(Value::Array(elements)) => Ok(elements),
        Some(other) => Err(format!("the elements {other}")),
    }
}

/// `["10.0.0.2", {"jump": {"target": "a-65f1c2a0-7"}}]`
fn element_of(element: &Value) -> Result<(IpAddr, AgentId), String> {
    let address = element[0].as_str().and_then(|text| text.parse().ok());
    let agent = element[1]["jump"]["target"].as_str();
    let agent = agent.and_then(|text| text.parse().ok());
    address
        .zip(agent)
        .ok_or_else(|| format!("the element {element}"))
}

fn note(addresses: &mut Addresses, address: IpAddr) -> Result<(), String> {
    let twice = match address {
        IpAddr::V4(address) => addresses.v4.replace(address).is_some(),
        IpAddr::V6(address) => addresses.v6.replace(address).is_some(),
    };
    if twice {
        return Err(format!("a second address {address} of one agent"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(v4: &str, v6: &str) -> String {
        let map = |name: &str, elements: &str| {
            format!(
                r#"{{"map": {{"family": "inet", "name": "{name}", "map": "verdict"{elements}}}}}"#
            )
        };
        let (v4, v6) = (map("agents4", v4), map("agents6", v6));
        format!(
            r#"{{"nftables": [{{"metainfo": {{"json_schema_version": 1}}}}, {v4}, {v6},
                {{"chain": {{"family": "inet", "name": "a-1-1"}}}}]}}"#
        )
    }

    #[test]
    fn both_maps_are_joined_by_agent() {
        let v4 = r#", "elem": [["10.0.0.2", {"jump": {"target": "a-1-1"}}],
                               ["10.0.0.20", {"jump": {"target": "a-1-2"}}]]"#;
        let v6 = r#", "elem": [["fd00::2", {"jump": {"target": "a-1-1"}}]]"#;
        let agents = agents(&listed(v4, v6)).unwrap();
        assert_eq!(
            format!("{agents:?}"),
            "{a-1-1: [10.0.0.2, fd00::2], a-1-2: [10.0.0.20]}"
        );
    }

    #[test]
    fn tables_are_named() {
        let listed = r#"{"nftables": [{"metainfo": {"json_schema_version": 1}},
            {"table": {"family": "inet", "name": "filter", "handle": 1}},
            {"table": {"family": "inet", "name": "ours", "handle": 2}}]}"#;
        assert_eq!(tables(listed).unwrap(), ["filter", "ours"]);
        let nameless = r#"{"nftables": [{"table": {"family": "inet"}}]}"#;
        assert_eq!(
            tables(nameless),
            Err(r#"the table {"family":"inet"}"#.to_owned())
        );
        assert!(tables("").is_err());
    }

    #[test]
    fn empty_maps_are_nobody() {
        assert_eq!(agents(&listed("", "")), Ok(BTreeMap::new()));
    }

    #[test]
    fn what_is_not_understood_is_never_nobody() {
        let one = listed("", "").replace("agents6", "others6");
        for (text, what) in [
            (
                "",
                "an unreadable list (EOF while parsing a value at line 1 column 0)",
            ),
            (r#"{"nftables": []}"#, "no map `agents4`"),
            (&one, "no map `agents6`"),
            ("{}", "a list without objects"),
            (
                "{",
                "an unreadable list (EOF while parsing an object at line 1 column 1)",
            ),
            (
                &listed(r#", "elem": [["10.0.0.2", {"drop": null}]]"#, ""),
                r#"the element ["10.0.0.2",{"drop":null}]"#,
            ),
            (
                &listed(r#", "elem": [["10.0.0.2", {"jump": {"target": "x"}}]]"#, ""),
                r#"the element ["10.0.0.2",{"jump":{"target":"x"}}]"#,
            ),
            (&listed(r#", "elem": 7"#, ""), "the elements 7"),
            (
                &listed(
                    r#", "elem": [["10.0.0.2", {"jump": {"target": "a-1-1"}}],
                                  ["10.0.0.3", {"jump": {"target": "a-1-1"}}]]"#,
                    "",
                ),
                "a second address 10.0.0.3 of one agent",
            ),
        ] {
            assert_eq!(agents(text), Err(what.to_owned()), "{text}");
        }
    }
}
