//! Rust source as tokens: comments and strings can't be mistaken for code, and what a
//! configuration leaves out is left out.

use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use anyhow::{Context as _, anyhow};
use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// A configuration: whether a plain name (`test`) or a pair (`feature = "std"`) is set.
pub(crate) type Cfg = fn(name: &str, value: Option<&str>) -> bool;

/// The `.rs` files below a directory, sorted; none if there is no such directory.
///
/// # Errors
///
/// When a directory can't be read.
pub(crate) fn files_below(directory: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    if !directory.is_dir() {
        return Ok(files);
    }
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(files_below(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// The tokens of a file that a configuration keeps.
///
/// # Errors
///
/// When it can't be read or is no Rust.
pub(crate) fn tokens_of(path: &Path, cfg: Cfg) -> anyhow::Result<Vec<TokenTree>> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("can't read {}", path.display()))?;
    tokens(&text, cfg).with_context(|| path.display().to_string())
}

/// The tokens of a text that a configuration keeps.
///
/// # Errors
///
/// When it is no Rust.
pub(crate) fn tokens(text: &str, cfg: Cfg) -> anyhow::Result<Vec<TokenTree>> {
    let stream = TokenStream::from_str(text).map_err(|error| anyhow!("not Rust: {error}"))?;
    Ok(configured(stream, cfg))
}

/// The tokens of one level, without the items whose `#[cfg(…)]` is false. Groups are left as
/// they are: whoever descends into one configures it then.
pub(crate) fn configured(stream: TokenStream, cfg: Cfg) -> Vec<TokenTree> {
    let all: Vec<_> = stream.into_iter().collect();
    let mut kept = Vec::with_capacity(all.len());
    let mut at = 0;
    while at < all.len() {
        match condition(&all[at..]) {
            Some((inner, condition, length)) if !holds(&condition, cfg) => {
                if inner {
                    return kept;
                }
                at = end_of_item(&all, at + length);
            }
            _ => {
                kept.push(all[at].clone());
                at += 1;
            }
        }
    }
    kept
}

/// At a `#[cfg(…)]` or `#![cfg(…)]`: whether it is an inner one, its condition, its length.
fn condition(tokens: &[TokenTree]) -> Option<(bool, Vec<TokenTree>, usize)> {
    let punct = |token: Option<&TokenTree>, c: char| matches!(token, Some(TokenTree::Punct(p)) if p.as_char() == c);
    if !punct(tokens.first(), '#') {
        return None;
    }
    let inner = punct(tokens.get(1), '!');
    let place = 1 + usize::from(inner);
    let Some(TokenTree::Group(group)) = tokens.get(place) else { return None };
    let mut attribute = group.stream().into_iter();
    match (attribute.next(), attribute.next()) {
        (Some(TokenTree::Ident(name)), Some(TokenTree::Group(group))) if name == "cfg" => {
            Some((inner, group.stream().into_iter().collect(), place + 1))
        }
        _ => None,
    }
}

fn holds(condition: &[TokenTree], cfg: Cfg) -> bool {
    match condition {
        [TokenTree::Ident(name), TokenTree::Group(group), ..] => {
            let inside: Vec<_> = group.stream().into_iter().collect();
            let mut parts = inside
                .split(|token| matches!(token, TokenTree::Punct(p) if p.as_char() == ','))
                .filter(|part| !part.is_empty())
                .map(|part| holds(part, cfg));
            match name.to_string().as_str() {
                "all" => parts.all(|part| part),
                "any" => parts.any(|part| part),
                "not" => !parts.next().unwrap_or(false),
                _ => true,
            }
        }
        [TokenTree::Ident(name), TokenTree::Punct(_), TokenTree::Literal(value), ..] => {
            cfg(&name.to_string(), Some(value.to_string().trim_matches('"')))
        }
        [TokenTree::Ident(name), ..] => cfg(&name.to_string(), None),
        _ => true,
    }
}

/// Where the item that starts at `at` ends: behind its first braces or semicolon, or, where it
/// is a field, a variant or a match arm, behind its comma.
fn end_of_item(all: &[TokenTree], mut at: usize) -> usize {
    const KEYWORDS: [&str; 15] = [
        "async",
        "const",
        "enum",
        "extern",
        "fn",
        "impl",
        "macro_rules",
        "mod",
        "pub",
        "static",
        "struct",
        "trait",
        "type",
        "unsafe",
        "use",
    ];
    // Further attributes belong to it.
    while let (Some(TokenTree::Punct(hash)), Some(TokenTree::Group(_))) =
        (all.get(at), all.get(at + 1))
    {
        if hash.as_char() != '#' {
            break;
        }
        at += 2;
    }
    let is_item = matches!(
        all.get(at),
        Some(TokenTree::Ident(word)) if KEYWORDS.contains(&word.to_string().as_str())
    );
    while let Some(token) = all.get(at) {
        at += 1;
        match token {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => return at,
            TokenTree::Punct(punct) if punct.as_char() == ';' => return at,
            TokenTree::Punct(punct) if punct.as_char() == ',' && !is_item => return at,
            _ => {}
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(text: &str) -> String {
        let cfg: Cfg = |name, value| name != "test" && value != Some("no");
        tokens(text, cfg).unwrap().into_iter().collect::<TokenStream>().to_string()
    }

    #[test]
    fn items_that_are_configured_away_are_left_out() {
        assert_eq!(kept("#[cfg(test)] mod tests { a } b"), "b");
        assert_eq!(kept("#[cfg(not(test))] c; b"), "# [cfg (not (test))] c ; b");
        assert_eq!(kept("#[cfg(any(test, feature = \"no\"))] #[x] pub fn f<A, B>() {} b"), "b");
        assert_eq!(kept("#[cfg(test)] field: u8, b"), "b");
        assert_eq!(kept("a #![cfg(test)] b"), "a");
    }

    #[test]
    fn comments_and_strings_are_no_code() {
        assert_eq!(kept("/* #[cfg(test)] */ \"fn\""), "\"fn\"");
    }
}
