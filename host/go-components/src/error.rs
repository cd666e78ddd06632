//! Why a component was not built. Each error says what to do about it.

use std::path::PathBuf;

/// Why a component was not built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// There is no Go.
    #[error("no `go` was found in PATH; install Go {known} from https://go.dev/dl or your system's packages")]
    NoGo {
        /// What has an overlay.
        known: String,
    },
    /// Go does not answer as Go does.
    #[error("`{command}` could not be run; is it Go, and may it be executed?")]
    GoDoesNotRun {
        /// What was run.
        command: String,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// A Go that no overlay is for.
    #[error("Go {found} is not one that components can be built with; install one of these releases: {known}")]
    UnknownGo {
        /// What was found.
        found: String,
        /// What has an overlay.
        known: String,
    },
    /// A Go in the folder of modules, where Go lets no file be replaced.
    #[error("`{root}` is a Go that another Go has downloaded, which lets none of its files be replaced; install it")]
    GoInModuleCache {
        /// GOROOT.
        root: PathBuf,
    },
    /// A file of the standard library is not as the overlay expects it.
    #[error(
        "`{file}` of this Go is not as it was released: {times} places match an edit that needs one; use an unmodified Go"
    )]
    Overlay {
        /// In GOROOT.
        file: PathBuf,
        /// How many places match.
        times: usize,
    },
    /// A file of the standard library is another than the one that a file of the overlay stands for.
    #[error("`{file}` of {version} is not the one that this host knows: install go1.26.8 or go1.27.3, unmodified")]
    Replaced {
        /// In GOROOT.
        file: PathBuf,
        /// What Go says that it is.
        version: String,
    },
    /// A component that is not in the list.
    #[error("`{name}` is not a known Dapr component{}", hint.as_deref().map(|h| format!("; did you mean `{h}`?")).unwrap_or_default())]
    UnknownComponent {
        /// What was asked for.
        name: String,
        /// What has nearly this name.
        hint: Option<String>,
    },
    /// A folder that is no Go package with a constructor.
    #[error("`{folder}` cannot be built: {problem}")]
    Package {
        /// The user's folder.
        folder: PathBuf,
        /// What is missing, and how it has to look.
        problem: String,
    },
    /// A version of components-contrib that is none.
    #[error("`{0}` is not a version of components-contrib; write it as its tags are: v1.18.4")]
    ContribVersion(String),
    /// Modules could not be had.
    #[error("Go could not get the modules of this component; is the network there, or GOPROXY set?\n{output}")]
    Modules {
        /// What Go said.
        output: String,
    },
    /// It does not compile.
    #[error("Go could not compile this component\n{output}")]
    Compile {
        /// What Go said.
        output: String,
    },
    /// The user's own WIT is none, or lacks the world.
    #[error("the WIT in `{folder}` cannot be used: {problem}")]
    Wit {
        /// The user's folder.
        folder: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// What was compiled is no component.
    #[error("what Go has compiled cannot be made a component: {0}; please report this")]
    Component(String),
    /// The build folder, or a file that is read.
    #[error("`{path}` cannot be used while building; is there space, and may it be written?")]
    Files {
        /// Which one.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl BuildError {
    /// For `map_err` where a path is at hand.
    pub(crate) fn files(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Files { path, source }
    }
}
