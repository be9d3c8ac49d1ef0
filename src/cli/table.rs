use std::fmt;

/// A table for people: columns as wide as their widest cell, two spaces between them.
pub(super) struct Table {
    head: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn new(head: &[&'static str]) -> Self {
        Self { head: head.to_vec(), rows: Vec::new() }
    }

    /// Adds a row, one cell for each column.
    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        // What came over the network must not move the cursor of the operator's terminal.
        let plain = |cell: String| cell.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        self.rows.push(cells.into_iter().map(plain).collect());
    }

    fn width(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(column)).map(|cell| width(cell));
        cells.chain(self.head.get(column).map(|name| width(name))).max().unwrap_or(0)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths: Vec<usize> = (0..self.head.len()).map(|column| self.width(column)).collect();
        let head: Vec<String> = self.head.iter().map(|name| (*name).to_owned()).collect();
        for (number, row) in std::iter::once(&head).chain(&self.rows).enumerate() {
            let mut line = String::new();
            for (cell, wide) in row.iter().zip(&widths) {
                line.push_str(cell);
                line.extend(std::iter::repeat_n(' ', wide + 2 - width(cell).min(*wide)));
            }
            if number > 0 {
                writeln!(f)?;
            }
            f.write_str(line.trim_end())?;
        }
        Ok(())
    }
}

/// How many places of a terminal a text takes: Korean, Chinese and Japanese characters take two.
fn width(text: &str) -> usize {
    let wide = |c: char| {
        matches!(c, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}'
            | '\u{fe30}'..='\u{fe6f}' | '\u{ff00}'..='\u{ff60}' | '\u{ffe0}'..='\u{ffe6}' | '\u{1f300}'..='\u{1faff}')
    };
    text.chars().map(|c| if wide(c) { 2 } else { 1 }).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_under_each_other_whatever_the_script() {
        let mut table = Table::new(&["NAME", "ROLE"]);
        table.row(["홍길동".to_owned(), "admin".to_owned()]);
        table.row(["Kim".to_owned(), "member".to_owned()]);
        assert_eq!(table.to_string(), "NAME    ROLE\n홍길동  admin\nKim     member");
    }

    #[test]
    fn a_cell_cannot_steer_the_terminal() {
        let mut table = Table::new(&["DEVICE"]);
        table.row(["a\u{1b}[2J\nb".to_owned()]);
        assert_eq!(table.to_string(), "DEVICE\na [2J b");
    }

    #[test]
    fn an_empty_table_is_its_head() {
        assert_eq!(Table::new(&["A", "B"]).to_string(), "A  B");
    }
}
