//! Job statuses as numbers. The numbers are in files on disk and never change.

use headcount_ports::JobStatus;

use super::unreadable;
use crate::fault::Fault;

/// All statuses; each stands at its number.
pub(crate) const ALL: [JobStatus; 7] = [
    JobStatus::Queued,
    JobStatus::Assigned,
    JobStatus::Running,
    JobStatus::Succeeded,
    JobStatus::Failed,
    JobStatus::Cancelled,
    JobStatus::Expired,
];

pub(crate) const fn status_to_number(status: JobStatus) -> i64 {
    match status {
        JobStatus::Queued => 0,
        JobStatus::Assigned => 1,
        JobStatus::Running => 2,
        JobStatus::Succeeded => 3,
        JobStatus::Failed => 4,
        JobStatus::Cancelled => 5,
        JobStatus::Expired => 6,
    }
}

pub(crate) fn status_from_number(number: i64) -> Result<JobStatus, Fault> {
    let found = usize::try_from(number).ok().and_then(|n| ALL.get(n));
    found
        .copied()
        .ok_or_else(|| unreadable("a job", format!("no status has number {number}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_its_number() {
        for status in JobStatus::ALL {
            let number = status_to_number(status);
            assert_eq!(
                status_from_number(number).map_err(|it| it.to_string()),
                Ok(status)
            );
        }
        assert_eq!(
            status_from_number(7).map_err(|it| it.to_string()),
            Err("the row of a job cannot be read: no status has number 7".to_string())
        );
    }
}
