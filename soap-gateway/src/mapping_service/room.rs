//! How large an answer may get.

use prost::Message;

/// The room that is left in an answer. Clients take 4 MiB unless told
/// otherwise, and so much fits besides.
#[derive(Debug)]
pub(super) struct Room {
    left: usize,
}

impl Room {
    /// The room of a new answer.
    pub(super) fn of_answer() -> Self {
        Self { left: 3 << 20 }
    }

    /// Takes the room of a message if there is as much.
    pub(super) fn fits(&mut self, message: &impl Message) -> bool {
        /// For the tag and the length before it.
        const PREFIX: usize = 10;

        match self.left.checked_sub(message.encoded_len() + PREFIX) {
            Some(left) => {
                self.left = left;
                true
            }
            None => false,
        }
    }
}
