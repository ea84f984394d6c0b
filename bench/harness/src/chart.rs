//! Lines of times over sizes of values, both on logarithmic scales.

use std::fmt::Write;

/// The times of several links.
#[derive(Default)]
pub struct Chart {
    lines: Vec<Line>,
}

struct Line {
    name: String,
    /// Sizes in bytes, each with all times in nanoseconds.
    points: Vec<(usize, Vec<f64>)>,
}

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 460.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 110.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 50.0;
const COLORS: [&str; 5] = ["#0969da", "#8250df", "#2da44e", "#bf8700", "#cf222e"];

impl Chart {
    pub fn add(&mut self, name: &str, size: usize, nanoseconds: f64) {
        let at = self.lines.iter().position(|line| line.name == name);
        let at = at.unwrap_or_else(|| {
            self.lines.push(Line {
                name: name.to_owned(),
                points: Vec::new(),
            });
            self.lines.len() - 1
        });
        let points = &mut self.lines[at].points;
        match points.iter_mut().find(|(known, _)| *known == size) {
            Some((_, times)) => times.push(nanoseconds),
            None => points.push((size, vec![nanoseconds])),
        }
    }

    /// `true` if there is nothing to draw.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    pub fn draw(&self) -> String {
        let mut body = String::new();
        for power in 1..=7 {
            let (y, label) = (y(10_f64.powi(power)), LABELS[power as usize - 1]);
            let end = WIDTH - RIGHT;
            let _ = writeln!(
                body,
                r#"<line class="grid" x1="{LEFT}" y1="{y:.1}" x2="{end}" y2="{y:.1}"/><text class="scale" x="{}" y="{:.1}" text-anchor="end">{label}</text>"#,
                LEFT - 8.0,
                y + 4.0
            );
        }
        let sizes = self.lines.iter().flat_map(|line| &line.points);
        let mut sizes: Vec<usize> = sizes.map(|(size, _)| *size).collect();
        sizes.sort_unstable();
        sizes.dedup();
        for size in sizes {
            let _ = writeln!(
                body,
                r#"<text class="scale" x="{:.1}" y="{}" text-anchor="middle">{}</text>"#,
                x(size),
                HEIGHT - BOTTOM + 20.0,
                bytes(size)
            );
        }
        for (line, color) in self.lines.iter().zip(COLORS.iter().cycle()) {
            let points: Vec<(f64, f64)> = line
                .points
                .iter()
                .map(|(size, times)| (x(*size), y(median(times))))
                .collect();
            let path: Vec<String> = points
                .iter()
                .map(|(x, y)| format!("{x:.1},{y:.1}"))
                .collect();
            let _ = writeln!(
                body,
                r#"<polyline points="{}" fill="none" stroke="{color}" stroke-width="2.5"/>"#,
                path.join(" ")
            );
            for (x, y) in &points {
                let _ = writeln!(
                    body,
                    r#"<circle cx="{x:.1}" cy="{y:.1}" r="3.5" fill="{color}"/>"#
                );
            }
        }
        for (place, at) in self.label_places() {
            let color = COLORS[place % COLORS.len()];
            let _ = writeln!(
                body,
                r#"<text x="{}" y="{at:.1}" fill="{color}" font-weight="600">{}</text>"#,
                WIDTH - RIGHT + 10.0,
                self.lines[place].name
            );
        }
        format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" font-family="system-ui, sans-serif" font-size="13">
<style>
.scale {{ fill: #6e7781; }}
.grid {{ stroke: #d0d7de; }}
@media (prefers-color-scheme: dark) {{
.scale {{ fill: #8d96a0; }}
.grid {{ stroke: #30363d; }}
}}
</style>
<text class="scale" x="{LEFT}" y="18">time of a get</text>
<text class="scale" x="{}" y="{}" text-anchor="middle">size of the value</text>
{body}</svg>
"#,
            (LEFT + WIDTH - RIGHT) / 2.0,
            HEIGHT - 8.0,
        )
    }

    /// The lines with the heights of their names, which are at least a line of text apart.
    fn label_places(&self) -> Vec<(usize, f64)> {
        let last = |line: &Line| {
            line.points
                .last()
                .map_or(HEIGHT, |(_, times)| y(median(times)))
        };
        let mut places: Vec<(usize, f64)> = self.lines.iter().map(last).enumerate().collect();
        places.sort_by(|one, other| one.1.total_cmp(&other.1));
        let mut lowest = f64::MIN;
        for (_, at) in &mut places {
            *at = (*at + 4.0).max(lowest + 16.0);
            lowest = *at;
        }
        places
    }
}

const LABELS: [&str; 7] = [
    "10 ns", "100 ns", "1 µs", "10 µs", "100 µs", "1 ms", "10 ms",
];

/// 0 bytes stand where 16 would.
fn x(size: usize) -> f64 {
    let (least, most) = (16_f64.log2(), (4 << 20) as f64);
    let share = ((size.max(16) as f64).log2() - least) / (most.log2() - least);
    LEFT + share * (WIDTH - LEFT - RIGHT)
}

fn y(nanoseconds: f64) -> f64 {
    let share = (nanoseconds.max(10.0).log10() - 1.0) / 6.0;
    HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)
}

fn median(times: &[f64]) -> f64 {
    let mut times = times.to_vec();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn bytes(size: usize) -> String {
    match size {
        0x10_0000.. => format!("{} MiB", size >> 20),
        0x400.. => format!("{} KiB", size >> 10),
        _ => format!("{size} B"),
    }
}
