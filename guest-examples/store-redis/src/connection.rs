//! A connection to the server.

use crate::{
    bindings::exports::dapr::state::provider::Error,
    layout,
    resp::{self, Reply},
    settings::Settings,
};
use std::io::{self, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;

/// Why there is no answer. The connection is of no use any more.
#[derive(Debug)]
pub enum Failure {
    /// Nothing was done.
    Unreached(Error),
    /// Nothing was done: somebody has removed the script that writes. A new connection brings it again.
    Forgotten,
    /// The server may have done it.
    Unanswered(io::Error),
}

/// What a read of it means to the app.
pub fn of_read(failure: Failure) -> Error {
    match failure {
        Failure::Unreached(error) => error,
        Failure::Forgotten => refused("NOSCRIPT"),
        Failure::Unanswered(error) => Error::Unavailable(format!("the connection to Redis broke: {error}")),
    }
}

/// What it means to the app for a write.
pub fn of_write(failure: Failure) -> Error {
    match failure {
        Failure::Unreached(error) => error,
        Failure::Forgotten => refused("NOSCRIPT"),
        Failure::Unanswered(error) => Error::OutcomeUnknown(format!("the connection to Redis broke: {error}")),
    }
}

/// A connection that is logged in.
pub struct Connection {
    stream: BufReader<TcpStream>,
    /// By which the server knows the script that writes.
    script: String,
}

impl Connection {
    /// Connects, logs in, and brings the script.
    pub fn open(settings: &Settings) -> Result<Self, Failure> {
        let stream = TcpStream::connect((settings.host.as_str(), settings.port)).map_err(unreached)?;
        let mut connection = Self {
            stream: BufReader::new(stream),
            script: String::new(),
        };
        if let Some(password) = &settings.password {
            let words = ["AUTH"]
                .into_iter()
                .chain(settings.username.as_deref())
                .chain([&**password]);
            connection.begin(&words.collect::<Vec<_>>())?;
        }
        connection.begin(&["SELECT", &settings.database.to_string()])?;
        match connection.begin(&["SCRIPT", "LOAD", layout::SCRIPT])? {
            Reply::Bytes(Some(script)) => connection.script = String::from_utf8_lossy(&script).into_owned(),
            other => return Err(Failure::Unreached(unexpected(&other))),
        }
        Ok(connection)
    }

    /// Does what comes before the first item.
    fn begin(&mut self, words: &[&str]) -> Result<Reply, Failure> {
        let mut out = Vec::new();
        resp::command(words.iter(), &mut out);
        self.stream.get_mut().write_all(&out).map_err(unreached)?;
        match resp::reply(&mut self.stream).map_err(unreached)? {
            Reply::Error(text) => Err(Failure::Unreached(refused(&text))),
            reply => Ok(reply),
        }
    }

    /// By which the server knows the script that writes.
    pub fn script(&self) -> &str {
        &self.script
    }

    /// Whether the server is still there: one that has gone in the meantime has closed the connection, and what is sent then
    /// would be neither done nor known not to be.
    pub fn is_alive(&self) -> bool {
        let read_at_once = |mut stream: &TcpStream| {
            stream.set_nonblocking(true)?;
            let read = stream.read(&mut [0]);
            stream.set_nonblocking(false)?;
            read
        };
        read_at_once(self.stream.get_ref()).is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    }

    /// Sends commands. A server does nothing of one that it has in part.
    pub fn send(&mut self, commands: &[u8]) -> Result<(), Failure> {
        self.stream.get_mut().write_all(commands).map_err(Failure::Unanswered)
    }

    /// Reads the next answer.
    pub fn receive(&mut self) -> Result<Reply, Failure> {
        match resp::reply(&mut self.stream).map_err(Failure::Unanswered)? {
            Reply::Error(text) if text.starts_with("NOSCRIPT") => Err(Failure::Forgotten),
            reply => Ok(reply),
        }
    }
}

/// The server cannot be reached, or the host does not let this store reach it.
fn unreached(error: io::Error) -> Failure {
    Failure::Unreached(match error.kind() {
        ErrorKind::PermissionDenied => {
            Error::Denied("the host does not let this store connect to Redis: its log says what would".to_owned())
        }
        _ => Error::Unavailable(format!("Redis cannot be reached: {error}")),
    })
}

/// What the server refused. It names nothing of the app's.
pub fn refused(text: &str) -> Error {
    match text.split(' ').next().unwrap_or_default() {
        "NOAUTH" | "WRONGPASS" | "NOPERM" => Error::Denied("Redis does not accept the user or the password".to_owned()),
        "OOM" => Error::Unavailable("Redis has no memory left".to_owned()),
        "LOADING" | "BUSY" | "MASTERDOWN" | "READONLY" | "CLUSTERDOWN" | "TRYAGAIN" | "NOSCRIPT" | "MISCONF" => {
            Error::Unavailable("Redis cannot do it at the moment".to_owned())
        }
        _ => Error::Internal(format!("Redis answered: {text}")),
    }
}

/// The server answered something else than it should.
pub fn unexpected(reply: &Reply) -> Error {
    match reply {
        Reply::Error(text) => refused(text),
        other => {
            let kind = match other {
                Reply::Status(_) => "a status",
                Reply::Number(_) => "a number",
                Reply::Bytes(_) => "bytes",
                _ => "a list",
            };
            Error::Internal(format!("Redis answered with {kind} where it should not"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_redis_refuses_is_what_an_app_can_act_on() {
        assert!(matches!(
            refused("WRONGPASS invalid username-password pair"),
            Error::Denied(_)
        ));
        assert!(matches!(refused("OOM command not allowed"), Error::Unavailable(_)));
        assert!(matches!(refused("NOSCRIPT No matching script."), Error::Unavailable(_)));
        assert!(matches!(
            refused("WRONGTYPE Operation against a key"),
            Error::Internal(_)
        ));
    }

    #[test]
    fn a_write_without_an_answer_may_have_been_done_and_a_read_has_only_failed() {
        let broke = || Failure::Unanswered(ErrorKind::UnexpectedEof.into());
        assert!(matches!(of_write(broke()), Error::OutcomeUnknown(_)));
        assert!(matches!(of_read(broke()), Error::Unavailable(_)));
        let unreached = unreached(ErrorKind::ConnectionRefused.into());
        assert!(matches!(of_write(unreached), Error::Unavailable(_)));
    }
}
