//! The typed files: what each accepts, and that each does what its kind says.
#![cfg(all(target_os = "linux", not(any(latchwork_loom, latchwork_shuttle))))]

use latchwork_ringpal::{
    AccessKind, AlignedBuf, Alignment, BufferedFile, DirectFile, DirectSyncFile, MappedFile, Ring,
    WriteThroughFile,
};
use std::os::fd::AsRawFd;

fn directory() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

fn flags(file: &std::fs::File) -> libc::c_int {
    // SAFETY: asks for flags; touches no memory.
    unsafe { libc::fcntl(file.as_raw_fd(), libc::F_GETFL) }
}

#[test]
fn each_type_has_the_flags_it_says() {
    let path = directory().keep().join("flags");
    std::fs::write(&path, [0; 8192]).unwrap();
    let buffered = BufferedFile::options().read(true).write(true).open(&path).unwrap();
    assert_eq!(flags(buffered.as_std()) & (libc::O_DIRECT | libc::O_DSYNC), 0);
    assert_eq!(buffered.block(), Alignment::BYTE);
    let through = WriteThroughFile::options().read(true).write(true).open(&path).unwrap();
    assert_eq!(flags(through.as_std()) & (libc::O_DIRECT | libc::O_DSYNC), libc::O_DSYNC);
    match DirectFile::options().read(true).write(true).open(&path) {
        Ok(direct) => {
            assert_eq!(flags(direct.as_std()) & libc::O_DIRECT, libc::O_DIRECT);
            assert!(direct.is_direct());
            assert!(direct.block().bytes() >= 512);
            let journal = DirectSyncFile::options().write(true).open(&path).unwrap();
            let both = libc::O_DIRECT | libc::O_DSYNC;
            assert_eq!(flags(journal.as_std()) & both, both);
        }
        Err(error) => println!("skipped: no direct I/O here: {error}"),
    }
    assert!(AccessKind::DirectSync.to_string().contains("O_DIRECT | O_DSYNC"));
    assert!(BufferedFile::options().to_string().contains("page cache"));
    std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
}

#[test]
fn misaligned_pages_are_named_before_the_system_sees_them() {
    let directory = directory();
    let options = DirectFile::options().read(true).write(true).create(true).preallocate(1 << 16);
    let file = match options.open(directory.path().join("aligned")) {
        Ok(file) => file,
        Err(error) => return println!("skipped: no direct I/O here: {error}"),
    };
    let mut page = AlignedBuf::zeroed(4096, Alignment::PAGE).unwrap();
    assert_eq!(file.page_write(1, &page).unwrap_err().what(), "offset");
    assert_eq!(file.page_write(0, &page[..100]).unwrap_err().what(), "length");
    assert_eq!(file.page_write(0, &page[1..]).unwrap_err().what(), "length");
    let odd = AlignedBuf::zeroed(8192, Alignment::PAGE).unwrap();
    let misaligned = file.page_read(0, &mut page[..]).map(drop);
    assert_eq!(misaligned, Ok(()));
    let error = file.page_write(0, &odd[1..4097]).unwrap_err();
    assert_eq!((error.what(), error.block()), ("address", file.block()));
    let ring = Ring::new().unwrap();
    ring.commit(&file, &[file.page_write(4096, &page).unwrap()]).unwrap();
    assert_eq!(file.as_std().metadata().unwrap().len(), 1 << 16);
}

#[test]
fn a_map_shows_buffered_writes_and_ends_with_its_file() {
    let directory = directory();
    let path = directory.path().join("mapped");
    let file = BufferedFile::options().read(true).write(true).create(true).preallocate(10_000);
    let file = file.open(&path).unwrap();
    let ring = Ring::new().unwrap();
    let map = MappedFile::open(&path).unwrap();
    assert_eq!((map.len(), map.is_empty()), (10_000, false));
    let data: Vec<u8> = (0..5_000_u32).map(|at| at as u8).collect();
    ring.write_pages(&file, &[file.page_write(4_999, &data).unwrap()]).unwrap();
    let mut seen = vec![0xee; 6_000];
    assert_eq!(map.read_at(4_999, &mut seen), 5_001);
    assert_eq!(seen[..5_000], data);
    assert_eq!((seen[5_000], seen[5_001]), (0, 0xee));
    assert_eq!(map.read_at(10_000, &mut seen), 0);
    assert_eq!(map.read_at(usize::MAX, &mut seen), 0);
    let nothing = directory.path().join("empty");
    std::fs::write(&nothing, []).unwrap();
    assert!(MappedFile::open(&nothing).unwrap().is_empty());
}
