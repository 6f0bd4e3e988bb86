//! An address that nobody may ask and a file that nobody may open: messages point to them, and afterwards nobody has.

use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::OwnedFd;

use rustix::fs::inotify;
use tempfile::TempDir;

pub(crate) struct Bait {
    listener: TcpListener,
    watch: OwnedFd,
    directory: TempDir,
}

impl Bait {
    pub(crate) fn lay() -> Self {
        // An address of this process alone: on one that others use, a program that asks for a server which has stopped could come to the same port.
        let [.., high, low] = std::process::id().to_be_bytes();
        let listener = TcpListener::bind((Ipv4Addr::new(127, 66, high, low), 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let directory = TempDir::new().unwrap();
        std::fs::write(directory.path().join("canary"), "sings when it is read").unwrap();
        let watch = inotify::init(inotify::CreateFlags::NONBLOCK).unwrap();
        let opened = inotify::WatchFlags::OPEN | inotify::WatchFlags::ACCESS;
        inotify::add_watch(&watch, directory.path().join("canary"), opened).unwrap();
        Self { listener, watch, directory }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/bait", self.listener.local_addr().unwrap())
    }

    pub(crate) fn file(&self) -> String {
        self.directory.path().join("canary").display().to_string()
    }

    #[track_caller]
    pub(crate) fn assert_untouched(&self) {
        assert!(self.listener.accept().is_err(), "somebody followed an address of a message");
        let mut buffer = [MaybeUninit::uninit(); 512];
        let mut reader = inotify::Reader::new(&self.watch, &mut buffer);
        assert!(reader.next().is_err(), "somebody opened a file that a message names");
    }
}

#[test]
fn the_bait_notices_whoever_takes_it() {
    let bait = Bait::lay();
    bait.assert_untouched();
    std::fs::read(bait.file()).unwrap();
    assert!(std::panic::catch_unwind(|| bait.assert_untouched()).is_err());
    let bait = Bait::lay();
    std::net::TcpStream::connect(bait.listener.local_addr().unwrap()).unwrap();
    assert!(std::panic::catch_unwind(|| bait.assert_untouched()).is_err());
}
