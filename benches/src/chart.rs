//! Curves: what a row's one number can't show.

use serde::{Deserialize, Serialize};

/// A quantity on an axis.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Axis {
    /// What it is, with its unit.
    pub label: String,
    /// Whether its scale is logarithmic.
    pub logarithmic: bool,
    /// The marks, where they are not simply numbers: where, and what is written there.
    pub ticks: Vec<(f64, String)>,
}

impl Axis {
    /// A linear axis from 0.
    pub fn linear(label: &str) -> Self {
        Self { label: label.into(), logarithmic: false, ticks: Vec::new() }
    }

    /// An axis of powers of ten.
    pub fn logarithmic(label: &str) -> Self {
        Self { logarithmic: true, ..Self::linear(label) }
    }

    /// The same axis with marks of its own.
    #[must_use]
    pub fn with_ticks(self, ticks: Vec<(f64, String)>) -> Self {
        Self { ticks, ..self }
    }
}

/// One contender's curve.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Line {
    /// The contender; `ours` stands out.
    pub name: String,
    /// From left to right.
    pub points: Vec<(f64, f64)>,
}

/// How the contenders of a chart stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// Curves over each other.
    Overlaid,
    /// A strip for each, with a column for each point.
    Strips,
}

/// The curves of one measurement.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Chart {
    /// The crate.
    pub group: String,
    /// The file that it is drawn to, without its ending; charts of one name share a file.
    pub name: String,
    /// What is shown, for a reader who knows only the field.
    pub title: String,
    /// From left to right.
    pub x: Axis,
    /// From bottom to top.
    pub y: Axis,
    /// Curves or strips.
    pub layout: Layout,
    /// Ours first.
    pub lines: Vec<Line>,
}
