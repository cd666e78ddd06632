//! RESP, the protocol of Redis, in its second version: as much of it as this store needs.

use std::io::{self, BufRead, Read};

/// What a server answers.
#[derive(Debug, PartialEq, Eq)]
pub enum Reply {
    /// `OK` and the like.
    Status(String),
    /// The server did not do it: a code in capitals, and a text.
    Error(String),
    Number(i64),
    /// None: there is none.
    Bytes(Option<Vec<u8>>),
    List(Vec<Reply>),
}

/// Adds a command to what is to be sent.
pub fn command<W: AsRef<[u8]>>(words: impl ExactSizeIterator<Item = W>, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("*{}\r\n", words.len()).as_bytes());
    for word in words {
        let word = word.as_ref();
        out.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        out.extend_from_slice(word);
        out.extend_from_slice(b"\r\n");
    }
}

/// Reads an answer.
pub fn reply(input: &mut impl BufRead) -> io::Result<Reply> {
    let line = line(input)?;
    let (kind, rest) = line.split_at_checked(1).ok_or_else(|| malformed("an empty line"))?;
    Ok(match kind {
        "+" => Reply::Status(rest.to_owned()),
        "-" => Reply::Error(rest.to_owned()),
        ":" => Reply::Number(number(rest)?),
        "$" => match length(rest)? {
            None => Reply::Bytes(None),
            Some(length) => Reply::Bytes(Some(bytes(input, length)?)),
        },
        "*" => {
            let length = length(rest)?.unwrap_or_default();
            Reply::List((0..length).map(|_| reply(input)).collect::<io::Result<_>>()?)
        }
        _ => return Err(malformed(&format!("a line that begins with `{}`", kind.escape_debug()))),
    })
}

/// The longest line of an answer, which is that of an error.
const MAX_LINE: u64 = 64 << 10;

fn line(input: &mut impl BufRead) -> io::Result<String> {
    let mut line = Vec::new();
    input.by_ref().take(MAX_LINE).read_until(b'\n', &mut line)?;
    let Some(text) = line.strip_suffix(b"\r\n") else {
        return Err(io::ErrorKind::UnexpectedEof.into());
    };
    String::from_utf8(text.to_vec()).map_err(|_| malformed("a line that is no text"))
}

/// Bytes, with the end of the line behind them. Taken as they come, since a length alone must cost no memory.
fn bytes(input: &mut impl BufRead, length: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input.by_ref().take(length.saturating_add(2)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 != length.saturating_add(2) {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    if !bytes.ends_with(b"\r\n") {
        return Err(malformed("bytes without an end"));
    }
    bytes.truncate(bytes.len() - 2);
    Ok(bytes)
}

/// -1 is no length: there is nothing.
fn length(text: &str) -> io::Result<Option<u64>> {
    match number(text)? {
        -1 => Ok(None),
        length => u64::try_from(length)
            .map(Some)
            .map_err(|_| malformed("a length below zero")),
    }
}

fn number(text: &str) -> io::Result<i64> {
    text.parse().map_err(|_| malformed("a number that is none"))
}

fn malformed(what: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("the server does not speak RESP: {what}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8]) -> Result<Reply, io::ErrorKind> {
        let mut input = text;
        let reply = reply(&mut input).map_err(|error| error.kind())?;
        assert_eq!(input, b"", "all of it was read");
        Ok(reply)
    }

    fn some(bytes: &[u8]) -> Reply {
        Reply::Bytes(Some(bytes.to_vec()))
    }

    #[test]
    fn a_command_is_its_words_with_their_lengths() {
        let mut out = Vec::new();
        command([&b"GET"[..], b"", b"a\r\n\xff"].into_iter(), &mut out);
        assert_eq!(out, b"*3\r\n$3\r\nGET\r\n$0\r\n\r\n$4\r\na\r\n\xff\r\n");
    }

    #[test]
    fn every_kind_of_answer_is_read() {
        assert_eq!(read(b"+OK\r\n"), Ok(Reply::Status("OK".to_owned())));
        assert_eq!(read(b"-ERR no\r\n"), Ok(Reply::Error("ERR no".to_owned())));
        assert_eq!(read(b":-7\r\n"), Ok(Reply::Number(-7)));
        assert_eq!(read(b"$4\r\na\r\n\xff\r\n"), Ok(some(b"a\r\n\xff")));
        assert_eq!(read(b"$0\r\n\r\n"), Ok(some(b"")));
        assert_eq!(read(b"$-1\r\n"), Ok(Reply::Bytes(None)));
        let list = Reply::List(vec![some(b"0"), Reply::List(vec![Reply::Bytes(None)])]);
        assert_eq!(read(b"*2\r\n$1\r\n0\r\n*1\r\n$-1\r\n"), Ok(list));
        assert_eq!(read(b"*0\r\n"), Ok(Reply::List(vec![])));
    }

    #[test]
    fn an_answer_that_is_cut_off_is_no_answer() {
        let whole = b"*2\r\n$3\r\nabc\r\n:1\r\n";
        for end in 0..whole.len() {
            assert_eq!(read(&whole[..end]), Err(io::ErrorKind::UnexpectedEof), "{end}");
        }
    }

    #[test]
    fn what_is_no_answer_is_an_error() {
        for text in [
            &b"\r\n"[..],
            b"HTTP/1.1 400 Bad Request\r\n",
            b":x\r\n",
            b"$-2\r\n",
            b"$1\r\nabc",
            b"+\xff\r\n",
        ] {
            assert_eq!(read(text), Err(io::ErrorKind::InvalidData), "{text:?}");
        }
    }

    #[test]
    fn a_length_alone_costs_nothing() {
        assert_eq!(read(b"$9223372036854775807\r\n"), Err(io::ErrorKind::UnexpectedEof));
        assert_eq!(read(b"*9223372036854775807\r\n"), Err(io::ErrorKind::UnexpectedEof));
    }
}
