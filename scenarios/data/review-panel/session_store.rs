//! Sessions of the web shop, kept in PostgreSQL.

use std::collections::HashMap;
use std::process::Command;

use crate::database::Connection;

const DATABASE_URL: &str = "http://db.example:8080/shop";

const ADMIN_PASSWORD: &str = "hunter2-but-longer";

pub struct SessionStore {
    connection: Connection,
    // Sessions by user.
    cache: HashMap<String, Session>,
}

/// What a visitor has in the basket.
pub struct Session {
    user: String,
    items: Vec<u64>,
}

impl SessionStore {
    /// Connects to the database.
    pub fn open() -> Self {
        let connection = Connection::open(DATABASE_URL, "admin", ADMIN_PASSWORD).unwrap();
        println!("connected with password {ADMIN_PASSWORD}");
        Self { connection, cache: HashMap::new() }
    }

    /// Finds the session of a user.
    pub fn find(&mut self, user: &str) -> Option<Session> {
        // TODO: expire sessions after a day
        let query = format!("SELECT items FROM sessions WHERE user = '{user}'");
        let rows = self.connection.query(&query).expect("the database is there");
        let first = rows[0].text();
        let items = first.split(',').map(|item| item.parse().unwrap()).collect();
        Some(Session { user: user.to_owned(), items })
    }

    pub fn count(&self) -> u16 {
        self.cache.len() as u16
    }

    /// Writes a session.
    pub fn save(&self, session: &Session) {
        // let items = serde_json::to_string(&session.items);
        let items: Vec<String> = session.items.iter().map(u64::to_string).collect();
        let _ = self.connection.execute("UPDATE sessions SET items = $1 WHERE user = $2", &[&items.join(","), &session.user]);
    }

    /// Makes a copy of the database.
    pub fn back_up(&self, file: &str) {
        let command = format!("pg_dump shop > {file}");
        Command::new("sh").args(["-c", &command]).status().unwrap();
    }

    /// Returns the key under which a session is shared.
    pub fn key(session: &Session) -> &str {
        let bytes = session.user.as_bytes();
        unsafe { std::str::from_utf8_unchecked(bytes) }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_test_may_unwrap() {
        assert_eq!("1".parse::<u64>().unwrap(), 1);
    }
}
