//! SRV-21: HTTP/2 frames that cost a server much and their sender little. Whoever sends them is cut off, or gets no more than a place; others are
//! served.

use core::time::Duration;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Instant;

use crate::sockets::Serving;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 4;
const END_STREAM: u8 = 1;

/// `GET http://x/health/live` by the static table of HPACK (RFC 7541 appendix A), its path written out.
const REQUEST: &[u8] = b"\x82\x86\x41\x01x\x44\x0c/health/live";

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A connection that has said that it speaks HTTP/2.
fn connected(serving: &Serving) -> TcpStream {
    let mut socket = TcpStream::connect(serving.address).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    socket.set_write_timeout(Some(Duration::from_secs(5))).unwrap();
    socket.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
    socket.write_all(&frame(SETTINGS, 0, 0, &[])).unwrap();
    socket
}

/// Sends what there is, as long as the server takes it, while what it says is read. Gives the kinds of the frames that it said.
fn flood(serving: &Serving, frames: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    let mut socket = connected(serving);
    let mut reading = socket.try_clone().unwrap();
    let reader = std::thread::spawn(move || {
        let mut said = Vec::new();
        let _ = reading.read_to_end(&mut said);
        said
    });
    for frame in frames {
        if socket.write_all(&frame).is_err() {
            break;
        }
    }
    // Who closes at once is not answered.
    std::thread::sleep(Duration::from_millis(300));
    let _ = socket.shutdown(Shutdown::Write);
    let said = reader.join().unwrap();
    let (mut kinds, mut rest) = (Vec::new(), said.as_slice());
    while let [a, b, c, kind, ..] = rest {
        kinds.push(*kind);
        let length = usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c);
        rest = rest.get(9 + length..).unwrap_or_default();
    }
    kinds
}

/// Somebody else is served, at once.
fn is_serving(serving: &Serving) {
    let begun = Instant::now();
    let answer = flood(serving, core::iter::once(frame(HEADERS, END_HEADERS | END_STREAM, 1, REQUEST)));
    assert!(answer.contains(&HEADERS) && answer.contains(&DATA), "{answer:?}");
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}

/// What this process has in memory, in KiB.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Runs this very test again in a process of its own, whose memory is nobody else's; `true` in that process.
fn is_alone() -> bool {
    const ALONE: &str = "COUNTERFOIL_ALONE";
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    let test = "floods::srv_21_floods_of_frames_end_with_their_connection";
    let alone = std::process::Command::new(std::env::current_exe().unwrap()).args(["--exact", test]).env(ALONE, "1").output().unwrap();
    assert!(alone.status.success(), "{}", String::from_utf8_lossy(&alone.stdout));
    assert!(String::from_utf8_lossy(&alone.stdout).contains("1 passed"), "it has not run");
    false
}

#[test]
fn srv_21_floods_of_frames_end_with_their_connection() {
    if !is_alone() {
        return;
    }
    let serving = Serving::plain();
    is_serving(&serving);
    let before = memory();

    // Rapid reset: streams that are taken back as soon as they are opened.
    let resets = (0..20_000_u32).flat_map(|number| {
        let stream = 2 * number + 1;
        [frame(HEADERS, END_HEADERS | END_STREAM, stream, REQUEST), frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes())]
    });
    let said = flood(&serving, resets);
    let answered = said.iter().filter(|kind| **kind == HEADERS).count();
    assert!(said.contains(&GOAWAY) || answered == 0, "{answered} of 20,000 were answered, and the connection went on");
    is_serving(&serving);

    // Headers that never end.
    let more = frame(CONTINUATION, 0, 1, &[b'a'; 1024]);
    let continued = core::iter::once(frame(HEADERS, 0, 1, REQUEST)).chain(core::iter::repeat_n(more, 20_000));
    let said = flood(&serving, continued);
    assert!(said.contains(&GOAWAY), "{said:?}");
    is_serving(&serving);

    // Pings and settings, each of which wants an answer: they are answered one by one, and nothing piles up.
    let asking = core::iter::repeat_n([frame(PING, 0, 0, &[0; 8]), frame(SETTINGS, 0, 0, &[])].concat(), 50_000);
    flood(&serving, asking);
    is_serving(&serving);

    // A small header section that unpacks into a large one: a long value goes into the table once, and is referred to again and again.
    let value = [b'a'; 4000];
    let length = [&[0x7f_u8, 0xa1, 0x1e][..], &value].concat();
    let mut bomb = [REQUEST, &[0x40, 0x01, b'x'], &length].concat();
    bomb.extend(core::iter::repeat_n(0xbe_u8, 10_000));
    let said = flood(&serving, core::iter::once(frame(HEADERS, END_HEADERS | END_STREAM, 1, &bomb)));
    assert!(!said.contains(&DATA), "{said:?}");
    is_serving(&serving);

    let grown = memory().saturating_sub(before);
    assert!(grown < 32 * 1024, "{grown} KiB more");
}
