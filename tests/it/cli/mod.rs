//! The real binary: exit codes, what goes to stdout and what to stderr.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::config::ORG;

mod activity;
mod apply;
mod people;
mod reload;
mod requests;
mod store;

/// usher.toml for a folder with a database of its own.
const USHER: &str = r#"
public_url = "http://auth.localhost:8080"
data_dir   = "data"
[[route]]
host         = "app.localhost"
upstream     = "http://127.0.0.1:3000"
organization = "acme"
[org]
file = "org.toml"
"#;

/// How a command ended.
#[derive(Debug)]
struct Ended {
    code: i32,
    stdout: String,
    stderr: String,
}

/// A folder in which the binary runs.
#[derive(Debug)]
struct Shell {
    folder: tempfile::TempDir,
}

impl Shell {
    fn empty() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// With both files, both sound.
    fn installed() -> Self {
        Self::empty().with("usher.toml", USHER).with("org.toml", ORG)
    }

    fn with(self, name: &str, text: &str) -> Self {
        std::fs::write(self.path(name), text).unwrap();
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_usher"));
        command.args(arguments).current_dir(self.folder.path()).env_clear().stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        let output = self.command(arguments).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ended { code: output.status.code().unwrap_or(-1), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn sound_files_pass_the_check_with_code_0_and_nothing_on_stdout() {
    let shell = Shell::installed();
    for file in ["usher.toml", "org.toml"] {
        let ended = shell.run(&["check", file]);
        assert_eq!((ended.code, ended.stdout.as_str()), (0, ""), "{ended:?}");
        assert!(ended.stderr.contains("Next: usher"), "{ended:?}");
    }
}

#[test]
fn a_check_that_finds_errors_ends_with_4_and_shows_them_on_stdout() {
    let shell = Shell::installed().with("usher.toml", &USHER.replace("upstream ", "upsteam "));
    let ended = shell.run(&["check"]);
    assert_eq!(ended.code, 4);
    assert!(ended.stdout.contains("error[U003]") && ended.stdout.contains("did you mean \"upstream\"?"), "{ended:?}");
    assert!(!ended.stderr.contains("error[") && ended.stderr.contains("Next: "), "{ended:?}");
    assert_eq!(shell.run(&["check", "no-such-file.toml"]).code, 4);
}

#[test]
fn a_check_for_programs_is_json() {
    let shell = Shell::installed().with("usher.toml", &USHER.replace("upstream ", "upsteam "));
    let ended = shell.run(&["check", "--json"]);
    assert_eq!(ended.code, 4);
    let answer: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(answer["ok"], false);
    let finding = answer["findings"].as_array().unwrap().iter().find(|finding| finding["code"] == "U003").unwrap();
    assert_eq!(
        (finding["path"].as_str(), finding["line"].as_u64(), finding["column"].as_u64()),
        (Some("route[0].upsteam"), Some(6), Some(1))
    );
}

#[test]
fn a_code_is_explained() {
    let shell = Shell::empty();
    let ended = shell.run(&["check", "--explain", "u012"]);
    assert_eq!(ended.code, 0);
    assert!(ended.stdout.starts_with("U012: ") && ended.stdout.contains("Right:"), "{ended:?}");
    assert_eq!(shell.run(&["check", "--explain", "U999"]).code, 2);
}

#[test]
fn other_commands_end_with_3_when_the_configuration_is_wrong() {
    let shell = Shell::installed().with("usher.toml", "public_url = 1");
    for arguments in
        [&["apply", "org.toml"][..], &["member", "list"], &["explain", "ada@acme.example"], &["whatif", "--connection", "entra"]]
    {
        let ended = shell.run(arguments);
        assert_eq!((ended.code, ended.stdout.as_str()), (3, ""), "{arguments:?}: {ended:?}");
        assert!(ended.stderr.contains("error[U004]"), "{ended:?}");
    }
}

#[test]
fn a_command_line_that_makes_no_sense_ends_with_2() {
    let shell = Shell::empty();
    for arguments in [&["chekc"][..], &["explain"], &["explain", "not-an-address"], &["check", "--frob"], &["init", "--url", "x"]] {
        let ended = shell.run(arguments);
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{arguments:?}: {ended:?}");
    }
    assert_eq!(shell.run(&["--help"]).code, 0);
    assert!(shell.run(&["version"]).stdout.starts_with("usher 0."));
}

#[test]
fn colour_is_off_for_pipes_and_on_when_it_is_forced_unless_no_color_says_no() {
    let shell = Shell::installed().with("usher.toml", "x = 1");
    let escape = |command: &mut Command| String::from_utf8(command.arg("check").output().unwrap().stdout).unwrap().contains('\u{1b}');
    assert!(!escape(&mut shell.command(&[])));
    assert!(escape(shell.command(&[]).env("CLICOLOR_FORCE", "1")));
    assert!(!escape(shell.command(&[]).env("CLICOLOR_FORCE", "1").env("NO_COLOR", "1")));
}

#[test]
fn a_reader_who_leaves_early_is_no_failure() {
    let shell = Shell::installed().with("usher.toml", "x = 1");
    let mut child = shell.command(&["check", "--explain", "U012"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(!String::from_utf8_lossy(&output.stderr).contains("panicked"), "{output:?}");
    assert_eq!(output.status.code(), Some(0));
}

const INIT: [&str; 5] = ["init", "--url", "http://auth.localhost:8080", "--app", "app.localhost=http://127.0.0.1:3000"];

#[test]
fn what_init_writes_passes_the_check_and_is_its_owners_alone() {
    let shell = Shell::empty();
    let ended = shell.run(&INIT);
    assert_eq!((ended.code, ended.stdout.as_str()), (0, "usher.toml\norg.toml\n"), "{ended:?}");
    assert_eq!((mode(&shell.path("usher.toml")), mode(&shell.path("org.toml"))), (0o600, 0o600));
    let ended = shell.run(&["check"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stdout.contains("W006") && ended.stdout.contains("W009"), "what is to be filled in is said: {ended:?}");
}

#[test]
fn on_a_public_host_only_the_certificate_is_left_to_fill_in() {
    let shell = Shell::empty();
    assert_eq!(shell.run(&["init", "--url", "https://auth.acme.example", "--app", "app.acme.example=http://127.0.0.1:3000"]).code, 0);
    let answer: serde_json::Value = serde_json::from_str(&shell.run(&["check", "--json"]).stdout).unwrap();
    let errors: Vec<_> = answer["findings"].as_array().unwrap().iter().filter(|finding| finding["severity"] == "error").collect();
    assert_eq!(errors.iter().map(|finding| finding["path"].as_str().unwrap()).collect::<Vec<_>>(), ["tls.cert", "tls.key"]);
}

#[test]
fn init_writes_over_nothing_unless_forced() {
    let shell = Shell::empty().with("org.toml", "# mine");
    assert_eq!(shell.run(&INIT).code, 5);
    assert_eq!(std::fs::read_to_string(shell.path("org.toml")).unwrap(), "# mine");
    assert!(!shell.path("usher.toml").exists());
    let forced = shell.run(&[&INIT[..], &["--force"]].concat());
    assert_eq!(forced.code, 0, "{forced:?}");
    assert!(std::fs::read_to_string(shell.path("org.toml")).unwrap().contains("[[organization]]"));
    assert_eq!(mode(&shell.path("org.toml")), 0o600);
}

#[test]
fn init_refuses_what_the_check_would_refuse() {
    let shell = Shell::empty();
    for (url, app) in [
        ("http://auth.acme.example", "app.acme.example=http://127.0.0.1:3000"),
        ("https://auth.acme.example/x", "app.acme.example=http://127.0.0.1:3000"),
        ("https://auth.acme.example", "auth.acme.example=http://127.0.0.1:3000"),
        ("https://auth.acme.example", "app.acme.example=http://169.254.169.254"),
        ("https://auth.acme.example", "a\"\nb=http://127.0.0.1:3000"),
    ] {
        assert_eq!(shell.run(&["init", "--url", url, "--app", app]).code, 2, "{url} {app}");
    }
    assert!(!shell.path("usher.toml").exists());
}
