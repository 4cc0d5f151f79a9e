//! What failures of one cause have in common: the oracle and its words, without what differs from run to
//! run.

/// Longer ones are cut off.
const LONGEST: usize = 200;

/// The oracle and its words, without names, numbers and what stands in braces: the arguments of calls.
pub(crate) fn signature(oracle: &str, message: &str) -> String {
    let word = |word: &str| match word.contains(|c: char| c.is_ascii_digit()) {
        true => "#".to_owned(),
        false => word.to_owned(),
    };
    let mut words: Vec<String> = without_braces(message).split_whitespace().map(word).collect();
    words.dedup();
    format!("{oracle}: {}", words.join(" ")).chars().take(LONGEST).collect()
}

fn without_braces(message: &str) -> String {
    let mut depth = 0_usize;
    let outside = |letter: &char| {
        depth += usize::from(*letter == '{');
        let outside = depth == 0;
        depth = depth.saturating_sub(usize::from(*letter == '}'));
        outside
    };
    message.chars().filter(outside).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_do_not_count() {
        let expected = "deletion: key # was used after #";
        assert_eq!(signature("deletion", "key 123-a was used after 4.5s"), expected);
    }

    /// One planted bug came to a dozen signatures: the arguments of its calls stood in them.
    #[test]
    fn a_call_counts_by_its_operation_alone() {
        let message = |arguments: &str| {
            format!(
                "CreateGrant {arguments} by 123 at position 7 came to success; right would be X"
            )
        };
        let expected = "reference-model: CreateGrant by # at position # came to success; \
                        right would be X";
        for arguments in [
            r#"{ key: Key { region: 1, id: 2 }, operations: {"Decrypt"} }"#,
            r#"{ key: Alias { name: 9 }, operations: {"Decrypt", "Encrypt"}, plaintext: true }"#,
        ] {
            assert_eq!(signature("reference-model", &message(arguments)), expected);
        }
        assert_eq!(signature("x", "} a { b"), "x: } a");
    }
}
