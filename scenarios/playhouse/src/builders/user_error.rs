//! Errors that a scenario's own functions return: they take any error with `?`.

use std::error::Error;
use std::fmt;

macro_rules! user_error {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// Like anyhow's error it does not implement [`Error`], so that `?` takes any error.
        #[derive(Debug)]
        pub struct $name(Box<dyn Error + Send + Sync>);

        impl $name {
            /// Makes an error of a text: lower case, no full stop, names in backticks.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into().into())
            }
        }

        impl<E: Error + Send + Sync + 'static> From<E> for $name {
            fn from(error: E) -> Self {
                Self(Box::new(error))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_causes(self.0.as_ref(), f)
            }
        }
    };
}

user_error! {
    /// Why the cases of an input folder cannot be read; the text should name the path.
    InputError
}
user_error! {
    /// Why a conversation has no result; the text should say what is missing.
    ResultError
}

/// Writes an error and its causes, from the outside in.
fn write_causes(error: &(dyn Error + 'static), f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "{error}")?;
    let mut cause = error.source();
    while let Some(source) = cause {
        write!(f, ": {source}")?;
        cause = source.source();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::InputError;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot read `a.json`")]
    struct Outer(#[source] std::num::ParseIntError);

    #[test]
    fn an_error_prints_with_its_causes() {
        let error = InputError::from(Outer("x".parse::<u8>().unwrap_err()));
        assert_eq!(error.to_string(), "cannot read `a.json`: invalid digit found in string");
    }
}
