//! Suggestions for names that were mistyped.

/// How alike two names must be to be suggested, from 0 (nothing in common) to 1 (equal).
const ALIKE: f64 = 0.7;

/// How many names a hint lists at most.
const LISTED: usize = 12;

/// Returns the end of an error message, `; did you mean ..?` or `; there are: ..`, or `None` if there are no names.
pub(crate) fn nearest(text: &str, names: &[&str]) -> Option<String> {
    let mut alike: Vec<(f64, &str)> = names
        .iter()
        .map(|name| (strsim::jaro_winkler(text, name), *name))
        .filter(|(score, _)| *score >= ALIKE)
        .collect();
    alike.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    let quoted = |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>();
    let alike: Vec<&str> = alike.into_iter().map(|(_, name)| name).take(3).collect();
    if !alike.is_empty() {
        return Some(format!("; did you mean {}?", quoted(&alike).join(" or ")));
    }
    let listed = quoted(names.get(..LISTED.min(names.len()))?);
    let rest = if names.len() > LISTED { ", .." } else { "" };
    (!listed.is_empty()).then(|| format!("; there are: {}{rest}", listed.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_is_answered_with_the_likely_names() {
        let names = ["invoice-review", "research", "lattice"];
        assert_eq!(nearest("invoce-review", &names).as_deref(), Some("; did you mean `invoice-review`?"));
    }

    #[test]
    fn something_else_is_answered_with_all_names() {
        assert_eq!(nearest("zzz", &["ab", "cd"]).as_deref(), Some("; there are: `ab`, `cd`"));
        assert_eq!(nearest("zzz", &[]), None);
    }
}
