//! A `munjigi` process: what it prints, how it is told to stop, how it ended.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Instant;

use super::PATIENCE;

/// A running process with both its outputs collected line by line.
pub struct Process {
    child: Child,
    /// Standard output.
    pub out: Lines,
    /// Standard error.
    pub err: Lines,
}

/// How a process ended.
#[derive(Debug)]
pub struct Finished {
    /// Its exit code; -1 when a signal ended it.
    pub code: i32,
    /// All it wrote to standard output.
    pub out: String,
    /// All it wrote to standard error.
    pub err: String,
}

impl Process {
    /// Starts it.
    #[track_caller]
    pub fn start(command: &mut Command) -> Self {
        Self::start_with(command, Stdio::null())
    }

    /// Starts it and types this.
    #[track_caller]
    pub fn fed(command: &mut Command, text: &str) -> Self {
        let mut process = Self::start_with(command, Stdio::piped());
        // One that ends without reading has its reasons, and its outputs tell them.
        let _ = process.child.stdin.take().unwrap().write_all(text.as_bytes());
        process
    }

    /// Starts it with something in place of standard input.
    #[track_caller]
    pub fn start_with(command: &mut Command, input: Stdio) -> Self {
        let mut child = command
            .stdin(input)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        let out = Lines::of(child.stdout.take().unwrap());
        let err = Lines::of(child.stderr.take().unwrap());
        Self { child, out, err }
    }

    /// Its number.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it is gone.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Sends a signal by name.
    pub fn signal(&self, name: &str) {
        // The shell's own `kill`, because the program of that name is not on every machine.
        let sent = Command::new("sh").args(["-c", &format!("kill -s {name} {}", self.child.id())]).status().unwrap();
        assert!(sent.success(), "signal {name} could not be sent");
    }

    /// Ends it as a power cut would.
    pub fn kill(&mut self) {
        // An error means that it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Waits for its end.
    #[track_caller]
    pub fn finish(&mut self) -> Finished {
        // Both pipes close when the process ends, and waiting for that can be bounded.
        if !(self.out.wait_closed() && self.err.wait_closed()) {
            self.kill();
            panic!("it does not end; it printed:\n{}\n{}", self.out.text(), self.err.text());
        }
        let status = self.child.wait().unwrap();
        Finished { code: status.code().unwrap_or(-1), out: self.out.text(), err: self.err.text() }
    }

    /// Waits for a line on standard error that holds `needle`, and returns it.
    #[track_caller]
    pub fn logged(&self, needle: &str) -> String {
        self.err.wait_for(needle).unwrap_or_else(|| panic!("{needle:?} was not logged:\n{}\n{}", self.out.text(), self.err.text()))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The lines of one output as they come.
#[derive(Clone, Default)]
pub struct Lines(Arc<(Mutex<Collected>, Condvar)>);

#[derive(Default)]
struct Collected {
    lines: Vec<String>,
    closed: bool,
}

impl Lines {
    fn of(pipe: impl Read + Send + 'static) -> Self {
        let lines = Self::default();
        let shared = lines.clone();
        thread::spawn(move || {
            let mut pipe = BufReader::new(pipe);
            let mut line = Vec::new();
            while pipe.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
                let text = String::from_utf8_lossy(&line).trim_end_matches('\n').to_owned();
                shared.change(|collected| collected.lines.push(text));
                line.clear();
            }
            shared.change(|collected| collected.closed = true);
        });
        lines
    }

    fn change(&self, change: impl FnOnce(&mut Collected)) {
        change(&mut self.0.0.lock().unwrap());
        self.0.1.notify_all();
    }

    /// All of it so far.
    pub fn text(&self) -> String {
        self.0.0.lock().unwrap().lines.join("\n")
    }

    /// Its lines so far.
    pub fn lines(&self) -> Vec<String> {
        self.0.0.lock().unwrap().lines.clone()
    }

    /// The first line with `needle` in it, waited for; `None` when the output ends, or patience does, without one.
    pub fn wait_for(&self, needle: &str) -> Option<String> {
        self.wait_until(|lines| lines.iter().find(|line| line.contains(needle)).cloned())
    }

    /// What `found` makes of the lines, asked again whenever one is added.
    pub fn wait_until<T>(&self, found: impl Fn(&[String]) -> Option<T>) -> Option<T> {
        let deadline = Instant::now() + PATIENCE;
        let mut collected = self.0.0.lock().unwrap();
        loop {
            if let Some(found) = found(&collected.lines) {
                return Some(found);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if collected.closed || left.is_zero() {
                return None;
            }
            collected = self.0.1.wait_timeout(collected, left).unwrap().0;
        }
    }

    fn wait_closed(&self) -> bool {
        let collected = self.0.0.lock().unwrap();
        !self.0.1.wait_timeout_while(collected, PATIENCE, |collected| !collected.closed).unwrap().1.timed_out()
    }
}

/// The permission bits of a file.
pub fn mode(path: &Path) -> u32 {
    path.metadata().unwrap_or_else(|error| panic!("{}: {error}", path.display())).permissions().mode() & 0o777
}
