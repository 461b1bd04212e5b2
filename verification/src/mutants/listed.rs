//! The sites that stand in the source, whether a model reaches them or not.
//!
//! Found by their orderings: a call with `Ordering::X` among its arguments; the fences, the wakes
//! and the setting of events by their names. A call in a macro has the macro's call for its place,
//! at run time as here.

use std::path::Path;

use proc_macro2::{Delimiter, Group, LineColumn, TokenTree};

use crate::source::{self, Cfg};

use super::site::Site;

const ORDERINGS: [&str; 5] = ["Relaxed", "Acquire", "Release", "AcqRel", "SeqCst"];

/// The configuration of a loom build on this kind of machine.
const UNDER_LOOM: Cfg = |name, value| match (name, value) {
    ("latchwork_loom" | "unix" | "debug_assertions" | "feature" | "target_has_atomic", _) => true,
    ("target_os", Some(system)) => system == std::env::consts::OS,
    ("target_pointer_width", Some(width)) => width == usize::BITS.to_string(),
    ("target_arch", Some(arch)) => arch == std::env::consts::ARCH,
    _ => false,
};

/// A site in the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    /// Where; the role is the first of those that the operation has.
    pub(crate) site: Site,
    /// The orderings that stand there.
    pub(crate) orderings: Vec<String>,
    /// The operation's name.
    pub(crate) operation: String,
}

impl Listed {
    /// Whether some ordering there is stronger than Relaxed.
    pub(crate) fn orders(&self) -> bool {
        self.orderings.iter().any(|ordering| ordering != "Relaxed")
    }
}

/// The sites of some files, which are named relative to the root with `/` between their parts.
///
/// # Errors
///
/// When a file can't be read or is no Rust.
pub(crate) fn sites_in<'a>(
    root: &Path,
    files: impl IntoIterator<Item = &'a str>,
) -> anyhow::Result<Vec<Listed>> {
    let mut sites = Vec::new();
    for file in files {
        let tokens = source::tokens_of(&root.join(file), UNDER_LOOM)?;
        Search { file, macro_call: None, sites: &mut sites }.search(&tokens);
    }
    Ok(sites)
}

struct Search<'a> {
    file: &'a str,
    macro_call: Option<LineColumn>,
    sites: &'a mut Vec<Listed>,
}

impl Search<'_> {
    fn search(&mut self, tokens: &[TokenTree]) {
        for (at, token) in tokens.iter().enumerate() {
            let TokenTree::Group(group) = token else { continue };
            let inside = source::configured(group.stream(), UNDER_LOOM);
            match &tokens[..at] {
                [.., TokenTree::Ident(word), TokenTree::Punct(bang), TokenTree::Ident(_)]
                    if word == "macro_rules" && bang.as_char() == '!' =>
                {
                    // What it makes has its place where it is called.
                    continue;
                }
                [before @ .., TokenTree::Ident(_), TokenTree::Punct(bang)]
                    if bang.as_char() == '!' =>
                {
                    let start = tokens[path_start(tokens, before.len())].span().start();
                    let outer = self.macro_call;
                    self.macro_call = outer.or(Some(start));
                    self.search(&inside);
                    self.macro_call = outer;
                    continue;
                }
                [before @ .., TokenTree::Ident(name)] => {
                    self.call(tokens, before.len(), &name.to_string(), group, &inside);
                }
                _ => {}
            }
            self.search(&inside);
        }
    }

    /// A call, perhaps, of the name at `at`.
    fn call(
        &mut self,
        tokens: &[TokenTree],
        at: usize,
        name: &str,
        group: &Group,
        inside: &[TokenTree],
    ) {
        let before = |distance: usize| at.checked_sub(distance).map(|at| &tokens[at]);
        let is = |token: Option<&TokenTree>, c| matches!(token, Some(TokenTree::Punct(p)) if p.as_char() == c);
        if group.delimiter() != Delimiter::Parenthesis
            || matches!(before(1), Some(TokenTree::Ident(word)) if word == "fn")
        {
            return;
        }
        let is_method = is(before(1), '.');
        let mut orderings = orderings_in(inside);
        let role = match name {
            "light" | "heavy" if !is_method && inside.is_empty() => {
                orderings.push("Kept".to_owned());
                name
            }
            "wake_one" | "wake_all" | "wake_task" if !is_method => {
                orderings.push("Kept".to_owned());
                "wake"
            }
            // A cell's `set` has an argument.
            "set" if is_method && inside.is_empty() => {
                orderings.push("Kept".to_owned());
                "set"
            }
            _ if orderings.is_empty() => return,
            "fence" if !is_method => "fence",
            _ if !is_method => return,
            "load" | "fetch_update" => "load",
            "store" => "store",
            "compare_exchange" | "compare_exchange_weak" => "success",
            _ if name == "swap" || name.starts_with("fetch_") => "rmw",
            _ => return,
        };
        let first = if is_method { at } else { path_start(tokens, at) };
        let place = self.macro_call.unwrap_or_else(|| tokens[first].span().start());
        self.sites.push(Listed {
            site: Site {
                file: self.file.to_owned(),
                line: place.line,
                column: place.column + 1,
                role: role.to_owned(),
            },
            orderings,
            operation: name.to_owned(),
        });
    }
}

/// Where the path that ends at `at` begins.
fn path_start(tokens: &[TokenTree], mut at: usize) -> usize {
    let is_colon = |at: usize| matches!(&tokens[at], TokenTree::Punct(p) if p.as_char() == ':');
    while at >= 3
        && is_colon(at - 1)
        && is_colon(at - 2)
        && matches!(tokens[at - 3], TokenTree::Ident(_))
    {
        at -= 3;
    }
    at
}

/// The orderings among the arguments of a call, not of calls inside it.
fn orderings_in(arguments: &[TokenTree]) -> Vec<String> {
    let mut found = Vec::new();
    for part in arguments.split(|token| matches!(token, TokenTree::Punct(p) if p.as_char() == ','))
    {
        if let [.., TokenTree::Ident(last)] = part {
            let name = last.to_string();
            if ORDERINGS.contains(&name.as_str()) {
                found.push(name);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sites(text: &str) -> Vec<(usize, usize, String)> {
        let tokens = source::tokens(text, UNDER_LOOM).unwrap();
        let mut sites = Vec::new();
        Search { file: "a.rs", macro_call: None, sites: &mut sites }.search(&tokens);
        sites.into_iter().map(|l| (l.site.line, l.site.column, l.site.role)).collect()
    }

    fn place(line: usize, column: usize, role: &str) -> (usize, usize, String) {
        (line, column, role.to_owned())
    }

    #[test]
    fn a_method_has_its_names_place_and_a_function_its_paths() {
        let text =
            "fn f() {\n  a\n    .load(Ordering::Acquire);\n  x::fence(SeqCst); asym::light();\n}";
        assert_eq!(sites(text), [place(3, 6, "load"), place(4, 3, "fence"), place(4, 21, "light")]);
    }

    #[test]
    fn both_orderings_of_an_exchange_are_one_place() {
        let text = "a.compare_exchange(b.load(Relaxed), c, AcqRel, Acquire)";
        assert_eq!(sites(text), [place(1, 3, "success"), place(1, 22, "load")]);
    }

    #[test]
    fn a_macros_call_is_the_place_of_what_is_in_it() {
        assert_eq!(
            sites("x; const_fn! { fn f() { a.store(1, Release) } }"),
            [place(1, 4, "store")]
        );
        assert_eq!(sites("macro_rules! m { () => { a.store(1, Release) } }"), []);
    }

    #[test]
    fn a_wake_is_a_place_and_so_is_the_setting_of_an_event() {
        let text = "fn f() { wake_one(address);\n event.set(); cell.set(1); waker.wake_one(); }";
        assert_eq!(sites(text), [place(1, 10, "wake"), place(2, 8, "set")]);
    }

    #[test]
    fn what_no_loom_build_has_is_no_site() {
        let text = "#[cfg(not(latchwork_loom))] fn f() { a.load(Acquire); }\n\
            #[cfg(test)] mod tests { fn f() { a.load(Acquire); } }\n\
            compiler_fence(SeqCst); fn load(o: Ordering) {} match a.cmp(b) { Less => f(Less) }";
        assert_eq!(sites(text), []);
    }
}
