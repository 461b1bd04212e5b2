//! Pages and files for tests.

use std::path::Path;

use latchwork_ringpal::{AlignedBuf, Alignment, File, PageRead, PageWrite, Policy, Ring};

pub(crate) const PAGE: usize = 4096;

/// A page that tells its number and its generation.
pub(crate) fn page(number: u64, generation: u8) -> AlignedBuf {
    let mut page = AlignedBuf::zeroed(PAGE, Alignment::PAGE).unwrap();
    for (at, byte) in page.iter_mut().enumerate() {
        *byte = (number as u8).wrapping_mul(31) ^ generation ^ at as u8;
    }
    page
}

/// A file at `path`; direct where the file system allows it.
pub(crate) fn file(path: &Path, direct: bool, policy: Policy) -> File {
    let options = File::options().read(true).write(true).create(true);
    let file = options.clone().direct(direct).open(path).or_else(|_| options.open(path));
    file.unwrap().with_policy(policy)
}

pub(crate) fn write_and_read_back(
    ring: &Ring,
    file: &File,
    first: u64,
    count: u64,
    generation: u8,
) {
    let numbers = first..first + count;
    let contents: Vec<_> = numbers.clone().map(|number| page(number, generation)).collect();
    let writes: Vec<_> = numbers
        .clone()
        .zip(&contents)
        .map(|(number, data)| PageWrite { offset: number * PAGE as u64, data })
        .collect();
    ring.commit(file, &writes).unwrap();
    let mut back: Vec<_> = numbers.clone().map(|number| page(number, !generation)).collect();
    let mut reads: Vec<_> = numbers
        .zip(&mut back)
        .map(|(number, data)| PageRead { offset: number * PAGE as u64, data })
        .collect();
    ring.read_pages(file, &mut reads).unwrap();
    for (written, read) in contents.iter().zip(&back) {
        assert!(written[..] == read[..]);
    }
}
