//! Text as a picture: figures of boxes and arrows, and what a terminal shows.

use std::fmt::Write as _;

/// How a picture looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// Dark on light, no frame.
    Figure,
    /// A terminal's window; lines that begin with `$` stand out, and what is found or broken.
    Terminal,
}

/// The picture of a text, a line of it per line.
pub(crate) fn picture(text: &str, look: Look, title: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let columns = lines.iter().map(|line| line.chars().count()).max();
    let width = columns.unwrap_or(0) * CHARACTER_TENTHS / 10 + 2 * MARGIN;
    let top = match look {
        Look::Figure => 0,
        Look::Terminal => 24,
    };
    let height = lines.len() * LINE + 2 * MARGIN + top;
    let mut svg = String::new();
    let _ = writeln!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\">"
    );
    let _ = writeln!(svg, "<title>{}</title>", escaped(title));
    let (paper, ink) = match look {
        Look::Figure => ("#ffffff", "#1f2933"),
        Look::Terminal => ("#16202a", "#d6dde4"),
    };
    let _ = writeln!(
        svg,
        "<rect width=\"{width}\" height=\"{height}\" rx=\"8\" fill=\"{paper}\"/>"
    );
    if look == Look::Terminal {
        for (number, colour) in ["#e0655c", "#e2b340", "#63b96b"].iter().enumerate() {
            let x = MARGIN + 6 + number * 18;
            let _ = writeln!(
                svg,
                "<circle cx=\"{x}\" cy=\"18\" r=\"5\" fill=\"{colour}\"/>"
            );
        }
    }
    let _ = writeln!(
        svg,
        "<g font-family=\"DejaVu Sans Mono, Menlo, Consolas, monospace\" font-size=\"13\" fill=\"{ink}\" xml:space=\"preserve\">"
    );
    for (number, line) in lines.iter().enumerate() {
        let line = line.trim_end();
        if line.is_empty() {
            continue;
        }
        let y = MARGIN + top + (number + 1) * LINE - 5;
        let length = line.chars().count() * CHARACTER_TENTHS / 10;
        let colour = match (look, colour(line)) {
            (Look::Terminal, Some(colour)) => format!(" fill=\"{colour}\""),
            _ => String::new(),
        };
        // The length makes boxes close whatever font a reader has.
        let _ = writeln!(
            svg,
            "<text x=\"{MARGIN}\" y=\"{y}\" textLength=\"{length}\" lengthAdjust=\"spacingAndGlyphs\"{colour}>{}</text>",
            escaped(line)
        );
    }
    svg.push_str("</g>\n</svg>\n");
    svg
}

fn colour(line: &str) -> Option<&'static str> {
    let is = |words: &[&str]| words.iter().any(|word| line.contains(word));
    if line.trim_start().starts_with("$ ") {
        Some("#8fc7ff")
    } else if is(&["broken", "BROKEN", "damaged", "wiped"]) {
        Some("#f0938c")
    } else if is(&["intact", "found", "durable"]) {
        Some("#8fd69a")
    } else {
        None
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            character if character.is_control() => out.push('\u{fffd}'),
            character => out.push(character),
        }
    }
    out
}

const MARGIN: usize = 16;
/// Height of a line.
const LINE: usize = 18;
/// Width of a character, in tenths.
const CHARACTER_TENTHS: usize = 78;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_leave_its_place() {
        let svg = picture("<b>&\u{1b}[1m", Look::Terminal, "\"<x>");
        assert!(svg.contains("&lt;b&gt;&amp;\u{fffd}[1m</text>"), "{svg}");
        assert!(svg.contains("<title>&quot;&lt;x&gt;</title>"), "{svg}");
    }
}
