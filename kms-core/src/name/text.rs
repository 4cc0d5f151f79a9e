//! Ids and ARNs as text: put together on the stack and handed on in one piece.
//!
//! Policies match patterns against the ARN of every request, so writing one must not cost a formatter
//! call for each byte of it.

use std::fmt;

/// A short line of ASCII.
pub(super) struct Line<const N: usize> {
    bytes: [u8; N],
    length: usize,
}

impl<const N: usize> Line<N> {
    /// An empty line.
    pub(super) fn new() -> Line<N> {
        Line { bytes: [0; N], length: 0 }
    }

    /// Appends what is known to fit: every caller's longest line is its `N`.
    pub(super) fn push(&mut self, text: &str) {
        self.bytes[self.length..][..text.len()].copy_from_slice(text.as_bytes());
        self.length += text.len();
    }

    /// Appends a number of `digits` digits, with leading zeros.
    pub(super) fn push_number(&mut self, mut number: u64, digits: usize) {
        for at in self.bytes[self.length..][..digits].iter_mut().rev() {
            *at = DIGITS[usize::from((number % 10) as u8)];
            number /= 10;
        }
        self.length += digits;
    }

    /// Appends two digits for each byte.
    pub(super) fn push_hex(&mut self, bytes: &[u8]) {
        let to = &mut self.bytes[self.length..][..2 * bytes.len()];
        for (pair, byte) in to.chunks_exact_mut(2).zip(bytes) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        self.length += 2 * bytes.len();
    }

    /// Appends sixteen bytes as a hyphenated UUID.
    pub(super) fn push_uuid(&mut self, bytes: &[u8; 16]) {
        let mut from = 0;
        for length in [4, 2, 2, 2, 6] {
            if from > 0 {
                self.push("-");
            }
            self.push_hex(&bytes[from..][..length]);
            from += length;
        }
    }

    /// Hands the line on.
    pub(super) fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.bytes[..self.length]).map_err(|_| fmt::Error)?)
    }
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Writes sixteen bytes as a hyphenated UUID.
pub fn write_uuid(f: &mut fmt::Formatter<'_>, bytes: &[u8; 16]) -> fmt::Result {
    let mut line = Line::<36>::new();
    line.push_uuid(bytes);
    line.write(f)
}

/// Sixteen bytes from a hyphenated UUID.
pub(super) fn parse_uuid(text: &str) -> Option<[u8; 16]> {
    let hyphens = text.len() == 36 && [8, 13, 18, 23].iter().all(|at| text.as_bytes()[*at] == b'-');
    let digits: String = text.chars().filter(|c| *c != '-').collect();
    hyphens.then(|| parse_hex(&digits)).flatten()
}

/// Bytes from exactly as many pairs of digits, lower or upper case.
pub(super) fn parse_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    let mut bytes = [0; N];
    if digits.len() != 2 * N {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = hex_digit(pair[0])? << 4 | hex_digit(pair[1])?;
    }
    Some(bytes)
}

fn hex_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}
