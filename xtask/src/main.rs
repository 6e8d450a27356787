//! The chores of offhook, one verb a file.
mod fsm;
fn main() {
    fsm::run(std::path::Path::new(".")).unwrap();
}
