//! The engine in WebAssembly, without a glue generator: the module has its memory and one function.
#![no_std]

mod cases;
mod fields;

use core::panic::PanicInfo;

/// Judges the case that is spelled in `input` (`run.mjs` says how), writes the verdict's slug to the start of `room`, which is the
/// engine's scratch memory before that, and returns the slug's length; 0 when the case is not spelled right.
///
/// # Safety
/// `input` and `room` are the starts of so many bytes of memory that nothing else uses.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn judge(input: *const u8, input_length: usize, room: *mut u8, room_length: usize) -> usize {
    // SAFETY: the caller promises it.
    let (input, room) = unsafe { (core::slice::from_raw_parts(input, input_length), core::slice::from_raw_parts_mut(room, room_length)) };
    let verdict = match cases::judge(input, room) {
        None => return 0,
        Some(Ok(())) => "ok",
        Some(Err(error)) => error.slug(),
    };
    let Some(out) = room.get_mut(..verdict.len()) else { return 0 };
    out.copy_from_slice(verdict.as_bytes());
    verdict.len()
}

#[panic_handler]
fn panicked(_: &PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
