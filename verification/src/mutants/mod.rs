//! Mutants: each site of an algorithm is weakened by one step, and some model must fail for it.
//!
//! What a site is, and what can happen to one, `latchwork_sync::model::site` says. A listing run
//! of each model tells which sites it reaches ([`site`]); the source tells which there are
//! ([`listed`]); a hunt runs each mutant through the models that reach it, until one fails
//! ([`hunt`]); what no model can find is excused by an argument in a file ([`equivalents`]).
//!
//! Two memories make a hunt short: which sites each model reaches, for as long as the program
//! stays the same ([`listing`]), and which model killed which mutant ([`killers`]).

pub(crate) mod equivalents;
pub(crate) mod hunt;
pub(crate) mod killers;
pub(crate) mod listed;
pub(crate) mod listing;
pub(crate) mod place;
pub(crate) mod site;
