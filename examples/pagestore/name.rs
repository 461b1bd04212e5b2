//! Names of files: the bytes of a relative path, with `/` between its parts.

use std::path::Path;
use std::sync::Arc;

use crate::failure::{Failure, Result};

/// A name as bytes, so that none is lost that isn't text; shared by all who know it.
pub(crate) type Name = Arc<[u8]>;

/// The name of a path below the input.
#[cfg(unix)]
#[allow(clippy::unnecessary_wraps, reason = "elsewhere a name may be no text")]
pub(crate) fn of(relative: &Path) -> Result<Name> {
    use std::os::unix::ffi::OsStrExt;
    Ok(relative.as_os_str().as_bytes().into())
}

/// The name of a path below the input.
#[cfg(not(unix))]
pub(crate) fn of(relative: &Path) -> Result<Name> {
    let parts: Option<Vec<_>> = relative.iter().map(|part| part.to_str()).collect();
    let parts = parts.ok_or_else(|| {
        Failure::new(format!("the name of {} is no text", relative.display()), "rename the file")
    })?;
    Ok(parts.join("/").into_bytes().into())
}

/// What a name given as an argument stands for.
pub(crate) fn from_argument(argument: &std::ffi::OsStr) -> Result<Name> {
    let name = of(Path::new(argument))?;
    if name.is_empty() {
        return Err(Failure::new("the name is empty", "`pagestore list` shows the names"));
    }
    Ok(name)
}

/// A name on one line of text, different for different names: text as it is, all that would break
/// the line or isn't text escaped.
pub(crate) fn show(name: &[u8]) -> String {
    match std::str::from_utf8(name) {
        Ok(text) if !text.chars().any(|c| c.is_control() || c == '\\') => text.to_owned(),
        _ => name.escape_ascii().to_string(),
    }
}
