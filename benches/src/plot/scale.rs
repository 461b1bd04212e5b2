//! From quantities to places, and the marks between.

use crate::chart::Axis;

/// Maps a range of values on a range of pixels.
#[derive(Clone, Debug)]
pub(super) struct Scale {
    logarithmic: bool,
    values: (f64, f64),
    pixels: (f64, f64),
    ticks: Vec<(f64, String)>,
}

impl Scale {
    /// A scale for these values on an axis.
    pub(super) fn new(
        axis: &Axis,
        values: impl Iterator<Item = f64>,
        pixels: (f64, f64),
        most: usize,
    ) -> Self {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values.chain(axis.ticks.iter().map(|tick| tick.0)) {
            (low, high) = (low.min(value), high.max(value));
        }
        if !low.is_finite() {
            (low, high) = (0.0, 1.0);
        }
        let ticks = if axis.ticks.is_empty() && axis.logarithmic {
            low = 10_f64.powf(low.max(1e-9).log10().floor());
            high = 10_f64.powf((high.max(low * 10.0) * 0.999).log10().ceil());
            decades(low, high, most)
        } else if axis.ticks.is_empty() {
            low = 0.0;
            let step = step(high.max(1e-9), most);
            high = (high.max(1e-9) / step).ceil() * step;
            #[allow(clippy::cast_sign_loss, reason = "neither is negative")]
            let count = (high / step).round() as u32;
            (0..=count).map(|at| f64::from(at) * step).collect()
        } else {
            Vec::new()
        };
        let ticks = if axis.ticks.is_empty() {
            ticks.into_iter().map(|tick| (tick, short(tick))).collect()
        } else {
            axis.ticks.clone()
        };
        Self { logarithmic: axis.logarithmic, values: (low, high), pixels, ticks }
    }

    /// Where a value is.
    pub(super) fn place(&self, value: f64) -> f64 {
        let measure = |value: f64| if self.logarithmic { value.max(1e-12).log10() } else { value };
        let (low, high) = (measure(self.values.0), measure(self.values.1));
        let part = if high > low { (measure(value) - low) / (high - low) } else { 0.5 };
        self.pixels.0 + part.clamp(0.0, 1.0) * (self.pixels.1 - self.pixels.0)
    }

    /// Where the marks are, and what is written there.
    pub(super) fn ticks(&self) -> impl Iterator<Item = (f64, &str)> {
        self.ticks.iter().map(|(value, label)| (self.place(*value), label.as_str()))
    }
}

fn decades(low: f64, high: f64, most: usize) -> Vec<f64> {
    let all: Vec<f64> = std::iter::successors(Some(low), |tick| Some(tick * 10.0))
        .take_while(|tick| *tick <= high * 1.001)
        .collect();
    let every = all.len().div_ceil(most.max(1)).max(1);
    all.into_iter().step_by(every).collect()
}

/// A round step of which no more than so many fit.
fn step(high: f64, most: usize) -> f64 {
    #[allow(clippy::cast_precision_loss, reason = "a handful")]
    let least = high / most as f64;
    let decade = 10_f64.powf(least.log10().floor());
    [1.0, 2.0, 2.5, 5.0, 10.0]
        .map(|part| part * decade)
        .into_iter()
        .find(|step| *step >= least)
        .unwrap_or(decade * 10.0)
}

/// A number with as many digits as matter.
pub(super) fn short(value: f64) -> String {
    let magnitude = value.abs();
    let (value, unit) = match magnitude {
        1e9.. => (value / 1e9, "G"),
        1e6.. => (value / 1e6, "M"),
        1e4.. => (value / 1e3, "k"),
        _ => (value, ""),
    };
    let digits = match value.abs() {
        100.0.. => 0,
        10.0.. => 1,
        _ => 2,
    };
    let text = format!("{value:.digits$}");
    let text =
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let cases =
            [(0.0, "0"), (0.5, "0.5"), (31.25, "31.2"), (1500.0, "1500"), (104_000.0, "104k")];
        for (value, text) in cases {
            assert_eq!(short(value), text);
        }
    }

    #[test]
    fn a_logarithmic_axis_ends_at_powers_of_ten() {
        let scale = Scale::new(&Axis::logarithmic("ns"), [3.0, 450.0].into_iter(), (0.0, 300.0), 9);
        let ticks: Vec<_> = scale.ticks().collect();
        assert_eq!(ticks, [(0.0, "1"), (100.0, "10"), (200.0, "100"), (300.0, "1000")]);
    }

    #[test]
    fn a_linear_axis_begins_at_nothing() {
        let scale = Scale::new(&Axis::linear("ns"), [3.0, 4.5].into_iter(), (100.0, 0.0), 5);
        assert!((scale.place(0.0) - 100.0).abs() < 1e-9);
        assert_eq!(scale.ticks().count(), 6);
    }
}
