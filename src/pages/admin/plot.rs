//! Plots as lines and bars with whole coordinates: the template only writes them down.

use std::fmt::Write as _;

/// The drawing, in units of the SVG's own.
const WIDTH: u64 = 480;
const LEFT: u64 = 48;
const TOP: u64 = 10;
const BOTTOM: u64 = 130;

/// A plot ready to be drawn. The figures themselves stand in the table below it.
pub(super) struct Plot {
    pub(super) title: &'static str,
    /// Named for those who do not see it.
    pub(super) summary: String,
    pub(super) series: Vec<Series>,
    pub(super) grid: [Tick; 3],
    pub(super) hours: Vec<Tick>,
}

/// One series: its name, and one path for all of its bars or for its line.
pub(super) struct Series {
    pub(super) name: &'static str,
    pub(super) path: String,
    pub(super) bars: bool,
}

/// A mark on an axis.
pub(super) struct Tick {
    pub(super) at: u64,
    pub(super) text: String,
}

/// The figures of one series, an hour each; `None` where nothing was measured.
pub(super) struct Figures {
    pub(super) name: &'static str,
    pub(super) values: Vec<Option<u64>>,
}

impl Plot {
    pub(super) fn new(title: &'static str, bars: bool, figures: Vec<Figures>, hours: &[String]) -> Self {
        let largest = figures.iter().flat_map(|f| f.values.iter().flatten()).copied().max().unwrap_or(0);
        let top = round_up(largest);
        let count = figures.len() as u64;
        let slots = hours.len().max(1) as u64;
        let tick = |share: u64| Tick { at: BOTTOM - share * (BOTTOM - TOP) / 2, text: (top.saturating_mul(share) / 2).to_string() };
        let hour =
            |(index, text): (usize, &String)| (index % 4 == 0).then(|| Tick { at: left_of(index as u64, slots), text: text.clone() });
        let peaks: Vec<String> =
            figures.iter().map(|f| format!("{} ≤ {}", f.name, f.values.iter().flatten().max().unwrap_or(&0))).collect();
        let draw = |(index, figures): (usize, Figures)| {
            let path = if bars { bar_path(&figures.values, top, index as u64, count) } else { line_path(&figures.values, top) };
            Series { name: figures.name, path, bars }
        };
        Self {
            title,
            summary: format!("{title}: {}", peaks.join(", ")),
            series: figures.into_iter().enumerate().map(draw).collect(),
            grid: [tick(0), tick(1), tick(2)],
            hours: hours.iter().enumerate().filter_map(hour).collect(),
        }
    }
}

/// The next round number that can be halved: 2, 4, 6, 8, 10, 20, 40, …
fn round_up(largest: u64) -> u64 {
    let mut unit = 1_u64;
    while unit.saturating_mul(10) < largest {
        unit = unit.saturating_mul(10);
    }
    let step = if largest <= unit.saturating_mul(10) && unit < u64::MAX { unit.saturating_mul(2) } else { unit };
    largest.max(1).div_ceil(step).saturating_mul(step)
}

const fn left_of(slot: u64, slots: u64) -> u64 {
    LEFT + slot * (WIDTH - LEFT) / slots
}

fn height(value: u64, top: u64) -> u64 {
    let share = u128::from(value) * u128::from(BOTTOM - TOP) / u128::from(top.max(1));
    u64::try_from(share).unwrap_or(u64::MAX).min(BOTTOM - TOP)
}

/// Bars side by side; a figure above zero is never invisible.
fn bar_path(values: &[Option<u64>], top: u64, index: u64, count: u64) -> String {
    let slots = values.len().max(1) as u64;
    let wide = ((WIDTH - LEFT) / slots).saturating_sub(3) / count.max(1);
    let mut path = String::new();
    for (slot, value) in values.iter().enumerate() {
        if let Some(value) = value.filter(|value| *value > 0) {
            let high = height(value, top).max(1);
            // Writing to a String cannot fail.
            let _ = write!(path, "M{} {BOTTOM}v-{high}h{wide}v{high}z", left_of(slot as u64, slots) + 1 + index * wide);
        }
    }
    path
}

/// A line with gaps where nothing was measured.
fn line_path(values: &[Option<u64>], top: u64) -> String {
    let slots = values.len().max(1) as u64;
    let half = (WIDTH - LEFT) / slots / 2;
    let mut path = String::new();
    let mut pen_is_down = false;
    for (slot, value) in values.iter().enumerate() {
        if let Some(value) = value {
            // A point that stands alone is drawn by the round end of a line without length.
            let (step, end) = if pen_is_down { ('L', "") } else { ('M', "h0") };
            let _ = write!(path, "{step}{} {}{end}", left_of(slot as u64, slots) + half, BOTTOM - height(*value, top));
        }
        pen_is_down = value.is_some();
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_end_at_round_numbers() {
        for (largest, top) in
            [(0, 2), (2, 2), (3, 4), (5, 6), (9, 10), (11, 20), (21, 40), (150, 200), (401, 600), (1000, 1000), (1001, 2000)]
        {
            assert_eq!(round_up(largest), top, "{largest}");
        }
        assert_eq!(round_up(u64::MAX), u64::MAX);
    }

    #[test]
    fn nothing_leaves_the_drawing() {
        assert_eq!(height(u64::MAX, 1), BOTTOM - TOP);
        assert_eq!(height(0, 0), 0);
        assert_eq!(bar_path(&[Some(1), None, Some(0)], 1_000_000, 0, 1), "M49 130v-1h141v1z");
        assert_eq!(line_path(&[Some(1), None, Some(2), Some(0)], 2), "M102 70h0M318 10h0L426 130");
        assert_eq!(line_path(&[], 0), "");
    }
}
