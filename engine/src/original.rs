#![doc = include_str!("original.md")]

#[cfg(test)]
mod tests;
