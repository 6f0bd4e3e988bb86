//! No file, no socket, no program: the verifier runs on a thread whose system calls the kernel watches (seccomp, Linux).

use std::collections::BTreeMap;
use std::fs::File;
use std::net::TcpListener;

use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, apply_filter};

use super::{Sent, answer, every_case};
use crate::support::saml_idp::{Scene, Sp};

/// Whatever opens a file or a socket, sends to one, or starts a program.
const FORBIDDEN: [libc::c_long; 9] = [
    libc::SYS_openat,
    libc::SYS_openat2,
    libc::SYS_socket,
    libc::SYS_connect,
    libc::SYS_sendto,
    libc::SYS_sendmsg,
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_memfd_create,
];

/// From here on, this thread is answered like this when it tries.
fn lock(answer: SeccompAction) {
    let rules: BTreeMap<_, _> = FORBIDDEN.into_iter().map(|call| (call, Vec::new())).collect();
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, answer, std::env::consts::ARCH.try_into().unwrap()).unwrap();
    apply_filter(&BpfProgram::try_from(filter).unwrap()).unwrap();
}

#[test]
fn no_message_makes_the_verifier_open_a_file_or_a_socket() {
    let sent: Vec<Sent> = every_case().flat_map(|case| (case.build)(&Scene::default())).collect();
    let tried: Vec<_> = sent
        .iter()
        .map(|sent| {
            let mut sp = Sp::default();
            sent.settings.iter().for_each(|set| set(&mut sp));
            (sp.build().unwrap(), sp, &sent.message)
        })
        .collect();
    // Killed, the whole process ends: there is no error that somebody could overlook.
    let all = std::thread::scope(|scope| {
        let locked = scope.spawn(|| {
            lock(SeccompAction::KillProcess);
            tried.iter().all(|(provider, sp, message)| answer(provider, sp, message).is_err())
        });
        locked.join().unwrap()
    });
    assert!(all);
}

#[test]
fn the_lock_holds() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let attempts = move || {
        lock(SeccompAction::Errno(libc::EPERM.unsigned_abs()));
        (
            File::open("/proc/self/status").is_err(),
            std::net::TcpStream::connect(address).is_err(),
            std::process::Command::new("true").status().is_err(),
        )
    };
    assert_eq!(std::thread::spawn(attempts).join().unwrap(), (true, true, true));
    assert!(File::open("/proc/self/status").is_ok(), "other threads go on");
}
