//! What a run found, and how it is told.

use std::collections::BTreeMap;
use std::fmt;

/// What a run found.
#[derive(Debug, Default)]
pub struct Report {
    /// Project (first folder of the file) → samples that passed, samples.
    pub projects: BTreeMap<String, (usize, usize)>,
    /// File and reason.
    pub failures: Vec<(String, String)>,
    /// Scalar values, and how many typed slots held by themselves.
    pub values: (usize, usize),
    /// Samples that can be read only with keep-raw: a value fits no typed slot.
    pub refused: usize,
    /// Values that no typed slot held: file and place → how many.
    pub untyped: BTreeMap<String, usize>,
}

impl Report {
    /// Samples that passed, samples.
    #[must_use]
    pub fn samples(&self) -> (usize, usize) {
        let mut sum = (0, 0);
        for (passed, total) in self.projects.values() {
            sum.0 += passed;
            sum.1 += total;
        }
        sum
    }

    /// Whether at least 99.5 % of the samples are lossless and 99.7 % of the values typed; nothing at all is no success.
    #[must_use]
    pub fn is_good(&self) -> bool {
        let (passed, total) = self.samples();
        let (values, typed) = self.values;
        total > 0 && passed * 1000 >= total * 995 && typed * 1000 >= values * 997
    }
}

fn share(part: usize, whole: usize) -> f64 {
    100.0 * part as f64 / whole.max(1) as f64
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (file, reason) in &self.failures {
            writeln!(f, "FAIL {file}: {reason}")?;
        }
        for (project, (passed, total)) in &self.projects {
            writeln!(f, "{project:<16} {passed}/{total}")?;
        }
        let (passed, total) = self.samples();
        let percent = share(passed, total);
        writeln!(
            f,
            "{:<16} {passed}/{total} lossless ({percent:.2} %)",
            "all"
        )?;
        let (values, typed) = self.values;
        let percent = share(typed, values);
        writeln!(
            f,
            "{:<16} {typed}/{values} values in typed slots ({percent:.2} %)",
            "typed"
        )?;
        let refused = self.refused;
        writeln!(
            f,
            "{:<16} {refused} samples are read with keep-raw only",
            "strict"
        )
    }
}
