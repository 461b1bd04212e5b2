//! Figures of a run where a document quotes them.
//!
//! A document names the rows that it quotes, each with its own words for it, and gets their table
//! between the marks:
//!
//! ```text
//! <!-- figures of treiber
//! pair_handle: push and pop by a handle
//! pair: push and pop
//! -->
//! (made here)
//! <!-- end of figures -->
//! ```

use std::fmt::Write as _;

use crate::machine::Machine;
use crate::row::ratio_as_text;
use crate::run::figure;
use crate::{Row, Run};

const START: &str = "<!-- figures of ";
const ROWS_END: &str = "-->\n";
const END: &str = "<!-- end of figures -->";

/// A spread from which on a ratio is quoted with it.
const WORTH_TELLING: f64 = 0.1;

impl Run {
    /// The document with the run's figures between its marks.
    ///
    /// # Errors
    ///
    /// What is wrong with a mark: one without its end, or a row that the run doesn't have.
    pub fn quoted_in(&self, document: &str) -> Result<String, String> {
        let mut filled = String::with_capacity(document.len());
        let mut rest = document;
        while let Some(at) = rest.find(START) {
            let (before, from) = rest.split_at(at);
            let (head, body) = from.split_once(ROWS_END).ok_or("a mark of figures has no `-->`")?;
            let (_, after) = body.split_once(END).ok_or("a mark of figures has no end")?;
            let table = self.table_of(&head[START.len()..])?;
            filled.extend([before, head, ROWS_END, "\n", &table, "\n", END]);
            rest = after;
        }
        filled.push_str(rest);
        Ok(filled)
    }

    fn table_of(&self, head: &str) -> Result<String, String> {
        let (group, names) = head.split_once('\n').unwrap_or((head, ""));
        let group = group.trim();
        let mut table = String::from("| | ours | ours over theirs |\n| --- | ---: | --- |\n");
        for line in names.lines() {
            let (name, about) =
                line.split_once(": ").ok_or_else(|| format!("no `row: words` in {line:?}"))?;
            let rows: Vec<_> =
                self.rows.iter().filter(|row| row.group == group && row.row == name).collect();
            if rows.is_empty() {
                return Err(format!("the run has no row {group}/{name}"));
            }
            for of_unit in rows.chunk_by(|one, other| one.unit == other.unit) {
                let first = of_unit[0];
                let ratios: Vec<_> = of_unit.iter().filter_map(|row| ratio(row)).collect();
                let ours = figure(first.ours);
                writeln!(table, "| {about} | {ours} {} | {} |", first.unit, ratios.join(", "))
                    .expect("a string takes everything");
            }
        }
        let Machine { processor, system, date, .. } = &self.machine;
        write!(
            table,
            "\nOne run of `cargo versus` on {date}: {processor}, `{system}`.\n\
             Lower is better. The repository has every row of it in `docs/results`.\n"
        )
        .expect("a string takes everything");
        Ok(table)
    }
}

fn ratio(row: &Row) -> Option<String> {
    let mut text = ratio_as_text(row.ratio?);
    if row.spread >= WORTH_TELLING {
        write!(text, " (±{:.0} %)", row.spread * 100.0).expect("a string takes everything");
    }
    write!(text, " `{}`", row.peer.as_deref()?).expect("a string takes everything");
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run() -> Run {
        let row = |row: &str, peer: &str, unit: &str, ratio, spread| Row {
            group: "treiber".into(),
            row: row.into(),
            peer: Some(peer.into()),
            unit: unit.into(),
            ours: 4.77,
            theirs: Some(9.0),
            ratio: Some(ratio),
            rounds: 3,
            spread,
        };
        Run {
            machine: Machine {
                processor: "a processor".into(),
                system: "a system".into(),
                file_system: String::new(),
                compiler: String::new(),
                commit: String::new(),
                date: "2026-01-02".into(),
            },
            quick: false,
            rows: vec![
                row("pair", "std", "ns", 0.53, 0.01),
                row("pair", "sdd", "ns", 0.061, 0.2),
                row("drain", "std", "cpu ns", 1.0, 0.0),
                row("drain", "std", "wall ns", 2.0, 0.0),
            ],
            charts: Vec::new(),
        }
    }

    #[test]
    fn figures_stand_between_their_marks_and_are_the_same_again() {
        let document = "a\n<!-- figures of treiber\npair: in turn\ndrain: all\n-->\nold\n\
                        <!-- end of figures -->\nb\n";
        let filled = run().quoted_in(document).unwrap();
        assert!(
            filled.contains("| in turn | 4.77 ns | 0.53 `std`, 0.061 (±20 %) `sdd` |\n"),
            "{filled}"
        );
        assert!(filled.contains("| all | 4.77 cpu ns | 1.00 `std` |\n"), "{filled}");
        assert!(filled.contains("| all | 4.77 wall ns | 2.00 `std` |\n"), "{filled}");
        assert!(filled.starts_with("a\n") && filled.ends_with("-->\nb\n"), "{filled}");
        assert!(!filled.contains("old"), "{filled}");
        assert_eq!(run().quoted_in(&filled).unwrap(), filled);
    }

    #[test]
    fn a_row_that_was_not_measured_is_an_error() {
        let document = "<!-- figures of treiber\npear: a fruit\n-->\n<!-- end of figures -->";
        let error = run().quoted_in(document).unwrap_err();
        assert_eq!(error, "the run has no row treiber/pear");
        let error = run().quoted_in("<!-- figures of treiber\npair: x\n-->\n").unwrap_err();
        assert_eq!(error, "a mark of figures has no end");
    }
}
