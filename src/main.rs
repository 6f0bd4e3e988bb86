//! The `usher` binary: everything it can do is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    usher::cli::main()
}
