//! The chores of offhook, one verb a file.

fn main() {}
