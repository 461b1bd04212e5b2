//! Rows that differ in the number of threads alone are one picture.

use std::collections::BTreeMap;

use crate::chart::{Axis, Chart, Layout, Line};
use crate::{Row, about};

/// Names whose number counts threads though no `t` follows it.
const SUBMITTERS: [&str; 3] = ["submit", "sync1ms", "null"];

/// A row's family and number of threads, if its name tells one.
fn threads(row: &str) -> Option<(&str, u32)> {
    let (family, number) = row.rsplit_once('_')?;
    let digits = number.strip_suffix('t');
    if digits.is_none() && !SUBMITTERS.contains(&family) {
        return None;
    }
    Some((family, digits.unwrap_or(number).parse().ok()?))
}

/// The families as charts, and the rows that are in none.
pub(super) fn split(rows: &[Row]) -> (Vec<Chart>, Vec<&Row>) {
    let mut families: BTreeMap<(usize, &str), Vec<(u32, &Row)>> = BTreeMap::new();
    let mut groups: Vec<&str> = rows.iter().map(|row| row.group.as_str()).collect();
    groups.dedup();
    let group_of = |row: &Row| groups.iter().position(|group| *group == row.group).unwrap_or(0);
    for row in rows {
        if let Some((family, count)) = threads(&row.row) {
            families.entry((group_of(row), family)).or_default().push((count, row));
        }
    }
    families.retain(|_, members| {
        let first = members[0].0;
        members.iter().any(|(count, _)| *count != first)
    });
    let alone = rows.iter().filter(|row| {
        !threads(&row.row)
            .is_some_and(|(family, _)| families.contains_key(&(group_of(row), family)))
    });
    let alone = alone.collect();
    (families.into_iter().map(|((_, family), members)| chart(family, &members)).collect(), alone)
}

fn chart(family: &str, members: &[(u32, &Row)]) -> Chart {
    let mut lines: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
    let mut ours: BTreeMap<u32, f64> = BTreeMap::new();
    for (count, row) in members {
        ours.insert(*count, row.ours);
        if let (Some(peer), Some(theirs)) = (&row.peer, row.theirs) {
            lines.entry(peer.clone()).or_default().push((f64::from(*count), theirs));
        }
    }
    let ticks = ours.keys().map(|count| (f64::from(*count), count.to_string())).collect();
    let points = ours.iter().map(|(count, cost)| (f64::from(*count), *cost)).collect();
    let ours = Line { name: "ours".into(), points };
    let peers = lines.into_iter().map(|(name, mut points)| {
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        Line { name, points }
    });
    let lines: Vec<_> = std::iter::once(ours).chain(peers).collect();
    let row = members[0].1;
    let costs = || lines.iter().flat_map(|line| &line.points).map(|point| point.1);
    let (low, high) = (costs().fold(f64::MAX, f64::min), costs().fold(0.0, f64::max));
    let cost =
        if high > low * 12.0 { Axis::logarithmic(&row.unit) } else { Axis::linear(&row.unit) };
    Chart {
        group: row.group.clone(),
        name: family.into(),
        title: about::of(&row.group, family)
            .map_or_else(|| family.into(), |about| format!("{family}: {about}")),
        x: Axis { logarithmic: true, ..Axis::linear("threads") }.with_ticks(ticks),
        y: cost,
        layout: Layout::Overlaid,
        lines,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, ours: f64) -> Row {
        Row {
            group: "g".into(),
            row: name.into(),
            peer: Some("peer".into()),
            unit: "ns".into(),
            ours,
            theirs: Some(2.0 * ours),
            ratio: Some(0.5),
            rounds: 1,
            spread: 0.0,
        }
    }

    #[test]
    fn only_numbers_of_threads_make_a_family() {
        let names = ["mix_2t", "mix_8t", "nop_1", "nop_32", "submit_1", "submit_8", "pair_8t"];
        let rows = names.map(|name| row(name, 1.0));
        let (charts, alone) = split(&rows);
        let charts: Vec<_> = charts.iter().map(|chart| chart.name.as_str()).collect();
        let alone: Vec<_> = alone.iter().map(|row| row.row.as_str()).collect();
        assert_eq!(charts, ["mix", "submit"]);
        assert_eq!(alone, ["nop_1", "nop_32", "pair_8t"]);
    }
}
