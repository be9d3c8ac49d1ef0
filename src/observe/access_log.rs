use std::cell::RefCell;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;

use super::line::RequestLine;

/// Bytes that may wait for the disk. Beyond them lines are dropped, never waited for.
const MOST_WAITING: usize = 4 << 20;

/// How long the writer rests after a batch: a line is seen at most this much later, and a busy gateway wakes the writer
/// fifty times a second instead of once per line.
const REST: Duration = Duration::from_millis(20);

/// How an access-log line looks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum LogFormat {
    /// nginx's `combined`, the person in `$remote_user`, and five fields behind it.
    #[default]
    Combined,
    /// One JSON object per line.
    Json,
}

/// Where the access log goes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum LogTarget {
    /// Standard output.
    #[default]
    Stdout,
    /// Appended to this file, which is opened anew by [`AccessLog::reopen`].
    File(PathBuf),
    /// Nowhere.
    Off,
}

/// One line for each request, written by a thread of its own. Cheap to clone; all clones are one log.
///
/// Writing never waits for the disk: a line is made on the caller's thread and appended to a bounded buffer under a short
/// lock. What does not fit is dropped and counted.
#[derive(Clone)]
pub struct AccessLog {
    format: LogFormat,
    shared: Option<Arc<Shared>>,
}

struct Shared {
    waiting: Mutex<Waiting>,
    /// Rung when the sleeping writer has something to do.
    bell: Condvar,
    dropped: Counter,
    writer: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct Waiting {
    bytes: Vec<u8>,
    /// Whether the writer sleeps until the bell rings. While it writes or rests it comes back by itself.
    asleep: bool,
    reopen: bool,
    closed: bool,
}

thread_local! {
    static LINE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

impl AccessLog {
    /// Opens the target and starts the writer. `dropped` counts lines that could not be kept or written.
    ///
    /// # Errors
    /// When the file cannot be opened for appending or the thread cannot be started.
    pub fn start(target: &LogTarget, format: LogFormat, dropped: Counter) -> io::Result<Self> {
        match target {
            LogTarget::Off => Ok(Self::off()),
            LogTarget::Stdout => Self::with_sink(Box::new(Stdout), format, dropped),
            LogTarget::File(path) => Self::with_sink(Box::new(LogFile { path: path.clone(), file: append_to(path)? }), format, dropped),
        }
    }

    /// A log that writes nothing.
    pub const fn off() -> Self {
        Self { format: LogFormat::Combined, shared: None }
    }

    fn with_sink(sink: Box<dyn Sink>, format: LogFormat, dropped: Counter) -> io::Result<Self> {
        let shared = Arc::new(Shared { waiting: Mutex::default(), bell: Condvar::new(), dropped, writer: Mutex::default() });
        let for_writer = Arc::clone(&shared);
        let writer = thread::Builder::new().name("access-log".into()).spawn(move || for_writer.write_all(sink))?;
        *lock(&shared.writer) = Some(writer);
        Ok(Self { format, shared: Some(shared) })
    }

    /// Writes one line, or drops and counts it. Never waits for the disk.
    pub fn write(&self, line: &RequestLine<'_>) {
        let Some(shared) = &self.shared else {
            return;
        };
        LINE.with_borrow_mut(|bytes| {
            bytes.clear();
            match self.format {
                LogFormat::Combined => line.write_combined(bytes),
                LogFormat::Json => line.write_json(bytes),
            }
            shared.append(bytes);
        });
    }

    /// Opens the file anew: after `logrotate` has moved it away. Acts before the next batch is written.
    pub fn reopen(&self) {
        if let Some(shared) = &self.shared {
            lock(&shared.waiting).reopen = true;
            shared.bell.notify_one();
        }
    }

    /// Bytes that wait to be written.
    pub fn waiting(&self) -> usize {
        self.shared.as_ref().map_or(0, |shared| lock(&shared.waiting).bytes.len())
    }

    /// Writes what waits and ends the writer. Blocks until that is done: for the end of the process. Later lines are dropped.
    pub fn close(&self) {
        let Some(shared) = &self.shared else {
            return;
        };
        lock(&shared.waiting).closed = true;
        shared.bell.notify_one();
        let writer = lock(&shared.writer).take();
        if let Some(writer) = writer
            && writer.join().is_err()
        {
            tracing::error!("the thread that writes the access log had died; lines are missing");
        }
    }
}

impl Shared {
    fn append(&self, line: &[u8]) {
        let wake = {
            let mut waiting = lock(&self.waiting);
            if waiting.closed || waiting.bytes.len() + line.len() > MOST_WAITING {
                drop(waiting);
                self.dropped.inc();
                return;
            }
            waiting.bytes.extend_from_slice(line);
            mem::take(&mut waiting.asleep)
        };
        if wake {
            self.bell.notify_one();
        }
    }

    /// The writer's life.
    fn write_all(&self, mut sink: Box<dyn Sink>) {
        let mut batch = Vec::new();
        let mut failing = false;
        loop {
            let (reopen, closed) = self.next_batch(&mut batch);
            if reopen && let Err(error) = sink.reopen() {
                tracing::error!(%error, "the access log cannot be opened anew; lines go on to the old file");
            }
            match sink.write_all(&batch).and_then(|()| sink.flush()) {
                Ok(()) => failing = false,
                Err(error) => {
                    self.dropped.inc_by(batch.split_inclusive(|byte| *byte == b'\n').count() as u64);
                    if !mem::replace(&mut failing, true) {
                        tracing::error!(%error, "the access log cannot be written; lines are dropped and counted");
                    }
                }
            }
            if closed {
                return;
            }
            self.rest();
        }
    }

    /// Sleeps until there is something to do, then takes all of it.
    fn next_batch(&self, batch: &mut Vec<u8>) -> (bool, bool) {
        batch.clear();
        let mut waiting = lock(&self.waiting);
        while waiting.bytes.is_empty() && !waiting.reopen && !waiting.closed {
            waiting.asleep = true;
            waiting = self.bell.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        waiting.asleep = false;
        mem::swap(&mut waiting.bytes, batch);
        (mem::take(&mut waiting.reopen), waiting.closed)
    }

    /// Lets lines gather; closing and reopening cut it short.
    fn rest(&self) {
        let waiting = lock(&self.waiting);
        drop(self.bell.wait_timeout_while(waiting, REST, |waiting| !waiting.closed && !waiting.reopen));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A poisoned lock only says that a thread died in between; bytes already appended are whole lines.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where batches go.
trait Sink: Write + Send {
    fn reopen(&mut self) -> io::Result<()>;
}

/// Unbuffered by us: `io::stdout` would flush line by line.
struct Stdout;

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut out = io::stdout().lock();
        out.write_all(bytes)?;
        out.flush()?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink for Stdout {
    fn reopen(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct LogFile {
    path: PathBuf,
    file: File,
}

fn append_to(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

impl Write for LogFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Sink for LogFile {
    fn reopen(&mut self) -> io::Result<()> {
        self.file = append_to(&self.path)?;
        Ok(())
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests read what was written")]
mod tests {
    use std::fs;
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::super::line::tests::line;
    use super::*;

    /// Writes only when told to, and says what it wrote.
    struct Gate {
        entered: Sender<()>,
        go: Receiver<()>,
    }

    impl Write for Gate {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.entered.send(()).ok();
            self.go.recv().map_err(|_| io::ErrorKind::BrokenPipe)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Sink for Gate {
        fn reopen(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn file_log(path: &Path) -> AccessLog {
        AccessLog::start(&LogTarget::File(path.to_owned()), LogFormat::Combined, Counter::default()).unwrap()
    }

    #[test]
    fn every_line_of_every_thread_is_written_once_and_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("access.log");
        let log = file_log(&path);
        thread::scope(|scope| {
            for name in ["/one", "/two", "/three"] {
                let log = log.clone();
                scope.spawn(move || (0..500).for_each(|_| log.write(&line(name))));
            }
        });
        log.close();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 1500);
        for name in ["/one", "/two", "/three"] {
            assert_eq!(text.lines().filter(|l| l.contains(&format!("\"GET {name} HTTP/1.1\""))).count(), 500);
        }
    }

    #[test]
    fn a_moved_file_is_left_alone_after_reopening() {
        let dir = tempfile::tempdir().unwrap();
        let (path, moved) = (dir.path().join("access.log"), dir.path().join("access.log.1"));
        let log = file_log(&path);
        log.write(&line("/before"));
        // The first line must be on disk before the file is moved, or it would rightly go to the new one.
        while fs::read(&path).unwrap().is_empty() {
            thread::yield_now();
        }
        fs::rename(&path, &moved).unwrap();
        log.reopen();
        log.write(&line("/after"));
        log.close();
        assert!(fs::read_to_string(&moved).unwrap().contains("/before"));
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains("/after") && !text.contains("/before"));
    }

    #[test]
    fn a_stuck_disk_costs_lines_and_never_time() {
        let (entered, has_entered) = channel();
        let (go, wait) = channel();
        let dropped = Counter::default();
        let log = AccessLog::with_sink(Box::new(Gate { entered, go: wait }), LogFormat::Json, dropped.clone()).unwrap();
        log.write(&line("/first"));
        has_entered.recv().unwrap();
        // The writer hangs in its write; all of this goes into the buffer until that is full.
        let target = format!("/{}", "x".repeat(100_000));
        for _ in 0..50 {
            log.write(&line(&target));
        }
        assert!(log.waiting() <= MOST_WAITING);
        assert!((8..=12).contains(&dropped.get()), "{}", dropped.get());
        let before = dropped.get();
        // The disk gives up: what was under way and what waits is lost, and counted.
        drop(go);
        log.close();
        assert_eq!(dropped.get(), before + 1 + (50 - before));
        log.write(&line("/late"));
        assert_eq!(dropped.get(), before + 1 + (50 - before) + 1);
    }

    #[test]
    fn a_log_that_cannot_be_opened_is_an_error_at_start() {
        let dir = tempfile::tempdir().unwrap();
        let target = LogTarget::File(dir.path().join("no/such/dir/access.log"));
        assert!(AccessLog::start(&target, LogFormat::Combined, Counter::default()).is_err());
    }
}
