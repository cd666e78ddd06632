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
    const HEADERS: u8 = 1;
    const END_OF_STREAM_AND_HEADERS: u8 = 5;
    // `:method: GET` and `:scheme: http` are in HPACK's table, `:path` and `:authority` are by name.
    let mut block = vec![0x82, 0x86];
    for (name, value) in [(4, target), (1, "localhost")] {
        block.push(name);
        block.push(u8::try_from(value.len()).expect("it is short"));
        block.extend(value.as_bytes());
    }
    frame(HEADERS, END_OF_STREAM_AND_HEADERS, 2 * number + 1, &block)
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("it is short").to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}
