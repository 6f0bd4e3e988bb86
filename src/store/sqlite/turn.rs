//! Work that waits for a connection in another thread, and somebody who waits for the answer. Without them it does not begin, or ends, so that what nobody
//! wants takes no place from others.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, InterruptHandle};

/// The thread's side.
#[derive(Clone, Default)]
pub(super) struct Turn(Arc<Mutex<Stage>>);

/// The side of whoever waits. Dropping it gives up.
pub(super) struct Waiting(Turn);

#[derive(Default)]
enum Stage {
    #[default]
    Early,
    Now(InterruptHandle),
    Over,
}

impl Turn {
    /// For somebody who waits.
    pub(super) fn waiting(&self) -> Waiting {
        Waiting(self.clone())
    }

    /// Does the work; `None` when nobody waits any more.
    pub(super) fn take<T>(self, connection: &Connection, work: impl FnOnce(&Connection) -> T) -> Option<T> {
        {
            let mut stage = self.stage();
            if matches!(*stage, Stage::Over) {
                return None;
            }
            *stage = Stage::Now(connection.get_interrupt_handle());
        }
        let _end = End(&self);
        Some(work(connection))
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The work has ended, also by a panic: an interrupt that came later would hit whoever has the connection by then.
struct End<'t>(&'t Turn);

impl Drop for End<'_> {
    fn drop(&mut self) {
        *self.0.stage() = Stage::Over;
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        // The stage is held until the interrupt is out, so that the work cannot end meanwhile.
        let mut stage = self.0.stage();
        match &*stage {
            Stage::Early => *stage = Stage::Over,
            Stage::Now(handle) => handle.interrupt(),
            Stage::Over => {}
        }
    }
}
