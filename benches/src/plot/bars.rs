//! Costs side by side: a panel for each row, a bar for each contender.

use super::scale::short;
use super::svg::{Anchor, HEADER, Ink, MARGIN, Svg};
use crate::row::ratio_as_text;
use crate::{Row, about};

const COLUMN: f64 = 420.0;
const GAP: f64 = 28.0;
const NAME: f64 = 118.0;
const VALUE: f64 = 64.0;
const BAR: f64 = 17.0;
const PANEL_HEAD: f64 = 38.0;
const PANEL_GAP: f64 = 14.0;

/// One row with all its peers.
struct Panel<'a> {
    row: &'a str,
    unit: &'a str,
    about: Option<&'static str>,
    /// Name, cost, and the ratio of ours to it.
    bars: Vec<(&'a str, f64, Option<f64>)>,
}

impl Panel<'_> {
    fn height(&self) -> f64 {
        #[allow(clippy::cast_precision_loss, reason = "a handful")]
        let bars = self.bars.len() as f64;
        PANEL_HEAD + BAR * bars + PANEL_GAP
    }
}

/// The rows by name and unit, with all their peers; ours first, then the cheapest.
fn panels<'a>(rows: &[&'a Row]) -> Vec<Panel<'a>> {
    let mut panels: Vec<Panel<'a>> = Vec::new();
    for row in rows {
        let same = |panel: &&mut Panel<'_>| panel.row == row.row && panel.unit == row.unit;
        let panel = if let Some(panel) = panels.iter_mut().find(same) {
            panel
        } else {
            let bars = vec![("ours", row.ours, None)];
            let about = about::of(&row.group, &row.row);
            panels.push(Panel { row: &row.row, unit: &row.unit, about, bars });
            panels.last_mut().expect("just pushed")
        };
        if let (Some(peer), Some(theirs)) = (&row.peer, row.theirs) {
            panel.bars.push((peer, theirs, row.ratio));
        }
    }
    for panel in &mut panels {
        panel.bars[1..].sort_by(|a, b| a.1.total_cmp(&b.1));
    }
    panels
}

/// The picture of a group; none where it has no such rows.
pub(super) fn draw(group: &str, rows: &[&Row]) -> Option<String> {
    let panels = panels(rows);
    if panels.is_empty() {
        return None;
    }
    let mut svg = Svg::new();
    let mut ends = [HEADER + 8.0; 2];
    let total: f64 = panels.iter().map(Panel::height).sum();
    for panel in &panels {
        // In reading order: the left column to half of the height, then the right.
        let column = usize::from(ends[0] + panel.height() / 2.0 > HEADER + 8.0 + total / 2.0);
        #[allow(clippy::cast_precision_loss, reason = "0 or 1")]
        let left = MARGIN + column as f64 * (COLUMN + GAP);
        draw_panel(&mut svg, panel, (left, ends[column]));
        ends[column] += panel.height();
    }
    let size = (2.0 * MARGIN + 2.0 * COLUMN + GAP, ends[0].max(ends[1]) + 6.0);
    let note = "shorter is cheaper; in brackets ours over theirs";
    Some(svg.finish(size, &format!("{group}: cost"), note))
}

fn draw_panel(svg: &mut Svg, panel: &Panel<'_>, (left, top): (f64, f64)) {
    svg.words((left, top + 12.0), Anchor::Start, (Ink::Text, "head"), panel.row);
    let unit = (left + COLUMN, top + 12.0);
    svg.words(unit, Anchor::End, (Ink::Muted, "small"), panel.unit);
    if let Some(about) = panel.about {
        svg.words((left, top + 28.0), Anchor::Start, (Ink::Muted, "small"), about);
    }
    let most = panel.bars.iter().map(|bar| bar.1).fold(f64::MIN_POSITIVE, f64::max);
    let (from, room) = (left + NAME, COLUMN - NAME - VALUE - 24.0);
    let mut y = top + PANEL_HEAD - 4.0;
    for (place, (name, cost, ratio)) in panel.bars.iter().enumerate() {
        let (class, ink) = if place == 0 { ("c0", Ink::Text) } else { ("peer", Ink::Muted) };
        svg.words((from - 8.0, y + 11.5), Anchor::End, (ink, ""), name);
        let length = room * cost / most;
        svg.bar((from, y + 1.0), (length, BAR - 4.0), class);
        let ratio = ratio.map_or_else(String::new, |ratio| format!(" ({})", ratio_as_text(ratio)));
        let words = format!("{}{ratio}", short(*cost));
        svg.words((from + length.max(1.0) + 6.0, y + 11.5), Anchor::Start, (ink, "small"), &words);
        y += BAR;
    }
}
