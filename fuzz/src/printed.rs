//! What every text for a user is held to, whatever it quotes.

/// Panics if a text has characters that drive a terminal or reorder what it shows. Line feeds are the writer's own.
pub fn assert_harmless(text: &str) {
    let harmful = |c: char| (c.is_control() && c != '\n') || is_bidi_control(c);
    assert!(!text.contains(harmful), "it drives the terminal: {text:?}");
}

fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
