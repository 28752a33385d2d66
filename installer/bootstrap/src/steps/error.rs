//! The one place where a cloud's error becomes a step's.

use sovereign_cloud::{CloudError, ErrorClass};
use sovereign_engine::step::StepError;

/// A cloud's error as a step's: what may still work is retried, what cannot is said with its remedy.
///
/// [`ErrorClass::Exists`] and [`ErrorClass::FallBack`] arrive here only when their step has no better answer.
pub(super) fn step_error(error: CloudError) -> StepError {
    let cause = error.to_string();
    match error.class {
        ErrorClass::Retry => StepError::Retry {
            cause,
            after: error.after,
            unsettled: false,
        },
        ErrorClass::Unsettled => StepError::Retry {
            cause,
            after: error.after,
            unsettled: true,
        },
        ErrorClass::Cancelled => StepError::Cancelled,
        ErrorClass::Stop | ErrorClass::FallBack | ErrorClass::Exists | ErrorClass::NotFound => {
            StepError::Fatal {
                cause,
                remedy: error.remedy,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(class: ErrorClass) -> StepError {
        step_error(CloudError {
            class,
            action: "create server `a`".into(),
            code: "a_code".into(),
            message: "words".into(),
            fields: Vec::new(),
            remedy: "do this".into(),
            after: None,
            correlation_id: None,
        })
    }

    #[test]
    fn only_what_may_still_work_is_retried() {
        assert!(matches!(
            of(ErrorClass::Retry),
            StepError::Retry { unsettled: false, .. }
        ));
        assert!(matches!(
            of(ErrorClass::Unsettled),
            StepError::Retry { unsettled: true, .. }
        ));
        assert!(matches!(of(ErrorClass::Cancelled), StepError::Cancelled));
        for class in [
            ErrorClass::Stop,
            ErrorClass::FallBack,
            ErrorClass::Exists,
            ErrorClass::NotFound,
        ] {
            let StepError::Fatal { cause, remedy } = of(class) else {
                panic!("{class:?} is tried again")
            };
            assert_eq!(cause, "cannot create server `a`: words (a_code)");
            assert_eq!(remedy, "do this");
        }
    }
}
