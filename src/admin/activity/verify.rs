//! Whether the hash chain of the whole log holds, from the first line to the last.

use serde::Serialize;

use crate::admin::{Actor, Admin, AdminError, Permission};
use crate::store::{AuditLine, StoreError, audit_chain};

/// Lines that are read at once.
const PAGE: u32 = 1000;

/// A place that somebody wrote down earlier: the only proof against lines that are missing at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Noted {
    /// The place in the chain.
    pub sequence: i64,
    /// The hash of its line.
    pub hash: String,
}

/// What came out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChainReport {
    /// Lines that are unbroken, from the first on.
    pub lines: i64,
    /// The hash of the last of them; empty for none.
    pub hash: String,
    /// The first broken place, in plain words. What follows it cannot be judged.
    pub fault: Option<String>,
}

impl Admin {
    /// Reads the whole log and works every hash out again, the newest last. `progress` hears how many lines are done, now and then.
    ///
    /// # Errors
    /// [`AdminError::NotAllowed`]; [`AdminError::Refused`] `whole_log` for somebody who does not administer every organization; [`AdminError::Store`].
    pub async fn verify_activity(
        &self,
        actor: &Actor,
        noted: Option<&Noted>,
        mut progress: impl FnMut(i64) + Send,
    ) -> Result<ChainReport, AdminError> {
        actor.need(Permission::ActivityRead)?;
        if !self.sees_parent_level(actor).await? {
            let why = "the chain goes through the lines of all organizations; only who administers all of them may read it";
            return Err(AdminError::refused("whole_log", why));
        }
        let mut report = ChainReport { lines: 0, hash: audit_chain::FIRST.to_owned(), fault: None };
        loop {
            let (page, unreadable) = self.read_on(report.lines).await?;
            if page.is_empty() && unreadable.is_none() {
                report.fault = cut_off(&report, noted);
                return Ok(report);
            }
            for line in &page {
                let checked = audit_chain::verify((report.lines, &report.hash), std::slice::from_ref(line)).map(|_| ());
                if let Err(fault) = checked.and_then(|()| as_noted(line, noted)) {
                    report.fault = Some(fault);
                    return Ok(report);
                }
                report.lines = line.sequence;
                report.hash.clone_from(&line.hash);
            }
            progress(report.lines);
            if let Some(why) = unreadable {
                report.fault = Some(format!("audit line {} cannot be read any more ({why})", report.lines + 1));
                return Ok(report);
            }
        }
    }

    /// The next lines, and why the one after them cannot be read.
    async fn read_on(&self, after: i64) -> Result<(Vec<AuditLine>, Option<String>), AdminError> {
        match self.store.list_audit(after, PAGE).await {
            Ok(page) => return Ok((page, None)),
            Err(StoreError::Corrupt(_)) => {}
            Err(other) => return Err(other.into()),
        }
        let mut lines: Vec<AuditLine> = Vec::new();
        loop {
            let after = lines.last().map_or(after, |line| line.sequence);
            match self.store.list_audit(after, 1).await {
                Ok(next) if next.is_empty() => return Ok((lines, None)),
                Ok(next) => lines.extend(next),
                Err(StoreError::Corrupt(why)) => return Ok((lines, Some(why))),
                Err(other) => return Err(other.into()),
            }
        }
    }
}

fn as_noted(line: &AuditLine, noted: Option<&Noted>) -> Result<(), String> {
    match noted {
        Some(noted) if noted.sequence == line.sequence && noted.hash != line.hash => {
            Err(format!("audit line {} is another one than was noted: the log was written anew", line.sequence))
        }
        _ => Ok(()),
    }
}

fn cut_off(report: &ChainReport, noted: Option<&Noted>) -> Option<String> {
    let noted = noted.filter(|noted| noted.sequence > report.lines)?;
    Some(format!("the audit log ends with line {}, and line {} was noted: its end was cut off", report.lines, noted.sequence))
}
