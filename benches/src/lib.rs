//! Criterion helpers.
