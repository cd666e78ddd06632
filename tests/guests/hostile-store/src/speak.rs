//! Says too much, or in a way that an unwary terminal obeys.

/// A line on stdout that would colour the terminal, and one on stderr.
pub fn oddly() {
    println!("plain \x1b[31mred\x1b[0m");
    eprintln!("an error");
}

/// Prints without end.
pub fn for_ever() -> ! {
    loop {
        println!("and another thing");
    }
}
