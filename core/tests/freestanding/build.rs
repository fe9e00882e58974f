//! Links the program with nothing: no C library, no start files, no dynamic section.

fn main() {
    for argument in ["-nostdlib", "-static", "-nostartfiles", "-no-pie", "-Wl,--gc-sections", "-Wl,--build-id=none"] {
        println!("cargo:rustc-link-arg-bins={argument}");
    }
}
