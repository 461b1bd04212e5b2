//! A run as a whole, and the page that shows it.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::chart::Chart;
use crate::machine::Machine;
use crate::{Row, about, plot};

/// Everything that one run measured.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Run {
    /// Where and when.
    pub machine: Machine,
    /// Whether it only shows that everything works.
    pub quick: bool,
    /// The comparisons.
    pub rows: Vec<Row>,
    /// The curves.
    pub charts: Vec<Chart>,
}

/// The file of a directory of results that all others are made from.
const FILE: &str = "run.json";
/// The page.
const PAGE: &str = "README.md";

impl Run {
    /// Reads a run that was written.
    ///
    /// # Errors
    ///
    /// When the file can't be read or is no run.
    pub fn read(file: &Path) -> Result<Self, String> {
        let text = fs::read_to_string(file)
            .map_err(|error| format!("can't read {}: {error}", file.display()))?;
        serde_json::from_str(&text)
            .map_err(|error| format!("{} is no run: {error}", file.display()))
    }

    /// Writes the run, its pictures and its page into a directory.
    ///
    /// # Errors
    ///
    /// The system's.
    ///
    /// # Panics
    ///
    /// Never: a run is always JSON.
    pub fn write(&self, directory: &Path) -> io::Result<()> {
        plot::write(self, directory)?;
        let text = serde_json::to_string_pretty(self).expect("a run has only text and numbers");
        fs::write(directory.join(FILE), text + "\n")?;
        fs::write(directory.join(PAGE), self.page())
    }

    /// The page: where it was measured, every picture, every number.
    ///
    /// # Panics
    ///
    /// Never: text takes everything.
    #[must_use]
    pub fn page(&self) -> String {
        let Machine { processor, system, file_system, compiler, commit, date } = &self.machine;
        let mut page = format!(
            "# Results\n\nOne run of `cargo versus`. This page and its pictures are made from \
             `{FILE}`, and all of it is made again, on another machine too, by\n\n\
             ```console\ncargo versus --results docs/results\n```\n\n\
             | | |\n| --- | --- |\n| processor | {processor} |\n| system | {system} |\n\
             | file system | {file_system} |\n| compiler | {compiler} |\n| commit | {commit} |\n\
             | date | {date} |\n\n\
             Costs: lower is better. A ratio is ours over theirs, the median over rounds that run \
             both; the spread is half the distance between its quartiles. `std` and `mutex` are \
             the standard library's or the system's own way, `leveldb` and `channel` are written \
             for the comparison. Only ratios travel to other machines.\n",
        );
        if self.quick {
            page.push_str(
                "\n**A quick run: these numbers show that it works, and nothing more.**\n",
            );
        }
        let mut groups: Vec<&str> = self.rows.iter().map(|row| row.group.as_str()).collect();
        groups.dedup();
        let pictures = plot::pictures(self);
        for group in groups {
            write!(page, "\n## {group}\n\n").expect("a string takes everything");
            let prefix = format!("{group}-");
            for name in pictures.keys().filter(|name| name.starts_with(&prefix)) {
                let about = name[prefix.len()..].trim_end_matches(".svg").replace('-', " ");
                writeln!(page, "![{group}: {about}]({name})\n").expect("a string takes everything");
            }
            let rows = self.rows.iter().filter(|row| row.group == group);
            page.push_str(&rows_table(rows));
        }
        page.push_str(&self.simpler_wins());
        page
    }

    /// Where a lock or another simple thing costs less than ours.
    fn simpler_wins(&self) -> String {
        let simple = ["std", "mutex", "parking_lot"];
        let wins = self.rows.iter().filter(|row| {
            row.ratio.is_some_and(|ratio| ratio > 1.0)
                && row.peer.as_deref().is_some_and(|peer| simple.contains(&peer))
        });
        let table = rows_table(wins);
        format!(
            "\n## Where something simpler wins\n\nThe rows above in which a lock or the system's \
             own way costs less than ours; within its spread a ratio of 1 is a draw.\n\n{table}"
        )
    }
}

/// A number for a reader: three digits, or all of those before the point.
pub(crate) fn figure(value: f64) -> String {
    let digits = match value.abs() {
        100.0.. => 0,
        10.0.. => 1,
        _ => 2,
    };
    format!("{value:.digits$}")
}

fn rows_table<'a>(rows: impl Iterator<Item = &'a Row>) -> String {
    let mut table = String::from(
        "| row | what | unit | peer | ours | theirs | ratio | spread |\n| --- | --- | --- | --- | ---: | ---: | ---: | ---: |\n",
    );
    for row in rows {
        let (family, _) = row.row.rsplit_once('_').unwrap_or((&row.row, ""));
        let about = about::of(&row.group, &row.row).or_else(|| about::of(&row.group, family));
        let or_none =
            |value: Option<f64>, show: fn(f64) -> String| value.map_or_else(String::new, show);
        writeln!(
            table,
            "| `{}` | {} | {} | {} | {} | {} | {} | ±{:.0} % |",
            row.row,
            about.unwrap_or_default(),
            row.unit,
            row.peer.as_deref().unwrap_or_default(),
            figure(row.ours),
            or_none(row.theirs, figure),
            or_none(row.ratio, crate::row::ratio_as_text),
            row.spread * 100.0,
        )
        .expect("a string takes everything");
    }
    table
}
