//! Announced changes of the API, each live from its day on.

use jiff::civil::{Date, date};

/// What the API does on a day.
#[expect(clippy::struct_excessive_bools, reason = "the changes went live one by one")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Changes {
    /// Server types say per location whether they can be had; since 2026-04-01.
    pub(crate) availability: bool,
    /// Servers show their `datacenter`; until 2026-07-01.
    pub(crate) datacenter_fields: bool,
    /// A free primary IP has the assignee type `unassigned`; since 2026-08-01.
    pub(crate) unassigned: bool,
    /// `/datacenters` answers; until 2026-10-01, 410 since.
    pub(crate) datacenters: bool,
}

impl Changes {
    /// The API on `day`.
    pub(crate) fn on(day: Date) -> Self {
        Self {
            availability: day >= date(2026, 4, 1),
            datacenter_fields: day < date(2026, 7, 1),
            unassigned: day >= date(2026, 8, 1),
            datacenters: day < date(2026, 10, 1),
        }
    }
}

impl Default for Changes {
    /// All of them are live.
    fn default() -> Self {
        Self::on(Date::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_go_live_on_their_day() {
        let (before, after) = (Changes::on(date(2026, 6, 30)), Changes::on(date(2026, 7, 1)));
        assert!(before.datacenter_fields && before.datacenters && !before.unassigned);
        assert!(!after.datacenter_fields && after.datacenters);
        assert!(!Changes::default().datacenters && Changes::default().unassigned);
    }
}
