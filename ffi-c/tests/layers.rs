//! `unsafe` lives in `boundary.rs`: elsewhere only the attribute that exports a function is.

use std::path::Path;

#[test]
fn only_the_boundary_is_unsafe() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = 0;
    for entry in std::fs::read_dir(&folder).expect("the sources") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
        files += 1;
        let text = std::fs::read_to_string(&path).expect("a readable file");
        let faults: Vec<_> = text.lines().enumerate().filter(|(_, line)| is_unsafe(line)).map(|(number, _)| number + 1).collect();
        assert!(name == "boundary.rs" || faults.is_empty(), "{name}: unsafe in the lines {faults:?}");
        assert!(name != "boundary.rs" || !faults.is_empty(), "the boundary has moved");
    }
    assert!(files > 10, "only {files} files found");
}

fn is_unsafe(line: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    code.trim() != "#[unsafe(no_mangle)]" && code.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "unsafe")
}

#[test]
fn a_block_is_found_and_a_comment_is_not() {
    assert!(is_unsafe("    let x = unsafe { f() };") && is_unsafe("unsafe impl Send for X {}"));
    assert!(!is_unsafe("/// unsafe") && !is_unsafe("#[unsafe(no_mangle)]") && !is_unsafe("let unsafely = 1;"));
}
