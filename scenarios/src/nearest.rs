//! The nearest known word to a mistyped one, and the sentence that offers it.

/// Lists longer than this are not printed in full.
const SHORT_LIST: usize = 16;

/// What would be right: `; did you mean "x"?`, or the valid words when they are few.
pub(crate) fn suggestion<'w>(word: &str, known: impl IntoIterator<Item = &'w str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    if let Some(near) = nearest(word, known.iter().copied()) {
        return format!("; did you mean \"{near}\"?");
    }
    match known.len() {
        0 => "; none is known here".into(),
        1..=SHORT_LIST => format!("; valid: {}", known.join(", ")),
        many => {
            let mut scored: Vec<&str> = known;
            scored.sort_by_cached_key(|candidate| edits(word, candidate));
            scored.truncate(SHOWN);
            format!("; the nearest of the {many} that are valid: {}", scored.join(", "))
        }
    }
}

/// Of longer lists, so many are printed.
const SHOWN: usize = 5;

/// The known word that the fewest edits turn `word` into, if it is near enough to be a slip.
pub(crate) fn nearest<'w>(word: &str, known: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    let known: Vec<&str> = known.into_iter().collect();
    let best = known.iter().copied().min_by_key(|candidate| edits(word, candidate))?;
    let limit = (best.chars().count().max(word.chars().count()) / 3).max(1);
    if edits(word, best) <= limit {
        return Some(best);
    }
    // Who says `AccessDenied` means the one that begins so.
    let mut begun = known.into_iter().filter(|candidate| candidate.starts_with(word));
    begun.next().filter(|_| word.chars().count() >= MEANT && begun.next().is_none())
}

/// So many letters of a word say which one is meant.
const MEANT: usize = 4;

fn edits(word: &str, candidate: &str) -> usize {
    distance(&word.to_lowercase(), &candidate.to_lowercase())
}

/// Optimal string alignment: insertions, deletions, replacements and swaps of neighbours.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    rows[0] = (0..=b.len()).collect();
    for i in 1..=a.len() {
        rows[i][0] = i;
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            rows[i][j] = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            let swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if swapped {
                rows[i][j] = rows[i][j].min(rows[i - 2][j - 2] + 1);
            }
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_edits() {
        assert_eq!(distance("kind", "kind"), 0);
        assert_eq!(distance("knid", "kind"), 1);
        assert_eq!(distance("region-partion", "region-partition"), 2);
        assert_eq!(distance("", "abc"), 3);
    }

    #[test]
    fn offers_only_what_is_near() {
        let known = ["grants", "rotation"];
        assert_eq!(suggestion("rotatoin", known), "; did you mean \"rotation\"?");
        assert_eq!(suggestion("weather", known), "; valid: grants, rotation");
        assert_eq!(suggestion("x", []), "; none is known here");
    }

    #[test]
    fn the_beginning_of_one_word_is_near_enough() {
        let known = ["AccessDeniedException", "DisabledException", "grants", "grant-ends"];
        assert_eq!(suggestion("AccessDenied", known), "; did you mean \"AccessDeniedException\"?");
        assert_eq!(nearest("gra", known), None);
    }

    #[test]
    fn of_many_words_the_nearest_are_shown() {
        let known: Vec<String> = (10..40).map(|number| format!("some-word-{number}")).collect();
        let said = suggestion("word-12-x-y", known.iter().map(String::as_str));
        assert!(said.starts_with("; the nearest of the 30 that are valid: some-word-"), "{said}");
        assert_eq!(said.matches("some-word-").count(), SHOWN);
    }
}
