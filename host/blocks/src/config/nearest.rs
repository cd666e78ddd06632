//! "Did you mean": which of the names that exist was probably meant, and which there are.

/// The name that `wrong` most likely stands for, if any is close.
///
/// Close is what a slip makes: another case, `_` for `-`, or one letter in three wrong. More would suggest names that have
/// nothing to do with what was written, which helps less than the list.
pub fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wrong = spelled(wrong);
    let distance = |name: &str| {
        let name = spelled(name);
        let slips = strsim::osa_distance(&wrong, &name);
        let letters = name.chars().count();
        // Fewer slips than letters: `x` is no slip of `a`.
        (slips <= (letters / 3).max(1) && slips < letters).then_some(slips)
    };
    let near = known.into_iter().filter_map(|name| Some((distance(name)?, name)));
    near.min_by_key(|(slips, _)| *slips).map(|(_, name)| name)
}

/// `` `a`, `b`, `c` ``
pub(super) fn keys<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names
        .into_iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// `"a", "b" or "c"`
pub(super) fn choices<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let texts: Vec<String> = texts
        .into_iter()
        .map(|text| format!("\"{}\"", text.escape_debug()))
        .collect();
    match texts.as_slice() {
        [] => "nothing".to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

fn spelled(name: &str) -> String {
    name.chars()
        .filter(|c| !matches!(c, '-' | '_'))
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 4] = ["type", "connectionString", "busyTimeout", "request-timeout"];

    #[test]
    fn slips_find_their_name() {
        assert_eq!(nearest("tpe", KNOWN), Some("type"));
        assert_eq!(nearest("tyep", KNOWN), Some("type"));
        assert_eq!(nearest("connectionstring", KNOWN), Some("connectionString"));
        assert_eq!(nearest("connection_string", KNOWN), Some("connectionString"));
        assert_eq!(nearest("requestTimeout", KNOWN), Some("request-timeout"));
        assert_eq!(nearest("busyTimeoutMs", KNOWN), Some("busyTimeout"));
    }

    #[test]
    fn other_words_find_none() {
        assert_eq!(nearest("path", KNOWN), None);
        assert_eq!(nearest("", KNOWN), None);
        assert_eq!(nearest("x", ["a"]), None);
    }

    #[test]
    fn lists_read_as_sentences() {
        assert_eq!(keys(["a", "b", "c"]), "`a`, `b`, `c`");
        assert_eq!(choices([]), "nothing");
        assert_eq!(choices(["a"]), r#""a""#);
        assert_eq!(choices(["a", "b", "c"]), r#""a", "b" or "c""#);
        assert_eq!(choices(["\u{202e}a"]), r#""\u{202e}a""#);
    }
}
