use super::*;

/// A directory that goes with the test.
pub(in crate::shell::chat) struct Folder(pub(in crate::shell::chat) PathBuf);

impl Folder {
    pub(in crate::shell::chat) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("offhook-disk-{name}-{}", std::process::id()));
        let _old = fs::remove_dir_all(&path);
        fs::create_dir_all(path.join("in")).unwrap();
        Self(path)
    }

    pub(in crate::shell::chat) fn inbox(&self) -> PathBuf {
        self.0.join("in")
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.inbox()).unwrap();
        let mut names: Vec<_> =
            entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _best_effort = fs::remove_dir_all(&self.0);
    }
}

impl Target {
    /// One whose bytes go elsewhere.
    #[cfg(target_os = "linux")]
    pub(in crate::shell::chat) fn onto(self, file: File) -> Self {
        let mut target = self;
        target.file = file;
        target
    }
}

pub(in crate::shell::chat) fn file(name: &str) -> FileAttributes {
    let mut file = FileAttributes { transfer_id: "t".into(), ..FileAttributes::default() };
    file.selector.name = Some(name.into());
    file
}

/// A file of that content that is there in parts.
fn coming(folder: &Folder, name: &str, content: &[u8]) -> Target {
    let mut target = Target::create(&folder.inbox(), &file(name)).unwrap();
    target.write(0, content).unwrap();
    target
}

#[test]
fn a_file_that_is_not_kept_leaves_nothing() {
    let folder = Folder::new("dropped");
    let target = coming(&folder, "a.txt", b"x");
    assert_eq!(folder.names(), ["a.txt.part"]);
    drop(target);
    assert!(folder.names().is_empty());
}

#[test]
fn r19_no_name_leads_out_of_the_directory() {
    let folder = Folder::new("names");
    for (told, stored) in [
        ("../up.txt", "up.txt"),
        ("/etc/passwd", "passwd"),
        ("..\\..\\x.ini", "x.ini"),
        ("..", "file"),
        ("in/../../y", "y"),
    ] {
        let path = coming(&folder, told, b"x").keep().unwrap();
        assert_eq!(path, folder.inbox().join(stored), "{told}");
    }
    assert_eq!(folder.names(), ["file", "passwd", "up.txt", "x.ini", "y"]);
    assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 1);
}

/// A link in the directory, also one to nowhere, is a name that is taken.
#[cfg(unix)]
#[test]
fn r19_links_are_not_followed() {
    let folder = Folder::new("links");
    let (secret, nowhere) = (folder.0.join("secret"), folder.0.join("nowhere"));
    fs::write(&secret, "mine").unwrap();
    let link = std::os::unix::fs::symlink::<&Path, PathBuf>;
    link(&secret, folder.inbox().join("a.txt.part")).unwrap();
    link(&secret, folder.inbox().join("a.txt")).unwrap();
    link(&nowhere, folder.inbox().join("b.txt.part")).unwrap();
    link(&nowhere, folder.inbox().join("b.txt")).unwrap();
    for name in ["a", "b"] {
        let path = coming(&folder, &format!("{name}.txt"), b"theirs").keep().unwrap();
        assert_eq!(path, folder.inbox().join(format!("{name} (1).txt")));
        assert_eq!(fs::read(path).unwrap(), b"theirs");
    }
    assert_eq!(fs::read(&secret).unwrap(), b"mine");
    assert!(!nowhere.exists());
}

/// What was checked is what gets the name.
#[cfg(unix)]
#[test]
fn a_file_that_was_replaced_while_it_came_is_not_kept() {
    let folder = Folder::new("replaced");
    let mut target = coming(&folder, "a.txt", b"checked");
    let (part, other) = (folder.inbox().join("a.txt.part"), folder.0.join("other"));
    fs::write(&other, "not checked").unwrap();
    fs::remove_file(&part).unwrap();
    std::os::unix::fs::symlink(&other, &part).unwrap();
    assert!(target.keep().is_err());
    drop(target);
    assert!(folder.names().is_empty(), "{:?}", folder.names());
    assert_eq!(fs::read(&other).unwrap(), b"not checked");
}

#[test]
fn a_directory_that_is_gone_is_an_error() {
    let folder = Folder::new("gone");
    let mut target = coming(&folder, "a.txt", b"x");
    fs::remove_dir_all(folder.inbox()).unwrap();
    target.write(1, b"y").unwrap();
    assert_eq!(target.keep().unwrap_err().kind(), io::ErrorKind::NotFound);
    let created = Target::create(&folder.inbox(), &file("a.txt"));
    assert_eq!(created.err().unwrap().kind(), io::ErrorKind::NotFound);
}

/// Files of one name that come at once, and somebody else who makes files of that name: each is
/// there in the end, with its own content.
#[test]
fn names_are_taken_once_however_many_want_them() {
    const EACH: usize = 40;
    let folder = Folder::new("race");
    let (folder, path) = (&folder, folder.inbox());
    std::thread::scope(|scope| {
        for who in 0..3 {
            scope.spawn(move || {
                for at in 0..EACH {
                    let content = format!("{who} {at}");
                    coming(folder, "a.txt", content.as_bytes()).keep().unwrap();
                }
            });
        }
        scope.spawn(|| {
            for number in 0..EACH {
                let path = path.join(numbered("a.txt", u32::try_from(number).unwrap()));
                if let Ok(mut file) = File::create_new(path) {
                    file.write_all(format!("other {number}").as_bytes()).unwrap();
                }
            }
        });
    });
    let names = folder.names();
    let found: std::collections::BTreeSet<_> =
        names.iter().map(|name| fs::read_to_string(folder.inbox().join(name)).unwrap()).collect();
    assert_eq!(found.len(), names.len(), "no content twice, none lost");
    for who in 0..3 {
        for at in 0..EACH {
            assert!(found.contains(&format!("{who} {at}")), "{who} {at}");
        }
    }
    assert!(names.iter().all(|name| !name.ends_with(".part")), "{names:?}");
}

#[test]
fn a_source_that_changed_since_it_was_looked_at_is_told() {
    let folder = Folder::new("source");
    let path = folder.0.join("a.txt");
    fs::write(&path, "text").unwrap();
    let seen = modified_us(&File::open(&path).unwrap()).unwrap();
    let mut source = Source::open(&path, seen).unwrap();
    source.check().unwrap();
    let writer = OpenOptions::new().write(true).open(&path).unwrap();
    writer.set_modified(UNIX_EPOCH + std::time::Duration::from_secs(1)).unwrap();
    assert!(source.check().is_err());
    writer.set_len(2).unwrap();
    assert_eq!(source.read(0, 4).unwrap(), b"te");
    assert_eq!(source.read(2, 4).unwrap(), b"");
}

fn hashed(name: &str, size: u64) -> FileAttributes {
    let mut file = file(name);
    file.selector.size = Some(size);
    file.selector.hashes = vec![("sha-256".into(), vec![0xab; 32])];
    file
}

#[test]
fn what_is_left_of_a_file_goes_on_once_and_never_through_a_link() {
    let folder = Folder::new("left");
    let wanted = hashed("a.txt", 8);
    let mut target = Target::create(&folder.inbox(), &wanted).unwrap();
    target.write(0, b"123456").unwrap();
    target.leave(4);
    drop(target);
    let part = folder.inbox().join("a.txt.abababababababab.part");
    assert_eq!(fs::read(&part).unwrap(), b"1234");
    assert!(Target::resume(&folder.inbox(), &hashed("a.txt", 4)).is_none(), "it is all there");
    let (first, there) = Target::resume(&folder.inbox(), &wanted).unwrap();
    assert_eq!(there, 4);
    assert!(Target::resume(&folder.inbox(), &wanted).is_none(), "another transfer has it");
    drop(first);
    assert_eq!(fs::read(&part).unwrap(), b"1234", "it stays when nothing comes of it");
    let (mut first, _) = Target::resume(&folder.inbox(), &wanted).unwrap();
    first.leave(0);
    drop(first);
    assert!(folder.names().is_empty());
}

#[cfg(unix)]
#[test]
fn a_link_in_the_place_of_what_is_left_is_passed_over() {
    let folder = Folder::new("left-link");
    let secret = folder.0.join("secret");
    fs::write(&secret, "mine").unwrap();
    let part = folder.inbox().join("a.txt.abababababababab.part");
    std::os::unix::fs::symlink(&secret, part).unwrap();
    assert!(Target::resume(&folder.inbox(), &hashed("a.txt", 8)).is_none());
}

#[test]
fn what_was_let_go_of_is_gone_or_free_for_another_before_it_is_dropped() {
    let folder = Folder::new("let-go");
    let wanted = hashed("a.txt", 8);
    let mut target = Target::create(&folder.inbox(), &wanted).unwrap();
    target.write(0, b"123456").unwrap();
    target.leave(4);
    target.let_go();
    let (mut next, there) = Target::resume(&folder.inbox(), &wanted).unwrap();
    assert_eq!(there, 4);
    drop(target);
    next.leave(0);
    next.let_go();
    assert!(folder.names().is_empty());
}
