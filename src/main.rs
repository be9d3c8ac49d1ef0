//! The `munjigi` command: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    munjigi::cli::main()
}
