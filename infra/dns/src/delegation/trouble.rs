//! Why a journey ends before its goal, and what to do about it.

use thiserror::Error;

use crate::name::DomainName;
use crate::registrar::RegistrarError;

/// Why a journey ends before its goal.
#[derive(Debug, Error)]
pub enum Trouble {
    /// Somebody else has changed the delegation; it is left alone.
    #[error("somebody else has changed the delegation of `{domain}`: it is {now} now")]
    Strange {
        /// The domain.
        domain: DomainName,
        /// What it is now.
        now: String,
    },
    /// Whoever can change the delegation refuses, for a reason that time does not mend.
    #[error(transparent)]
    Refused(RegistrarError),
    /// Name servers that should answer do not.
    #[error("name servers of `{domain}` do not answer as they should: {}", .wrong.join("; "))]
    Sick {
        /// The domain.
        domain: DomainName,
        /// One line for each.
        wrong: Vec<String>,
    },
    /// It took too long.
    #[error("{awaited} did not come about within {seconds} s; {seen}")]
    Late {
        /// What was waited for.
        awaited: String,
        /// For how long.
        seconds: u64,
        /// What stands where.
        seen: String,
    },
}

impl Trouble {
    /// What to do next.
    pub fn remedy(&self) -> String {
        match self {
            Self::Strange { .. } => "see who changed it and why; nothing of theirs was touched".to_owned(),
            Self::Refused(error) => error.remedy.clone(),
            Self::Sick { .. } => "mend the name servers named here, then run again".to_owned(),
            Self::Late { .. } => {
                "ask whoever runs the parent what keeps the change from appearing, then run again".to_owned()
            }
        }
    }
}
