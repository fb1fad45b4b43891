//! The fields of a record, while it is read.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::mem;

use super::invalid_message::short;
use super::message::is_blank;
use super::record::Defect;

/// Fields in document order, as they come: some twice, some empty.
#[derive(Debug, Default)]
pub(super) struct Fields {
    read: Vec<(String, String)>,
    /// The fields that are not closed, outermost first.
    open: Vec<Open>,
    /// The name of the innermost open field.
    path: String,
    /// Bytes that names of nested fields take.
    nested_name_bytes: usize,
    warnings: Vec<String>,
    defect: Option<Defect>,
}

/// A field that is not closed.
#[derive(Debug)]
struct Open {
    index: usize,
    /// The length of the outer field's name.
    outer: usize,
}

/// What remains of the fields.
#[derive(Debug)]
pub(super) struct Finished {
    /// The fields that are not blank, each name once.
    pub(super) populated: Vec<(String, String)>,
    /// Whether each name was there only once.
    pub(super) are_distinct: bool,
    pub(super) warnings: Vec<String>,
    /// The first thing that does not fit together.
    pub(super) defect: Option<Defect>,
}

impl Fields {
    /// Nested names repeat the outer ones, so a small message could become a
    /// large record. Real compound fields take some hundred bytes.
    const MOST_NESTED_NAME_BYTES: usize = 4_096;

    /// Enough for somebody to see what goes wrong.
    const MOST_WARNINGS: usize = 20;

    /// As many fields have room at most, before any is read.
    const MOST_ROOM: usize = 64;

    /// Fields that are probably so many.
    pub(super) fn with_room(fields: usize) -> Self {
        Self {
            read: Vec::with_capacity(fields.min(Self::MOST_ROOM)),
            ..Self::default()
        }
    }

    /// Adds a field that has nothing but text in it, while no other is open.
    pub(super) fn push(&mut self, local: &str, text: Cow<'_, str>) {
        self.read.push((local.to_owned(), text.into_owned()));
    }

    /// Whether no field is open.
    pub(super) fn is_between(&self) -> bool {
        self.open.is_empty()
    }

    /// Begins a field in the innermost open one. False: it is not taken,
    /// because nested names have grown too long.
    pub(super) fn open(&mut self, local: &str) -> bool {
        let outer = self.path.len();
        if !self.is_between() {
            self.nested_name_bytes += outer + ".".len() + local.len();
            if self.nested_name_bytes > Self::MOST_NESTED_NAME_BYTES {
                self.refuse_nesting();
                return false;
            }
            self.path.push('.');
        }
        self.path.push_str(local);
        self.open.push(Open {
            index: self.read.len(),
            outer,
        });
        self.read.push((self.path.clone(), String::new()));
        true
    }

    /// Ends the innermost field. False: there is none.
    pub(super) fn close(&mut self) -> bool {
        match self.open.pop() {
            Some(open) => {
                self.path.truncate(open.outer);
                true
            }
            None => false,
        }
    }

    /// Adds to the innermost field's text.
    pub(super) fn push_text(&mut self, text: Cow<'_, str>) {
        match (self.innermost(), text) {
            (None, _) => {}
            // It may be long, and is made already.
            (Some(value), Cow::Owned(text)) if value.is_empty() => *value = text,
            (Some(value), text) => value.push_str(&text),
        }
    }

    /// Adds to the innermost field's text.
    pub(super) fn push_character(&mut self, character: char) {
        if let Some(value) = self.innermost() {
            value.push(character);
        }
    }

    /// Notes something doubtful.
    pub(super) fn warn(&mut self, warning: String) {
        if self.warnings.len() < Self::MOST_WARNINGS {
            self.warnings.push(warning);
        }
    }

    /// Leaves each name once, and only what is populated. `are_distinct` says
    /// that each name is known to be there only once.
    pub(super) fn finish(mut self, are_distinct: bool) -> Finished {
        let are_distinct = are_distinct || self.are_in_order() || !self.merge();
        self.read.retain(|(_, value)| !is_blank(value));
        // Thousands of empty fields must not leave their room behind.
        self.read.shrink_to_fit();
        Finished {
            populated: self.read,
            are_distinct,
            warnings: self.warnings,
            defect: self.defect,
        }
    }

    fn innermost(&mut self) -> Option<&mut String> {
        let open = self.open.last()?;
        self.read.get_mut(open.index).map(|(_, value)| value)
    }

    fn refuse_nesting(&mut self) {
        self.defect.get_or_insert_with(|| Defect {
            field: self.path.clone(),
            description: format!(
                "The field `{}` has too many elements nested in it; send its parts as fields.",
                short(&self.path)
            ),
        });
    }

    /// Whether the names are in the order in which Salesforce sends them, the
    /// first aside: then no two are the same.
    fn are_in_order(&self) -> bool {
        let Some(((first, _), others)) = self.read.split_first() else {
            return true;
        };
        let are_ascending =
            |two: &[(String, String)]| compare_without_case(&two[0].0, &two[1].0).is_lt();
        others.windows(2).all(are_ascending)
            && !others
                .iter()
                .any(|(name, _)| name.eq_ignore_ascii_case(first))
    }

    /// Finds fields of the same name, case aside: the first stays, the others
    /// must say the same. Whether there were any.
    fn merge(&mut self) -> bool {
        // Sorting keeps the work small for any number of fields.
        let mut order: Vec<usize> = (0..self.read.len()).collect();
        order.sort_by(|&a, &b| compare_without_case(&self.read[a].0, &self.read[b].0));

        let mut later = Vec::new();
        for group in order.chunk_by(|&a, &b| self.read[a].0.eq_ignore_ascii_case(&self.read[b].0)) {
            // The sort is stable, so the first of the group is the first sent.
            let Some((&first, others)) = group.split_first() else {
                continue;
            };
            later.extend(others.iter().map(|&other| (other, first)));
        }
        later.sort_unstable();
        for &(other, first) in &later {
            self.merge_into(first, other);
        }
        !later.is_empty()
    }

    fn merge_into(&mut self, first: usize, other: usize) {
        let (other_name, other_value) = mem::take(&mut self.read[other]);
        let (name, value) = &self.read[first];
        if !is_same_value(value, &other_value) && self.defect.is_none() {
            self.defect = Some(Defect {
                field: name.clone(),
                description: format!(
                    "The field `{}` is given twice with different values; send it once.",
                    short(name)
                ),
            });
        }
        if *name != other_name {
            let warning = format!(
                "The fields `{}` and `{}` differ only in case and are taken for the same.",
                short(name),
                short(&other_name)
            );
            self.warn(warning);
        }
    }
}

/// All blank values are the same: not populated.
fn is_same_value(one: &str, other: &str) -> bool {
    one == other || (is_blank(one) && is_blank(other))
}

fn compare_without_case(one: &str, other: &str) -> Ordering {
    let one = one.bytes().map(|byte| byte.to_ascii_lowercase());
    one.cmp(other.bytes().map(|byte| byte.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(fields: &[(&str, &str)]) -> Finished {
        let mut read = Fields::default();
        for (name, value) in fields {
            assert!(read.open(name));
            read.push_text(Cow::Borrowed(value));
            assert!(read.close());
        }
        read.finish(false)
    }

    #[test]
    fn the_first_of_equal_fields_stays_in_its_place() {
        let read = read(&[("B", "1"), ("A", "2"), ("B", "1"), ("C", "3")]);
        let names: Vec<_> = read.populated.iter().map(|(name, _)| &**name).collect();
        assert_eq!(names, ["B", "A", "C"]);
        assert!(read.defect.is_none());
        assert!(read.warnings.is_empty());
    }

    #[test]
    fn the_first_contradiction_in_the_document_is_named() {
        let read = read(&[("Z", "1"), ("A", "1"), ("Z", "2"), ("A", "2")]);
        assert_eq!(read.defect.unwrap().field, "Z");
    }

    #[test]
    fn a_value_contradicts_a_blank_one() {
        assert!(read(&[("A", "1"), ("A", " ")]).defect.is_some());
        assert!(read(&[("A", ""), ("A", " ")]).defect.is_none());
    }

    #[test]
    fn empty_fields_leave_no_room_behind() {
        let read = read(&vec![("a", ""); 10_000]);
        assert_eq!(read.populated.capacity(), 0);
    }

    #[test]
    fn warnings_are_few() {
        let names: Vec<String> = (0..100)
            .flat_map(|n| [format!("a{n}"), format!("A{n}")])
            .collect();
        let fields: Vec<(&str, &str)> = names.iter().map(|name| (&**name, "1")).collect();
        let read = read(&fields);
        assert_eq!(read.warnings.len(), Fields::MOST_WARNINGS);
        assert_eq!(read.populated.len(), 100);
    }

    #[test]
    fn nested_names_have_a_limit_together() {
        let mut fields = Fields::default();
        assert!(fields.open(&"x".repeat(1_000)));
        let taken = (0..100)
            .take_while(|_| fields.open("y") && fields.close())
            .count();
        assert_eq!(taken, 4);
        assert!(fields.close());
        assert!(fields.open("z") && fields.close());
        assert!(fields.finish(false).defect.is_some());
    }
}
