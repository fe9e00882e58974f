//! The chart of `cargo xtask bench`: horizontal bars, a group for each work, plain SVG that follows the reader's light or dark page.

use core::fmt::Write as _;

use crate::bench::{Cell, Report};

const GROUPS: [(&str, &str); 6] = [
    ("es256", "ES256 access token, mTLS-bound"),
    ("ps256", "PS256 access token, 2048 bits"),
    ("rs256", "RS256 access token, 2048 bits"),
    ("eddsa", "EdDSA access token"),
    ("es256+dpop", "ES256 access token with a DPoP proof"),
    ("expired", "ES256 access token, expired: refused"),
];

const WIDTH: f64 = 880.0;
const LABELS: f64 = 230.0;
const BARS: f64 = 520.0;
const LINE: f64 = 20.0;

/// The page may be light while the reader's system is dark, or the other way about: the chart brings a ground of its own.
const STYLE: &str = "\
.ground{fill:#fff;stroke:#d1d9e0}text{font:13px system-ui,sans-serif;fill:#1f2328}\
.title{font-size:17px;font-weight:600}.group{font-weight:600}.small{font-size:12px;fill:#59636e}\
.ours{fill:#0a7d55}.peer{fill:#8c959f}.end{text-anchor:end}\
@media(prefers-color-scheme:dark){.ground{fill:#0d1117;stroke:#3d444d}text{fill:#e6edf3}.small{fill:#9198a1}.ours{fill:#3fb27f}.peer{fill:#6e7681}}";

/// Draws the cells of one thread.
pub(crate) fn draw(report: &Report) -> String {
    let mut body = String::new();
    let mut y = 34.0;
    let subtitle = format!("{}, {}: median of {} interleaved rounds of 512 tokens, one thread", report.cpu, report.date, report.rounds);
    let _ = writeln!(body, r#"<text x="16" y="{y}" class="title">Microseconds a token, shorter is better</text>"#);
    y += LINE;
    let _ = writeln!(body, r#"<text x="16" y="{y}" class="small">{}</text>"#, escaped(&subtitle));
    for (work, title) in GROUPS {
        draw_group(&mut body, &mut y, title, &bars_of(report, work));
    }
    y += LINE;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {y}\" width=\"{WIDTH}\" height=\"{y}\" role=\"img\">\n\
         <title>Counterfoil and its peers</title>\n<style>{STYLE}</style>\n\
         <rect x=\"0.5\" y=\"0.5\" width=\"{}\" height=\"{}\" rx=\"6\" class=\"ground\"/>\n{body}</svg>\n",
        WIDTH - 1.0,
        y - 1.0
    )
}

/// The shortest first.
fn bars_of<'a>(report: &'a Report, work: &str) -> Vec<(&'a Cell, f64)> {
    // Without tables, what the CPU's best path does is enough.
    let is_shown = |cell: &&Cell| cell.work == work && cell.threads == 1 && cell.peer != "counterfoil/cold-portable";
    let cells = report.cells.iter().filter(is_shown);
    let mut bars: Vec<_> = cells.filter_map(|cell| Some((cell, cell.median()?))).collect();
    bars.sort_by(|(_, one), (_, other)| one.total_cmp(other));
    bars
}

fn draw_group(body: &mut String, y: &mut f64, title: &str, bars: &[(&Cell, f64)]) {
    let Some((_, longest)) = bars.last() else { return };
    *y += LINE * 1.8;
    let _ = writeln!(body, r#"<text x="16" y="{y:.0}" class="group">{}</text>"#, escaped(title));
    for (cell, time) in bars {
        *y += LINE;
        let class = if cell.peer.starts_with("counterfoil") { "ours" } else { "peer" };
        let (length, top) = ((time / longest * BARS).max(1.0), *y - 12.0);
        let _ = writeln!(body, r#"<text x="{LABELS}" y="{y:.0}" class="end">{}</text>"#, escaped(label(cell.peer)));
        let _ = writeln!(body, r#"<rect x="{:.0}" y="{top:.0}" width="{length:.1}" height="15" rx="2" class="{class}"/>"#, LABELS + 10.0);
        let _ = writeln!(body, r#"<text x="{:.1}" y="{y:.0}" class="small">{}</text>"#, LABELS + 16.0 + length, microseconds(*time));
    }
}

fn label(peer: &str) -> &str {
    match peer {
        "aws-lc-raw" => "aws-lc-rs, signatures alone",
        "counterfoil/cold" => "counterfoil/cold, no table",
        _ => peer,
    }
}

fn microseconds(nanoseconds: f64) -> String {
    let time = nanoseconds / 1000.0;
    if time < 10.0 { format!("{time:.2}") } else { format!("{time:.1}") }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_end_its_element() {
        assert_eq!(escaped("a<b>&c"), "a&lt;b&gt;&amp;c");
    }

    #[test]
    fn short_times_keep_their_digits() {
        assert_eq!((microseconds(109.0), microseconds(57_600.0)), ("0.11".to_owned(), "57.6".to_owned()));
    }
}
