//! Models.

fn main() {}
