//! The store: what the operations of the contract are in commands, and what the answers to these mean.

use crate::{
    bindings::exports::dapr::state::provider::{Entry, Error, Listing, Operation, Page},
    connection::{Connection, Failure, of_read, of_write, unexpected},
    layout,
    listing::Collected,
    resp::{self, Reply},
    settings::Settings,
};

/// Items that are asked for at once in a bulk read: the server keeps what is not read yet, and an item may have megabytes.
const READ_AT_ONCE: usize = 16;

/// Keys that the server looks at in one step of a listing. It does nothing else meanwhile, for a millisecond or so.
const SCANNED_AT_ONCE: &str = "1000";

/// The store, with the connection that it keeps.
pub struct Store {
    settings: Settings,
    connection: Option<Connection>,
}

impl Store {
    /// A store that is connected.
    pub fn open(settings: Settings) -> Result<Self, Error> {
        let connection = Connection::open(&settings).map_err(of_read)?;
        Ok(Self {
            settings,
            connection: Some(connection),
        })
    }

    /// The item of a key.
    pub fn get(&mut self, key: &str) -> Result<Option<Entry>, Error> {
        let reply = self.ask(&layout::read(key)).map_err(of_read)?;
        entry(reply)
    }

    /// The items of keys, in their order.
    pub fn bulk_get(&mut self, keys: &[String], max_bytes: u32) -> Result<Vec<Option<Entry>>, Error> {
        let mut left = max_bytes as usize;
        let mut entries = Vec::with_capacity(keys.len());
        for some in keys.chunks(READ_AT_ONCE) {
            let mut commands = Vec::new();
            for key in some {
                resp::command(layout::read(key).into_iter(), &mut commands);
            }
            let replies = self.exchange(|connection| {
                connection.send(&commands)?;
                some.iter().map(|_| connection.receive()).collect::<Result<Vec<_>, _>>()
            });
            for reply in replies.map_err(of_read)? {
                let entry = entry(reply)?;
                let size = entry.as_ref().map_or(0, answer_size);
                let too_large = || Error::TooLarge(format!("the items exceed {max_bytes} bytes together"));
                left = left.checked_sub(size).ok_or_else(too_large)?;
                entries.push(entry);
            }
        }
        Ok(entries)
    }

    /// Does all operations, or none if a condition does not hold.
    pub fn transact(&mut self, operations: &[Operation]) -> Result<(), Error> {
        let reply = self.exchange(|connection| {
            let mut commands = Vec::new();
            write(connection, operations, &mut commands);
            connection.send(&commands)?;
            connection.receive()
        });
        done(reply.map_err(of_write)?, operations)
    }

    /// Does each operation on its own: one that fails does not stop the others.
    pub fn each(&mut self, operations: &[Operation]) -> Result<Vec<Result<(), Error>>, Error> {
        let alone = |operation| std::slice::from_ref(operation);
        let mut results = Vec::with_capacity(operations.len());
        let answered = self.exchange(|connection| {
            // All, or what is left where the script went in the middle.
            let operations = &operations[results.len()..];
            let mut commands = Vec::new();
            for operation in operations {
                write(connection, alone(operation), &mut commands);
            }
            connection.send(&commands)?;
            for operation in operations {
                results.push(done(connection.receive()?, alone(operation)));
            }
            Ok(())
        });
        match answered {
            // Nobody knows of any, or none was done.
            Err(failure) if results.is_empty() => return Err(of_write(failure)),
            Err(_) => {
                let unknown = || Err(Error::OutcomeUnknown("the connection to Redis broke".to_owned()));
                results.resize_with(operations.len(), unknown);
            }
            Ok(()) => {}
        }
        Ok(results)
    }

    /// A page of keys, in order.
    pub fn list(&mut self, listing: &Listing) -> Result<Page, Error> {
        let mut collected = Collected::new(listing)?;
        let pattern = listing.pattern();
        let mut cursor = b"0".to_vec();
        loop {
            let words: [&[u8]; 8] = [
                b"SCAN",
                &cursor,
                b"MATCH",
                pattern.as_bytes(),
                b"COUNT",
                SCANNED_AT_ONCE.as_bytes(),
                b"TYPE",
                b"hash",
            ];
            let (next, keys) = scanned(self.ask(&words).map_err(of_read)?)?;
            keys.iter().for_each(|key| collected.add(key));
            if next == b"0" {
                return Ok(collected.page());
            }
            cursor = next;
        }
    }

    /// Sends a command and reads its answer.
    fn ask(&mut self, words: &[&[u8]]) -> Result<Reply, Failure> {
        self.exchange(|connection| {
            let mut command = Vec::new();
            resp::command(words.iter(), &mut command);
            connection.send(&command)?;
            connection.receive()
        })
    }

    /// Does something with the connection, or a new one. One on which it failed is not used again. What was not done for want
    /// of the script is tried once more.
    fn exchange<T>(&mut self, mut act: impl FnMut(&mut Connection) -> Result<T, Failure>) -> Result<T, Failure> {
        let mut connection = match self.connection.take() {
            Some(connection) if connection.is_alive() => connection,
            _ => Connection::open(&self.settings)?,
        };
        let done = match act(&mut connection) {
            Err(Failure::Forgotten) => {
                connection = Connection::open(&self.settings)?;
                act(&mut connection)?
            }
            done => done?,
        };
        self.connection = Some(connection);
        Ok(done)
    }
}

/// Adds the command that does operations.
fn write(connection: &Connection, operations: &[Operation], commands: &mut Vec<u8>) {
    let count = operations.len().to_string();
    let head = [&b"EVALSHA"[..], connection.script().as_bytes(), count.as_bytes()].map(<[u8]>::to_vec);
    let keys = operations
        .iter()
        .map(|operation| layout::key(operation).as_bytes().to_vec());
    let words = operations.iter().flat_map(layout::words);
    let all: Vec<_> = head.into_iter().chain(keys).chain(words).collect();
    resp::command(all.iter(), commands);
}

/// What the script answered.
fn done(reply: Reply, operations: &[Operation]) -> Result<(), Error> {
    match reply {
        Reply::Number(0) => Ok(()),
        Reply::Number(number) => {
            let operation = usize::try_from(number - 1).ok().and_then(|index| operations.get(index));
            Err(Error::EtagMismatch(
                operation.map(|operation| layout::key(operation).to_owned()),
            ))
        }
        other => Err(unexpected(&other)),
    }
}

fn entry(reply: Reply) -> Result<Option<Entry>, Error> {
    let Reply::List(fields) = reply else {
        return Err(unexpected(&reply));
    };
    let fields = fields.into_iter().map(bytes).collect::<Result<Vec<_>, _>>()?;
    let fields = fields
        .try_into()
        .map_err(|_| Error::Internal("Redis answered with other fields".to_owned()))?;
    layout::entry(fields)
}

/// The next cursor, and keys.
fn scanned(reply: Reply) -> Result<(Vec<u8>, Vec<Vec<u8>>), Error> {
    let Reply::List(parts) = reply else {
        return Err(unexpected(&reply));
    };
    let mut parts = parts.into_iter();
    let (Some(Reply::Bytes(Some(next))), Some(Reply::List(keys)), None) = (parts.next(), parts.next(), parts.next())
    else {
        return Err(Error::Internal("Redis answered a SCAN with something else".to_owned()));
    };
    let keys = keys.into_iter().map(bytes).collect::<Result<Vec<_>, _>>()?;
    Ok((next, keys.into_iter().flatten().collect()))
}

fn bytes(reply: Reply) -> Result<Option<Vec<u8>>, Error> {
    match reply {
        Reply::Bytes(bytes) => Ok(bytes),
        other => Err(unexpected(&other)),
    }
}

/// What counts toward the bytes of an answer.
fn answer_size(entry: &Entry) -> usize {
    let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    entry.value.len() + text(&entry.etag) + text(&entry.content_type)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::exports::dapr::state::provider::DeleteItem;

    fn delete(key: &str) -> Operation {
        Operation::Delete(DeleteItem {
            key: key.to_owned(),
            etag: None,
            consistency: None,
            metadata: Vec::new(),
        })
    }

    fn some(text: &str) -> Reply {
        Reply::Bytes(Some(text.as_bytes().to_vec()))
    }

    #[test]
    fn the_script_says_which_condition_does_not_hold() {
        let operations = [delete("a"), delete("b")];
        assert!(done(Reply::Number(0), &operations).is_ok());
        let Err(Error::EtagMismatch(key)) = done(Reply::Number(2), &operations) else {
            panic!("it is a mismatch")
        };
        assert_eq!(key.as_deref(), Some("b"));
        assert!(matches!(
            done(Reply::Number(9), &operations),
            Err(Error::EtagMismatch(None))
        ));
        assert!(matches!(done(some("0"), &operations), Err(Error::Internal(_))));
        let full = Reply::Error("OOM command not allowed".to_owned());
        assert!(matches!(done(full, &operations), Err(Error::Unavailable(_))));
    }

    #[test]
    fn an_item_is_three_fields() {
        let item = Reply::List(vec![some("milk"), some("7"), Reply::Bytes(None)]);
        let found = entry(item).expect("it is an item").expect("it is there");
        assert_eq!(answer_size(&found), 5);
        assert!(matches!(
            entry(Reply::List(vec![some("milk")])),
            Err(Error::Internal(_))
        ));
        let wrong = Reply::Error("WRONGTYPE Operation against a key".to_owned());
        assert!(matches!(entry(wrong), Err(Error::Internal(_))));
    }

    #[test]
    fn a_scan_gives_keys_and_where_it_goes_on() {
        let reply = Reply::List(vec![some("17"), Reply::List(vec![some("a"), some("b")])]);
        let (next, keys) = scanned(reply).expect("it is a step of a scan");
        assert_eq!((next, keys), (b"17".to_vec(), vec![b"a".to_vec(), b"b".to_vec()]));
        assert!(scanned(Reply::List(vec![some("17")])).is_err());
    }
}
