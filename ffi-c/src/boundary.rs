//! The one place where raw pointers become slices and references. What C must keep to is written in the header and repeated here
//! once: a pointer is NULL or points to as many live, initialised (for outputs: writable) things as the call says, which nobody else
//! changes during the call, and which stay for as long as what was made from them is in use.

use core::ffi::c_void;
use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::sync::atomic::AtomicU32;

use counterfoil::Error;

use crate::accept::BatchItem;
use crate::lock::Held;
use crate::server::Issuer;

/// A code of `counterfoil_error`, or 0.
pub type Code = u16;

/// Text or octets: `size` of them at `data`. NULL is absence, which is not the same as emptiness.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Bytes<'a> {
    data: *const c_void,
    size: usize,
    lives: PhantomData<&'a [u8]>,
}

// SAFETY: stands for `&'a [u8]`, or for nothing.
unsafe impl Sync for Bytes<'_> {}

impl<'a> Bytes<'a> {
    pub(crate) const NULL: Self = Self { data: core::ptr::null(), size: 0, lives: PhantomData };

    pub(crate) const fn of(bytes: &'a [u8]) -> Self {
        Self { data: bytes.as_ptr().cast(), size: bytes.len(), lives: PhantomData }
    }

    pub(crate) fn read(self) -> Result<&'a [u8], Error> {
        slice(self.data.cast(), self.size)
    }

    pub(crate) fn text(self) -> Result<&'a str, Error> {
        core::str::from_utf8(self.read()?).map_err(|_| Error::TextNotUtf8)
    }

    /// The octets, or none for NULL.
    pub(crate) fn optional(self) -> Result<Option<&'a [u8]>, Error> {
        if self.data.is_null() { Ok(None) } else { self.read().map(Some) }
    }

    /// The text, or none for NULL.
    pub(crate) fn optional_text(self) -> Result<Option<&'a str>, Error> {
        if self.data.is_null() { Ok(None) } else { self.text().map(Some) }
    }
}

/// `count` texts.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct List<'a> {
    items: *const Bytes<'a>,
    count: usize,
}

impl<'a> List<'a> {
    pub(crate) const EMPTY: Self = Self { items: core::ptr::null(), count: 0 };

    pub(crate) const fn of(items: &'a [Bytes<'a>]) -> Self {
        Self { items: items.as_ptr(), count: items.len() }
    }

    pub(crate) fn read(self) -> Result<&'a [Bytes<'a>], Error> {
        if self.count == 0 { Ok(&[]) } else { slice(self.items, self.count) }
    }
}

/// `count` issuers.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Issuers<'a> {
    items: *const Issuer<'a>,
    count: usize,
}

impl<'a> Issuers<'a> {
    pub(crate) const EMPTY: Self = Self { items: core::ptr::null(), count: 0 };

    pub(crate) fn read(self) -> Result<&'a [Issuer<'a>], Error> {
        if self.count == 0 { Ok(&[]) } else { slice(self.items, self.count) }
    }
}

/// `count` issuers of a gateway.
#[cfg(feature = "gateway")]
#[repr(C)]
#[derive(Clone, Copy)]
pub struct GatewayIssuers<'a> {
    items: *const crate::gateway::GatewayIssuer<'a>,
    count: usize,
}

#[cfg(feature = "gateway")]
impl<'a> GatewayIssuers<'a> {
    pub(crate) const EMPTY: Self = Self { items: core::ptr::null(), count: 0 };

    pub(crate) fn read(self) -> Result<&'a [crate::gateway::GatewayIssuer<'a>], Error> {
        if self.count == 0 { Ok(&[]) } else { slice(self.items, self.count) }
    }
}

/// `count` tokens to be judged together.
#[repr(C)]
pub struct Batch<'a, 's> {
    items: *mut BatchItem<'a, 's>,
    count: usize,
}

impl<'a, 's> Batch<'a, 's> {
    pub(crate) fn open(self) -> Result<&'a mut [BatchItem<'a, 's>], Error> {
        // Judged as any slice is; nobody else uses the items during the call.
        slice(self.items, self.count)?;
        // SAFETY: as `slice`, and C promises that the items are the call's alone.
        Ok(unsafe { core::slice::from_raw_parts_mut(self.items, self.count) })
    }
}

fn slice<'a, T>(data: *const T, count: usize) -> Result<&'a [T], Error> {
    if data.is_null() {
        return Err(Error::NullPointer);
    }
    if !data.is_aligned() {
        return Err(Error::MemoryMisaligned);
    }
    if count > isize::MAX.unsigned_abs() / size_of::<T>() {
        return Err(Error::LimitOutOfRange);
    }
    // SAFETY: not NULL, aligned, of a size that can be; C promises the rest.
    Ok(unsafe { core::slice::from_raw_parts(data, count) })
}

/// Memory for results: `size` octets at `data`, which may be uninitialised and must not overlap an input. NULL where `size` is 0.
#[repr(C)]
pub struct Buffer<'a> {
    data: *mut c_void,
    size: usize,
    lives: PhantomData<&'a mut [u8]>,
}

impl<'a> Buffer<'a> {
    /// The octets, which are written before they are read.
    pub(crate) fn open(self) -> Result<&'a mut [u8], Error> {
        self.words_of::<u8>()
    }

    /// The memory as things of plain data, as many as fit.
    pub(crate) fn words(self) -> Result<&'a mut [u64], Error> {
        self.words_of::<u64>()
    }

    fn words_of<T: Plain>(self) -> Result<&'a mut [T], Error> {
        if self.size == 0 {
            return Ok(&mut []);
        }
        let data = self.data.cast::<T>();
        if data.is_null() {
            return Err(Error::NullPointer);
        }
        if !data.is_aligned() {
            return Err(Error::MemoryMisaligned);
        }
        if self.size > isize::MAX.unsigned_abs() {
            return Err(Error::LimitOutOfRange);
        }
        // SAFETY: as `slice`; nobody else uses the memory during the call, and any octets are a `T`.
        Ok(unsafe { core::slice::from_raw_parts_mut(data, self.size / size_of::<T>()) })
    }

    /// Moves a new object into the memory, which it then has for good.
    #[cfg(not(feature = "std"))]
    pub(crate) fn place<T>(self, object: T) -> Result<&'static mut T, Error> {
        let place = self.data.cast::<T>();
        if place.is_null() {
            return Err(Error::NullPointer);
        }
        if !place.is_aligned() {
            return Err(Error::MemoryMisaligned);
        }
        if self.size < size_of::<T>() {
            return Err(Error::MemoryTooSmall);
        }
        // SAFETY: not NULL, aligned and large enough; C promises that the memory serves nothing else from now on.
        unsafe {
            place.write(object);
            Ok(&mut *place)
        }
    }
}

/// What any octets are a value of, and which holds no pointer: it may lie in memory that processes share.
///
/// # Safety
/// True of integers and of `repr(C)` structures of them without padding that is read.
pub(crate) unsafe trait Plain {}

// SAFETY: an integer.
unsafe impl Plain for u8 {}
// SAFETY: an integer.
unsafe impl Plain for u64 {}
// SAFETY: an array of `u8` and a `u64`.
unsafe impl Plain for counterfoil::oauth::replay::ReplayEntry {}

// SAFETY: integers, arrays of them, and dates, any octets of which are one or none (`NumericDate` is a `NonZeroU64`).
unsafe impl<const N: usize> Plain for counterfoil::oauth::cache::CacheSlot<N> {}
// SAFETY: integers and arrays of them.
unsafe impl<const WORDS: usize> Plain for counterfoil::oauth::key_tables::KeySlot<WORDS> {}

/// Words as plain things of another kind, as many as fit.
pub(crate) fn plain<T: Plain>(words: &mut [u64]) -> &mut [T] {
    const { assert!(align_of::<T>() <= align_of::<u64>() && size_of::<T>() > 0) };
    // SAFETY: aligned, within the words, and any octets are a `T`, as any octets are words.
    unsafe { core::slice::from_raw_parts_mut(words.as_mut_ptr().cast(), size_of_val(words) / size_of::<T>()) }
}

/// Memory of tables that outlives every call and may be shared with other processes; used under a lock.
#[derive(Clone, Copy)]
pub(crate) struct Zone {
    words: *mut u64,
    count: usize,
}

// SAFETY: the words are reached through `exclusive` alone, whose caller holds the lock of the zone.
unsafe impl Send for Zone {}
// SAFETY: as above.
unsafe impl Sync for Zone {}

impl Zone {
    pub(crate) fn new(buffer: Buffer<'_>) -> Result<Self, Error> {
        let words = buffer.words()?;
        if words.is_empty() {
            return Err(Error::MemoryTooSmall);
        }
        Ok(Self { words: words.as_mut_ptr(), count: words.len() })
    }

    /// A word that nobody writes once the memory has been laid out, for who does not have the lock.
    pub(crate) fn settled(&self, index: usize) -> Option<u64> {
        // SAFETY: within the words, and as `new`; volatile, because another process may still be laying the memory out.
        (index < self.count).then(|| unsafe { self.words.add(index).read_volatile() })
    }

    /// All words but the first, for who holds their lock: `_held` is the evidence.
    pub(crate) fn exclusive<'h>(&self, _held: &'h mut Held<'_>) -> &'h mut [u64] {
        // SAFETY: `new` had them as a slice, C keeps them for as long as the handle is in use, and the lock keeps others away.
        unsafe { core::slice::from_raw_parts_mut(self.words.add(1), self.count - 1) }
    }

    /// The first word: a lock that lies in the memory itself.
    pub(crate) fn lock_word(&self) -> &AtomicU32 {
        // SAFETY: there is a first word, which `exclusive` leaves out: everybody reaches it as an atomic.
        unsafe { AtomicU32::from_ptr(self.words.cast()) }
    }
}

/// A lock of the caller's.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Lock {
    /// Given to both functions.
    pub(crate) context: *mut c_void,
    /// Takes the lock; anything but 0 says that it cannot be had, and the request is refused with 503.
    pub(crate) acquire: Option<unsafe extern "C" fn(context: *mut c_void) -> i32>,
    /// Gives it back.
    pub(crate) release: Option<unsafe extern "C" fn(context: *mut c_void)>,
}

// SAFETY: C promises that the functions may be called with the context from any thread that uses the handle.
unsafe impl Send for Lock {}
// SAFETY: as above.
unsafe impl Sync for Lock {}

impl Lock {
    pub(crate) fn acquire(&self) -> bool {
        // SAFETY: C promises that the functions may be called with the context.
        self.acquire.is_some_and(|acquire| unsafe { acquire(self.context) } == 0)
    }

    pub(crate) fn release(&self) {
        if let Some(release) = self.release {
            // SAFETY: as above.
            unsafe { release(self.context) };
        }
    }
}

/// A value in memory that C declared; `tag` says whether a call has filled it.
#[repr(C)]
pub(crate) struct Filled<T> {
    tag: u64,
    value: MaybeUninit<T>,
}

/// "counterfo" in digits, so that neither zeros nor chance look like it.
const FILLED: u64 = 0x00c0_173a_f011_5eed;

impl<T> Filled<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self { tag: FILLED, value: MaybeUninit::new(value) }
    }

    pub(crate) fn get(&self) -> Result<&T, Error> {
        if self.tag != FILLED {
            return Err(Error::Unfilled);
        }
        // SAFETY: only `new` makes the tag, and it has the value beside it.
        Ok(unsafe { self.value.assume_init_ref() })
    }
}

/// A reference that must not be NULL.
pub(crate) fn given<T>(pointer: Option<T>) -> Result<T, Error> {
    pointer.ok_or(Error::NullPointer)
}

/// Does the work of one exported function: its error is the code, and a panic becomes one where that can be.
pub(crate) fn guard(work: impl FnOnce() -> Result<(), Error>) -> Code {
    #[cfg(feature = "std")]
    let result = std::panic::catch_unwind(core::panic::AssertUnwindSafe(work)).unwrap_or(Err(Error::Panicked));
    #[cfg(not(feature = "std"))]
    let result = work();
    result.map_or_else(Error::code, |()| 0)
}
