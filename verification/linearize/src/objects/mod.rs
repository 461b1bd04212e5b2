//! Specifications of common objects.

pub mod lock;
pub mod register;
pub mod stack;
