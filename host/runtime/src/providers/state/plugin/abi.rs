//! How bytes get in and out of a plugin.
//!
//! The host writes a request into memory that the plugin's `malloc` gave and frees it after the call; an empty request is
//! pointer 0. An answer is 64 bits: a pointer above, a length below, and bit 31 of the length if the bytes are the text of
//! an error.
//!
//! | go-plugin | begins with | says that something failed | frees an answer |
//! |---|---|---|---|
//! | up to 0.5 | `_start` | never: an error answers 0, like an empty message | the plugin |
//! | 0.7 | `_start` | bit 31 | the plugin |
//! | 0.8 | `_start` | bit 31 | the host |
//! | 0.9 and later | `_initialize` | bit 31 | the host |
//!
//! Nothing tells the first three apart. So their answers are not freed: TinyGo's `free` ends the instance for a pointer that
//! is not from `malloc`, and a plugin of 0.8 keeps its answers until its memory is full and it is replaced.

use crate::providers::guest::PluginGuest;
use wasmtime::{ExternType, Instance, Memory, Module, Store, TypedFunc, ValType};
use wasmtime_wasi::I32Exit;

/// The dialects of the ABI, by what a plugin begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// `_start`: TinyGo, before Go could make libraries.
    Command,
    /// `_initialize`: Go 1.24 and later.
    Reactor,
}

impl Dialect {
    /// The function that is called once, before all others.
    pub(crate) fn beginning(self) -> &'static str {
        match self {
            Self::Command => "_start",
            Self::Reactor => "_initialize",
        }
    }
}

/// The functions that take a request and give an answer.
pub(super) const CALLS: [&str; 5] = ["store_init", "store_features", "store_get", "store_set", "store_delete"];

/// The version of the interface that plugins say they have.
const API_VERSION: i64 = 1;

/// Bit 31 of an answer's length: the bytes are the text of an error.
const IS_ERROR: u32 = 1 << 31;

/// What a call answers.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// The bytes of a message.
    Message(Vec<u8>),
    /// The text of an error.
    Error(String),
}

/// What is wrong with what a plugin does: it ends the instance like a trap.
#[derive(Debug, thiserror::Error)]
enum Misbehaved {
    #[error("its answer of {length} bytes at {pointer:#x} is not within its memory")]
    Outside { pointer: u32, length: u32 },
    #[error("its answer has {length} bytes, more than the {max} that a call may have")]
    TooLong { length: u32, max: usize },
    #[error("its `malloc` gave no room for {0} bytes")]
    NoRoom(usize),
    #[error("it has version {0} of the interface, and this host {API_VERSION}")]
    Version(i64),
}

/// What a plugin must export, found in the module's types.
pub(crate) struct Exports;

impl Exports {
    /// The dialect of a module, or what it lacks for one.
    pub(crate) fn check(module: &Module) -> Result<Dialect, Vec<String>> {
        let i32s = |number: usize| vec![ValType::I32; number];
        let mut lacks = Vec::new();
        let mut require = |name: &str, params: Vec<ValType>, results: Vec<ValType>| {
            if !has_function(module, name, &params, &results) {
                lacks.push(name.to_owned());
            }
        };
        require("malloc", i32s(1), i32s(1));
        require("free", i32s(1), vec![]);
        require("store_api_version", vec![], vec![ValType::I64]);
        for name in CALLS {
            require(name, i32s(2), vec![ValType::I64]);
        }
        if !matches!(module.get_export("memory"), Some(ExternType::Memory(memory)) if !memory.is_64()) {
            lacks.push("memory".to_owned());
        }
        let begins = |dialect: &Dialect| has_function(module, dialect.beginning(), &[], &[]);
        let dialect = [Dialect::Reactor, Dialect::Command].into_iter().find(begins);
        match dialect {
            Some(dialect) if lacks.is_empty() => Ok(dialect),
            Some(_) => Err(lacks),
            None => {
                lacks.push("_initialize or _start".to_owned());
                Err(lacks)
            }
        }
    }
}

fn has_function(module: &Module, name: &str, params: &[ValType], results: &[ValType]) -> bool {
    let Some(ExternType::Func(function)) = module.get_export(name) else {
        return false;
    };
    let same = |found: &mut dyn Iterator<Item = ValType>, wanted: &[ValType]| {
        let found: Vec<_> = found.collect();
        found.len() == wanted.len()
            && found
                .iter()
                .zip(wanted)
                .all(|(found, wanted)| ValType::eq(found, wanted))
    };
    same(&mut function.params(), params) && same(&mut function.results(), results)
}

/// A function that takes a request and gives an answer.
pub(super) type Call = TypedFunc<(u32, u32), u64>;

/// The ways into one instance.
pub(super) struct Abi {
    dialect: Dialect,
    memory: Memory,
    malloc: TypedFunc<u32, u32>,
    free: TypedFunc<u32, ()>,
    /// Bytes that an answer may have.
    max: usize,
}

impl Abi {
    /// Begins an instance: nothing in it may be called before.
    pub(super) async fn begin(
        store: &mut Store<PluginGuest>,
        instance: &Instance,
        dialect: Dialect,
        max: usize,
    ) -> wasmtime::Result<Self> {
        let begin = instance.get_typed_func::<(), ()>(&mut *store, dialect.beginning())?;
        match begin.call_async(&mut *store, ()).await {
            // A program that has come to the end of its `main`.
            Err(error) if error.downcast_ref::<I32Exit>().is_some_and(|exit| exit.0 == 0) => {}
            begun => begun?,
        }
        let version = instance.get_typed_func::<(), i64>(&mut *store, "store_api_version")?;
        let version = version.call_async(&mut *store, ()).await?;
        if version != API_VERSION {
            return Err(Misbehaved::Version(version).into());
        }
        let memory = instance.get_memory(&mut *store, "memory");
        Ok(Self {
            dialect,
            memory: memory.ok_or_else(|| wasmtime::format_err!("it exports no memory"))?,
            malloc: instance.get_typed_func(&mut *store, "malloc")?,
            free: instance.get_typed_func(&mut *store, "free")?,
            max,
        })
    }

    /// Whether errors can always be told from empty messages.
    pub(super) fn tells_errors(&self) -> bool {
        self.dialect == Dialect::Reactor
    }

    /// Makes a call.
    pub(super) async fn call(
        &self,
        store: &mut Store<PluginGuest>,
        call: &Call,
        request: &[u8],
    ) -> wasmtime::Result<Reply> {
        let pointer = self.hand_over(store, request).await?;
        // What fits into memory with 32 bit addresses has such a length.
        let length = u32::try_from(request.len())?;
        let answer = call.call_async(&mut *store, (pointer, length)).await?;
        let reply = self.copied(store, answer)?;
        let answered = Some(pointer_of(answer)).filter(|_| self.dialect == Dialect::Reactor);
        for pointer in [Some(pointer), answered]
            .into_iter()
            .flatten()
            .filter(|pointer| *pointer != 0)
        {
            self.free.call_async(&mut *store, pointer).await?;
        }
        Ok(reply)
    }

    async fn hand_over(&self, store: &mut Store<PluginGuest>, request: &[u8]) -> wasmtime::Result<u32> {
        if request.is_empty() {
            return Ok(0);
        }
        let pointer = self
            .malloc
            .call_async(&mut *store, u32::try_from(request.len())?)
            .await?;
        if pointer == 0 {
            return Err(Misbehaved::NoRoom(request.len()).into());
        }
        self.memory.write(&mut *store, pointer as usize, request)?;
        Ok(pointer)
    }

    /// Copies an answer out of the plugin's memory.
    fn copied(&self, store: &Store<PluginGuest>, answer: u64) -> wasmtime::Result<Reply> {
        let length = (answer & u64::from(u32::MAX)) as u32;
        let bytes = slice(
            self.memory.data(store),
            pointer_of(answer),
            length & !IS_ERROR,
            self.max,
        )?;
        Ok(match length & IS_ERROR {
            0 => Reply::Message(bytes.to_vec()),
            _ => Reply::Error(String::from_utf8_lossy(bytes).into_owned()),
        })
    }
}

fn pointer_of(answer: u64) -> u32 {
    (answer >> 32) as u32
}

fn slice(memory: &[u8], pointer: u32, length: u32, max: usize) -> Result<&[u8], Misbehaved> {
    if length as usize > max {
        return Err(Misbehaved::TooLong { length, max });
    }
    let start = pointer as usize;
    let end = start.checked_add(length as usize);
    end.and_then(|end| memory.get(start..end))
        .ok_or(Misbehaved::Outside { pointer, length })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_lies_within_the_memory() {
        let memory = [1, 2, 3, 4];
        assert_eq!(slice(&memory, 1, 2, 10).unwrap(), [2, 3]);
        assert!(slice(&memory, 4, 0, 10).unwrap().is_empty());
        for (pointer, length) in [(4, 1), (0, 5), (u32::MAX, 1), (5, 0)] {
            assert!(matches!(
                slice(&memory, pointer, length, 10),
                Err(Misbehaved::Outside { .. })
            ));
        }
        assert!(matches!(slice(&memory, 0, 4, 3), Err(Misbehaved::TooLong { .. })));
    }
}
