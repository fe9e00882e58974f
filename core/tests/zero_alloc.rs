//! No heap: a counting allocator sees nothing while the engine accepts and while it refuses, by every entry point, with every
//! algorithm, and over every vector. The one file beside the programs of core/tests that may be unsafe: it is the allocator.

use core::alloc::{GlobalAlloc, Layout};
use core::cell::Cell;
use core::hint::black_box;
use std::alloc::System;

#[path = "zero_alloc/every_entry_point.rs"]
mod every_entry_point;
#[path = "zero_alloc/every_vector.rs"]
mod every_vector;
#[expect(dead_code, reason = "the runner is not used here: it allocates")]
mod vector;

struct Counting;

thread_local! {
    /// Of this thread alone: tests run side by side. Without a destructor, so that its first use does not allocate.
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

fn count() {
    ALLOCATIONS.set(ALLOCATIONS.get() + 1);
}

// SAFETY: does what the system's allocator does, and counts; counting neither allocates nor panics.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promise is the one that is asked for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: as above.
        unsafe { System.realloc(memory, layout, size) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How often `work` allocated, and what it came to.
fn counted<T>(work: impl FnOnce() -> T) -> (u64, T) {
    let before = ALLOCATIONS.get();
    let result = work();
    (ALLOCATIONS.get() - before, result)
}

#[test]
fn the_counter_counts() {
    assert_eq!(counted(|| black_box(1 + 1)).0, 0);
    assert_eq!(counted(|| drop(black_box(Box::new(1)))).0, 1);
    assert_eq!(counted(|| drop(black_box(vec![0u8; 64]))).0, 1, "zeroed memory");
    let mut grown = Vec::<u64>::with_capacity(1);
    assert_eq!(counted(|| grown.extend([1, 2, 3])).0, 1, "grown memory");
    let (allocations, text) = counted(|| black_box(7).to_string());
    assert!(allocations > 0 && text == "7");
}
