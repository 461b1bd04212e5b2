//! Two classic structures, written once over the traits and running on every scheme: to be used,
//! and to be read as examples of what a scheme asks of a structure.
//!
//! | structure | from | what it shows |
//! | --- | --- | --- |
//! | [`Queue`] | Michael and Scott, 1996 | two roots, a link that is followed out of the first object |
//! | [`List`] | Harris, 2001; Michael, 2002 | a traversal with two shields, marks in the tag bits |
//!
//! Every method takes a guard of the structure's domain, and panics when given another's.

mod list;
mod queue;

pub use list::List;
pub use queue::Queue;

/// Panics unless the guard is of the structure's domain: another's protects nothing.
#[inline(always)]
fn check<S: crate::Scheme, G>(domain: &S, guard: &G)
where
    G: crate::Guard<Scheme = S, Header = S::Header>,
{
    if !guard.guards(domain) {
        wrong_domain();
    }
}

#[cold]
#[inline(never)]
fn wrong_domain() -> ! {
    panic!("the guard is of another domain than the structure: take one of its `domain()`");
}
