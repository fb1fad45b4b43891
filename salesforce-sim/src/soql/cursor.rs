//! What a query has found and not yet answered.

use std::collections::VecDeque;

use sfbridge_values::SalesforceId;

use crate::schema::{Field, ObjectType, Schema};

/// The records that a query has found.
#[derive(Clone, Debug)]
pub(crate) struct Cursor {
    object: ObjectType,
    fields: Vec<String>,
    ids: Vec<SalesforceId>,
}

/// The latest queries that have more to answer.
#[derive(Debug, Default)]
pub(crate) struct Cursors {
    kept: VecDeque<(SalesforceId, Cursor)>,
}

impl Cursor {
    pub(super) fn new(object: ObjectType, fields: Vec<String>, ids: Vec<SalesforceId>) -> Self {
        Self {
            object,
            fields,
            ids,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.ids.len()
    }

    /// So many ids from there on.
    pub(crate) fn ids(&self, start: usize, count: usize) -> &[SalesforceId] {
        let rest = self.ids.get(start..).unwrap_or_default();
        rest.get(..count).unwrap_or(rest)
    }

    /// The fields that were selected.
    pub(crate) fn fields<'a>(&self, schema: &'a Schema) -> Vec<&'a Field> {
        let names = self.fields.iter();
        names
            .filter_map(|name| schema.field(self.object, name))
            .collect()
    }
}

impl Cursors {
    /// Queries that an org keeps for one user.
    const MOST: usize = 10;

    pub(crate) fn keep(&mut self, id: SalesforceId, cursor: Cursor) {
        if self.kept.len() == Self::MOST {
            self.kept.pop_front();
        }
        self.kept.push_back((id, cursor));
    }

    /// The query of a locator, which can be asked for again.
    pub(crate) fn find(&self, id: &str) -> Option<Cursor> {
        let id = SalesforceId::parse(id).ok()?;
        let found = self.kept.iter().find(|(kept, _)| *kept == id);
        found.map(|(_, cursor)| cursor.clone())
    }
}
