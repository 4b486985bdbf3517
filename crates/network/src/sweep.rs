//! Tables that an earlier life of this daemon left for bridges it has no use for any more.
//!
//! Promise: a table in which an agent is admitted stays, and so does one of which that
//! cannot be told: it may hold somebody back. Leaves to others: which bridges are in use.

use std::collections::BTreeSet;

use headcount_model::OwnerId;

use crate::nft::Complaint;
use crate::place::Place;
use crate::script::Apart;
use crate::{NetworkError, Nft, readback, script};

/// Removes the tables of this owner whose bridge is not among those in use, and in which
/// nobody is admitted. Names those that it removed. Only bridges whose names begin with
/// `stem` are looked at. Called once at start; safe to repeat.
///
/// # Errors
/// [`NetworkError::Missing`] and [`NetworkError::Permission`] where rules cannot be there or
/// cannot be changed; whatever else `nft` complains of. Some may have been removed by then.
pub async fn sweep(
    nft: &Nft,
    owner: &OwnerId,
    stem: &str,
    in_use: &BTreeSet<String>,
) -> Result<Vec<String>, NetworkError> {
    let listed = nft.list("list tables inet").await;
    let listed = listed.map_err(Complaint::plain)?;
    let tables = readback::tables(&listed).map_err(|what| NetworkError::Unreadable {
        table: "inet".to_owned(),
        what,
    })?;
    let mut removed = Vec::new();
    for table in tables {
        let place = place_of(owner, &table).filter(|place| place.bridge.starts_with(stem));
        let Some(place) = place.filter(|place| !in_use.contains(&place.bridge)) else {
            continue;
        };
        if is_empty(nft, &place).await {
            remove(nft, &place).await?;
            removed.push(table);
        }
    }
    Ok(removed)
}

/// What this owner would have called so.
fn place_of(owner: &OwnerId, table: &str) -> Option<Place> {
    // The prefix comes from the one place that makes names.
    let prefix = Place::new(owner, "x").ok()?.table;
    let bridge = table.strip_prefix(prefix.strip_suffix('x')?)?;
    Place::new(owner, bridge).ok()
}

/// Whether nobody is admitted; false when that cannot be told.
async fn is_empty(nft: &Nft, place: &Place) -> bool {
    match nft.list(&script::list(place)).await {
        Ok(listed) => readback::agents(&listed).is_ok_and(|agents| agents.is_empty()),
        Err(_) => false,
    }
}

/// Which kind it was is not known any more.
async fn remove(nft: &Nft, place: &Place) -> Result<(), NetworkError> {
    let both = script::remove(place, Apart::ByBridgeTable);
    match nft.apply(&both).await {
        Err(Complaint::NoEntry(_) | Complaint::Unsupported(_)) => {
            let one = script::remove(place, Apart::ByForwardChain);
            nft.apply(&one).await.map_err(Complaint::plain)
        }
        result => result.map_err(Complaint::plain),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_names_are_read_back() {
        let owner = OwnerId::new("0123456789abcdef");
        let bridge = |table: &str| place_of(&owner, table).map(|place| place.bridge);
        let ours = "headcount-0123456789abcdef-hc-00ff";
        assert_eq!(bridge(ours).as_deref(), Some("hc-00ff"));
        for other in [
            "filter",
            "headcount-0123456789abcdef-",
            "headcount-0123456789abcdef",
            "headcount-fedcba9876543210-hc-00ff",
            "headcount-0123456789abcdef-a name too long for one",
        ] {
            assert_eq!(bridge(other), None, "{other}");
        }
    }
}
