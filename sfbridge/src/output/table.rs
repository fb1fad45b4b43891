//! Tables for people.

use comfy_table::{ContentArrangement, presets};

use super::printable;

/// A table of what was found. Cells are made printable.
pub(crate) struct Table {
    table: comfy_table::Table,
}

impl Table {
    /// A table without rows.
    pub(crate) fn new<const N: usize>(header: [&str; N]) -> Self {
        let mut table = comfy_table::Table::new();
        table.load_style(presets::NOTHING).set_header(header);
        Self { table }
    }

    /// Adds a row.
    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        let cells = cells.map(|cell| one_line(&cell));
        self.table.add_row(cells);
    }

    /// Whether there is no row.
    pub(crate) fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// The lines. On a terminal they are fitted to its width, elsewhere every
    /// row is one line.
    pub(super) fn render(&self, is_terminal: bool) -> String {
        let mut table = self.table.clone();
        if is_terminal {
            table.set_content_arrangement(ContentArrangement::Dynamic);
        } else {
            table.force_no_tty();
        }
        let lines: Vec<String> = table
            .lines()
            .map(|line| {
                line.strip_prefix(' ')
                    .unwrap_or(&line)
                    .trim_end()
                    .to_owned()
            })
            .collect();
        lines.join("\n")
    }
}

/// A cell's text, shortened: the whole of it is in `show` and in JSON.
fn one_line(text: &str) -> String {
    const LONGEST: usize = 80;
    let text = printable(text);
    if text.chars().count() <= LONGEST {
        return text.into_owned();
    }
    let mut short: String = text.chars().take(LONGEST - 1).collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_one_line_where_a_program_may_cut_it() {
        let mut table = Table::new(["ID", "TITLE"]);
        table.row(["1".to_owned(), "a\nb".to_owned()]);
        table.row(["2".to_owned(), "x".repeat(100)]);
        let text = table.render(false);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(lines[0].starts_with("ID"), "{text}");
        assert!(lines[1].ends_with(r"a\nb"), "{text}");
        assert!(lines[2].ends_with("xx…"), "{text}");
    }
}
