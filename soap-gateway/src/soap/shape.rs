//! What records of one message have in common.

use std::mem;

use super::cutter::{Cutter, PlainTag};

/// The fields of the record before. All records of a message are of one object
/// and nearly always have the same fields in the same order, so that their tags
/// need only be compared.
#[derive(Debug, Default)]
pub(super) struct Shape<'a> {
    /// The plain tags of an earlier record, no two for fields of the same name.
    known: Vec<PlainTag<'a>>,
    /// How many of them come before those that may come next.
    passed: usize,
    /// The plain tags of this record so far.
    tags: Vec<PlainTag<'a>>,
    /// Whether each field of this record so far has a tag that is known, and
    /// they are in the order in which they are known.
    is_familiar: bool,
    /// How many fields the record before had.
    fields: usize,
}

impl<'a> Shape<'a> {
    /// A record may lack so many fields that the one before had, next to each
    /// other.
    const FAR: usize = 4;

    /// More tags are not kept.
    const MOST: usize = 1_000;

    /// As many fields the next record probably has.
    pub(super) fn fields(&self) -> usize {
        self.fields
    }

    /// Begins a record.
    pub(super) fn begin(&mut self) {
        self.passed = 0;
        self.tags.clear();
        self.is_familiar = true;
    }

    /// Cuts off a field's start tag, if it is plain.
    pub(super) fn take_tag(
        &mut self,
        cutter: &mut Cutter<'a>,
        longest: usize,
    ) -> Option<PlainTag<'a>> {
        let next = self.known.iter().skip(self.passed).take(Self::FAR);
        for (place, tag) in next.enumerate() {
            if cutter.take_start(tag.raw) {
                let tag = *tag;
                self.passed += place + 1;
                self.keep(tag);
                return Some(tag);
            }
        }
        let tag = cutter.take_plain_tag(longest)?;
        self.is_familiar = false;
        self.keep(tag);
        Some(tag)
    }

    /// Notes that the record has a field that is not plain, or is in another.
    pub(super) fn is_broken(&mut self) {
        self.is_familiar = false;
    }

    /// Whether it is known without looking that no two fields of this record
    /// have the same name.
    pub(super) fn has_distinct_names(&self) -> bool {
        self.is_familiar
    }

    /// Ends a record with so many fields, and says whether no two have the same
    /// name.
    pub(super) fn end(&mut self, fields: usize, are_distinct: bool) {
        self.fields = fields;
        if !self.is_familiar {
            mem::swap(&mut self.known, &mut self.tags);
            if !are_distinct {
                self.known.clear();
            }
        }
    }

    fn keep(&mut self, tag: PlainTag<'a>) {
        if self.tags.len() < Self::MOST {
            self.tags.push(tag);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a record of these tags, and says whether it was familiar.
    fn read<'a>(shape: &mut Shape<'a>, tags: &'a str, are_distinct: bool) -> bool {
        let mut cutter = Cutter::new(tags, 0);
        shape.begin();
        let mut fields = 0;
        while let Some(tag) = shape.take_tag(&mut cutter, 9) {
            assert!(tags.contains(tag.raw));
            fields += 1;
        }
        assert_eq!(cutter.rest(), b"", "{tags}");
        let is_familiar = shape.has_distinct_names();
        shape.end(fields, are_distinct);
        is_familiar
    }

    #[test]
    fn a_record_is_familiar_when_its_tags_are_some_of_those_before_in_their_order() {
        let mut shape = Shape::default();
        assert!(!read(&mut shape, "<a><b><c><d><e>", true));
        assert!(read(&mut shape, "<a><b><c><d><e>", true));
        assert!(read(&mut shape, "<b><e>", true));
        // What is missing once may come again.
        assert!(read(&mut shape, "<a><b><c><d><e>", true));
        assert!(!read(&mut shape, "<b><a>", true));
        assert!(read(&mut shape, "<b><a>", true));
        assert!(!read(&mut shape, "<b><b>", false));
        assert!(!read(&mut shape, "<b><a>", true));
        assert!(!read(&mut shape, "<b><a><c>", true));
    }

    #[test]
    fn names_that_only_begin_like_known_ones_are_others() {
        let mut shape = Shape::default();
        assert!(!read(&mut shape, "<a><b>", true));
        assert!(!read(&mut shape, "<a><bc>", true));
        assert!(!read(&mut shape, "<p:a>", true));
    }

    #[test]
    fn names_that_are_there_twice_are_not_known() {
        let mut shape = Shape::default();
        assert!(!read(&mut shape, "<a><A>", false));
        assert!(!read(&mut shape, "<a><A>", false));
    }

    #[test]
    fn of_very_many_tags_the_first_are_kept() {
        let tags: Vec<_> = (0..5_000).map(|n| format!("<a{n}>")).collect();
        let tags = tags.concat();
        let mut shape = Shape::default();
        assert!(!read(&mut shape, &tags, true));
        assert!(!read(&mut shape, &tags, true));
        assert_eq!(shape.known.len(), Shape::MOST);
    }
}
