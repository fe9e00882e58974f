//! Tells the linker what Node's addons need on this platform.

fn main() {
    napi_build::setup();
}
