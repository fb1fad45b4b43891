//! What is told of a panic.

use std::any::Any;
use std::panic::{self, PanicHookInfo};

use tracing::error;

/// Has panics logged, rather than printed with all that they say.
///
/// A panic is a defect, and its place is what its mender needs. Its message may
/// repeat what the process was at: one about slicing a text shows the text.
pub(super) fn log() {
    panic::set_hook(Box::new(|panic| {
        let thread = std::thread::current();
        error!(
            place = place(panic),
            thread = thread.name(),
            "panicked: {}",
            told(panic.payload())
        );
    }));
}

fn place(panic: &PanicHookInfo<'_>) -> Option<String> {
    panic.location().map(ToString::to_string)
}

/// The message, if it is one that stands in the sources.
fn told(payload: &(dyn Any + Send)) -> &str {
    match payload.downcast_ref::<&'static str>() {
        Some(message) => message,
        None => "(what it says is not shown: it may hold what was received)",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_was_put_together_is_not_shown() {
        let text = String::from("Jane Doe é");
        let slicing = panic::catch_unwind(|| text[..text.len() - 1].len()).unwrap_err();
        assert!(!told(&*slicing).contains("Jane"));
        let literal = panic::catch_unwind(|| panic!("no such case")).unwrap_err();
        assert_eq!(told(&*literal), "no such case");
    }
}
