//! Interleaved rounds.

use std::fmt;

use crate::{Chart, Machine, Row, Run};

/// What to measure and how thoroughly.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Fewer rounds and smaller loads: to see that it runs, not to quote.
    pub quick: bool,
    /// Only rows whose `group/row` contains one of these texts; all where it is empty.
    pub only: Vec<String>,
    /// Names the rows instead of measuring them.
    pub list: bool,
    /// Whether curves are measured too.
    pub charts: bool,
}

/// One way of doing the work: returns its cost of this round, in the row's unit.
pub struct Contender<'a> {
    name: &'a str,
    measure: Box<dyn FnMut() -> f64 + 'a>,
}

impl<'a> Contender<'a> {
    /// A peer, by its package name.
    pub fn new(name: &'a str, measure: impl FnMut() -> f64 + 'a) -> Self {
        Self { name, measure: Box::new(measure) }
    }
}

impl fmt::Debug for Contender<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Contender").field(&self.name).finish()
    }
}

/// Collects the rows of a run.
#[derive(Debug, Default)]
pub struct Versus {
    options: Options,
    rows: Vec<Row>,
    charts: Vec<Chart>,
}

/// The value below which a fraction of the sorted values lies.
fn quantile(sorted: &[f64], fraction: f64) -> f64 {
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "an index of a short list"
    )]
    let at = (fraction * (sorted.len() - 1) as f64).round() as usize;
    sorted[at]
}

/// The median, and half the distance of the quartiles over it.
fn summary(values: &[f64]) -> (f64, f64) {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let median = quantile(&sorted, 0.5);
    let half = (quantile(&sorted, 0.75) - quantile(&sorted, 0.25)) / 2.0;
    (median, if median == 0.0 { 0.0 } else { half / median })
}

impl Versus {
    /// An empty run.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self { options, rows: Vec::new(), charts: Vec::new() }
    }

    /// Whether this run only shows that everything works.
    #[must_use]
    pub fn is_quick(&self) -> bool {
        self.options.quick
    }

    /// `full`, or `quick` in a quick run.
    #[must_use]
    pub fn sized<T>(&self, full: T, quick: T) -> T {
        if self.options.quick { quick } else { full }
    }

    /// What was measured so far.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Whether a row is asked for. Groups with a costly setting-up look first.
    #[must_use]
    pub fn wants(&self, group: &str, row: &str) -> bool {
        if self.options.list {
            println!("{group}/{row}");
            return false;
        }
        let name = format!("{group}/{row}");
        self.options.only.is_empty() || self.options.only.iter().any(|text| name.contains(text))
    }

    /// Whether a chart is asked for. Its name is looked for as a row's is, but it is none.
    #[must_use]
    pub fn wants_chart(&self, group: &str, name: &str) -> bool {
        self.options.charts && !self.options.list && self.wants(group, name)
    }

    /// Adds curves.
    pub fn draw(&mut self, chart: Chart) {
        println!("{}  {}", chart.group, chart.title);
        self.charts.push(chart);
    }

    /// The run as it is now, with the machine that it was made on.
    #[must_use]
    pub fn run(self) -> Run {
        let Self { options, rows, charts } = self;
        Run { machine: Machine::here(), quick: options.quick, rows, charts }
    }

    /// Measures ours and its peers, once each a round, in an order that rotates; one round more
    /// comes first and isn't counted. A quick run has three rounds.
    ///
    /// Look at [`Self::wants`] before.
    ///
    /// # Panics
    ///
    /// When there are no rounds.
    pub fn compare(
        &mut self,
        (group, row, unit): (&str, &str, &str),
        rounds: usize,
        ours: impl FnMut() -> f64,
        peers: Vec<Contender<'_>>,
    ) {
        assert!(rounds > 0, "a comparison needs a round");
        let rounds = if self.options.quick { rounds.min(3) } else { rounds };
        let mut contenders = vec![Contender::new("ours", ours)];
        contenders.extend(peers);
        let mut costs = vec![Vec::with_capacity(rounds); contenders.len()];
        for contender in &mut contenders {
            (contender.measure)();
        }
        for round in 0..rounds {
            for turn in 0..contenders.len() {
                let at = (turn + round) % contenders.len();
                costs[at].push((contenders[at].measure)());
            }
        }
        let (our_median, our_spread) = summary(&costs[0]);
        let row = |peer: Option<&str>, theirs, ratio, spread| Row {
            group: group.into(),
            row: row.into(),
            peer: peer.map(str::to_owned),
            unit: unit.into(),
            ours: our_median,
            theirs,
            ratio,
            rounds,
            spread,
        };
        if contenders.len() == 1 {
            self.push(row(None, None, None, our_spread));
        }
        for (contender, theirs) in contenders.iter().zip(&costs).skip(1) {
            let ratios: Vec<_> =
                costs[0].iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect();
            let (ratio, spread) = summary(&ratios);
            self.push(row(Some(contender.name), Some(summary(theirs).0), Some(ratio), spread));
        }
    }

    /// Adds a row that was measured by other means, such as a count or a percentile.
    pub fn push(&mut self, row: Row) {
        print!("{}", last_line(&row));
        self.rows.push(row);
    }
}

fn last_line(row: &Row) -> String {
    let table = crate::table(std::slice::from_ref(row));
    format!("{}\n", table.lines().last().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratio_is_formed_within_a_round() {
        let mut versus = Versus::new(Options::default());
        // The machine gets slower from round to round; the ratio stays.
        let (mut a, mut b) = (1.0, 2.0);
        let ours = || {
            a *= 3.0;
            a
        };
        let peer = Contender::new("peer", || {
            b *= 3.0;
            b
        });
        versus.compare(("group", "row", "ns"), 5, ours, vec![peer]);
        let row = &versus.rows()[0];
        assert_eq!(row.ratio, Some(0.5));
        assert!(row.spread.abs() < 1e-9);
        assert_eq!(row.rounds, 5);
    }

    #[test]
    fn a_count_has_no_peer() {
        let mut versus = Versus::new(Options::default());
        versus.compare(("group", "row", "wakes/op"), 3, || 1.5, Vec::new());
        let row = &versus.rows()[0];
        assert_eq!((row.ours, row.theirs, row.ratio), (1.5, None, None));
        let json = serde_json::to_value(row).unwrap();
        assert!(json["theirs"].is_null() && json["ratio"].is_null());
    }

    #[test]
    fn only_what_is_asked_for_is_wanted() {
        let only = vec!["treiber/".into(), "pin".into()];
        let versus = Versus::new(Options { only, ..Options::default() });
        assert!(versus.wants("treiber", "pair"));
        assert!(versus.wants("reclaim", "pin_handle"));
        assert!(!versus.wants("reclaim", "retire_epoch"));
    }
}
