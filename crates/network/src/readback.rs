//! Who is admitted, as the kernel tells it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use headcount_model::AgentId;
use serde_json::{Deserializer, Value};

use crate::{Addresses, script};

/// Agents and their addresses in what `nft -j` listed: one document for each map, both of
/// them or none. Anything not understood is an error, never left out.
pub(crate) fn agents(listed: &str) -> Result<BTreeMap<AgentId, Addresses>, String> {
    let mut agents = BTreeMap::new();
    let mut missing = script::AGENT_MAPS.to_vec();
    for document in Deserializer::from_str(listed).into_iter::<Value>() {
        let document = document.map_err(|error| format!("an unreadable list ({error})"))?;
        let objects = document["nftables"].as_array();
        for object in objects.ok_or("a list without objects")? {
            let Some(map) = object.get("map") else {
                continue;
            };
            missing.retain(|name| map["name"].as_str() != Some(*name));
            for element in elements(map)? {
                let (address, agent) = element_of(element)?;
                note(agents.entry(agent).or_default(), address)?;
            }
        }
    }
    match missing.first() {
        None => Ok(agents),
        Some(name) => Err(format!("no map `{name}`")),
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
        let document = |name: &str, elements: &str| {
            format!(
                r#"{{"nftables": [{{"metainfo": {{"json_schema_version": 1}}}},
                    {{"map": {{"family": "inet", "name": "{name}", "map": "verdict"{elements}}}}}]}}"#
            )
        };
        format!("{}\n{}\n", document("agents4", v4), document("agents6", v6))
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
    fn empty_maps_are_nobody() {
        assert_eq!(agents(&listed("", "")), Ok(BTreeMap::new()));
    }

    #[test]
    fn what_is_not_understood_is_never_nobody() {
        let both = listed("", "");
        let first = both.lines().take(2).collect::<String>();
        for (text, what) in [
            ("", "no map `agents4`"),
            (&first, "no map `agents6`"),
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
