//! Lines of times over sizes of values, both on logarithmic scales.

use std::fmt::Write;

/// The times of several contenders.
pub struct Chart {
    /// What takes the time.
    what: &'static str,
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
const RIGHT: f64 = 150.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 50.0;
const COLORS: [&str; 5] = ["#0969da", "#8250df", "#2da44e", "#bf8700", "#cf222e"];

impl Chart {
    /// A chart of the time of this, without lines.
    pub fn new(what: &'static str) -> Self {
        Self {
            what,
            lines: Vec::new(),
        }
    }

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

    pub fn draw(&self) -> String {
        let mut body = String::new();
        let scale = Scale::of(&self.lines);
        for power in scale.least_power..=scale.most_power {
            let (y, label) = (scale.y(10_f64.powi(power)), nanoseconds(power));
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
                scale.x(size),
                HEIGHT - BOTTOM + 20.0,
                bytes(size)
            );
        }
        for (line, color) in self.lines.iter().zip(COLORS.iter().cycle()) {
            let points: Vec<(f64, f64)> = line
                .points
                .iter()
                .map(|(size, times)| (scale.x(*size), scale.y(median(times))))
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
        for (place, at) in self.label_places(&scale) {
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
<text class="scale" x="{LEFT}" y="18">time of {}</text>
<text class="scale" x="{}" y="{}" text-anchor="middle">size of the data</text>
{body}</svg>
"#,
            self.what,
            (LEFT + WIDTH - RIGHT) / 2.0,
            HEIGHT - 8.0,
        )
    }

    /// The lines with the heights of their names, which are at least a line of text apart.
    fn label_places(&self, scale: &Scale) -> Vec<(usize, f64)> {
        let last = |line: &Line| {
            line.points
                .last()
                .map_or(HEIGHT, |(_, times)| scale.y(median(times)))
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

/// The ranges of a chart.
struct Scale {
    /// The logarithms of the smallest and the largest size.
    sizes: (f64, f64),
    /// The powers of ten, in nanoseconds, between which all times lie.
    least_power: i32,
    most_power: i32,
}

impl Scale {
    fn of(lines: &[Line]) -> Self {
        let points = || lines.iter().flat_map(|line| &line.points);
        let sizes = points().map(|(size, _)| logarithm(*size));
        let powers = points().map(|(_, times)| median(times).max(1.0).log10());
        Self {
            sizes: (
                sizes.clone().fold(f64::INFINITY, f64::min),
                sizes.fold(0.0, f64::max),
            ),
            least_power: powers.clone().fold(9.0, f64::min).floor() as i32,
            most_power: powers.fold(0.0, f64::max).ceil() as i32,
        }
    }

    fn x(&self, size: usize) -> f64 {
        let (least, most) = self.sizes;
        let share = (logarithm(size) - least) / (most - least);
        LEFT + share * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, nanoseconds: f64) -> f64 {
        let powers = f64::from(self.most_power - self.least_power);
        let share = (nanoseconds.max(1.0).log10() - f64::from(self.least_power)) / powers;
        HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)
    }
}

/// 0 bytes stand where 16 would.
fn logarithm(size: usize) -> f64 {
    (size.max(16) as f64).log2()
}

/// A power of ten of nanoseconds, in words.
fn nanoseconds(power: i32) -> String {
    let unit = ["ns", "µs", "ms", "s"][(power / 3).clamp(0, 3) as usize];
    format!("{} {unit}", 10_u32.pow((power % 3) as u32))
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
