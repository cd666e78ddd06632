//! The fuzz targets, and the bounds that each is held to. fuzz/README.md says how to add one.

/// A file in `fuzz/fuzz_targets`, and how it is run.
pub(crate) struct Target {
    /// The file's name.
    pub(crate) name: &'static str,
    /// Bytes of an input. No seed is longer: libFuzzer would cut it off.
    pub(crate) max_len: u32,
    /// Seconds for one input, after which it hangs. Far above what any takes, since machines that build are slow.
    pub(crate) timeout: u32,
    /// MiB of resident memory, after which an input uses too much. The program itself has some 50.
    pub(crate) memory: u32,
    /// Folders whose files are inputs to begin with, besides `fuzz/corpus/NAME`. From the repository's root.
    pub(crate) seeds: &'static [&'static str],
    /// A file of words that inputs are made of, in `fuzz/dictionaries`.
    pub(crate) dictionary: Option<&'static str>,
}

/// All of them.
pub(crate) const TARGETS: [Target; 7] = [
    Target {
        name: "configuration",
        max_len: 4096,
        timeout: 5,
        memory: 256,
        seeds: &["host/blocks/src/config/testdata"],
        dictionary: Some("configuration.dict"),
    },
    Target {
        name: "keys",
        max_len: 1024,
        timeout: 5,
        memory: 256,
        seeds: &[],
        dictionary: None,
    },
    Target {
        name: "module",
        max_len: 4096,
        timeout: 10,
        memory: 512,
        seeds: &["fuzz/seeds/module"],
        dictionary: Some("module.dict"),
    },
    Target {
        name: "component",
        max_len: 1024,
        timeout: 5,
        memory: 256,
        seeds: &[],
        dictionary: None,
    },
    Target {
        name: "encoded",
        max_len: 1024,
        timeout: 10,
        memory: 512,
        seeds: &[],
        dictionary: None,
    },
    Target {
        name: "plugin",
        max_len: 1024,
        timeout: 5,
        memory: 256,
        seeds: &[],
        dictionary: None,
    },
    Target {
        name: "allowed_hosts",
        max_len: 512,
        timeout: 5,
        memory: 256,
        seeds: &[],
        dictionary: Some("allowed_hosts.dict"),
    },
];

#[cfg(test)]
mod tests {
    use super::TARGETS;
    use crate::tools::root;
    use std::collections::BTreeSet;
    use std::path::Path;

    /// What is in a folder, without endings; nothing if it is not there, as long as nothing was found.
    fn names(folder: &Path) -> BTreeSet<String> {
        if !folder.is_dir() {
            return BTreeSet::new();
        }
        let files = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
        let names = files.map(|file| file.expect("it is readable").path());
        names
            .filter_map(|path| path.file_stem()?.to_str().map(str::to_owned))
            .collect()
    }

    #[test]
    fn each_file_in_fuzz_targets_is_run() {
        let listed: BTreeSet<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
        assert_eq!(names(&root().join("fuzz/fuzz_targets")), listed);
    }

    #[test]
    fn each_folder_of_inputs_is_a_targets() {
        let listed: BTreeSet<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
        let corpus = names(&root().join("fuzz/corpus"));
        assert!(corpus.is_subset(&listed), "{corpus:?}");
    }

    /// Else a run begins with fewer than it could: `cargo run --release --example seeds`, in `fuzz`, makes them.
    #[test]
    fn each_app_of_the_golden_tests_is_a_seed() {
        /// What the example makes besides.
        const OTHERS: [&str; 2] = ["command", "reactor"];
        let apps = std::fs::read_dir(root().join("tests/cli/apps")).expect("the apps are there");
        let texts = apps.map(|app| app.expect("it is readable").path());
        let texts = texts.filter(|path| path.extension().is_some_and(|kind| kind == "wat"));
        let made = texts.filter_map(|path| path.file_stem()?.to_str().map(str::to_owned));
        let made: BTreeSet<_> = made.chain(OTHERS.map(str::to_owned)).collect();
        assert_eq!(names(&root().join("fuzz/seeds/module")), made);
    }

    #[test]
    fn no_seed_is_cut_off() {
        for target in TARGETS {
            for folder in target.seeds {
                for file in std::fs::read_dir(root().join(folder)).expect("the folder is there") {
                    let file = file.expect("it is readable");
                    let length = file.metadata().expect("it is a file").len();
                    assert!(length <= target.max_len.into(), "{:?} has {length} bytes", file.path());
                }
            }
        }
    }
}
