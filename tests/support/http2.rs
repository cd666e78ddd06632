//! HTTP/2 as a client speaks it that does no more than it must: frames, byte by byte, for [`Raw`](crate::Raw).

/// What a client begins with: the preface and its settings, which are the defaults.
pub fn hello() -> Vec<u8> {
    hello_with(&[])
}

/// The same, of a client whose answers have no room: the host may send their heads, and nothing of their bodies.
pub fn hello_without_window() -> Vec<u8> {
    const INITIAL_WINDOW_SIZE: u8 = 4;
    hello_with(&[0, INITIAL_WINDOW_SIZE, 0, 0, 0, 0])
}

fn hello_with(settings: &[u8]) -> Vec<u8> {
    const SETTINGS: u8 = 4;
    [
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        frame(SETTINGS, 0, 0, settings).as_slice(),
    ]
    .concat()
}

/// A GET as the `number`th request of a connection, counted from 0.
pub fn get(number: u32, target: &str) -> Vec<u8> {
    frame(HEADERS, END_OF_STREAM | END_OF_HEADERS, stream(number), &block(target))
}

/// The same without its end: a [`continuation`] is to come.
pub fn begin_get(number: u32, target: &str) -> Vec<u8> {
    frame(HEADERS, END_OF_STREAM, stream(number), &block(target))
}

/// More of a head, of about so many bytes, and not its end.
pub fn continuation(number: u32, bytes: usize) -> Vec<u8> {
    const CONTINUATION: u8 = 9;
    // Short headers that are not to be put into the table.
    let header = [0, 1, b'x', 1, b'y'];
    frame(CONTINUATION, 0, stream(number), &header.repeat(bytes / header.len()))
}

/// A GET with a header whose value has `bytes`, at most 4000, and which is named `times` more, at one byte each.
pub fn header_bomb(target: &str, bytes: usize, times: usize) -> Vec<u8> {
    /// The latest that was put into HPACK's table, behind the 61 which are always there.
    const LATEST: u8 = 0x80 | 62;
    let mut block = block(target);
    // With indexing, a new name: the lengths are integers with a prefix of seven bits.
    block.extend([0x40, 1, b'x', 0x7f]);
    let rest = bytes - 0x7f;
    block.extend([(rest & 0x7f) as u8 | 0x80, (rest >> 7) as u8]);
    block.extend(vec![b'y'; bytes]);
    block.extend(vec![LATEST; times.min(LARGEST - block.len())]);
    frame(HEADERS, END_OF_STREAM | END_OF_HEADERS, stream(0), &block)
}

/// Gives up the `number`th request.
pub fn reset(number: u32) -> Vec<u8> {
    const RST_STREAM: u8 = 3;
    const CANCEL: u32 = 8;
    frame(RST_STREAM, 0, stream(number), &CANCEL.to_be_bytes())
}

const HEADERS: u8 = 1;

const END_OF_STREAM: u8 = 1;

const END_OF_HEADERS: u8 = 4;

/// What a frame may hold.
const LARGEST: usize = 16_384;

fn stream(number: u32) -> u32 {
    2 * number + 1
}

/// The head of a GET.
fn block(target: &str) -> Vec<u8> {
    // `:method: GET` and `:scheme: http` are in HPACK's table, `:path` and `:authority` are by name.
    let mut block = vec![0x82, 0x86];
    for (name, value) in [(4, target), (1, "localhost")] {
        block.push(name);
        block.push(u8::try_from(value.len()).expect("it is short"));
        block.extend(value.as_bytes());
    }
    block
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("it is short").to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}
