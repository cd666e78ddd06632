//! A secret in every place, and everything that the host says.
