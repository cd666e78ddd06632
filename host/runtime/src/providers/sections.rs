//! What stands at the end of a component's file and says what the component is: custom sections whose names begin with
//! `dapr:component`.
//!
//! They are cut off before a component is compiled, so that its compiled code is found whatever is said of it. Only those at
//! the very end count: what stands before other sections belongs to whoever made these.

use std::io::{self, Cursor, Read, Seek, SeekFrom};

/// What the names of these sections begin with.
const PREFIX: &str = "dapr:component";

/// The bytes in front of a component's sections: `\0asm`, and the version and layer of components.
const PREAMBLE: [u8; 8] = *b"\0asm\x0d\0\x01\0";

/// The most that one may have. A list of the modules that a component is linked from, with the names of
/// their licences, has some 20 KiB.
const MAX: u64 = 4 << 20;

/// How many there may be: there are two.
const MAX_COUNT: usize = 16;

/// The sections at the end of a component.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sections {
    /// Where they begin: the length of the component without them.
    pub begin: u64,
    /// Their names and contents, in the order of the file.
    pub named: Vec<(String, Vec<u8>)>,
}

impl Sections {
    /// Reads them, and little else, from a file. What is no component has none, and neither has one that is cut off.
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub fn read(file: &mut (impl Read + Seek)) -> io::Result<Self> {
        let length = file.seek(SeekFrom::End(0))?;
        let none = || Self {
            begin: length,
            named: Vec::new(),
        };
        file.rewind()?;
        let mut preamble = [0; PREAMBLE.len()];
        if length < PREAMBLE.len() as u64 || file.read_exact(&mut preamble).is_err() || preamble != PREAMBLE {
            return Ok(none());
        }
        let mut found = none();
        let mut at = PREAMBLE.len() as u64;
        while at < length {
            file.seek(SeekFrom::Start(at))?;
            let Some(section) = header(file, at)?.filter(|section| section.end <= length) else {
                return Ok(none());
            };
            match name(file, &section)? {
                Some((name, begin)) if section.end - begin <= MAX && found.named.len() < MAX_COUNT => {
                    if found.named.is_empty() {
                        found.begin = at;
                    }
                    let mut contents = vec![0; usize::try_from(section.end - begin).unwrap_or_default()];
                    file.read_exact(&mut contents)?;
                    found.named.push((name, contents));
                }
                _ => found = none(),
            }
            at = section.end;
        }
        Ok(found)
    }

    /// The contents of the section of this name.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.named
            .iter()
            .find(|(own, _)| own == name)
            .map(|(_, contents)| contents.as_slice())
    }
}

/// A component without these sections.
pub(super) fn bare(component: &[u8]) -> &[u8] {
    // Reading from memory cannot fail; and then it is as it was.
    let begin = Sections::read(&mut Cursor::new(component)).map_or(u64::MAX, |sections| sections.begin);
    usize::try_from(begin)
        .ok()
        .and_then(|begin| component.get(..begin))
        .unwrap_or(component)
}

/// Puts a section of this name behind all others.
///
/// # Panics
///
/// In a debug build, if the name is none of these sections.
pub fn append(component: &mut Vec<u8>, name: &str, contents: &[u8]) {
    debug_assert!(name.starts_with(PREFIX), "{name}");
    let mut body = Vec::new();
    push_number(&mut body, name.len());
    body.extend(name.as_bytes());
    body.extend(contents);
    component.push(CUSTOM);
    push_number(component, body.len());
    component.extend(body);
}

/// The id of sections that mean nothing to an engine.
const CUSTOM: u8 = 0;

struct Section {
    id: u8,
    /// Where its contents begin.
    begin: u64,
    end: u64,
}

/// The section that begins here; none if that is no beginning of one.
fn header(file: &mut impl Read, at: u64) -> io::Result<Option<Section>> {
    let mut id = [0];
    file.read_exact(&mut id)?;
    Ok(number(file)?.map(|(size, length)| {
        let begin = at + 1 + length;
        Section {
            id: id[0],
            begin,
            end: begin + size,
        }
    }))
}

/// The name of a section, and where its contents begin behind that, if it is one of these.
fn name(file: &mut impl Read, section: &Section) -> io::Result<Option<(String, u64)>> {
    const MAX_NAME: u64 = 128;
    if section.id != CUSTOM {
        return Ok(None);
    }
    let Some((size, length)) = number(file)?.filter(|(size, length)| {
        (PREFIX.len() as u64..=MAX_NAME).contains(size) && section.begin + length + size <= section.end
    }) else {
        return Ok(None);
    };
    let mut name = vec![0; usize::try_from(size).unwrap_or_default()];
    file.read_exact(&mut name)?;
    let name = String::from_utf8(name).ok().filter(|name| name.starts_with(PREFIX));
    Ok(name.map(|name| (name, section.begin + length + size)))
}

/// A number of up to 32 bits, seven in each byte, the lowest first, and how many bytes it takes. The end of the file is no
/// number.
fn number(file: &mut impl Read) -> io::Result<Option<(u64, u64)>> {
    let mut value = 0;
    for length in 1..=5 {
        let mut byte = [0];
        match file.read_exact(&mut byte) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            read => read?,
        }
        value |= u64::from(byte[0] & 0x7f) << (7 * (length - 1));
        if byte[0] & 0x80 == 0 {
            return Ok(Some((value, length)));
        }
    }
    Ok(None)
}

fn push_number(to: &mut Vec<u8>, mut value: usize) {
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            return to.push(low);
        }
        to.push(low | 0x80);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A component with a section of another name in it.
    fn component() -> Vec<u8> {
        let mut bytes = PREAMBLE.to_vec();
        bytes.extend([0, 6, 4]);
        bytes.extend(b"name!");
        bytes
    }

    fn sections(bytes: &[u8]) -> Sections {
        Sections::read(&mut Cursor::new(bytes)).unwrap()
    }

    fn named(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
        sections(bytes).named
    }

    #[test]
    fn what_was_appended_is_read_and_cut_off() {
        let mut bytes = component();
        let large = vec![7; 100_000];
        append(&mut bytes, "dapr:component", b"{}");
        append(&mut bytes, "dapr:component-properties", &large);
        wasmparser::validate(&bytes).unwrap();
        assert_eq!(bare(&bytes), component());
        let found = sections(&bytes);
        assert_eq!(found.begin, component().len() as u64);
        assert_eq!(found.get("dapr:component"), Some(b"{}".as_slice()));
        assert_eq!(found.get("dapr:component-properties"), Some(large.as_slice()));
        assert_eq!(found.get("dapr:component-other"), None);
    }

    #[test]
    fn what_has_none_stays_as_it_is() {
        for bytes in [
            &component()[..],
            &PREAMBLE,
            b"",
            b"\0asm",
            b"\0asm\x01\0\0\0\0\x0f\x0edapr:component",
        ] {
            assert_eq!(bare(bytes), bytes);
            assert!(named(bytes).is_empty());
        }
    }

    #[test]
    fn only_those_at_the_end_count() {
        let mut bytes = PREAMBLE.to_vec();
        append(&mut bytes, "dapr:component", b"first");
        bytes.extend(&component()[PREAMBLE.len()..]);
        let without = bytes.clone();
        assert!(named(&bytes).is_empty());
        append(&mut bytes, "dapr:component", b"last");
        assert_eq!(named(&bytes), [("dapr:component".to_owned(), b"last".to_vec())]);
        assert_eq!(bare(&bytes), without);
    }

    #[test]
    fn one_inside_a_component_within_is_not_its_own() {
        let mut inner = component();
        append(&mut inner, "dapr:component", b"{}");
        let mut outer = PREAMBLE.to_vec();
        outer.push(4);
        push_number(&mut outer, inner.len());
        outer.extend(&inner);
        wasmparser::validate(&outer).unwrap();
        assert!(named(&outer).is_empty());
        assert_eq!(bare(&outer), outer);
    }

    #[test]
    fn a_file_that_was_cut_off_anywhere_is_read_without_an_error() {
        let mut bytes = component();
        append(&mut bytes, "dapr:component", b"{}");
        for length in 0..bytes.len() {
            let cut = &bytes[..length];
            assert!(named(cut).is_empty(), "{length}");
            assert_eq!(bare(cut), cut);
        }
    }

    #[test]
    fn lengths_that_lie_are_not_believed() {
        let mut huge = PREAMBLE.to_vec();
        huge.extend([0, 0xff, 0xff, 0xff, 0xff, 0x0f, 14]);
        huge.extend(b"dapr:component");
        // A name that is longer than its section.
        let mut long_name = PREAMBLE.to_vec();
        long_name.extend([0, 3, 100, b'd', b'a']);
        // A number without an end.
        let mut endless = PREAMBLE.to_vec();
        endless.extend([0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
        for bytes in [huge, long_name, endless] {
            assert!(named(&bytes).is_empty());
            assert_eq!(bare(&bytes), bytes);
        }
    }
}
