//! The `munjigi` command: everything is in the library.

use std::process::ExitCode;

/// A request makes and drops some twenty small pieces of memory; the system's allocator takes a tenth of its time for them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    munjigi::cli::main()
}
