//! Claims about what may be a key.

use super::check::Verdict;
use super::ground::Ground;
use super::run::claims;

claims! {
    keys_of_any_script_and_punctuation_name_items;
    keys_that_differ_in_anything_name_different_items;
    a_key_of_the_largest_size_names_an_item;
    a_key_that_another_begins_with_names_an_item_of_its_own;
}

/// Keys that a pattern, a path, a statement, a protocol or a normalisation might take for something else.
pub(super) const UNUSUAL: &[&str] = &[
    " ",
    "two words",
    " leading",
    "trailing ",
    "a/b/c",
    "/",
    "..",
    "../k",
    "a\\b",
    "'",
    "\"",
    "`",
    "';--",
    "a|b",
    "|",
    "a|",
    "|b",
    "%",
    "100%",
    "a_b",
    "*",
    "?",
    "[a]",
    "{a}",
    "{",
    "}",
    "$a",
    "#",
    "&a=b",
    "+",
    "a:b",
    "a;b",
    "a,b",
    "~",
    "^",
    "\t",
    "\n",
    "a\r\nb",
    "\u{1}",
    "\u{7f}",
    "käse",
    "ключ",
    "鍵",
    "مفتاح",
    "🔑",
    "👨\u{200d}👩",
    "e\u{301}",
    "\u{e9}",
    "\u{10ffff}",
    "\u{feff}k",
    "null",
    "NULL",
    "0",
    "-1",
    "true",
];

async fn keys_of_any_script_and_punctuation_name_items(ground: &Ground) -> Verdict {
    for key in UNUSUAL {
        ground.app.put(key, *key).await?;
    }
    for key in UNUSUAL {
        ground.app.expect(key, Some(key.as_bytes())).await?;
    }
    for key in UNUSUAL {
        ground.app.remove(key).await?;
        ground.app.expect(key, None).await?;
    }
    Ok(())
}

async fn keys_that_differ_in_anything_name_different_items(ground: &Ground) -> Verdict {
    // Case, trailing blanks, composed and decomposed letters, full and half width, numbers that are equal.
    let keys = [
        "k", "K", "k ", " k", "\u{e9}", "e\u{301}", "\u{ff4b}", "ß", "ss", "SS", "1", "01", "1.0", "k\t", "k/", "k//",
    ];
    for key in keys {
        ground.app.put(key, key).await?;
    }
    for key in keys {
        ground.app.expect(key, Some(key.as_bytes())).await?;
    }
    ground.app.remove("K").await?;
    ground.app.expect("k", Some(b"k")).await
}

async fn a_key_of_the_largest_size_names_an_item(ground: &Ground) -> Verdict {
    let longest = "k".repeat(ground.limits.key);
    // As many bytes, fewer characters, and another only in the last.
    let (wide, neighbour) = (
        "é".repeat(ground.limits.key / 2),
        format!("{}l", "k".repeat(ground.limits.key - 1)),
    );
    for (key, value) in [(&longest, "1"), (&wide, "2"), (&neighbour, "3")] {
        ground.app.put(key, value).await?;
    }
    for (key, value) in [(&longest, "1"), (&wide, "2"), (&neighbour, "3")] {
        ground.app.expect(key, Some(value.as_bytes())).await?;
    }
    Ok(())
}

async fn a_key_that_another_begins_with_names_an_item_of_its_own(ground: &Ground) -> Verdict {
    for key in ["a", "ab", "abc"] {
        ground.app.put(key, key).await?;
    }
    ground.app.remove("ab").await?;
    ground.app.expect("a", Some(b"a")).await?;
    ground.app.expect("ab", None).await?;
    ground.app.expect("abc", Some(b"abc")).await
}
