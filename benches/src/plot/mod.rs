//! Pictures of a run, as SVG files that are their own: light or dark as the reader's system is,
//! with the system's fonts.

mod bars;
mod curves;
mod families;
mod scale;
mod svg;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use crate::Run;

/// The pictures of a run: file names and contents.
#[must_use]
pub fn pictures(run: &Run) -> BTreeMap<String, String> {
    let mut pictures = BTreeMap::new();
    let (families, alone) = families::split(&run.rows);
    let mut groups: Vec<&str> = run.rows.iter().map(|row| row.group.as_str()).collect();
    groups.dedup();
    for group in groups {
        let of_group: Vec<_> = alone.iter().copied().filter(|row| row.group == group).collect();
        if let Some(picture) = bars::draw(group, &of_group) {
            pictures.insert(format!("{group}-cost.svg"), picture);
        }
        let charts: Vec<_> = families.iter().filter(|chart| chart.group == group).collect();
        if !charts.is_empty() {
            let title = format!("{group}: cost against threads");
            pictures.insert(format!("{group}-threads.svg"), curves::draw(&title, &charts));
        }
    }
    let mut measured: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for chart in &run.charts {
        let file = format!("{}-{}.svg", chart.group, chart.name);
        measured.entry(file).or_default().push(chart);
    }
    for (file, charts) in measured {
        let title = format!("{}: {}", charts[0].group, charts[0].name.replace('-', " "));
        pictures.insert(file, curves::draw(&title, &charts));
    }
    pictures
}

/// Writes the pictures of a run into a directory, which is made if need be.
///
/// # Errors
///
/// The system's.
pub fn write(run: &Run, directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    for (name, picture) in pictures(run) {
        fs::write(directory.join(name), picture)?;
    }
    Ok(())
}
