//! Reaches for what the host has, and says what came of it.

/// The environment, a variable a line.
pub fn environment() -> String {
    std::env::vars()
        .map(|(name, value)| format!("{name}={value}\n"))
        .collect()
}

/// What lies at the root of the file system.
pub fn files() -> String {
    match std::fs::read_dir("/") {
        Ok(entries) => entries.map(|entry| format!("{entry:?}\n")).collect(),
        Err(error) => format!("{:?}", error.kind()),
    }
}
