//! The one task that writes the catalog. It groups all changes that wait into one transaction: one fsync for many streams.

use crate::failure::{Doing, disk_full, repeated};
use crate::lock::Lock;
use crate::state::{Shared, State};
use helios_contract::error::{Error, Kind, Result};
use helios_contract::fault::Faults;
use rusqlite::Connection;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tracing::error;

/// Changes that may wait before those who bring more must wait, too.
const QUEUE_MAX: usize = 64;

type Publish = Box<dyn FnOnce(&mut State) + Send>;
type Work = Box<dyn FnOnce(&Connection) -> Result<Publish> + Send>;

struct Request {
    work: Work,
    answer: oneshot::Sender<Result<()>>,
}

/// Hands changes to the writer task.
#[derive(Debug)]
pub(crate) struct Writer {
    requests: Mutex<Option<mpsc::Sender<Request>>>,
    task: Mutex<Option<JoinHandle<()>>>,
}

/// What the task owns. The lock goes with the connection: whoever opens the directory next finds it quiet.
struct Desk {
    conn: Connection,
    shared: Arc<Shared>,
    faults: Faults,
    _lock: Lock,
}

impl Writer {
    /// Starts the task, which owns `conn` and `lock` from now on.
    pub(crate) fn start(conn: Connection, shared: Arc<Shared>, faults: Faults, lock: Lock) -> Writer {
        let (sender, receiver) = mpsc::channel(QUEUE_MAX);
        let task = tokio::spawn(run(Desk { conn, shared, faults, _lock: lock }, receiver));
        Writer { requests: Mutex::new(Some(sender)), task: Mutex::new(Some(task)) }
    }

    /// Makes a change: `work` in a transaction, then, once that is durable, `publish` in memory.
    ///
    /// # Errors
    /// Those of `work`, which is then undone alone; `Unavailable` when the transaction of the whole group failed.
    pub(crate) async fn write<T: Send + 'static, R: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
        publish: impl FnOnce(&mut State, T) -> R + Send + 'static,
    ) -> Result<R> {
        let (result, made) = oneshot::channel();
        let (answer, answered) = oneshot::channel();
        let work: Work = Box::new(move |conn| {
            let done = work(conn)?;
            // Nobody listening means the caller went away; the change stands.
            Ok(Box::new(move |state: &mut State| drop(result.send(publish(state, done)))))
        });
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone().ok_or_else(closed)?;
        requests.send(Request { work, answer }).await.map_err(|_| closed())?;
        answered.await.map_err(|_| closed())??;
        made.await.map_err(|_| closed())
    }

    /// Ends the task after the changes that wait, and gives up the lock.
    pub(crate) async fn close(&self) {
        drop(self.requests.lock().unwrap_or_else(PoisonError::into_inner).take());
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task
            && let Err(cause) = task.await
        {
            error!(%cause, "the lake's writer ended badly");
        }
    }
}

fn closed() -> Error {
    Error::unavailable("the lake is closed")
}

async fn run(mut desk: Desk, mut requests: mpsc::Receiver<Request>) {
    let mut group = Vec::with_capacity(QUEUE_MAX);
    while requests.recv_many(&mut group, QUEUE_MAX).await > 0 {
        let waiting = std::mem::take(&mut group);
        let work = tokio::task::spawn_blocking(move || {
            desk.transact(waiting);
            desk
        });
        desk = match work.await {
            Ok(desk) => desk,
            Err(cause) => return error!(%cause, "the lake's writer broke off; nothing more can be committed"),
        };
    }
}

impl Desk {
    /// Carries out a group of changes in one transaction and answers all of them.
    fn transact(&mut self, group: Vec<Request>) {
        let mut ready = Vec::with_capacity(group.len());
        let mut begun = self.conn.execute_batch("BEGIN IMMEDIATE").doing("begin a transaction");
        for Request { work, answer } in group {
            let done = match &begun {
                Ok(()) => self.undoable(work),
                Err(error) => Err(repeated(error)),
            };
            // A full or failing disk ends the transaction of the whole group.
            if begun.is_ok() && self.conn.is_autocommit() {
                begun = Err(Error::unavailable("the transaction was rolled back"));
            }
            match done {
                Ok(publish) => ready.push((publish, answer)),
                Err(error) => drop(answer.send(Err(error))),
            }
        }
        let ended = begun.and_then(|()| self.end(!ready.is_empty()));
        match ended {
            Ok(()) => self.publish(ready),
            Err(error) => ready.into_iter().for_each(|(_, answer)| drop(answer.send(Err(repeated(&error))))),
        }
    }

    /// Does one change so that it can be undone without the others.
    fn undoable(&self, work: Work) -> Result<Publish> {
        self.conn.execute_batch("SAVEPOINT change").doing("set a savepoint")?;
        match work(&self.conn) {
            Ok(publish) => {
                self.conn.execute_batch("RELEASE change").doing("release a savepoint")?;
                Ok(publish)
            }
            Err(error) => {
                if !self.conn.is_autocommit() {
                    self.conn.execute_batch("ROLLBACK TO change; RELEASE change").doing("undo a change")?;
                }
                Err(error)
            }
        }
    }

    fn end(&self, changed: bool) -> Result<()> {
        let commit = || {
            self.faults.pass("lake.disk_full").map_err(|cause| disk_full(cause.message()))?;
            self.conn.execute_batch("COMMIT").doing("commit")
        };
        let ended = if changed { commit() } else { Err(Error::new(Kind::Unavailable, "nothing to commit")) };
        if ended.is_err() && !self.conn.is_autocommit() {
            // Its own failure adds nothing to what the callers are told: BEGIN will fail next time.
            let _ = self.conn.execute_batch("ROLLBACK");
        }
        ended
    }

    fn publish(&self, ready: Vec<(Publish, oneshot::Sender<Result<()>>)>) {
        let (publishes, answers): (Vec<_>, Vec<_>) = ready.into_iter().unzip();
        self.shared.change(|state| publishes.into_iter().for_each(|publish| publish(state)));
        for answer in answers {
            drop(answer.send(Ok(())));
        }
    }
}
