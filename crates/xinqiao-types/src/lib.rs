//! The vocabulary of Xinqiao: identifiers, units, time, chance, secrets.
