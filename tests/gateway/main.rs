//! Black-box tests: one binary, a module for each story.
