//! What a person at a terminal is asked where the command line leaves it open.

use crate::failure::{Failure, Outcome};
use clap::ValueEnum;
use std::io::{self, BufRead, IsTerminal, Write};

/// A question with a few answers.
pub(super) struct Question {
    /// What is asked for, in a word.
    pub(super) asks: &'static str,
    /// What is said where nobody answers.
    pub(super) else_says: &'static str,
    /// The option that answers it, too.
    pub(super) option: &'static str,
}

impl Question {
    /// The answer; an empty line is the one that is given here. Where nobody is there to answer, that is an error.
    pub(super) fn answer<T: ValueEnum>(&self, by_itself: Option<T>) -> Outcome<T> {
        if !io::stdin().is_terminal() {
            return self.read(by_itself, &mut io::empty(), &mut io::sink());
        }
        self.read(by_itself, &mut io::stdin().lock(), &mut io::stderr())
    }

    fn read<T: ValueEnum>(&self, by_itself: Option<T>, from: &mut impl BufRead, to: &mut impl Write) -> Outcome<T> {
        let words: Vec<_> = T::value_variants().iter().map(word).collect();
        let words = words.join(", ");
        let usual = by_itself
            .as_ref()
            .map_or_else(String::new, |answer| format!(" [{}]", word(answer)));
        loop {
            // Nobody may be left to read it.
            let _ = write!(to, "{} ({words}){usual}: ", self.asks);
            let _ = to.flush();
            let mut line = String::new();
            let read = from.read_line(&mut line);
            if !read.is_ok_and(|bytes| bytes > 0) {
                let help = format!("name one with {}: {words}", self.option);
                return Err(Failure::usage(self.else_says).help(help));
            }
            match (line.trim(), &by_itself) {
                ("", Some(answer)) => return Ok(answer.clone()),
                (answer, _) => {
                    if let Ok(answer) = T::from_str(answer, true) {
                        return Ok(answer);
                    }
                }
            }
        }
    }
}

/// What an answer is called on the command line.
fn word<T: ValueEnum>(answer: &T) -> String {
    let value = answer.to_possible_value();
    value.map_or_else(String::new, |value| value.get_name().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::new::Template;

    const QUESTION: Question = Question {
        asks: "Template",
        else_says: "which template?",
        option: "--template",
    };

    fn asked(by_itself: Option<Template>, typed: &str) -> (Option<Template>, String) {
        let mut shown = Vec::new();
        let answer = QUESTION.read(by_itself, &mut typed.as_bytes(), &mut shown);
        (answer.ok(), String::from_utf8(shown).unwrap())
    }

    #[test]
    fn it_is_asked_until_it_is_answered() {
        let once = "Template (app, store): ";
        assert_eq!(asked(None, "store\n"), (Some(Template::Store), once.to_owned()));
        assert_eq!(asked(None, "shop\n\n App \n"), (Some(Template::App), once.repeat(3)));
        assert_eq!(asked(None, "shop"), (None, once.repeat(2)));
    }

    #[test]
    fn an_empty_line_is_what_it_is_by_itself() {
        let (answer, shown) = asked(Some(Template::App), "\n");
        assert_eq!(
            (answer, shown.as_str()),
            (Some(Template::App), "Template (app, store) [app]: ")
        );
        assert_eq!(asked(Some(Template::App), "").0, None, "nobody is there");
    }
}
