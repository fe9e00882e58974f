//! The engine where there is no operating system's library: its link, its firmware, and its stack, each measured.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::step::{Failure, Outcome, cargo, command, has, has_or_install, has_target, output, root};

/// The most stack that a judgement may take; RSA's are told apart.
const STACK_LIMIT: usize = 16 * 1024;
const CORTEX_M: &str = "thumbv7em-none-eabi";
const WASM: &str = "wasm32-unknown-unknown";

/// Links the engine with nothing, looks that nothing is missing and that there is no allocator, and runs it.
pub(crate) fn freestanding() -> Result<Outcome, Failure> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Ok(Outcome::Absent("its start and its calls of the kernel are written for Linux on x86-64".to_owned()));
    }
    if !(has_or_install("nm", "binutils") && has_or_install("readelf", "binutils")) {
        return Ok(Outcome::Absent("nm and readelf (Debian: binutils) are not installed".to_owned()));
    }
    let program = build("freestanding", None)?.join("freestanding");
    look_at_symbols(&program)?;
    let printed = Figures::read(&output(&mut command(&program))?)?;
    let size = std::fs::metadata(&program).map_err(|error| error.to_string())?.len();
    Ok(Outcome::Passed(format!(
        "no undefined symbol, no dynamic section, no allocator; {size} bytes with symbols; peak stack on x86-64: {}",
        printed.within_limit()?
    )))
}

/// Judges real tokens on a Cortex-M4 in qemu.
pub(crate) fn cortex_m() -> Result<Outcome, Failure> {
    if !has_target(CORTEX_M) {
        return Ok(Outcome::Absent(format!("the target {CORTEX_M} is not installed (rustup target add {CORTEX_M})")));
    }
    if !has_or_install("qemu-system-arm", "qemu-system-arm") {
        return Ok(Outcome::Absent("qemu-system-arm is not installed".to_owned()));
    }
    let folder = build("cortex-m", Some(CORTEX_M))?;
    let (es256, full) = (folder.join("es256"), folder.join("full"));
    // As mangled: the modules of core/src/crypto.
    for linked in ["crypto7ed25519", "crypto3rsa"] {
        // The full firmware must have what the other must lack, or this would look for a name that no longer exists.
        if mentions(&es256, linked)? || !mentions(&full, linked)? {
            return Err(format!("{linked}: expected in the full firmware only"));
        }
    }
    let (es256, full) = (emulate(&es256)?, emulate(&full)?);
    Ok(Outcome::Passed(format!(
        "flash {} bytes with ES256 alone (stack {}), {} bytes in full; peak stack in full: {}",
        es256.flash,
        es256.within_limit()?,
        full.flash,
        full.within_limit()?
    )))
}

/// Judges every access token, proof and response of the vectors in WebAssembly.
pub(crate) fn wasm() -> Result<Outcome, Failure> {
    if !has_target(WASM) {
        return Ok(Outcome::Absent(format!("the target {WASM} is not installed (rustup target add {WASM})")));
    }
    if !has("node") {
        return Ok(Outcome::Absent("node is not installed".to_owned()));
    }
    let module = build("wasm", Some(WASM))?.join("counterfoil_wasm.wasm");
    let mut files: Vec<PathBuf> = std::fs::read_dir(root().join("core/vectors"))
        .map_err(|error| format!("core/vectors: {error}"))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|file| file.extension().is_some_and(|extension| extension == "json"))
        .collect();
    files.sort();
    let printed = output(command("node").arg("core/tests/wasm/run.mjs").arg(&module).args(&files))?;
    Ok(Outcome::Passed(printed.trim().to_owned()))
}

/// Builds a package of core/tests that is outside the workspace, for `target` or for this machine; returns where its programs are.
fn build(package: &str, target: Option<&str>) -> Result<PathBuf, Failure> {
    let own = root().join("core/tests").join(package);
    let folder = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |folder| root().join(folder)).join("embedded");
    let mut build = cargo(["build", "--quiet", "--profile", "embedded", "--target-dir"]);
    build.arg(&folder).current_dir(own).env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
    if let Some(target) = target {
        build.args(["--target", target]);
    }
    output(&mut build)?;
    Ok(target.map_or_else(|| folder.clone(), |target| folder.join(target)).join("embedded"))
}

fn look_at_symbols(program: &Path) -> Result<(), Failure> {
    let ask = |tool: &str, argument: &str| output(command(tool).arg(argument).arg(program));
    let undefined = ask("nm", "--undefined-only")?;
    if !undefined.trim().is_empty() {
        return Err(format!("undefined symbols:\n{undefined}"));
    }
    let symbols = ask("nm", "--defined-only")?;
    if !symbols.lines().any(|line| line.ends_with(" _start")) {
        return Err("the program has no symbols to look at".to_owned());
    }
    let allocator = ["__rust_alloc", "__rust_realloc", "__rust_no_alloc_shim", "__rdl_", "__rg_", "malloc", "5alloc5alloc"];
    if let Some(symbol) = symbols.lines().find(|line| allocator.iter().any(|name| line.contains(name))) {
        return Err(format!("an allocator: {symbol}"));
    }
    let loaded = ask("readelf", "--dynamic")?;
    let segments = ask("readelf", "--segments")?;
    if !loaded.contains("There is no dynamic section") || segments.contains("INTERP") || segments.contains("DYNAMIC") {
        return Err(format!("a dynamic section:\n{loaded}{segments}"));
    }
    Ok(())
}

fn mentions(program: &Path, name: &str) -> Result<bool, Failure> {
    let bytes = std::fs::read(program).map_err(|error| format!("{}: {error}", program.display()))?;
    Ok(bytes.windows(name.len()).any(|window| window == name.as_bytes()))
}

/// As in core/tests/cortex-m/.cargo/config.toml, for at most a minute.
fn emulate(firmware: &Path) -> Result<Figures, Failure> {
    let options = "-M netduinoplus2 -nographic -monitor none -serial none -semihosting-config enable=on,target=native,chardev=out";
    let mut qemu = Command::new("timeout");
    qemu.arg("60").arg("qemu-system-arm").args(["-chardev", "stdio,id=out"]).args(options.split(' ')).arg("-kernel").arg(firmware);
    Figures::read(&output(qemu.stdin(std::process::Stdio::null()))?)
}

/// What a program printed: `subject judgement: verdict stack` and `flash: bytes`.
struct Figures {
    peaks: Vec<(String, usize)>,
    flash: usize,
}

impl Figures {
    fn read(printed: &str) -> Result<Self, Failure> {
        let mut figures = Self { peaks: Vec::new(), flash: 0 };
        for line in printed.lines() {
            let Some((name, figure)) = line.split_once(": ") else { continue };
            let number = figure.rsplit(' ').next().and_then(|number| number.parse().ok());
            match number.ok_or_else(|| format!("no figure in {line:?}"))? {
                flash if name == "flash" => figures.flash = flash,
                peak => figures.peaks.push((name.to_owned(), peak)),
            }
        }
        if figures.peaks.is_empty() { Err(format!("no figures:\n{printed}")) } else { Ok(figures) }
    }

    /// The peaks of the main judgements, or those that are above the limit.
    fn within_limit(&self) -> Result<String, Failure> {
        let is_rsa = |name: &str| name.starts_with("PS256 ") || name.starts_with("RS256 ");
        let show = |peaks: &mut dyn Iterator<Item = &(String, usize)>| -> String {
            peaks.map(|(name, peak)| format!("{name} {peak}")).collect::<Vec<_>>().join(", ")
        };
        let above = show(&mut self.peaks.iter().filter(|(name, peak)| !is_rsa(name) && *peak > STACK_LIMIT));
        if !above.is_empty() {
            return Err(format!("more than {STACK_LIMIT} bytes of stack: {above}"));
        }
        let main = ["accept", "proof", "request"];
        let shown =
            show(&mut self.peaks.iter().filter(|(name, _)| main.iter().any(|main| name.split_once(' ').is_some_and(|n| n.1 == *main))));
        let most = self.peaks.iter().filter(|(name, _)| !is_rsa(name)).map(|(_, peak)| peak).max();
        Ok(format!("{shown}; at most {} without RSA", most.unwrap_or(&0)))
    }
}
