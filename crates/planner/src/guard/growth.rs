//! `maxGrowthRate`: how many launches of a pool may be under way at once. A launch is
//! under way from the intent until the agent is ready, or given up.

use headcount_model::Reason;

/// How many launches may begin now beside those that are under way.
pub(crate) fn room(most: Option<u32>, launching: u32) -> (u32, Reason) {
    let room = most.map_or(u32::MAX, |most| most.saturating_sub(launching));
    (room, Reason::GrowthRate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_under_way_takes_its_place() {
        assert_eq!(room(None, 1_000_000).0, u32::MAX);
        assert_eq!(room(Some(3), 0).0, 3);
        assert_eq!(room(Some(3), 2).0, 1);
        assert_eq!(room(Some(3), 5).0, 0, "it was lowered");
    }
}
