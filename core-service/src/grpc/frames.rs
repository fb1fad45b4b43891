//! Counting the items of a message before it is decoded.

/// The most fields of a message that hold something of any length: 1,000 items,
/// each with its notification, and the request's own few.
const MAX_FIELDS: usize = 2_100;

/// A message that is more than any may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Excess {
    /// It has more items than any request may have.
    #[error("the request has more than 1,000 items; send several batches")]
    Items,
    /// It is longer than a message of its stream may be.
    #[error("a message of the stream has more than {0} bytes; send fewer items in each")]
    Bytes(u32),
}

/// Reads gRPC's frames and the outermost fields of the messages in them, as
/// they come, and keeps nothing.
///
/// What is no message is left for the decoder to refuse.
#[derive(Debug, Default)]
pub(super) struct Frames {
    state: State,
    /// Bytes of the present message that are still to come.
    left: u64,
    fields: usize,
    /// The longest that a message may be; none leaves that to the decoder.
    longest: Option<u32>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// In the five bytes before a message: how many were read, and the length
    /// so far.
    Head { read: u8, length: u64 },
    /// In the number and type of a field.
    Tag(Varint),
    /// In a field that is a number of variable length.
    Number,
    /// In the length of a field.
    Length(Varint),
    /// In so many bytes that say nothing.
    Skip(u64),
    /// In what is no message.
    Lost,
}

impl Default for State {
    fn default() -> Self {
        Self::Head { read: 0, length: 0 }
    }
}

/// A number of variable length while it is read.
#[derive(Clone, Copy, Debug, Default)]
struct Varint {
    value: u64,
    shift: u32,
}

impl Varint {
    /// Takes a byte; true with the last.
    fn read(&mut self, byte: u8) -> bool {
        let bits = u64::from(byte & 0x7F);
        self.value |= bits.checked_shl(self.shift).unwrap_or(0);
        self.shift += 7;
        byte & 0x80 == 0
    }

    fn is_too_long(self) -> bool {
        self.shift > 63
    }
}

impl Frames {
    /// Frames whose messages may be so long.
    pub(super) fn up_to(longest: Option<u32>) -> Self {
        Self {
            longest,
            ..Self::default()
        }
    }

    /// Takes the next bytes of a body.
    ///
    /// # Errors
    ///
    /// [`Excess`] once a message has more than it may have.
    pub(super) fn read(&mut self, mut bytes: &[u8]) -> Result<(), Excess> {
        while let Some((&byte, rest)) = bytes.split_first() {
            if let State::Skip(count) = self.state {
                // Most of a message is skipped, so that is not done by byte.
                let here = usize::try_from(count)
                    .unwrap_or(usize::MAX)
                    .min(bytes.len());
                bytes = &bytes[here..];
                let here = here as u64;
                self.left = self.left.saturating_sub(here);
                self.state = match count - here {
                    0 => State::Tag(Varint::default()),
                    count => State::Skip(count),
                };
            } else {
                bytes = rest;
                self.step(byte)?;
            }
            let is_between = matches!(self.state, State::Head { .. } | State::Lost);
            if self.left == 0 && !is_between {
                self.state = State::default();
                self.fields = 0;
            }
        }
        Ok(())
    }

    /// Goes over so many bytes, unless the message ends before they do.
    fn skip(&self, count: u64) -> State {
        if count > self.left {
            State::Lost
        } else {
            State::Skip(count)
        }
    }

    fn step(&mut self, byte: u8) -> Result<(), Excess> {
        if !matches!(self.state, State::Head { .. } | State::Lost) {
            self.left -= 1;
        }
        self.state = match self.state {
            State::Head { read, length } => {
                // The first byte says whether the message is compressed.
                let length = if read == 0 {
                    0
                } else {
                    length << 8 | u64::from(byte)
                };
                match (read, length) {
                    (0, _) if byte != 0 => State::Lost,
                    (4, 0) => State::default(),
                    (4, length) => {
                        if let Some(longest) = self.longest
                            && length > u64::from(longest)
                        {
                            return Err(Excess::Bytes(longest));
                        }
                        self.left = length;
                        State::Tag(Varint::default())
                    }
                    (read, length) => State::Head {
                        read: read + 1,
                        length,
                    },
                }
            }
            State::Tag(mut tag) => match (tag.read(byte), tag.value & 7) {
                (false, _) if tag.is_too_long() => State::Lost,
                (false, _) => State::Tag(tag),
                (true, 0) => State::Number,
                (true, 1) => self.skip(8),
                (true, 2) => {
                    self.fields += 1;
                    if self.fields > MAX_FIELDS {
                        return Err(Excess::Items);
                    }
                    State::Length(Varint::default())
                }
                // The contract has no groups, but the decoder passes over them
                // and goes on with the items behind.
                (true, 3 | 4) => State::Tag(Varint::default()),
                (true, 5) => self.skip(4),
                (true, _) => State::Lost,
            },
            State::Number if byte & 0x80 == 0 => State::Tag(Varint::default()),
            State::Number => State::Number,
            State::Length(mut length) => match (length.read(byte), length.value) {
                (false, _) if length.is_too_long() => State::Lost,
                (false, _) => State::Length(length),
                (true, 0) => State::Tag(Varint::default()),
                (true, length) => self.skip(length),
            },
            State::Skip(_) | State::Lost => self.state,
        };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use prost::Message;
    use sfbridge_proto::v1 as pb;

    use super::*;

    fn frame(message: &impl Message) -> Vec<u8> {
        let message = message.encode_to_vec();
        let mut frame = vec![0];
        frame.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
        frame.extend(message);
        frame
    }

    fn request(events: usize, title: &str) -> pb::RecordEventsRequest {
        let event = pb::Event {
            title: title.to_owned(),
            igrp: 7,
            ..Default::default()
        };
        pb::RecordEventsRequest {
            events: vec![event; events],
            notifications: vec![pb::Notification::default(); events],
            unknown_installations: 1,
            validate_only: false,
        }
    }

    /// Reads in pieces of this size.
    fn read(bytes: &[u8], piece: usize) -> Result<(), Excess> {
        let mut frames = Frames::default();
        bytes.chunks(piece).try_for_each(|piece| frames.read(piece))
    }

    #[test]
    fn a_full_batch_passes_and_a_flood_of_empty_items_does_not() {
        for piece in [1, 7, 100_000] {
            assert_eq!(
                read(&frame(&request(1_000, &"x".repeat(300))), piece),
                Ok(())
            );
            let flood = pb::RecordEventsRequest {
                events: vec![pb::Event::default(); 100_000],
                ..Default::default()
            };
            assert_eq!(read(&frame(&flood), piece), Err(Excess::Items));
        }
    }

    #[test]
    fn each_message_of_a_stream_counts_alone() {
        let frames = frame(&request(1_000, "")).repeat(3);
        assert_eq!(read(&frames, 5), Ok(()));
    }

    #[test]
    fn a_message_of_a_stream_is_as_long_as_it_may_be_and_no_longer() {
        let one = frame(&request(3, "title"));
        let length = u32::try_from(one.len() - 5).unwrap();
        let stream = one.repeat(3);
        for piece in [1, 7, stream.len()] {
            let read = |longest| {
                let mut frames = Frames::up_to(Some(longest));
                stream
                    .chunks(piece)
                    .try_for_each(|piece| frames.read(piece))
            };
            assert_eq!(read(length), Ok(()));
            assert_eq!(read(length - 1), Err(Excess::Bytes(length - 1)));
        }
    }

    #[test]
    fn a_group_hides_no_items() {
        let group = [0x7B, 0x7C];
        let mut flood = group.to_vec();
        flood.extend([0x0A, 0].repeat(3_000));
        let decoded = pb::RecordEventsRequest::decode(&*flood).unwrap();
        assert_eq!(decoded.events.len(), 3_000);

        let mut body = vec![0];
        body.extend(u32::try_from(flood.len()).unwrap().to_be_bytes());
        body.extend(flood);
        assert_eq!(read(&body, 7), Err(Excess::Items));
    }

    #[test]
    fn a_field_that_outlasts_its_message_takes_nothing_of_the_next() {
        // Fields of eight, four and five bytes with one byte left for each.
        for field in [&[0x09, 1][..], &[0x0D, 1], &[0x0A, 5, 1]] {
            let mut body = vec![0, 0, 0, 0];
            body.push(u8::try_from(field.len()).unwrap());
            body.extend(field);
            body.extend(frame(&request(3, "")));
            for piece in [1, body.len()] {
                let mut frames = Frames::default();
                body.chunks(piece)
                    .for_each(|piece| frames.read(piece).unwrap());
                assert!(matches!(frames.state, State::Lost), "{frames:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn the_pieces_of_a_body_do_not_matter(events in 0..40_usize, title in ".{0,20}", piece in 1..50_usize) {
            let body = frame(&request(events, &title)).repeat(2);
            let mut frames = Frames::default();
            for piece in body.chunks(piece) {
                frames.read(piece).unwrap();
            }
            // Back between two messages.
            let is_between = matches!(frames.state, State::Head { read: 0, .. });
            prop_assert!(is_between, "{:?}", frames);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>, piece in 1..9_usize) {
            let _ = read(&bytes, piece);
            let mut framed = vec![0, 0, 0, 0, 200];
            framed.extend(bytes);
            let _ = read(&framed, piece);
        }
    }
}
