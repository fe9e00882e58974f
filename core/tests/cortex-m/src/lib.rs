//! A Cortex-M4 board: its start, its way to the host (semihosting), and the memory that it gives the engine.
#![no_std]

use core::arch::{asm, global_asm};
use core::panic::PanicInfo;

use counterfoil::jose::algorithm::Algorithms;
use judgements::stack::Stack;
use judgements::{Console, Room, Subject, suite};

// The vector table (Armv7-M Architecture Reference Manual, B1.5.3), and what must be done before any Rust runs.
global_asm!(
    ".section .vectors, \"a\"",
    ".word stack_top",
    ".word reset",
    ".rept 14",
    ".word fault",
    ".endr",
    ".section .text.reset, \"ax\"",
    ".thumb_func",
    ".globl reset",
    ".type reset, %function",
    "reset:",
    "ldr r0, =data_start",
    "ldr r1, =data_end",
    "ldr r2, =data_load",
    "b 2f",
    "1: ldr r3, [r2], #4",
    "str r3, [r0], #4",
    "2: cmp r0, r1",
    "blo 1b",
    "ldr r0, =bss_start",
    "ldr r1, =bss_end",
    "movs r3, #0",
    "b 4f",
    "3: str r3, [r0], #4",
    "4: cmp r0, r1",
    "blo 3b",
    "bl main",
    "udf #0",
    ".pool",
);

unsafe extern "C" {
    static mut stack_bottom: usize;
    static flash_bytes: u8;
}

static mut ROOM: Room = Room::EMPTY;

/// Makes every judgement, says how much flash the firmware takes, and ends: with 0 when every verdict is right.
///
/// # Safety
/// Only `main`, once.
pub unsafe fn run(algorithms: Algorithms<'_>, paved: Algorithms<'_>, subjects: &[&Subject]) -> ! {
    // SAFETY: the only reference to `ROOM`, by the promise made above; there is one thread and no interrupt handler.
    let room = unsafe { (&raw mut ROOM).as_mut_unchecked() };
    // SAFETY: link.x leaves all RAM from `stack_bottom` on to the stack.
    let stack = unsafe { Stack::from_bottom(&raw mut stack_bottom) };
    let mut console = Host;
    let good = suite::paved(paved, room, stack, &mut console) && suite::run(algorithms, subjects, room, stack, &mut console);
    let flash = (&raw const flash_bytes).addr();
    suite::figure("flash", flash, &mut console);
    exit(good)
}

/// The debugger's side of semihosting, here the emulator.
struct Host;

impl Console for Host {
    fn write(&mut self, text: &str) {
        const WRITE_CHARACTER: usize = 0x03;
        for byte in text.as_bytes() {
            call(WRITE_CHARACTER, core::ptr::from_ref(byte).addr());
        }
    }
}

fn exit(good: bool) -> ! {
    const EXIT: usize = 0x18;
    const APPLICATION_EXIT: usize = 0x2_0026;
    const RUN_TIME_ERROR: usize = 0x2_0023;
    loop {
        call(EXIT, if good { APPLICATION_EXIT } else { RUN_TIME_ERROR });
    }
}

/// Semihosting for AArch32 and AArch64, section 3: a breakpoint that the debugger answers.
fn call(operation: usize, argument: usize) {
    // SAFETY: none of the operations above writes to memory; the answer is in `r0`.
    unsafe { asm!("bkpt #0xab", inlateout("r0") operation => _, in("r1") argument, options(nostack, preserves_flags)) }
}

#[unsafe(no_mangle)]
extern "C" fn fault() -> ! {
    Host.write("fault\n");
    exit(false)
}

#[panic_handler]
fn panicked(_: &PanicInfo<'_>) -> ! {
    Host.write("panicked\n");
    exit(false)
}
