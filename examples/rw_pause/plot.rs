//! The readers' latency over time, as an SVG: a strip for each lock, all on the same scales.

use std::fmt::Write as _;
use std::time::Duration;

use crate::scene::{Played, Scene};

const WIDTH: f64 = 760.0;
const STRIP: f64 = 90.0;
const LEFT: f64 = 250.0;
const TOP: f64 = 40.0;
/// Latencies from a microsecond up, a strip's height for so many decades.
const DECADES: f64 = 6.0;
/// Points a strip: the longest pause of each slice of time.
const SLICES: usize = 240;

/// How far up in a strip a latency lies, logarithmically.
fn height(pause: Duration) -> f64 {
    let micros = pause.as_secs_f64() * 1e6;
    (micros.max(1.0).log10() / DECADES).min(1.0) * (STRIP - 14.0)
}

/// The longest pause of each slice of the scene, over all its rounds.
fn slices(rounds: &[Played], length: Duration) -> Vec<Duration> {
    let mut longest = vec![Duration::ZERO; SLICES];
    for read in rounds.iter().flat_map(|played| &played.reads) {
        #[allow(
            clippy::cast_precision_loss,
            clippy::cast_sign_loss,
            reason = "a position in a picture"
        )]
        let at = (read.due.as_secs_f64() / length.as_secs_f64() * SLICES as f64) as usize;
        if let Some(slice) = longest.get_mut(at) {
            *slice = (*slice).max(read.pause);
        }
    }
    longest
}

/// Draws the rounds of each contender.
pub(crate) fn svg(scene: Scene, drawn: &[(&str, Vec<Played>)]) -> String {
    let length = scene.hold * 5 / 4;
    #[allow(clippy::cast_precision_loss, reason = "a position in a picture")]
    let (total, slice) = (TOP + STRIP * drawn.len() as f64 + 40.0, WIDTH / SLICES as f64);
    let full = LEFT + WIDTH + 20.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {full} {total}\" \
         font-family=\"sans-serif\" font-size=\"13\">\n\
         <rect width=\"{full}\" height=\"{total}\" fill=\"white\"/>\n\
         <text x=\"10\" y=\"22\">Longest pause of a reader over time, 1 µs to 1 s on a logarithmic \
         scale; a slow reader holds the lock for {:?}, {} want to write</text>\n",
        scene.hold, scene.writers,
    );
    let mut add = |text: String| svg.push_str(&text);
    for (row, (name, rounds)) in drawn.iter().enumerate() {
        #[allow(clippy::cast_precision_loss, reason = "a position in a picture")]
        let base = TOP + STRIP * (row + 1) as f64 - 6.0;
        add(format!("<text x=\"10\" y=\"{}\">{name}</text>\n", base - STRIP / 2.0));
        add(format!("<path d=\"M{LEFT} {base}h{WIDTH}\" stroke=\"#999\"/>\n"));
        for (label, pause) in [("1 ms", 1), ("100 ms", 100)] {
            let y = base - height(Duration::from_millis(pause));
            add(format!(
                "<path d=\"M{LEFT} {y:.1}h{WIDTH}\" stroke=\"#ddd\"/>\
                 <text x=\"{}\" y=\"{y:.1}\" fill=\"#888\" font-size=\"10\">{label}</text>\n",
                LEFT - 40.0
            ));
        }
        let mut path = String::new();
        for (at, pause) in slices(rounds, length).into_iter().enumerate() {
            if !pause.is_zero() {
                #[allow(clippy::cast_precision_loss, reason = "a position in a picture")]
                let x = LEFT + at as f64 * slice;
                write!(path, "M{x:.1} {base}v-{:.1}", height(pause).max(0.5))
                    .expect("a string takes everything");
            }
        }
        add(format!(
            "<path d=\"{path}\" stroke=\"#2a6fb0\" stroke-width=\"{:.1}\"/>\n",
            slice * 0.8
        ));
    }
    let base = total - 20.0;
    for (label, part) in [("0", 0.0), ("writers arrive", 0.08), ("the slow reader leaves", 0.8)] {
        add(format!(
            "<text x=\"{:.1}\" y=\"{base}\" fill=\"#555\">{label}</text>\n",
            LEFT + part * WIDTH
        ));
    }
    svg.push_str("</svg>\n");
    svg
}
