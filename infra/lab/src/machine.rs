//! What a server's machine is to be, and how far it has come. The API writes wishes, each with a number; the host side
//! brings them about and says which number it has reached. Without a host side there are no machines.

use serde::{Deserialize, Serialize};

/// A stage of cloud-init.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Before the network: looks for its data.
    Local,
    /// With the network: reads its data, writes files, users, keys.
    Network,
    /// Packages, time, commands to run.
    Config,
    /// Runs the commands.
    Final,
}

/// What is wrong with a host.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "switches, each on its own")]
pub struct HostFaults {
    /// Seconds between power and the first sign of life.
    pub slow_seconds: u64,
    /// Has power and never says a word.
    pub dead: bool,
    /// This stage of cloud-init fails, and what needs it does not run.
    pub cloud_init_fails: Option<Stage>,
    /// Seconds the clock is off; for virtual machines only.
    pub clock_offset: i64,
    /// The disk is full but for so many MiB.
    pub disk_left_mib: Option<u64>,
    /// The public NIC has no carrier.
    pub cut_public: bool,
    /// The private NICs have no carrier.
    pub cut_private: bool,
    /// Once the host has its user data, a route sends metadata into the private network, where nobody serves it.
    pub metadata_route: bool,
}

/// What a server's machine is to be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Machine {
    /// Number of the last wish.
    pub(crate) wished: u64,
    /// Number of the wish that was brought about last, or failed.
    pub(crate) reached: u64,
    /// Why that failed.
    pub(crate) failed: Option<String>,
    /// Whether it is to run.
    pub(crate) power: bool,
    /// Whether it is to be told before it stands still.
    pub(crate) orderly: bool,
    /// Counts boots that were wished for.
    pub(crate) boots: u64,
    /// Counts disks that were wished for.
    pub(crate) disk: u64,
    /// Whether it is to go for good.
    pub(crate) deleted: bool,
    /// Keys of the rescue system that boots next time, instead of the disk.
    pub(crate) rescue: Option<Vec<String>>,
    /// Public keys its metadata offers.
    pub(crate) keys: Vec<String>,
    /// What is wrong with it.
    pub(crate) faults: HostFaults,
    /// The disk whose boot has asked for user data.
    pub(crate) fetched: Option<u64>,
    /// The disk that exists.
    pub(crate) made_disk: Option<u64>,
    /// Its first process, where it shares this machine's kernel and runs.
    #[serde(skip)]
    pub(crate) leader: Option<u32>,
}

impl Machine {
    /// One that is to run.
    pub(crate) fn new(keys: Vec<String>, faults: HostFaults) -> Self {
        Self {
            wished: 1,
            reached: 0,
            failed: None,
            power: true,
            orderly: false,
            boots: 1,
            disk: 1,
            deleted: false,
            rescue: None,
            keys,
            faults,
            fetched: None,
            made_disk: None,
            leader: None,
        }
    }

    /// Changes what it is to be, and returns the wish's number.
    pub(crate) fn wish(&mut self, change: impl FnOnce(&mut Self)) -> u64 {
        change(self);
        self.wished += 1;
        self.wished
    }

    /// Turns a verb of the API into what the machine is to be; verbs about other things change nothing.
    pub(crate) fn press(&mut self, verb: &str) {
        self.orderly = matches!(verb, "shutdown" | "reboot");
        match verb {
            "poweron" => self.power = true,
            "poweroff" | "shutdown" => self.power = false,
            "reboot" | "reset" => {
                self.boots += 1;
                self.power = true;
            }
            "rebuild" => {
                self.disk += 1;
                self.power = true;
            }
            _ => {}
        }
    }

    /// Whether a wish is behind it; an error tells why it was not fulfilled.
    pub(crate) fn outcome(&self, wish: u64) -> Option<Result<(), &str>> {
        if self.reached < wish {
            return None;
        }
        Some(self.failed.as_deref().map_or(Ok(()), Err))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine() -> Machine {
        Machine::new(Vec::new(), HostFaults::default())
    }

    #[test]
    fn a_wish_is_behind_it_when_its_number_is_reached() {
        let mut machine = machine();
        let first = machine.wished;
        let second = machine.wish(|machine| machine.press("poweroff"));
        assert_eq!(machine.outcome(first), None);
        machine.reached = first;
        assert_eq!(machine.outcome(first), Some(Ok(())));
        assert_eq!(machine.outcome(second), None);
        machine.reached = second;
        machine.failed = Some("no disk".into());
        assert_eq!(machine.outcome(second), Some(Err("no disk")));
    }

    #[test]
    fn verbs_say_what_it_is_to_be() {
        let after = |verbs: &[&str]| {
            let mut machine = machine();
            for verb in verbs {
                machine.press(verb);
            }
            (machine.power, machine.orderly, machine.boots, machine.disk)
        };
        assert_eq!(after(&["poweroff"]), (false, false, 1, 1));
        assert_eq!(after(&["shutdown"]), (false, true, 1, 1));
        assert_eq!(after(&["shutdown", "poweron"]), (true, false, 1, 1));
        assert_eq!(after(&["reboot"]), (true, true, 2, 1));
        assert_eq!(after(&["reset"]), (true, false, 2, 1));
        assert_eq!(after(&["rebuild"]), (true, false, 1, 2));
        assert_eq!(after(&["change_protection"]), (true, false, 1, 1));
    }
}
