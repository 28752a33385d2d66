//! Aligned tables without frames.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

/// A table that grows row by row.
#[derive(Debug)]
pub(crate) struct Columns {
    table: Table,
}

impl Columns {
    /// A table with these headings.
    pub(crate) fn new<const N: usize>(headings: [&str; N]) -> Self {
        let mut table = Table::new();
        table
            .load_style(presets::NOTHING)
            .set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(headings.map(str::to_uppercase));
        Self { table }
    }

    /// A table without headings, for names and values.
    pub(crate) fn plain() -> Self {
        let mut table = Table::new();
        table
            .load_style(presets::NOTHING)
            .set_content_arrangement(ContentArrangement::Disabled);
        Self { table }
    }

    /// Adds a row.
    pub(crate) fn row<I, T>(&mut self, cells: I)
    where
        I: IntoIterator<Item = T>,
        T: Into<String>,
    {
        self.table
            .add_row(cells.into_iter().map(Into::into).collect::<Vec<String>>());
    }

    /// Aligns a column to the right, for numbers.
    pub(crate) fn right(mut self, column: usize) -> Self {
        if let Some(column) = self.table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        self
    }

    /// The table as lines without trailing blanks, each behind `indent`.
    pub(crate) fn render(mut self, indent: &str) -> String {
        let columns = self.table.column_count();
        for index in 0..columns {
            if let Some(column) = self.table.column_mut(index) {
                let left = 0;
                let right = if index + 1 == columns { 0 } else { 2 };
                column.set_padding((left, right));
            }
        }
        let lines: Vec<String> = self
            .table
            .lines()
            .map(|line| format!("{indent}{}", line.trim_end()))
            .collect();
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let mut table = Columns::new(["name", "servers"]).right(1);
        table.row(["acme", "3"]);
        table.row(["acme-long", "100"]);
        assert_eq!(
            table.render("  "),
            "  NAME       SERVERS\n  acme             3\n  acme-long      100"
        );
    }
}
