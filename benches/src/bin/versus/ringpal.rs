//! `ringpal` against its peers.

mod instructions;
mod registered;
mod runtimes;
mod scheduler;

use std::fs::OpenOptions;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use io_uring::{IoUring, opcode, types};
use latchwork_benches::{Contender, Stopwatch, Versus, process_cpu, wall};
use latchwork_ringpal::{
    AlignedBuf, Alignment, BackendChoice, Drive, File, PageWrite, Policy, Ring,
};

const GROUP: &str = "ringpal";
const PAGE: usize = 4096;
const BATCH: usize = 32;
/// Pages of the file that is written to: 64 MiB.
const PAGES: u64 = 16_384;

/// The rows of this crate.
pub(crate) fn rows(versus: &mut Versus) {
    instructions::answer();
    if versus.wants(GROUP, "instr_32") {
        instructions::row(versus);
    }
    let wanted = |names: &[&str]| names.iter().filter(|name| versus.wants(GROUP, name)).count() > 0;
    let nops = wanted(&["nop_32", "nop_1"]);
    let files = wanted(&[
        "direct_32",
        "buffered_auto",
        "direct_auto_p99",
        "commit_32",
        "registered_32",
        "owned_read",
    ]);
    if !(nops || files) {
        return;
    }
    let ring = match Ring::builder().backend(BackendChoice::IoUring).build() {
        Ok(ring) => ring,
        Err(reason) => return println!("{GROUP} skipped: {reason}"),
    };
    if nops {
        nop(versus, &ring, "nop_32", BATCH);
        nop(versus, &ring, "nop_1", 1);
    }
    if files {
        match Scratch::new() {
            Ok(scratch) => file_rows(versus, &ring, &scratch),
            Err(error) => println!("{GROUP} files skipped: {error}"),
        }
    }
}

fn nop(versus: &mut Versus, ring: &Ring, row: &str, batch: usize) {
    if !versus.wants(GROUP, row) {
        return;
    }
    let batches = versus.sized(320_000, 3_200) / batch;
    let operations = (batches * batch) as u64;
    let ours = || {
        let watch = Stopwatch::start(process_cpu);
        for _ in 0..batches {
            ring.nop(batch).expect("a ring at work");
        }
        watch.per(operations)
    };
    let mut raw = IoUring::new(256).expect("the ring above was allowed");
    let peer = Contender::new("io-uring", move || {
        let watch = Stopwatch::start(process_cpu);
        (0..batches).for_each(|_| raw_nops(&mut raw, batch));
        watch.per(operations)
    });
    let mut peers = vec![peer];
    peers.extend(scheduler::nops(row, batches, batch));
    peers.extend(runtimes::nops(batches, batch));
    versus.compare((GROUP, row, "ns cpu/op"), 11, ours, peers);
}

fn raw_nops(ring: &mut IoUring, batch: usize) {
    for _ in 0..batch {
        // SAFETY: no memory.
        unsafe { ring.submission().push(&opcode::Nop::new().build()) }.expect("room");
    }
    reap(ring, batch);
}

/// Submits, and waits for so many completions.
fn reap(ring: &mut IoUring, mut left: usize) {
    while left > 0 {
        ring.submit_and_wait(left).expect("no signals here");
        for entry in ring.completion() {
            assert!(entry.result() >= 0, "code {}", -entry.result());
            left -= 1;
        }
    }
}

/// A file on the disk of the build, opened in both ways, and a page to write.
struct Scratch {
    path: PathBuf,
    direct: File,
    buffered: File,
    page: AlignedBuf,
}

impl Scratch {
    fn new() -> std::io::Result<Self> {
        let path = std::env::current_exe()?.with_file_name("versus-ringpal.pages");
        let filler = vec![1; 1 << 20];
        let file = OpenOptions::new().write(true).create(true).truncate(true).open(&path)?;
        for megabyte in 0..PAGES * PAGE as u64 / filler.len() as u64 {
            file.write_all_at(&filler, megabyte * filler.len() as u64)?;
        }
        file.sync_all()?;
        let options = File::options().read(true).write(true);
        let direct = options.clone().direct(true).open(&path)?;
        let buffered = options.open(&path)?;
        let page = AlignedBuf::copy_of(&[2; PAGE], Alignment::PAGE)?;
        Ok(Self { path, direct, buffered, page })
    }

    /// The file once more, without the ring layer.
    fn open_direct(&self) -> std::fs::File {
        let mut options = OpenOptions::new();
        options.write(true).custom_flags(libc::O_DIRECT);
        options.open(&self.path).expect("opened before")
    }

    fn writes(&self, offsets: &[u64]) -> Vec<PageWrite<'_>> {
        offsets.iter().map(|offset| PageWrite { offset: *offset, data: &self.page }).collect()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left over is in the build's directory and overwritten by the next run.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// What peers with operations of their own write: a page that no operation can outlive, to a file
/// that each opens for itself.
#[derive(Clone, Copy)]
struct Writing<'a> {
    page: &'static [u8],
    open: &'a dyn Fn() -> std::fs::File,
}

/// Page offsets in no order, the same in each run.
struct Offsets(u64);

impl Offsets {
    fn next(&mut self) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % PAGES * PAGE as u64
    }

    fn batch<const N: usize>(&mut self) -> [u64; N] {
        std::array::from_fn(|_| self.next())
    }
}

/// Threads that write pages, fed through a channel.
struct Workers {
    jobs: Option<Sender<u64>>,
    done: Receiver<()>,
    threads: Vec<JoinHandle<()>>,
}

impl Workers {
    fn new(scratch: &Scratch, count: usize) -> std::io::Result<Self> {
        let (jobs, todo) = channel::<u64>();
        let (finished, done) = channel();
        let todo = Arc::new(Mutex::new(todo));
        let mut threads = Vec::new();
        for _ in 0..count {
            let (todo, finished) = (Arc::clone(&todo), finished.clone());
            let file = scratch.open_direct();
            let page = AlignedBuf::copy_of(&scratch.page, Alignment::PAGE)?;
            threads.push(std::thread::spawn(move || {
                loop {
                    let job = todo.lock().expect("no panics").recv();
                    let Ok(offset) = job else { return };
                    file.write_all_at(&page, offset).expect("a write");
                    finished.send(()).expect("the other side waits");
                }
            }));
        }
        Ok(Self { jobs: Some(jobs), done, threads })
    }

    fn write(&self, offsets: &[u64]) {
        let jobs = self.jobs.as_ref().expect("there until the drop");
        for offset in offsets {
            jobs.send(*offset).expect("workers wait");
        }
        for _ in offsets {
            self.done.recv().expect("workers answer");
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.jobs = None;
        for thread in self.threads.drain(..) {
            thread.join().expect("no panics");
        }
    }
}

fn file_rows(versus: &mut Versus, ring: &Ring, scratch: &Scratch) {
    if versus.wants(GROUP, "direct_32") {
        direct_32(versus, ring, scratch);
    }
    if versus.wants(GROUP, "buffered_auto") {
        buffered_auto(versus, ring, scratch);
    }
    if versus.wants(GROUP, "direct_auto_p99") {
        direct_auto_p99(versus, ring, scratch);
    }
    if versus.wants(GROUP, "commit_32") {
        commit_32(versus, ring, scratch);
    }
    if versus.wants(GROUP, "owned_read") {
        owned_read(versus, ring, scratch);
    }
    if versus.wants(GROUP, "registered_32") {
        registered::row(versus, scratch);
    }
}

fn direct_32(versus: &mut Versus, ring: &Ring, scratch: &Scratch) {
    let batches = versus.sized(100, 3);
    let operations = (batches * BATCH) as u64;
    let mut offsets = Offsets(1);
    let ours = || {
        let watch = Stopwatch::start(process_cpu);
        for _ in 0..batches {
            let pages = scratch.writes(&offsets.batch::<BATCH>());
            ring.write_pages(&scratch.direct, &pages).expect("writes");
        }
        watch.per(operations)
    };
    let mut raw = IoUring::new(256).expect("allowed before");
    let mut raw_offsets = Offsets(2);
    let fd = types::Fd(scratch.direct.as_std().as_raw_fd());
    let raw = Contender::new("io-uring", move || {
        let watch = Stopwatch::start(process_cpu);
        for _ in 0..batches {
            for offset in raw_offsets.batch::<BATCH>() {
                let entry = opcode::Write::new(fd, scratch.page.as_ptr(), PAGE as u32)
                    .offset(offset)
                    .build();
                // SAFETY: the page and the file live until the completions are reaped below.
                unsafe { raw.submission().push(&entry) }.expect("room");
            }
            reap(&mut raw, BATCH);
        }
        watch.per(operations)
    });
    let mut pool_offsets = Offsets(3);
    let workers = Workers::new(scratch, 32).expect("threads");
    let pool = Contender::new("std", move || {
        let watch = Stopwatch::start(process_cpu);
        for _ in 0..batches {
            workers.write(&pool_offsets.batch::<BATCH>());
        }
        watch.per(operations)
    });
    let page = AlignedBuf::copy_of(&scratch.page, Alignment::PAGE).expect("a page");
    let page: &'static AlignedBuf = Box::leak(Box::new(page));
    let open = || scratch.open_direct();
    let writing = Writing { page, open: &open };
    let mut peers = vec![raw, pool];
    peers.extend(scheduler::writes("direct_32", writing, batches));
    peers.extend(runtimes::writes(writing, batches));
    versus.compare((GROUP, "direct_32", "ns cpu/op"), 9, ours, peers);
}

fn buffered_auto(versus: &mut Versus, ring: &Ring, scratch: &Scratch) {
    let batches = versus.sized(1_000, 10);
    let operations = (batches * BATCH) as u64;
    let mut offsets = Offsets(1);
    let ours = || {
        let watch = Stopwatch::start(process_cpu);
        for _ in 0..batches {
            let pages = scratch.writes(&offsets.batch::<BATCH>());
            ring.write_pages(&scratch.buffered, &pages).expect("writes");
        }
        watch.per(operations)
    };
    let mut their_offsets = Offsets(1);
    let looped = Contender::new("std", || {
        let watch = Stopwatch::start(process_cpu);
        for _ in 0..batches {
            for offset in their_offsets.batch::<BATCH>() {
                scratch.buffered.as_std().write_all_at(&scratch.page, offset).expect("a write");
            }
        }
        watch.per(operations)
    });
    versus.compare((GROUP, "buffered_auto", "ns cpu/op"), 11, ours, vec![looped]);
}

/// The 99th percentile of direct batches of 4, under the default against the ring's thread.
fn direct_auto_p99(versus: &mut Versus, ring: &Ring, scratch: &Scratch) {
    let batches = versus.sized(500, 10);
    let p99 = |ring: &Ring, offsets: &mut Offsets| {
        let mut times: Vec<f64> = (0..batches)
            .map(|_| {
                let pages = scratch.writes(&offsets.batch::<4>());
                let watch = Stopwatch::start(wall);
                ring.write_pages(&scratch.direct, &pages).expect("writes");
                watch.per(1_000)
            })
            .collect();
        times.sort_by(f64::total_cmp);
        times[times.len() * 99 / 100]
    };
    let thread = Ring::builder()
        .backend(BackendChoice::IoUring)
        .drive(Drive::Thread)
        .build()
        .expect("allowed before");
    let (mut offsets, mut their_offsets) = (Offsets(1), Offsets(2));
    let ours = || p99(ring, &mut offsets);
    let theirs = Contender::new("latchwork-ringpal", || p99(&thread, &mut their_offsets));
    versus.compare((GROUP, "direct_auto_p99", "us"), 9, ours, vec![theirs]);
}

fn commit_32(versus: &mut Versus, ring: &Ring, scratch: &Scratch) {
    let commits = versus.sized(20, 2);
    let mut offsets = Offsets(1);
    let ours = || {
        let watch = Stopwatch::start(wall);
        for _ in 0..commits {
            let pages = scratch.writes(&offsets.batch::<BATCH>());
            ring.commit(&scratch.direct, &pages).expect("a commit");
        }
        watch.per(commits * 1_000)
    };
    let mut their_offsets = Offsets(1);
    let looped = Contender::new("std", || {
        let watch = Stopwatch::start(wall);
        for _ in 0..commits {
            for offset in their_offsets.batch::<BATCH>() {
                scratch.direct.as_std().write_all_at(&scratch.page, offset).expect("a write");
            }
            scratch.direct.as_std().sync_data().expect("a sync");
        }
        watch.per(commits * 1_000)
    });
    versus.compare((GROUP, "commit_32", "us"), 9, ours, vec![looped]);
}

/// Reads that own their buffers, of cached pages, under the default; against all through the ring,
/// and against the system call.
fn owned_read(versus: &mut Versus, ring: &Ring, scratch: &Scratch) {
    let reads = versus.sized(20_000, 200);
    let file = |policy| {
        let copy = scratch.buffered.as_std().try_clone().expect("a descriptor");
        File::new(copy, "pages").with_policy(policy)
    };
    let by = |policy, mut offsets: Offsets| {
        let file = file(policy);
        move || {
            let mut page = vec![0; PAGE];
            let watch = Stopwatch::start(process_cpu);
            for _ in 0..reads {
                let read = ring.on(&file).read(offsets.next(), page).wait();
                page = read.into_result().expect("a read");
            }
            watch.per(reads)
        }
    };
    let mut offsets = Offsets(3);
    let called = Contender::new("std", move || {
        let mut page = vec![0; PAGE];
        let watch = Stopwatch::start(process_cpu);
        for _ in 0..reads {
            let read = scratch.buffered.as_std().read_exact_at(&mut page, offsets.next());
            read.expect("a read");
        }
        watch.per(reads)
    });
    let through = Contender::new("latchwork-ringpal", by(Policy::Ring, Offsets(2)));
    let ours = by(Policy::Auto, Offsets(1));
    versus.compare((GROUP, "owned_read", "ns cpu/op"), 9, ours, vec![called, through]);
}
