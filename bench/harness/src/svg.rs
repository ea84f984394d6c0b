//! The table as a picture: each bar shows the fraction of what the target allows, and is longer than the
//! mark if the target is missed.

use crate::board::Row;
use std::fmt::Write;

const LINE: usize = 24;
const NAMES: usize = 330;
const ALLOWED: f64 = 240.0;
/// The largest length of a bar, as a multiple of what the target allows; longer bars are cut off.
const LONGEST: f64 = 1.5;
const WIDTH: usize = 860;

pub fn draw(rows: &[Row]) -> String {
    let rows = rows.iter().filter_map(|row| Some((row, row.target?)));
    let mut bars = String::new();
    let mut y = LINE;
    for (row, target) in rows {
        y += LINE;
        let width = row.used.min(LONGEST) * ALLOWED;
        let class = if row.is_reached() {
            "reached"
        } else {
            "missed"
        };
        let (middle, end) = (y - 7, NAMES as f64 + ALLOWED * LONGEST + 8.0);
        let _ = writeln!(
            bars,
            r#"<text x="{}" y="{y}" text-anchor="end">{}</text><rect class="{class}" x="{NAMES}" y="{}" width="{width:.1}" height="12" rx="2"/><text x="{end}" y="{y}">{} <tspan class="target">({target})</tspan></text>"#,
            NAMES - 8,
            row.name,
            middle - 4,
            row.ratio,
        );
    }
    let (height, line) = (y + LINE, NAMES as f64 + ALLOWED);
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" font-family="system-ui, sans-serif" font-size="13">
<style>
text {{ fill: #24292f; }}
.target {{ fill: #6e7781; }}
.reached {{ fill: #2da44e; }}
.missed {{ fill: #cf222e; }}
line {{ stroke: #6e7781; stroke-dasharray: 3 3; }}
@media (prefers-color-scheme: dark) {{
text {{ fill: #e6edf3; }}
.target {{ fill: #8d96a0; }}
line {{ stroke: #8d96a0; }}
}}
</style>
<text class="target" x="{line}" y="{LINE}" text-anchor="middle">what the target allows</text>
{bars}<line x1="{line}" y1="{top}" x2="{line}" y2="{bottom}"/>
</svg>
"#,
        top = LINE + 6,
        bottom = height - LINE / 2,
    )
}
