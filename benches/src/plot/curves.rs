//! Curves over each other, or a strip for each contender.

use std::fmt::Write as _;

use super::scale::Scale;
use super::svg::{Anchor, HEADER, Ink, MARGIN, Svg};
use crate::chart::{Chart, Layout};

const WIDTH: f64 = 420.0;
const HEIGHT: f64 = 250.0;
const GAP: f64 = 28.0;
/// Room for the numbers on the left and the names on the right.
const LEFT: f64 = 46.0;
const RIGHT: f64 = 112.0;
const STRIP: f64 = 78.0;
const STRIP_NAME: f64 = 190.0;

/// The charts of one file.
pub(super) fn draw(title: &str, charts: &[&Chart]) -> String {
    let mut svg = Svg::new();
    let inks = Inks::of(charts);
    let (mut bottom, mut column) = (HEADER + 8.0, 0);
    let width = 2.0 * MARGIN + 2.0 * WIDTH + GAP;
    for (index, chart) in charts.iter().enumerate() {
        if chart.layout == Layout::Strips {
            bottom += strips(&mut svg, chart, bottom, width);
            continue;
        }
        let left = MARGIN + f64::from(column) * (WIDTH + GAP);
        overlaid(&mut svg, chart, &inks, (left, bottom));
        column = 1 - column;
        if column == 0 || index + 1 == charts.len() {
            bottom += HEIGHT + 24.0;
        }
    }
    svg.finish((width, bottom + 4.0), title, "lower is better")
}

/// Who is drawn in what, the same in all charts of a file.
struct Inks<'a>(Vec<&'a str>);

impl<'a> Inks<'a> {
    fn of(charts: &[&'a Chart]) -> Self {
        let mut names: Vec<&str> = Vec::new();
        for line in charts.iter().flat_map(|chart| &chart.lines) {
            if !names.contains(&line.name.as_str()) {
                names.push(&line.name);
            }
        }
        names.sort_by_key(|name| *name != "ours");
        Self(names)
    }

    fn ink(&self, name: &str) -> Ink {
        Ink::Contender(self.0.iter().position(|known| *known == name).unwrap_or(0))
    }
}

/// Words that fit into so many pixels, cut where they don't.
fn fitted(words: &str, pixels: f64) -> String {
    // A letter of this size is about six pixels wide.
    #[allow(clippy::cast_sign_loss, reason = "a width")]
    let most = (pixels / 6.1) as usize;
    if words.chars().count() <= most {
        return words.into();
    }
    let cut: String = words.chars().take(most.saturating_sub(1)).collect();
    format!("{}…", cut.trim_end())
}

fn overlaid(svg: &mut Svg, chart: &Chart, inks: &Inks<'_>, (left, top): (f64, f64)) {
    let (head, about) = chart.title.split_once(": ").unwrap_or((&chart.title, ""));
    svg.words((left, top + 12.0), Anchor::Start, (Ink::Text, "head"), head);
    let about = fitted(about, WIDTH);
    svg.words((left, top + 28.0), Anchor::Start, (Ink::Muted, "small"), &about);
    let unit = (left + WIDTH, top + 12.0);
    svg.words(unit, Anchor::End, (Ink::Muted, "small"), &chart.y.label);
    let (x0, x1) = (left + LEFT, left + WIDTH - RIGHT);
    let (y0, y1) = (top + HEIGHT - 34.0, top + 44.0);
    let points = || chart.lines.iter().flat_map(|line| line.points.iter().copied());
    let x = Scale::new(&chart.x, points().map(|point| point.0), (x0, x1), 8);
    let y = Scale::new(&chart.y, points().map(|point| point.1), (y0, y1), 6);
    for (place, label) in y.ticks() {
        svg.path(&format!("M{x0:.1} {place:.1}H{x1:.1}"), "grid");
        svg.words((x0 - 6.0, place + 4.0), Anchor::End, (Ink::Muted, "small"), label);
    }
    svg.path(&format!("M{x0:.1} {y0:.1}H{x1:.1}"), "axis");
    for (place, label) in x.ticks() {
        svg.words((place, y0 + 16.0), Anchor::Middle, (Ink::Muted, "small"), label);
    }
    let middle = f64::midpoint(x0, x1);
    svg.words((middle, y0 + 31.0), Anchor::Middle, (Ink::Muted, "small"), &chart.x.label);
    // Ours last, so that it lies above the others.
    for (place, line) in chart.lines.iter().enumerate().rev() {
        let mut path = String::new();
        for (at, point) in line.points.iter().enumerate() {
            let start = if at == 0 { 'M' } else { 'L' };
            write!(path, "{start}{:.1} {:.1}", x.place(point.0), y.place(point.1))
                .expect("a string takes everything");
        }
        let width = if place == 0 { " ours" } else { "" };
        let ink = inks.ink(&line.name);
        svg.path(&path, &format!("line {}{width}", ink.class()));
        if line.points.len() <= 8 {
            for point in &line.points {
                svg.dot((x.place(point.0), y.place(point.1)), ink);
            }
        }
    }
    for (place, at) in labels(chart, &y, (y1, y0)) {
        let name = &chart.lines[place].name;
        let ink = inks.ink(name);
        svg.words(
            (x1 + 10.0, at + 4.0),
            Anchor::Start,
            (ink, "small"),
            &fitted(name, RIGHT - 10.0),
        );
    }
}

/// Where the names stand: at the ends of their curves, pushed apart.
fn labels(chart: &Chart, y: &Scale, (top, bottom): (f64, f64)) -> Vec<(usize, f64)> {
    const APART: f64 = 14.0;
    let mut labels: Vec<_> = chart
        .lines
        .iter()
        .enumerate()
        .filter_map(|(place, line)| line.points.last().map(|last| (place, y.place(last.1))))
        .collect();
    labels.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut least = top;
    for label in &mut labels {
        label.1 = label.1.max(least);
        least = label.1 + APART;
    }
    let mut most = bottom;
    for label in labels.iter_mut().rev() {
        label.1 = label.1.min(most);
        most = label.1 - APART;
    }
    labels
}

fn strips(svg: &mut Svg, chart: &Chart, top: f64, width: f64) -> f64 {
    let head = fitted(&chart.title, width - 2.0 * MARGIN);
    svg.words((MARGIN, top + 12.0), Anchor::Start, (Ink::Text, "head"), &head);
    svg.words((MARGIN, top + 30.0), Anchor::Start, (Ink::Muted, "small"), &chart.y.label);
    let (x0, x1) = (MARGIN + STRIP_NAME, width - MARGIN);
    let points = || chart.lines.iter().flat_map(|line| line.points.iter().copied());
    let x = Scale::new(&chart.x, points().map(|point| point.0), (x0, x1), 12);
    let most = chart.lines.iter().map(|line| line.points.len()).max().unwrap_or(1).max(1);
    #[allow(clippy::cast_precision_loss, reason = "a few hundred")]
    let column = (x1 - x0) / most as f64 * 0.9;
    let mut base = top + 34.0;
    for (place, line) in chart.lines.iter().enumerate() {
        base += STRIP;
        let y = Scale::new(&chart.y, points().map(|point| point.1), (base, base - STRIP + 14.0), 3);
        for (place, label) in y.ticks() {
            svg.path(&format!("M{x0:.1} {place:.1}H{x1:.1}"), "grid");
            svg.words((x0 - 6.0, place + 4.0), Anchor::End, (Ink::Muted, "small"), label);
        }
        let mut path = String::new();
        for point in &line.points {
            let (at, height) = (x.place(point.0), (base - y.place(point.1)).max(0.5));
            write!(path, "M{at:.1} {base:.1}v-{height:.1}").expect("a string takes everything");
        }
        // Ours in its own ink, all the others in another.
        let ink = Ink::Contender(usize::from(!line.name.starts_with("ours")));
        svg.columns(&path, ink, column);
        svg.path(&format!("M{x0:.1} {base:.1}H{x1:.1}"), "axis");
        let class = if place == 0 { "head" } else { "" };
        let name = fitted(&line.name, STRIP_NAME - 40.0);
        svg.words((MARGIN, base - STRIP / 2.0 + 10.0), Anchor::Start, (Ink::Text, class), &name);
    }
    for (place, label) in x.ticks() {
        svg.words((place, base + 16.0), Anchor::Middle, (Ink::Muted, "small"), label);
    }
    let middle = f64::midpoint(x0, x1);
    svg.words((middle, base + 31.0), Anchor::Middle, (Ink::Muted, "small"), &chart.x.label);
    base + 46.0 - top
}
