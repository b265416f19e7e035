//! What is printed: each measure with its baseline of the same run, the goal and the floor.

use std::fmt::Write as _;

/// Which side of the goal is the good one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Better {
    /// A cost.
    Lower,
    /// A rate.
    Higher,
}

/// One line.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) id: &'static str,
    pub(crate) measure: String,
    pub(crate) value: String,
    pub(crate) baseline: String,
    /// What goal and floor are about: a ratio within the run, or an amount where nothing can be divided.
    pub(crate) ratio: f64,
    pub(crate) goal: f64,
    pub(crate) floor: f64,
    pub(crate) better: Better,
}

impl Row {
    fn reaches(&self, mark: f64) -> bool {
        match self.better {
            Better::Lower => self.ratio <= mark,
            Better::Higher => self.ratio >= mark,
        }
    }

    fn verdict(&self) -> &'static str {
        if self.reaches(self.goal) {
            "goal"
        } else if self.reaches(self.floor) {
            "floor"
        } else {
            "BELOW"
        }
    }
}

/// What stands under the last table.
pub(crate) const LEGEND: &str = "Ratios of CPU time are the firm figures; req/s and latency move with whatever else the machine does.\n\
     goal: what we hold ourselves to. floor: below it something broke. Both are about the ratio.";

/// Lines as a table.
pub(crate) fn render(rows: &[Row]) -> String {
    let head = [
        "", "measure", "value", "baseline", "ratio", "goal", "floor", "reached",
    ]
    .map(str::to_owned);
    let mut lines = vec![head];
    for row in rows {
        let sign = if row.better == Better::Lower {
            "≤"
        } else {
            "≥"
        };
        lines.push([
            row.id.to_owned(),
            row.measure.clone(),
            row.value.clone(),
            row.baseline.clone(),
            format!("{:.2}", row.ratio),
            format!("{sign} {:.2}", row.goal),
            format!("{sign} {:.2}", row.floor),
            row.verdict().to_owned(),
        ]);
    }
    let widths: Vec<usize> = (0..8)
        .map(|column| {
            lines
                .iter()
                .map(|line| line[column].chars().count())
                .max()
                .unwrap_or(0)
        })
        .collect();
    let mut out = String::new();
    for (number, line) in lines.iter().enumerate() {
        for (cell, width) in line.iter().zip(&widths) {
            let _ = write!(out, "{cell:width$}  ");
        }
        out.truncate(out.trim_end().len());
        out.push('\n');
        if number == 0 {
            out.push_str(&"─".repeat(widths.iter().sum::<usize>() + 14));
            out.push('\n');
        }
    }
    out
}

/// True if every line is at its floor or better.
pub(crate) fn all_above_floor(rows: &[Row]) -> bool {
    rows.iter().all(|row| row.reaches(row.floor))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(ratio: f64, better: Better) -> Row {
        let (goal, floor) = if better == Better::Lower {
            (1.5, 2.0)
        } else {
            (0.5, 0.4)
        };
        Row {
            id: "P",
            measure: "m".into(),
            value: "v".into(),
            baseline: "b".into(),
            ratio,
            goal,
            floor,
            better,
        }
    }

    #[test]
    fn a_verdict_knows_its_side() {
        let verdicts = [1.4, 1.9, 2.1].map(|ratio| row(ratio, Better::Lower).verdict());
        assert_eq!(verdicts, ["goal", "floor", "BELOW"]);
        let verdicts = [0.6, 0.45, 0.3].map(|ratio| row(ratio, Better::Higher).verdict());
        assert_eq!(verdicts, ["goal", "floor", "BELOW"]);
    }

    #[test]
    fn one_line_below_its_floor_is_enough() {
        assert!(all_above_floor(&[row(1.9, Better::Lower)]));
        assert!(!all_above_floor(&[
            row(1.0, Better::Lower),
            row(0.1, Better::Higher)
        ]));
    }
}
