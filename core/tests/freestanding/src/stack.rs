//! Paints the unused stack and looks how much of the paint is left.

use core::arch::asm;

const PAINT: usize = usize::from_ne_bytes([0xa5; size_of::<usize>()]);
/// What lies below the stack pointer and may be in use: the red zone of the System V ABI for x86-64, and some more.
const IN_USE: usize = 256;

/// The lowest address of the stack.
#[derive(Clone, Copy)]
pub struct Stack {
    bottom: *mut usize,
}

impl Stack {
    /// The stack that starts at `bottom`.
    ///
    /// # Safety
    /// From `bottom`, which is aligned for a word, to the stack pointer of whoever measures, all is stack and nothing else uses it.
    pub const unsafe fn from_bottom(bottom: *mut usize) -> Self {
        Self { bottom }
    }

    /// The bytes of stack that `work` used at most, at least 256.
    #[inline(never)]
    pub fn peak(self, work: &mut dyn FnMut()) -> usize {
        let here = stack_pointer();
        let words = here.saturating_sub(IN_USE).saturating_sub(self.bottom.addr()) / size_of::<usize>();
        for index in 0..words {
            // SAFETY: `from_bottom` promises that this is stack, and it lies below all that is in use.
            unsafe { self.bottom.add(index).write_volatile(PAINT) };
        }
        work();
        // SAFETY: as above; every word was written by the loop above.
        let untouched = (0..words).take_while(|index| unsafe { self.bottom.add(*index).read_volatile() } == PAINT).count();
        here - (self.bottom.addr() + untouched * size_of::<usize>())
    }
}

#[inline(always)]
fn stack_pointer() -> usize {
    let here: usize;
    // SAFETY: reads a register, and nothing else.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        asm!("mov {}, rsp", out(reg) here, options(nomem, nostack, preserves_flags));
        #[cfg(target_arch = "arm")]
        asm!("mov {}, sp", out(reg) here, options(nomem, nostack, preserves_flags));
    }
    here
}
