//! One comparison and how it is shown.

use serde::{Deserialize, Serialize};

/// Ours against one peer. Costs: below 1 is better for us.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Row {
    /// The crate.
    pub group: String,
    /// The row's name in the goals.
    pub row: String,
    /// The peer's package name; none for a count of our own.
    pub peer: Option<String>,
    /// What `ours` and `theirs` are in.
    pub unit: String,
    /// Our median.
    pub ours: f64,
    /// The peer's median.
    pub theirs: Option<f64>,
    /// The median over the rounds of ours over theirs.
    pub ratio: Option<f64>,
    /// How many rounds were counted.
    pub rounds: usize,
    /// Half the distance between the ratio's quartiles, over its median: for a count, ours'.
    pub spread: f64,
}

/// A ratio with two digits after the point, or two that say something where it is small. Where ours
/// counts nothing, the ratio is zero, and no digit after it says more.
pub(crate) fn ratio_as_text(ratio: f64) -> String {
    if ratio == 0.0 {
        return "0".into();
    }
    let digits = [(0.1, 2), (0.01, 3), (0.001, 4)];
    let digits = digits.iter().find(|(least, _)| ratio >= *least).map_or(5, |(_, digits)| *digits);
    format!("{ratio:.digits$}")
}

/// The rows as a table for a terminal.
#[must_use]
pub fn table(rows: &[Row]) -> String {
    let mut lines = vec![
        ["group", "row", "peer", "unit", "ours", "theirs", "ratio", "spread"]
            .map(str::to_owned)
            .to_vec(),
    ];
    for row in rows {
        let number = |value: Option<f64>| value.map_or_else(|| "-".into(), |v| format!("{v:.1}"));
        lines.push(vec![
            row.group.clone(),
            row.row.clone(),
            row.peer.clone().unwrap_or_else(|| "-".into()),
            row.unit.clone(),
            number(Some(row.ours)),
            number(row.theirs),
            row.ratio.map_or_else(|| "-".into(), ratio_as_text),
            format!("±{:.0} %", row.spread * 100.0),
        ]);
    }
    let columns = lines[0].len();
    let widths: Vec<_> = (0..columns)
        .map(|column| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0))
        .collect();
    let mut text = String::new();
    for line in &lines {
        for (column, (cell, width)) in line.iter().zip(&widths).enumerate() {
            let pad = " ".repeat(width - cell.chars().count());
            // Words to the left, numbers to the right.
            let (before, after) = if column < 4 { ("", pad.as_str()) } else { (pad.as_str(), "") };
            text.extend([before, cell, after, "  "]);
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::ratio_as_text;

    #[test]
    fn a_small_ratio_keeps_two_digits() {
        let texts = [1.0, 12.345, 0.52, 0.0613, 0.0019, 0.000_42].map(ratio_as_text);
        assert_eq!(texts, ["1.00", "12.35", "0.52", "0.061", "0.0019", "0.00042"]);
    }

    #[test]
    fn nothing_is_a_plain_zero() {
        assert_eq!([0.0, -0.0].map(ratio_as_text), ["0", "0"]);
    }
}
