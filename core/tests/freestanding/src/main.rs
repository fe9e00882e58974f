//! A program of the engine and nothing else: no C library, no start files, no allocator. Exits 0 when every verdict is right.
#![no_std]
#![no_main]
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use core::arch::{asm, global_asm};
use core::panic::PanicInfo;

use counterfoil::crypto::small::ES256;
use counterfoil::crypto::{EDDSA, PS256};
use judgements::material;
use judgements::stack::Stack;
use judgements::{Console, Room};

mod memory;

const STACK_BYTES: usize = 512 * 1024;

#[repr(C, align(16))]
struct Arena([u8; STACK_BYTES]);

static mut STACK: Arena = Arena([0; STACK_BYTES]);
static mut ROOM: Room = Room::EMPTY;

// The kernel's stack is left for one of known size, which can be painted.
global_asm!(
    ".globl _start",
    "_start:",
    "lea rsp, [rip + {stack} + {size}]",
    "xor ebp, ebp",
    "call {main}",
    "ud2",
    stack = sym STACK,
    size = const STACK_BYTES,
    main = sym main,
);

extern "C" fn main() -> ! {
    // SAFETY: the only reference to `ROOM`, made once in the only thread.
    let room = unsafe { (&raw mut ROOM).as_mut_unchecked() };
    // SAFETY: `_start` has put the stack pointer to the end of `STACK`, which nothing else uses.
    let stack = unsafe { Stack::from_bottom((&raw mut STACK).cast()) };
    let mut console = StandardOutput;
    let subjects = [&material::ES256, &material::EDDSA, &material::PS256];
    let good = judgements::suite::paved(&[&ES256], room, stack, &mut console)
        && judgements::run(&[&ES256, &PS256, &EDDSA], &subjects, room, stack, &mut console);
    console.write(if good { "all verdicts are right\n" } else { "a verdict is wrong\n" });
    exit(!good)
}

struct StandardOutput;

impl Console for StandardOutput {
    fn write(&mut self, text: &str) {
        const WRITE: usize = 1;
        // SAFETY: write(2) to descriptor 1 reads `text` and clobbers what is said here (System V ABI for x86-64, appendix A.2).
        unsafe {
            asm!("syscall", inlateout("rax") WRITE => _, in("rdi") 1, in("rsi") text.as_ptr(), in("rdx") text.len(),
                lateout("rcx") _, lateout("r11") _, options(nostack, readonly));
        }
    }
}

fn exit(failed: bool) -> ! {
    const EXIT: usize = 60;
    // SAFETY: exit(2) does not return.
    unsafe { asm!("syscall", in("rax") EXIT, in("rdi") usize::from(failed), options(noreturn, nostack)) }
}

#[panic_handler]
fn panicked(_: &PanicInfo<'_>) -> ! {
    StandardOutput.write("panicked\n");
    exit(true)
}
