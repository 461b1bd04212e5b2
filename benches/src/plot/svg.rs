//! A drawing in two colour schemes.

use std::fmt::{Display, Write as _};

/// Distance from the drawing's edge.
pub(super) const MARGIN: f64 = 20.0;
/// Height of the drawing's title.
pub(super) const HEADER: f64 = 44.0;

/// What a thing is drawn in: a class of the style sheet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ink {
    /// Words.
    Text,
    /// Words that may be overlooked.
    Muted,
    /// A contender, by its place; the first is ours.
    Contender(usize),
}

/// How many contenders have an ink of their own.
const CONTENDERS: usize = 10;

impl Ink {
    pub(super) fn class(self) -> String {
        match self {
            Self::Text => "text".into(),
            Self::Muted => "muted".into(),
            // Ours is nobody else's, however many there are.
            Self::Contender(0) => "c0".into(),
            Self::Contender(place) => format!("c{}", 1 + (place - 1) % (CONTENDERS - 1)),
        }
    }
}

/// Which end of the words is at the place.
#[derive(Clone, Copy, Debug)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// Contrast of at least 4.5 to 1 against the ground, in both schemes.
const STYLE: &str = "\
text{font-family:system-ui,-apple-system,'Segoe UI','Noto Sans',Helvetica,Arial,sans-serif;font-size:12px}
.title{font-size:16px;font-weight:600}.head{font-weight:600}.small{font-size:11px}
.ground{fill:#ffffff;stroke:#d1d9e0}.grid{stroke:#d1d9e0;fill:none}.axis{stroke:#818b98;fill:none}
.text{fill:#1f2328}.muted{fill:#59636e}.peer{fill:#afb8c1}
.c0{fill:#0969da;stroke:#0969da}.c1{fill:#bc4c00;stroke:#bc4c00}.c2{fill:#1a7f37;stroke:#1a7f37}
.c3{fill:#8250df;stroke:#8250df}.c4{fill:#bf3989;stroke:#bf3989}.c5{fill:#7d4e00;stroke:#7d4e00}
.c6{fill:#57606a;stroke:#57606a}.c7{fill:#0e7490;stroke:#0e7490}
.c8{fill:#cf222e;stroke:#cf222e}.c9{fill:#5f6c00;stroke:#5f6c00}
text.c0,text.c1,text.c2,text.c3,text.c4,text.c5,text.c6,text.c7,text.c8,text.c9{stroke:none}
.line{fill:none;stroke-width:1.5}.ours{stroke-width:2.5}
@media(prefers-color-scheme:dark){
.ground{fill:#0d1117;stroke:#3d444d}.grid{stroke:#2a313a}.axis{stroke:#656c76}
.text{fill:#f0f6fc}.muted{fill:#9198a1}.peer{fill:#59636e}
.c0{fill:#58a6ff;stroke:#58a6ff}.c1{fill:#f0883e;stroke:#f0883e}.c2{fill:#3fb950;stroke:#3fb950}
.c3{fill:#ab7df8;stroke:#ab7df8}.c4{fill:#db61a2;stroke:#db61a2}.c5{fill:#d29922;stroke:#d29922}
.c6{fill:#9198a1;stroke:#9198a1}.c7{fill:#39c5cf;stroke:#39c5cf}
.c8{fill:#ff7b72;stroke:#ff7b72}.c9{fill:#c3d82c;stroke:#c3d82c}
.line{fill:none}}
";

/// An SVG file being drawn. Lengths are pixels.
pub(super) struct Svg {
    body: String,
}

/// Text as XML wants it.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

impl Svg {
    pub(super) fn new() -> Self {
        Self { body: String::new() }
    }

    fn add(&mut self, element: impl Display) {
        writeln!(self.body, "{element}").expect("a string takes everything");
    }

    /// Words in a class of the style sheet besides their ink, at their base line.
    pub(super) fn words(
        &mut self,
        (x, y): (f64, f64),
        anchor: Anchor,
        (ink, class): (Ink, &str),
        words: &str,
    ) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let (ink, words) = (ink.class(), escape(words));
        let class = format!("{ink} {class}");
        let class = class.trim();
        self.add(format_args!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" class=\"{class}\" text-anchor=\"{anchor}\">{words}</text>"
        ));
    }

    /// A bar with round right corners.
    pub(super) fn bar(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), class: &str) {
        let width = width.max(1.0);
        self.add(format_args!(
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"2\" \
             class=\"{class}\" stroke=\"none\" style=\"stroke:none\"/>"
        ));
    }

    /// A path in a class of the style sheet.
    pub(super) fn path(&mut self, data: &str, class: &str) {
        self.add(format_args!("<path d=\"{data}\" class=\"{class}\"/>"));
    }

    /// Upright strokes of one width.
    pub(super) fn columns(&mut self, data: &str, ink: Ink, width: f64) {
        let class = ink.class();
        self.add(format_args!(
            "<path d=\"{data}\" class=\"{class}\" style=\"stroke-width:{width:.1}\"/>"
        ));
    }

    /// A dot.
    pub(super) fn dot(&mut self, (x, y): (f64, f64), ink: Ink) {
        let class = ink.class();
        self.add(format_args!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" class=\"{class}\"/>"));
    }

    /// The file, with its title above everything that was drawn.
    pub(super) fn finish(self, (width, height): (f64, f64), title: &str, note: &str) -> String {
        let mut head = Self::new();
        let ground = format!(
            "<rect x=\".5\" y=\".5\" width=\"{}\" height=\"{}\" rx=\"6\" class=\"ground\"/>",
            width - 1.0,
            height - 1.0
        );
        head.add(ground);
        head.words((MARGIN, 28.0), Anchor::Start, (Ink::Text, "title"), title);
        head.words((width - MARGIN, 28.0), Anchor::End, (Ink::Muted, "small"), note);
        let title = escape(title);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
             width=\"{width:.0}\" height=\"{height:.0}\" role=\"img\" aria-label=\"{title}\">\n\
             <title>{title}</title>\n<style>\n{STYLE}</style>\n{}{}</svg>\n",
            head.body, self.body
        )
    }
}
