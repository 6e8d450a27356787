//! Names under which files of others are stored: never a path, never one with a meaning to a
//! system.

/// Bytes of a name at most: what file systems take.
pub const NAME_BYTES_MAX: usize = 255;
/// Bytes of an extension that is kept when a name is cut; a longer one is none.
const EXTENSION_BYTES_MAX: usize = 32;
/// Names that are devices on some systems, whatever their extension.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];

/// What stands after the last slash or backslash of what a peer calls its file, without control
/// characters, without those that turn the direction of writing, and without what has a meaning
/// to a file system; no dot at either end; a device's name gets an underscore in front. `None`
/// when nothing is left. At most [`NAME_BYTES_MAX`] bytes.
///
/// ```
/// use offhook_msrp::file::safe_name;
/// assert_eq!(safe_name("../../etc/passwd").as_deref(), Some("passwd"));
/// assert_eq!(safe_name("C:\\nul.txt").as_deref(), Some("_nul.txt"));
/// assert_eq!(safe_name("/.."), None);
/// ```
#[must_use]
pub fn safe_name(name: &str) -> Option<String> {
    let last = name.rsplit(['/', '\\']).next()?;
    let kept: String = last.chars().filter(|c| is_harmless(*c)).collect();
    let name = kept.trim_matches(trimmed);
    if name.is_empty() {
        return None;
    }
    let underscore = if is_device(name) { "_" } else { "" };
    let (stem, extension) = split(name);
    Some(fit(&format!("{underscore}{stem}"), extension, ""))
}

fn trimmed(character: char) -> bool {
    character == '.' || character.is_whitespace()
}

fn is_harmless(character: char) -> bool {
    let reserved = matches!(character, ':' | '*' | '?' | '"' | '<' | '>' | '|');
    // Marks of direction and of zero width make a name look like another.
    let unseen = matches!(character,
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    !character.is_control() && !reserved && !unseen
}

fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end();
    let numbered = |device: &str| {
        let front = stem.get(..3).filter(|front| front.eq_ignore_ascii_case(device));
        let number = front.and_then(|_| stem.get(3..)).unwrap_or_default();
        let mut characters = number.chars();
        let digit = characters.next().is_some_and(|c| matches!(c, '0'..='9' | '¹' | '²' | '³'));
        digit && characters.next().is_none()
    };
    let plain = DEVICES.iter().any(|device| stem.eq_ignore_ascii_case(device));
    plain || numbered("com") || numbered("lpt")
}

/// `report`, `.pdf`.
fn split(name: &str) -> (&str, &str) {
    match name.rfind('.') {
        Some(at) if at > 0 && name.len() - at <= EXTENSION_BYTES_MAX => name.split_at(at),
        _ => (name, ""),
    }
}

/// The stem cut so that all of it fits.
fn fit(stem: &str, extension: &str, suffix: &str) -> String {
    let room = NAME_BYTES_MAX.saturating_sub(extension.len() + suffix.len());
    let mut end = stem.len().min(room);
    while !stem.is_char_boundary(end) {
        end -= 1;
    }
    let cut = stem.get(..end).unwrap_or_default();
    // A cut may leave a blank or dot at the end of a name without extension.
    let cut = if end < stem.len() { cut.trim_end_matches(trimmed) } else { cut };
    format!("{cut}{suffix}{extension}")
}

/// `name (2).ext`: the name to try when the first, and those before, are taken.
#[must_use]
pub fn numbered_name(name: &str, number: u32) -> String {
    let (stem, extension) = split(name);
    fit(stem, extension, &format!(" ({number})"))
}

/// The name of a file that is not whole yet. A hash makes it the same when the same file is asked
/// for again, so that it can go on.
#[must_use]
pub fn part_name(name: &str, hash: Option<&[u8]>) -> String {
    let mark = hash.map(|hash| {
        let digits = hash.iter().take(8).map(|byte| format!("{byte:02x}"));
        format!(".{}", digits.collect::<String>())
    });
    fit(name, "", &format!("{}.part", mark.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r19_no_name_leaves_its_folder_or_means_something_to_a_system() {
        for (told, stored) in [
            ("My cool picture.jpg", "My cool picture.jpg"),
            ("日本 é 🎈.txt", "日本 é 🎈.txt"),
            ("../../etc/passwd", "passwd"),
            ("/etc/passwd", "passwd"),
            ("..\\..\\boot.ini", "boot.ini"),
            ("C:\\autoexec.bat", "autoexec.bat"),
            ("a\0b\r\nc\u{1b}[2J\u{85}.txt", "abc[2J.txt"),
            ("photo\u{202e}gpj.exe", "photogpj.exe"),
            (".bashrc", "bashrc"),
            ("...hidden", "hidden"),
            ("  .  x . . ", "x"),
            ("file:stream|<x>?*\"", "filestreamx"),
            ("CON", "_CON"),
            ("nul.tar.gz", "_nul.tar.gz"),
            ("Aux .txt", "_Aux .txt"),
            ("com1", "_com1"),
            ("LPT³.log", "_LPT³.log"),
            ("com10", "com10"),
            ("console.log", "console.log"),
            ("x.\u{feff}", "x"),
        ] {
            assert_eq!(safe_name(told).as_deref(), Some(stored), "{told:?}");
        }
        for nothing in ["", ".", "..", "/", "a/", "a\\", "\0", "...", "???", " \t", "\u{2028}"] {
            assert_eq!(safe_name(nothing), None, "{nothing:?}");
        }
    }

    #[test]
    fn a_long_name_is_cut_and_keeps_its_extension() {
        let long = |bytes: usize| "x".repeat(bytes - 4) + ".pdf";
        assert_eq!(safe_name(&long(255)).unwrap(), long(255));
        assert_eq!(safe_name(&long(256)).unwrap(), long(255));
        assert_eq!(numbered_name(&long(255), 12), "x".repeat(246) + " (12).pdf");
        assert_eq!(part_name(&long(255), None), "x".repeat(250) + ".part");
        let wide = "é".repeat(200);
        assert_eq!(safe_name(&wide).unwrap(), "é".repeat(127));
        let no_extension = format!("x.{}", "y".repeat(300));
        assert_eq!(safe_name(&no_extension).unwrap().len(), NAME_BYTES_MAX);
    }

    #[test]
    fn a_taken_name_gets_a_number_before_its_extension() {
        assert_eq!(numbered_name("a.tar.gz", 1), "a.tar (1).gz");
        assert_eq!(numbered_name("README", 2), "README (2)");
        assert_eq!(part_name("a.txt", Some(&[0xab; 20])), "a.txt.abababababababab.part");
    }
}
