//! Everything that is tested from outside: one binary, because it links once.

mod pages;
