//! Texts of the situations that no file can set up.

use crate::folder;
use snapbox::assert::Action;
use snapbox::data::DataFormat;
use snapbox::{Assert, Data};

/// Compares what was printed with `cases/NAME`, or writes it there: see the words on `TRYCMD` above.
pub(crate) fn assert_printed(printed: &str, name: &str) {
    let expected = Data::read_from(&folder().join("cases").join(name), Some(DataFormat::Text));
    // A `\` is no part of a path here, and in JSON it is part of a text.
    let assert = Assert::new()
        .action(Action::with_env_var("TRYCMD").unwrap_or_default())
        .normalize_paths(false);
    assert.eq(Data::text(printed), expected);
}
