//! Threads that read, each on a connection of its own: a long search holds up neither logins nor the view's follower.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::columns::translate;
use super::open::Held;
use super::pending;
use crate::store::{Pending, StoreError};

type Job = Box<dyn FnOnce(&mut Held) + Send>;

/// The way to the readers' threads, which end when this is gone.
pub(super) struct Readers {
    queue: SyncSender<Job>,
}

impl Readers {
    pub(super) fn start(connections: Vec<Held>, queue: usize) -> std::io::Result<Self> {
        let (sender, receiver) = sync_channel(queue);
        let receiver = Arc::new(Mutex::new(receiver));
        for held in connections {
            let receiver = Arc::clone(&receiver);
            std::thread::Builder::new().name("store-reader".to_owned()).spawn(move || run(held, &receiver))?;
        }
        Ok(Self { queue: sender })
    }

    /// Queues `work`, which sees everything that was answered before.
    pub(super) fn read<T, F>(&self, work: F) -> Pending<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let (answer, wait) = oneshot::channel();
        let job = Box::new(move |held: &mut Held| {
            let read = |held: &mut Held| -> Result<T, StoreError> {
                let connection = held.ready()?;
                // One look at the database, however many statements it takes.
                let look = connection.transaction().map_err(|error| translate(&error))?;
                work(&look).map_err(|error| translate(&error))
            };
            let outcome = read(held);
            if let Err(error) = &outcome {
                held.doubt(error);
            }
            drop(answer.send(outcome));
        });
        pending(&self.queue.try_send(job), wait)
    }
}

fn run(mut held: Held, queue: &Mutex<Receiver<Job>>) {
    loop {
        // The lock is held while waiting and given back with the job.
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match job {
            // A fault in one reading must not end the thread that others need.
            Ok(job) => {
                if catch_unwind(AssertUnwindSafe(|| job(&mut held))).is_err() {
                    tracing::error!("a read of the store panicked");
                }
            }
            Err(_) => return,
        }
    }
}
