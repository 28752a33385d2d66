//! How the program ends. The numbers are part of the command line's contract: never renumber.

use std::fmt::Write as _;
use std::process::ExitCode;

/// Why the program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything asked for is done.
    Ok,
    /// Something failed.
    Failure,
    /// The command line cannot be understood, or needs an answer that nobody is there to give.
    Usage,
    /// The spec or the kit has problems.
    SpecInvalid,
    /// The account or the spec cannot carry the plan; nothing was created.
    Preflight,
    /// A person or the world must act.
    Held,
    /// The operator cancelled.
    Cancelled,
    /// Another installer works on the Sovereign.
    LeaseHeld,
    /// Orphans, drift or leftovers were found.
    Leftovers,
    /// The approved plan is not what would run now.
    PlanChanged,
}

impl Exit {
    /// Every way to end, in the order of their numbers.
    pub(crate) const ALL: [Self; 10] = [
        Self::Ok,
        Self::Failure,
        Self::Usage,
        Self::SpecInvalid,
        Self::Preflight,
        Self::Held,
        Self::Cancelled,
        Self::LeaseHeld,
        Self::Leftovers,
        Self::PlanChanged,
    ];

    /// The number the shell sees.
    pub(crate) const fn code(self) -> u8 {
        self as u8
    }

    /// Stable word for machines.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failure => "failure",
            Self::Usage => "usage",
            Self::SpecInvalid => "spec_invalid",
            Self::Preflight => "preflight",
            Self::Held => "held",
            Self::Cancelled => "cancelled",
            Self::LeaseHeld => "lease_held",
            Self::Leftovers => "leftovers",
            Self::PlanChanged => "plan_changed",
        }
    }

    /// One line for people.
    pub(crate) const fn meaning(self) -> &'static str {
        match self {
            Self::Ok => "everything asked for is done",
            Self::Failure => "something failed",
            Self::Usage => "the command line is wrong, or an approval is missing",
            Self::SpecInvalid => "the spec or the kit has problems",
            Self::Preflight => "the account cannot carry the plan; nothing was created",
            Self::Held => "a person or the world must act first",
            Self::Cancelled => "cancelled",
            Self::LeaseHeld => "another installer works on this Sovereign",
            Self::Leftovers => "orphans, drift or leftovers were found",
            Self::PlanChanged => "the approved plan is not what would run now",
        }
    }

    /// The list of codes at the end of every help text.
    pub(crate) fn help() -> String {
        let mut text = String::from("Exit codes:\n");
        for exit in Self::ALL {
            // Writing to a `String` cannot fail.
            let _ = writeln!(text, "  {:>3}  {}", exit.code(), exit.meaning());
        }
        text.push_str("  130  stopped at once by a second Ctrl-C");
        text
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
