//! libcounterfoil: its installation, and its tests from the side of C, which all run against one installation.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::step::{Failure, Outcome, Step, cargo, command, has, has_or_install, output, root, run, target};

/// What a program needs beside the static library on Linux.
const PRIVATE_LIBRARIES: [&str; 3] = ["pthread", "dl", "m"];

pub(crate) const STEPS: &[Step] = &[
    Step { name: "gateways: C header in every standard", run: standards },
    Step { name: "gateways: C vectors, misuse, threads and processes", run: || run_tests(&Way::PLAIN) },
    Step { name: "gateways: C under valgrind", run: valgrind },
    Step { name: "gateways: C under ASan and UBSan", run: || run_tests(&Way::SANITIZED) },
    Step { name: "gateways: C gateway", run: gateway },
    Step { name: "gateways: C installation, pkg-config and CMake", run: consumers },
    Step { name: "gateways: C without std and heap", run: embedded },
];

/// `install --prefix DIR`.
pub(crate) fn install_from(arguments: &[String]) -> Result<(), Failure> {
    let [flag, prefix] = arguments else { return Err("install takes --prefix DIR".to_owned()) };
    if flag != "--prefix" {
        return Err(format!("install takes --prefix DIR, not {flag}"));
    }
    let prefix = std::path::absolute(prefix).map_err(|error| error.to_string())?;
    run(&mut cargo(["build", "--release", "--package", "counterfoil-ffi"]))?;
    install(&prefix)
}

/// Header, libraries, pkg-config file and CMake package of what is built.
fn install(prefix: &Path) -> Result<(), Failure> {
    let version = version()?;
    let (major, minor) = version.split_once('.').and_then(|(major, rest)| Some((major, rest.split_once('.')?.0))).ok_or("a version")?;
    let soversion = format!("{major}.{minor}");
    let (own, built) = (root().join("ffi-c"), target().join("release"));
    copy(&own.join("include/counterfoil.h"), &prefix.join("include/counterfoil.h"))?;
    copy(&built.join("libcounterfoil_ffi.a"), &prefix.join("lib/libcounterfoil.a"))?;
    copy(&built.join("libcounterfoil_ffi.so"), &prefix.join(format!("lib/libcounterfoil.so.{version}")))?;
    link(&format!("libcounterfoil.so.{version}"), &prefix.join(format!("lib/libcounterfoil.so.{soversion}")))?;
    link(&format!("libcounterfoil.so.{soversion}"), &prefix.join("lib/libcounterfoil.so"))?;
    let flags = PRIVATE_LIBRARIES.map(|library| format!("-l{library}")).join(" ");
    let values = [
        ("@PREFIX@", prefix.to_str().ok_or("the prefix is not UTF-8")?),
        ("@VERSION@", &version),
        ("@SOVERSION@", &soversion),
        ("@MAJOR@", major),
        ("@MINOR@", minor),
        ("@PRIVATE_FLAGS@", &flags),
        ("@PRIVATE_LIBRARIES@", &PRIVATE_LIBRARIES.join(";")),
    ];
    fill(&own.join("counterfoil.pc.in"), &prefix.join("lib/pkgconfig/counterfoil.pc"), &values)?;
    for name in ["counterfoil-config.cmake", "counterfoil-config-version.cmake"] {
        fill(&own.join("cmake").join(format!("{name}.in")), &prefix.join("lib/cmake/counterfoil").join(name), &values)?;
    }
    Ok(())
}

fn version() -> Result<String, Failure> {
    let id = output(&mut cargo(["pkgid", "--package", "counterfoil-ffi"]))?;
    id.trim().rsplit(['#', '@', ':']).next().map(str::to_owned).ok_or_else(|| format!("no version in {id}"))
}

fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    let copied = fs::create_dir_all(to.parent().unwrap_or(to)).and_then(|()| {
        // A library that is in use is replaced, not written into.
        let _ = fs::remove_file(to);
        fs::copy(from, to)
    });
    copied.map(drop).map_err(|error| format!("{} to {}: {error}", from.display(), to.display()))
}

fn link(to: &str, link: &Path) -> Result<(), Failure> {
    let _ = fs::remove_file(link);
    std::os::unix::fs::symlink(to, link).map_err(|error| format!("{}: {error}", link.display()))
}

fn fill(template: &Path, to: &Path, values: &[(&str, &str)]) -> Result<(), Failure> {
    let text = fs::read_to_string(template).map_err(|error| format!("{}: {error}", template.display()))?;
    let text = values.iter().fold(text, |text, (name, value)| text.replace(name, value));
    fs::create_dir_all(to.parent().unwrap_or(to)).and_then(|()| fs::write(to, text)).map_err(|error| format!("{}: {error}", to.display()))
}

/// Where the tests find the library: built and installed once.
fn prefix() -> Result<&'static Path, Failure> {
    static PREFIX: OnceLock<Result<PathBuf, Failure>> = OnceLock::new();
    let install = || {
        let prefix = target().join("c");
        output(&mut cargo(["build", "--release", "--quiet", "--package", "counterfoil-ffi"]))?;
        install(&prefix)?;
        Ok(prefix)
    };
    PREFIX.get_or_init(install).as_deref().map_err(Clone::clone)
}

const WARNINGS: [&str; 4] = ["-Wall", "-Wextra", "-pedantic", "-Werror"];

/// The header, and the README's example, in each standard of C and C++, by each compiler that is there.
fn standards() -> Result<Outcome, Failure> {
    let prefix = prefix()?;
    let include = format!("-I{}", prefix.join("include").display());
    let empty = target().join("c/header.c");
    fs::write(&empty, "#include <counterfoil.h>\n#include <counterfoil.h>\n").map_err(|error| error.to_string())?;
    let mut compiled = Vec::new();
    for (compiler, language, standards) in [
        ("gcc", "c", &["c99", "c11", "c17"][..]),
        ("clang", "c", &["c99", "c11", "c17"]),
        ("g++", "c++", &["c++11", "c++14", "c++17", "c++20"]),
        ("clang++", "c++", &["c++11", "c++14", "c++17", "c++20"]),
    ] {
        if !has(compiler) {
            continue;
        }
        for standard in standards {
            for defined in ["-DCOUNTERFOIL_HOSTED", "-DCOUNTERFOIL_GATEWAY", "-DCOUNTERFOIL_EMBEDDED"] {
                let mut check = command(compiler);
                check.args(WARNINGS).args([&format!("-std={standard}"), "-fsyntax-only", defined, &include, "-x", language]).arg(&empty);
                output(&mut check)?;
            }
        }
        compiled.push(format!("{compiler} {}", standards.join(" ")));
    }
    if compiled.is_empty() { Ok(Outcome::Absent("no C compiler".to_owned())) } else { Ok(Outcome::Passed(compiled.join("; "))) }
}

/// How the tests are compiled and run.
struct Way {
    folder: &'static str,
    flags: &'static [&'static str],
    /// Goes ahead of each program.
    runner: &'static [&'static str],
    /// Each how manieth vector is judged, and how often each thread judges.
    every: u32,
    rounds: u32,
}

impl Way {
    const PLAIN: Self = Self { folder: "plain", flags: &["-O1"], runner: &[], every: 1, rounds: 5000 };
    const SANITIZED: Self = Self {
        folder: "sanitized",
        flags: &["-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"],
        runner: &[],
        every: 1,
        rounds: 2000,
    };
    const VALGRIND: Self = Self {
        folder: "valgrind",
        flags: &["-O1"],
        runner: &[
            "valgrind",
            "--quiet",
            "--error-exitcode=99",
            "--leak-check=full",
            "--show-leak-kinds=definite,indirect",
            // An Arc is held by a pointer into its middle: possibly lost, it would seem.
            "--errors-for-leak-kinds=definite",
            "--child-silent-after-fork=yes",
            "--fair-sched=yes",
        ],
        every: 8,
        rounds: 100,
    };

    /// A program as it is started.
    fn started(&self, program: &Path) -> Command {
        match self.runner {
            [runner, options @ ..] => {
                let mut runner = command(runner);
                runner.args(options).arg(program);
                runner
            }
            [] => command(program),
        }
    }
}

fn valgrind() -> Result<Outcome, Failure> {
    if !has_or_install("valgrind", "valgrind") {
        return Ok(Outcome::Absent("valgrind is not installed".to_owned()));
    }
    run_tests(&Way::VALGRIND)
}

/// Compiles and runs the programs of ffi-c/tests.
fn run_tests(way: &Way) -> Result<Outcome, Failure> {
    if !(has("gcc") && has("python3")) {
        return Ok(Outcome::Absent("gcc and python3 are needed".to_owned()));
    }
    let folder = target().join("c").join(way.folder);
    let vectors = folder.join("vectors.txt");
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    fs::write(&vectors, bytes(command("python3").arg("ffi-c/tests/vectors.py"))?).map_err(|error| error.to_string())?;
    let data = "core/tests/data".to_owned();
    let vectors = vectors.to_string_lossy().into_owned();
    let mut told = Vec::new();
    for (program, arguments) in [
        ("vectors", vec![vectors, way.every.to_string()]),
        ("misuse", if way.every == 1 { vec![data.clone()] } else { vec![data.clone(), "quick".to_owned()] }),
        ("shared", vec![data, way.rounds.to_string()]),
    ] {
        let binary = compile(&root().join("ffi-c/tests").join(program).with_extension("c"), &folder.join(program), way.flags)?;
        told.push(output(way.started(&binary).args(&arguments))?.trim().replace('\n', "; "));
    }
    Ok(Outcome::Passed(told.join("; ")))
}

/// A program with the static library.
fn compile(source: &Path, binary: &Path, flags: &[&str]) -> Result<PathBuf, Failure> {
    let prefix = prefix()?;
    let mut compile = command("gcc");
    compile.args(WARNINGS).args(["-g", "-std=gnu11"]).args(flags).arg(format!("-I{}", prefix.join("include").display())).arg(source);
    compile.arg(prefix.join("lib/libcounterfoil.a")).args(PRIVATE_LIBRARIES.map(|library| format!("-l{library}")));
    output(compile.arg("-o").arg(binary))?;
    Ok(binary.to_owned())
}

fn bytes(command: &mut Command) -> Result<Vec<u8>, Failure> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() { Ok(output.stdout) } else { Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr))) }
}

/// The engine with memory, in C: a build of its own, because hosts that fetch by themselves need no TLS.
fn gateway() -> Result<Outcome, Failure> {
    if !has("gcc") {
        return Ok(Outcome::Absent("gcc is needed".to_owned()));
    }
    output(&mut cargo(["build", "--quiet", "--package", "counterfoil-ffi", "--features", "gateway"]))?;
    let data = "core/tests/data";
    let mut told = Vec::new();
    for way in [Way::PLAIN, Way::SANITIZED, Way::VALGRIND] {
        if way.folder == Way::VALGRIND.folder && !has_or_install("valgrind", "valgrind") {
            return Ok(Outcome::Absent("valgrind is not installed".to_owned()));
        }
        let folder = target().join("c").join(way.folder);
        fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
        let program = folder.join("gateway");
        let mut compile = command("gcc");
        compile
            .args(WARNINGS)
            .args(["-g", "-std=gnu11", "-DCOUNTERFOIL_GATEWAY", "-Iffi-c/include", "ffi-c/tests/gateway.c"])
            .args(way.flags);
        compile.arg(target().join("debug/libcounterfoil_ffi.a")).args(PRIVATE_LIBRARIES.map(|library| format!("-l{library}")));
        output(compile.arg("-o").arg(&program))?;
        told.push(output(way.started(&program).arg(data).arg(folder.join("jwks.json")))?.trim().to_owned());
    }
    Ok(Outcome::Passed(format!("plain {}; sanitized {}; valgrind {}", told[0], told[1], told[2])))
}

/// The README's example by each way of finding the library; the README has it to the letter.
fn consumers() -> Result<Outcome, Failure> {
    let prefix = prefix()?;
    let example = root().join("ffi-c/examples/accept.c");
    let text = |file: &Path| fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()));
    if !text(&root().join("ffi-c/README.md"))?.contains(text(&example)?.trim()) {
        return Err("ffi-c/README.md does not have the text of ffi-c/examples/accept.c".to_owned());
    }
    let folder = target().join("c/consumers");
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let mut ways = Vec::new();
    if has_or_install("pkg-config", "pkg-config") {
        for (name, option) in [("pkg-config", "--cflags"), ("pkg-config --static", "--static")] {
            let mut ask = command("pkg-config");
            ask.env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig")).args(["--cflags", "--libs", option, "counterfoil"]);
            let flags = output(&mut ask)?;
            let program = folder.join(name.replace(' ', ""));
            output(command("gcc").args(WARNINGS).arg("-std=c99").arg(&example).args(flags.split_whitespace()).arg("-o").arg(&program))?;
            try_example(&program, prefix)?;
            ways.push(name);
        }
    }
    if has_or_install("cmake", "cmake") {
        let build = folder.join("cmake");
        let _ = fs::remove_dir_all(&build);
        let mut configure = command("cmake");
        configure.arg("-S").arg(root().join("ffi-c/tests/consumer")).arg("-B").arg(&build);
        configure.args([format!("-DCMAKE_PREFIX_PATH={}", prefix.display()), format!("-DEXAMPLE={}", example.display())]);
        output(&mut configure)?;
        output(command("cmake").arg("--build").arg(&build))?;
        for program in ["accept_shared", "accept_static"] {
            try_example(&build.join(program), prefix)?;
        }
        ways.push("CMake (shared and static)");
    }
    let soname = output(command("readelf").arg("--dynamic").arg(prefix.join("lib/libcounterfoil.so")))?;
    let expected = format!("[libcounterfoil.so.{}]", version()?.rsplit_once('.').map_or("", |(short, _)| short));
    if !soname.contains(&expected) {
        return Err(format!("the SONAME is not {expected}:\n{soname}"));
    }
    if ways.is_empty() { Ok(Outcome::Absent("neither pkg-config nor cmake".to_owned())) } else { Ok(Outcome::Passed(ways.join(", "))) }
}

/// Accepts with the certificate, and refuses without.
fn try_example(program: &Path, prefix: &Path) -> Result<(), Failure> {
    let data = root().join("core/tests/data/paved");
    let mut accept = command(program);
    accept.env("LD_LIBRARY_PATH", prefix.join("lib")).args([data.join("jwks.json"), data.join("token.txt")]);
    let told = output(accept.arg(data.join("client.der")))?;
    if told.trim() != "accepted: 4711" {
        return Err(format!("{}: {told}", program.display()));
    }
    let mut refuse = command(program);
    refuse.env("LD_LIBRARY_PATH", prefix.join("lib")).args([data.join("jwks.json"), data.join("token.txt"), data.join("token.txt")]);
    let refused = refuse.output().map_err(|error| error.to_string())?;
    let told = String::from_utf8_lossy(&refused.stdout).into_owned();
    let expected = r#"refused: certificate_malformed: 400, WWW-Authenticate: "#;
    if refused.status.code() == Some(1) && told.trim_end() == expected.trim_end() {
        Ok(())
    } else {
        Err(format!("{}: {told}", program.display()))
    }
}

/// The library without std in a program without a C library: nothing undefined, no allocator, and it judges.
fn embedded() -> Result<Outcome, Failure> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Ok(Outcome::Absent("its start is written for Linux on x86-64".to_owned()));
    }
    if !(has("gcc") && has_or_install("nm", "binutils")) {
        return Ok(Outcome::Absent("gcc and nm (Debian: binutils) are needed".to_owned()));
    }
    let mut build = cargo(["rustc", "--quiet", "--package", "counterfoil-ffi", "--lib", "--crate-type", "staticlib"]);
    build.args(["--no-default-features", "--features", "small", "--profile", "embedded"]);
    output(build.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS"))?;
    let folder = target().join("c/embedded");
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let program = folder.join("embedded");
    let mut compile = command("gcc");
    compile.args(WARNINGS).args([
        "-std=gnu11",
        "-O1",
        "-ffreestanding",
        "-fno-builtin",
        "-fno-tree-loop-distribute-patterns",
        "-fno-stack-protector",
        "-nostdlib",
        "-static",
        "-Wl,--gc-sections",
    ]);
    compile.args(["-DCOUNTERFOIL_EMBEDDED", "-Iffi-c/include", "-Wa,-Icore/tests/data", "ffi-c/tests/embedded.c"]);
    output(compile.arg(target().join("embedded/libcounterfoil_ffi.a")).arg("-o").arg(&program))?;
    let undefined = output(command("nm").arg("--undefined-only").arg(&program))?;
    let symbols = output(command("nm").arg("--defined-only").arg(&program))?;
    let allocator = ["__rust_alloc", "__rust_realloc", "__rdl_", "__rg_", "malloc", "5alloc5alloc"];
    if !undefined.trim().is_empty() || !symbols.contains(" _start") {
        return Err(format!("undefined symbols:\n{undefined}"));
    }
    if let Some(symbol) = symbols.lines().find(|line| allocator.iter().any(|name| line.contains(name))) {
        return Err(format!("an allocator: {symbol}"));
    }
    let told = output(&mut command(&program))?;
    let size = output(command("size").arg(&program))?;
    let text = size.lines().nth(1).and_then(|line| line.split_whitespace().next()).unwrap_or("?").to_owned();
    Ok(Outcome::Passed(format!("{}; {text} bytes of code and constants", told.trim())))
}
