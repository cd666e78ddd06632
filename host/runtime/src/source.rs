//! Bytes from outside become a component, or an error that says what they are.
//!
//! | bytes begin with | taken as |
//! |---|---|
//! | `\0asm`, layer 1 | a component |
//! | `\0asm`, layer 0 | a core module: made a component in memory, if it is of WASI preview 1 |
//! | `\x7fELF`, which wasmtime's precompiled files begin with too | refused |
//! | anything else | refused, with the first bytes |

use crate::caught::caught;
use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wasmparser::{Encoding, ExternalKind, Payload};
use wit_component::ComponentEncoder;

/// Bytes that are no component and cannot be made one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// There is nothing in the file.
    #[error("the file is empty")]
    Empty,
    /// Some other kind of file.
    #[error("it is not WebAssembly, it starts with {start}")]
    NotWasm {
        /// The first bytes: their line if it is text, else their numbers.
        start: String,
    },
    /// An ELF file: a program for this machine, or what wasmtime compiles to.
    #[error("it is machine code, an ELF file, and not WebAssembly")]
    MachineCode,
    /// The text form of WebAssembly.
    #[error("it is WebAssembly as text, and apps are binaries")]
    Text,
    /// The file ends too early, or does not parse.
    #[error("it is damaged, or was cut off after {length} bytes")]
    Damaged {
        /// The length of what is there.
        length: usize,
        /// Where parsing failed.
        #[source]
        source: wasmparser::BinaryReaderError,
    },
    /// A core module that does not fit the world it was built for, or WASI preview 1.
    #[error("it is a core module, and cannot be made a component")]
    NotEncodable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A core module for another host: a browser, say.
    #[error("it is a core module that needs functions which are not WASI's")]
    OtherHost {
        /// The functions: `env.log`.
        imports: Vec<String>,
    },
    /// A core module with nothing in it that the host could call.
    #[error("it is a core module, not a component, and has no `_start`")]
    NothingRunnable {
        /// What it exports.
        exports: Vec<String>,
    },
}

/// A component from the bytes of a file: as it is, or made from a core module.
///
/// # Errors
///
/// [`SourceError`], by what the bytes are.
pub fn component(bytes: &[u8]) -> Result<Cow<'_, [u8]>, SourceError> {
    sniff(bytes)?;
    match encoding(bytes)? {
        Encoding::Component => Ok(Cow::Borrowed(bytes)),
        Encoding::Module => encode(bytes).map(Cow::Owned),
    }
}

/// Whether the bytes are a core module that exports a function of this name.
///
/// # Errors
///
/// [`SourceError`] if they are no WebAssembly at all.
pub(crate) fn is_module_with(bytes: &[u8], function: &str) -> Result<bool, SourceError> {
    sniff(bytes)?;
    let is_module = encoding(bytes)? == Encoding::Module;
    Ok(is_module && exported_functions(bytes).iter().any(|name| name == function))
}

fn sniff(bytes: &[u8]) -> Result<(), SourceError> {
    if bytes.is_empty() {
        return Err(SourceError::Empty);
    }
    if bytes.starts_with(b"\x7fELF") {
        return Err(SourceError::MachineCode);
    }
    let text = bytes.trim_ascii_start();
    if text.starts_with(b"(module") || text.starts_with(b"(component") || text.starts_with(b";;") {
        return Err(SourceError::Text);
    }
    if !bytes.starts_with(b"\0asm") {
        let start = start(bytes);
        return Err(SourceError::NotWasm { start });
    }
    Ok(())
}

/// What a file that is no WebAssembly begins with, as a person would say it.
fn start(bytes: &[u8]) -> String {
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = &line[..line.len().min(24)];
    if !line.is_empty() && line.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        return format!("`{}`", String::from_utf8_lossy(line));
    }
    let numbers: Vec<_> = bytes.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("the bytes {}", numbers.join(" "))
}

fn encoding(bytes: &[u8]) -> Result<Encoding, SourceError> {
    let damaged = |source| SourceError::Damaged {
        length: bytes.len(),
        source,
    };
    let mut encoding = Encoding::Module;
    // All of it is walked, so that a file that was cut off is known before it is compiled for seconds. Function bodies are
    // skipped by their length.
    for (index, payload) in wasmparser::Parser::new(0).parse_all(bytes).enumerate() {
        if let (0, Payload::Version { encoding: found, .. }) = (index, payload.map_err(damaged)?) {
            encoding = found;
        }
    }
    Ok(encoding)
}

/// Makes a component of a WASI preview 1 module, with the adapter for what it is: a program with `_start`, or a library
/// whose world was embedded when it was built.
fn encode(module: &[u8]) -> Result<Vec<u8>, SourceError> {
    let exports = exported_functions(module);
    let is_program = exports.iter().any(|name| name == "_start");
    if !has_world(module) {
        if !is_program {
            return Err(SourceError::NothingRunnable { exports });
        }
        let imports = imports_beyond_wasi(module);
        if !imports.is_empty() {
            return Err(SourceError::OtherHost { imports });
        }
    }
    let adapter = if is_program {
        WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER
    } else {
        WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER
    };
    let encoded = || {
        let mut encoder = ComponentEncoder::default().validate(true).module(module)?;
        encoder = encoder.adapter(WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, adapter)?;
        encoder.encode()
    };
    // It takes the world for one that it wrote itself, and the file is anybody's.
    match caught(encoded) {
        Ok(encoded) => encoded.map_err(|error| SourceError::NotEncodable(error.into())),
        Err(panic) => Err(SourceError::NotEncodable(panic.into())),
    }
}

fn exported_functions(module: &[u8]) -> Vec<String> {
    let exports = payloads(module).filter_map(|payload| match payload {
        Payload::ExportSection(exports) => Some(exports),
        _ => None,
    });
    exports
        .flat_map(|exports| exports.into_iter().flatten())
        .filter(|export| matches!(export.kind, ExternalKind::Func | ExternalKind::FuncExact))
        .map(|export| export.name.to_owned())
        .collect()
}

/// What a module imports that is not WASI preview 1, as `module.name`.
pub(crate) fn imports_beyond_wasi(module: &[u8]) -> Vec<String> {
    let imports = payloads(module).filter_map(|payload| match payload {
        Payload::ImportSection(imports) => Some(imports),
        _ => None,
    });
    imports
        .flat_map(|imports| imports.into_imports().flatten())
        .filter(|import| import.module != WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME)
        .map(|import| format!("{}.{}", import.module, import.name))
        .collect()
}

fn has_world(module: &[u8]) -> bool {
    payloads(module).any(|payload| match payload {
        Payload::CustomSection(section) => section.name().starts_with("component-type"),
        _ => false,
    })
}

/// The payloads of a binary that was parsed before, so that there are no errors left.
fn payloads(wasm: &[u8]) -> impl Iterator<Item = Payload<'_>> {
    wasmparser::Parser::new(0).parse_all(wasm).filter_map(Result::ok)
}

/// A language or tool that had a part in making a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Producer {
    /// `Rust`, `wit-component`.
    pub name: String,
    /// As the tool wrote it.
    pub version: String,
}

impl fmt::Display for Producer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.version.is_empty() {
            true => f.write_str(&self.name),
            false => write!(f, "{} {}", self.name, short(&self.version)),
        }
    }
}

/// A version without the commit or address that compilers put in brackets behind it.
fn short(version: &str) -> &str {
    version.split(" (").next().unwrap_or(version)
}

/// The languages and tools that made a component or module, from the `producers` sections at every depth. What a file says of itself:
/// nobody checks it.
pub fn producers(wasm: &[u8]) -> Vec<Producer> {
    let mut producers: Vec<Producer> = Vec::new();
    // A file may name as many as it has room for: looking through them for each would take minutes.
    let mut known = HashSet::new();
    for payload in payloads(wasm) {
        let Payload::CustomSection(section) = payload else {
            continue;
        };
        let wasmparser::KnownCustom::Producers(fields) = section.as_known() else {
            continue;
        };
        for value in fields
            .into_iter()
            .flatten()
            .flat_map(|field| field.values.into_iter().flatten())
        {
            if known.insert((value.name, value.version)) {
                producers.push(Producer {
                    name: value.name.to_owned(),
                    version: value.version.to_owned(),
                });
            }
        }
    }
    producers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(bytes: &[u8]) -> String {
        component(bytes).unwrap_err().to_string()
    }

    #[test]
    fn files_that_are_no_wasm_are_named_for_what_they_are() {
        assert_eq!(refusal(b""), "the file is empty");
        assert_eq!(
            refusal(b"<!DOCTYPE html>\n<html>"),
            "it is not WebAssembly, it starts with `<!DOCTYPE html>`"
        );
        assert_eq!(
            refusal(b"PK\x03\x04\x14"),
            "it is not WebAssembly, it starts with the bytes 50 4b 03 04"
        );
        assert_eq!(
            refusal(b"\x7fELF\x02"),
            "it is machine code, an ELF file, and not WebAssembly"
        );
        assert_eq!(
            refusal(b"  (module)"),
            "it is WebAssembly as text, and apps are binaries"
        );
    }

    #[test]
    fn a_file_that_was_cut_off_is_damaged() {
        assert!(matches!(
            component(b"\0asm\x0d\0\x01"),
            Err(SourceError::Damaged { length: 7, .. })
        ));
        // A type section that says it has 100 bytes.
        assert!(matches!(
            component(b"\0asm\x01\0\0\0\x01\x64\0"),
            Err(SourceError::Damaged { .. })
        ));
    }

    #[test]
    fn a_core_module_with_nothing_to_run_is_refused() {
        assert!(matches!(
            component(b"\0asm\x01\0\0\0"),
            Err(SourceError::NothingRunnable { exports }) if exports.is_empty()
        ));
    }

    #[test]
    fn a_world_that_no_tool_wrote_is_an_error_and_no_panic() {
        let module = include_bytes!("../../../fuzz/corpus/module/an-import-beside-the-world");
        let Err(SourceError::NotEncodable(cause)) = component(module) else {
            panic!("it is refused");
        };
        let cause = cause.to_string();
        assert!(cause.starts_with("what reads it gave up: assertion"), "{cause}");
    }

    /// A number of seven bits in each byte, the lowest first.
    fn leb(mut number: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        loop {
            let low = u8::try_from(number & 0x7f).unwrap();
            number >>= 7;
            if number == 0 {
                bytes.push(low);
                return bytes;
            }
            bytes.push(low | 0x80);
        }
    }

    fn text(text: &str) -> Vec<u8> {
        [leb(text.len()), text.into()].concat()
    }

    /// A component whose `producers` section names these languages.
    fn made_by(languages: &[String]) -> Vec<u8> {
        let values = languages.iter().flat_map(|name| [text(name), text("1")].concat());
        let field = [vec![1], text("language"), leb(languages.len()), values.collect()].concat();
        let section = [text("producers"), field].concat();
        [b"\0asm\x0d\0\x01\0".to_vec(), vec![0], leb(section.len()), section].concat()
    }

    #[test]
    fn a_producer_that_is_named_twice_is_one() {
        let names = ["Rust", "C", "Rust"].map(str::to_owned);
        let shown = producers(&made_by(&names))
            .iter()
            .map(Producer::to_string)
            .collect::<Vec<_>>();
        assert_eq!(shown, ["Rust 1", "C 1"]);
    }

    /// With a look through all that are known for each, it takes a minute.
    #[test]
    fn a_file_that_names_very_many_producers_is_read_in_no_time() {
        let names: Vec<_> = (0..200_000).map(|number| number.to_string()).collect();
        assert_eq!(producers(&made_by(&names)).len(), names.len());
    }

    #[test]
    fn a_component_stays_as_it_is() {
        assert!(matches!(component(b"\0asm\x0d\0\x01\0"), Ok(Cow::Borrowed(_))));
    }
}
