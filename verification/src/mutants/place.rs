//! What a reader sees at a site: the function it is in, and the statement. Lines move with every
//! edit above them; these don't.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::Context as _;
use proc_macro2::{Delimiter, TokenStream, TokenTree};

use super::site::Site;

/// The sources of the workspace, each read and parsed once.
#[derive(Debug)]
pub(crate) struct Sources {
    root: PathBuf,
    files: RefCell<HashMap<String, Rc<File>>>,
}

impl Sources {
    /// Those below a root.
    pub(crate) fn below(root: &Path) -> Self {
        Self { root: root.to_owned(), files: RefCell::default() }
    }

    /// What stands at a site.
    ///
    /// # Errors
    ///
    /// When the file can't be read.
    pub(crate) fn place(&self, site: &Site) -> anyhow::Result<Place> {
        Ok(self.file(&site.file)?.place(site.line))
    }

    fn file(&self, name: &str) -> anyhow::Result<Rc<File>> {
        if let Some(file) = self.files.borrow().get(name) {
            return Ok(Rc::clone(file));
        }
        let path = self.root.join(name);
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("can't read {}", path.display()))?;
        let file = Rc::new(File::new(&text));
        self.files.borrow_mut().insert(name.to_owned(), Rc::clone(&file));
        Ok(file)
    }
}

/// A function's name, and the first and last line of its body.
#[derive(Debug)]
struct Function {
    name: String,
    first: usize,
    last: usize,
}

#[derive(Debug)]
struct File {
    /// Without comments.
    lines: Vec<String>,
    /// Outer ones before those inside them.
    functions: Vec<Function>,
}

/// What stands at a site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The innermost function around it; empty outside of any.
    pub(crate) function: String,
    /// The statement, without white space.
    statement: String,
}

impl Place {
    /// Whether this is the place that a file's entry means.
    pub(crate) fn is(&self, function: &str, snippet: &str) -> bool {
        self.function == function && self.statement.contains(&without_space(snippet))
    }
}

impl File {
    fn new(text: &str) -> Self {
        let mut functions = Vec::new();
        if let Ok(tokens) = text.parse() {
            find_functions(tokens, &mut functions);
        }
        let without_comment = |line: &str| line.split("//").next().unwrap_or("").to_owned();
        Self { lines: text.lines().map(without_comment).collect(), functions }
    }

    fn place(&self, line: usize) -> Place {
        let around = |function: &&Function| function.first <= line && line <= function.last;
        let function = self.functions.iter().rfind(around);
        Place {
            function: function.map(|function| function.name.clone()).unwrap_or_default(),
            statement: self.statement(line),
        }
    }

    /// The lines around one, from behind the line that ends the statement before to the one that
    /// ends this.
    fn statement(&self, line: usize) -> String {
        let ends = |line: &String| line.trim_end().ends_with([';', '{', '}']);
        let at = line.saturating_sub(1).min(self.lines.len().saturating_sub(1));
        let start = self.lines[..at].iter().rposition(ends).map_or(0, |line| line + 1);
        let end = self.lines[at..].iter().position(ends).map_or(at, |further| at + further);
        without_space(&self.lines[start..=end].concat())
    }
}

fn without_space(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

fn find_functions(tokens: TokenStream, functions: &mut Vec<Function>) {
    let mut name = None;
    let mut is_name = false;
    for token in tokens {
        match token {
            TokenTree::Ident(word) if is_name => {
                name = Some(word.to_string());
                is_name = false;
            }
            TokenTree::Ident(word) => is_name = word == "fn",
            TokenTree::Group(group) => {
                if group.delimiter() == Delimiter::Brace
                    && let Some(name) = name.take()
                {
                    let first = group.span_open().start().line;
                    functions.push(Function { name, first, last: group.span_close().end().line });
                }
                find_functions(group.stream(), functions);
            }
            TokenTree::Punct(punct) if punct.as_char() == ';' => name = None,
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "impl S {\n    fn pop(&self) {\n        let a = 1;\n        match self\n            .head\n            .load(Acquire) // why\n        {\n            _ => {}\n        }\n    }\n}\n";

    #[test]
    fn a_place_is_its_function_and_its_statement() {
        let place = File::new(TEXT).place(6);
        assert_eq!(place.function, "pop");
        assert_eq!(place.statement, "matchself.head.load(Acquire){");
        assert!(place.is("pop", "self.head.load(Acquire)"));
        assert!(!place.is("push", "self.head.load(Acquire)"));
        assert!(!place.is("pop", "let a"));
    }

    #[test]
    fn the_innermost_function_counts() {
        let file =
            File::new("fn outer() {\n  fn inner() {\n    a();\n  }\n  b();\n}\nconst C: u8 = 1;");
        let names: Vec<_> = [3, 5, 7].map(|line| file.place(line).function).into();
        assert_eq!(names, ["inner", "outer", ""]);
    }
}
