//! PostgreSQL's rows, read like those of any backend.

use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::super::StoreError;
use super::super::columns::{Cell, Columns, unreadable};

impl Columns for Row {
    fn cell(&self, column: &str) -> Result<Cell<'_>, StoreError> {
        let index = self.columns().iter().position(|one| one.name() == column);
        let index = index.ok_or_else(|| unreadable(column, "is not there"))?;
        cell(self, index)
    }

    fn size(&self) -> usize {
        let size = |index| match cell(self, index) {
            Ok(Cell::Text(text)) => text.len(),
            Ok(Cell::Bytes(bytes)) => bytes.len(),
            Ok(Cell::Id(_)) => 16,
            Ok(Cell::Int(_) | Cell::Bool(_)) => 8,
            Ok(Cell::Null) | Err(_) => 0,
        };
        (0..self.len()).map(size).sum()
    }
}

pub(super) fn cell(row: &Row, index: usize) -> Result<Cell<'_>, StoreError> {
    let Some(column) = row.columns().get(index) else {
        return Ok(Cell::Null);
    };
    let cell = match *column.type_() {
        Type::INT8 => row.try_get::<_, Option<i64>>(index)?.map(Cell::Int),
        Type::INT4 => row
            .try_get::<_, Option<i32>>(index)?
            .map(|number| Cell::Int(number.into())),
        Type::BOOL => row.try_get::<_, Option<bool>>(index)?.map(Cell::Bool),
        Type::TEXT => row.try_get::<_, Option<&str>>(index)?.map(Cell::Text),
        Type::BYTEA => row.try_get::<_, Option<&[u8]>>(index)?.map(Cell::Bytes),
        Type::UUID => row
            .try_get::<_, Option<Uuid>>(index)?
            .map(|id| Cell::Id(id.into_bytes())),
        ref other => {
            return Err(unreadable(
                column.name(),
                format!("{other} is none of ours"),
            ));
        }
    };
    Ok(cell.unwrap_or(Cell::Null))
}
