//! The licences of what is linked.

use crate::manifest::Module;
use crate::modules::Linked;
use crate::{BuildError, Go};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Words that only one licence has, in the order in which they are looked for.
const MARKS: [(&str, &str); 10] = [
    ("Apache License", "Apache-2.0"),
    ("Mozilla Public License", "MPL-2.0"),
    ("GNU AFFERO GENERAL PUBLIC LICENSE", "AGPL-3.0"),
    ("GNU LESSER GENERAL PUBLIC LICENSE", "LGPL-3.0"),
    ("GNU GENERAL PUBLIC LICENSE", "GPL-3.0"),
    ("Permission to use, copy, modify, and/or distribute", "ISC"),
    ("Permission to use, copy, modify, and distribute", "ISC"),
    ("Neither the name", "BSD-3-Clause"),
    ("Redistribution and use in source and binary forms", "BSD-2-Clause"),
    ("Permission is hereby granted, free of charge", "MIT"),
];

/// The linked modules with their licences.
pub(crate) fn modules(linked: &[Linked]) -> Result<Vec<Module>, BuildError> {
    let mut modules = Vec::new();
    for module in linked.iter().filter(|module| !module.main) {
        let mut licences = Vec::new();
        for file in files(&module.dir, &LICENCES)? {
            let name = recognise(&read(&file)?).to_owned();
            if !licences.contains(&name) {
                licences.push(name);
            }
        }
        modules.push(Module {
            path: module.path.clone(),
            version: module.version.clone(),
            licences,
        });
    }
    Ok(modules)
}

/// The licence texts of all that is linked, Go's own first.
pub(crate) fn texts(go: &Go, linked: &[Linked]) -> Result<String, BuildError> {
    let mut text = String::new();
    let mut add = |title: &str, folder: &Path| {
        for file in files(folder, &[LICENCES.as_slice(), &NOTICES].concat())? {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            let _ = write!(text, "==== {title}: {name} ====\n\n{}\n\n", read(&file)?.trim_end());
        }
        Ok(())
    };
    add(&format!("The Go standard library {}", go.version()), go.root())?;
    for module in linked.iter().filter(|module| !module.main) {
        add(format!("{} {}", module.path, module.version).trim_end(), &module.dir)?;
    }
    Ok(text)
}

/// How files are called that are licences.
const LICENCES: [&str; 3] = ["LICENSE", "LICENCE", "COPYING"];
/// And those that go with them.
const NOTICES: [&str; 2] = ["NOTICE", "PATENTS"];

/// Files of a folder whose names begin so, in the order of their names.
fn files(folder: &Path, kinds: &[&str]) -> Result<Vec<PathBuf>, BuildError> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(BuildError::files(folder))? {
        let path = entry.map_err(BuildError::files(folder))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_uppercase();
        if kinds.iter().any(|kind| name.starts_with(kind)) && !name.ends_with(".GO") && path.is_file() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn read(file: &Path) -> Result<String, BuildError> {
    let bytes = std::fs::read(file).map_err(BuildError::files(file))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The SPDX name of a licence text.
fn recognise(text: &str) -> &'static str {
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    MARKS
        .iter()
        .find(|(mark, _)| flat.contains(mark))
        .map_or("other", |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_licence_is_recognised_by_its_own_words() {
        for (text, name) in [
            ("   Apache License\n   Version 2.0, January 2004", "Apache-2.0"),
            ("Permission is hereby granted, free of\ncharge, to any person", "MIT"),
            (
                "Redistribution and use in source and binary\nforms ... Neither the name of Google",
                "BSD-3-Clause",
            ),
            ("Redistribution and use in source and binary forms", "BSD-2-Clause"),
            ("Do what you like.", "other"),
        ] {
            assert_eq!(recognise(text), name);
        }
    }

    #[test]
    fn licence_files_are_found_whatever_their_ending_and_notices_apart() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "LICENSE",
            "LICENSE.md",
            "licence.txt",
            "COPYING",
            "license.go",
            "README.md",
            "NOTICE.txt",
        ] {
            std::fs::write(folder.path().join(name), "x").unwrap();
        }
        let found: Vec<_> = files(folder.path(), &LICENCES).unwrap();
        assert_eq!(found.len(), 4, "{found:?}");
        assert_eq!(files(folder.path(), &NOTICES).unwrap().len(), 1);
    }
}
