//! As much of protobuf as the plugins need: fields that are bytes, texts, messages and maps of texts.

/// A field of a message: its number and its bytes.
pub type Field<'a> = (u32, &'a [u8]);

/// The fields of a message, in order. Those that are numbers are left out, since no message here has any.
///
/// None if it is no message.
pub fn fields(mut message: &[u8]) -> Option<Vec<Field<'_>>> {
    const VARINT: u64 = 0;
    const BYTES: u64 = 2;
    let mut found = Vec::new();
    while !message.is_empty() {
        let tag = varint(&mut message)?;
        match tag & 7 {
            VARINT => drop(varint(&mut message)?),
            BYTES => {
                let length = usize::try_from(varint(&mut message)?).ok()?;
                let (bytes, rest) = message.split_at_checked(length)?;
                found.push((u32::try_from(tag >> 3).ok()?, bytes));
                message = rest;
            }
            _ => return None,
        }
    }
    Some(found)
}

/// The last field of a number, which is the one that counts; empty if there is none.
pub fn bytes<'a>(fields: &[Field<'a>], number: u32) -> &'a [u8] {
    let found = fields.iter().rev().find(|(known, _)| *known == number);
    found.map_or(&[], |(_, bytes)| bytes)
}

/// The same as text.
pub fn text(fields: &[Field<'_>], number: u32) -> Option<String> {
    String::from_utf8(bytes(fields, number).to_vec()).ok()
}

/// A map of texts.
pub fn map(fields: &[Field<'_>], number: u32) -> Option<Vec<(String, String)>> {
    let entries = fields.iter().filter(|(known, _)| *known == number);
    let pairs = entries.map(|(_, entry)| {
        let entry = self::fields(entry)?;
        Some((text(&entry, 1)?, text(&entry, 2)?))
    });
    pairs.collect()
}

/// Appends a field, unless it is empty: an absent one says the same.
pub fn put(message: &mut Vec<u8>, number: u32, bytes: &[u8]) {
    if !bytes.is_empty() {
        put_always(message, number, bytes);
    }
}

/// Appends a map of texts.
pub fn put_map(message: &mut Vec<u8>, number: u32, pairs: &[(String, String)]) {
    for (name, value) in pairs {
        let mut entry = Vec::new();
        put(&mut entry, 1, name.as_bytes());
        put(&mut entry, 2, value.as_bytes());
        put_always(message, number, &entry);
    }
}

fn put_always(message: &mut Vec<u8>, number: u32, bytes: &[u8]) {
    put_varint(message, u64::from(number << 3 | 2));
    put_varint(message, bytes.len() as u64);
    message.extend_from_slice(bytes);
}

fn varint(message: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = message.split_first()?;
        *message = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

fn put_varint(message: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        message.push(number as u8 | 0x80);
        number >>= 7;
    }
    message.push(number as u8);
}
