//! The trait of what can be stored, and the shapes everything is made of: numbers, texts, lists.

use smallvec::SmallVec;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

/// Something that can be stored.
pub(crate) trait Record: Sized {
    /// Appends its bytes.
    fn write(&self, out: &mut Writer);

    /// The next value of the input, or nothing if there is none.
    fn read(input: &mut Reader<'_>) -> Option<Self>;
}

/// Bytes in the making. There may be secrets among them, so they are wiped.
#[derive(Default)]
pub(crate) struct Writer(Zeroizing<Vec<u8>>);

impl Writer {
    /// Appends bytes as they are. A buffer that grows leaves nothing behind unwiped.
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        if self.0.capacity() - self.0.len() < bytes.len() {
            let wanted = (self.0.len() + bytes.len()).next_power_of_two().max(512);
            let mut larger = Zeroizing::new(Vec::with_capacity(wanted));
            larger.extend_from_slice(&self.0);
            self.0 = larger;
        }
        self.0.extend_from_slice(bytes);
    }

    /// Appends bytes and how many they are.
    pub(crate) fn sized(&mut self, bytes: &[u8]) {
        bytes.len().write(self);
        self.raw(bytes);
    }

    /// What was written.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Bytes to be read.
pub(crate) struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    pub(crate) fn new(bytes: &'b [u8]) -> Reader<'b> {
        Reader(bytes)
    }

    /// Whether everything has been read.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next so many bytes.
    pub(crate) fn raw(&mut self, length: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    /// The next bytes, which say how many they are.
    pub(crate) fn sized(&mut self) -> Option<&'b [u8]> {
        let length = usize::read(self)?;
        self.raw(length)
    }

    /// The next text.
    pub(crate) fn text(&mut self) -> Option<&'b str> {
        std::str::from_utf8(self.sized()?).ok()
    }
}

/// Makes types storable. A type is a list of its fields, with or without names, a list of numbered variants, or a text that
/// it shows as and is parsed from.
macro_rules! record {
    (struct $name:ty { $($field:ident),* $(,)? }) => {
        impl $crate::record::Record for $name {
            fn write(&self, out: &mut $crate::record::Writer) {
                let Self { $($field),* } = self;
                $($crate::record::Record::write($field, out);)*
            }

            fn read(input: &mut $crate::record::Reader<'_>) -> Option<Self> {
                $(let $field = $crate::record::Record::read(input)?;)*
                Some(Self { $($field),* })
            }
        }
    };
    (tuple $name:ident) => {
        impl $crate::record::Record for $name {
            fn write(&self, out: &mut $crate::record::Writer) {
                $crate::record::Record::write(&self.0, out);
            }

            fn read(input: &mut $crate::record::Reader<'_>) -> Option<Self> {
                Some($name($crate::record::Record::read(input)?))
            }
        }
    };
    (pair $name:ident) => {
        impl $crate::record::Record for $name {
            fn write(&self, out: &mut $crate::record::Writer) {
                $crate::record::Record::write(&self.0, out);
                $crate::record::Record::write(&self.1, out);
            }

            fn read(input: &mut $crate::record::Reader<'_>) -> Option<Self> {
                let first = $crate::record::Record::read(input)?;
                Some($name(first, $crate::record::Record::read(input)?))
            }
        }
    };
    (enum $name:ident { $($number:literal = $variant:ident
        $(($($inner:ident),*))? $({ $($field:ident),* })?),* $(,)? }) => {
        impl $crate::record::Record for $name {
            fn write(&self, out: &mut $crate::record::Writer) {
                match self {
                    $($name::$variant $(($($inner),*))? $({ $($field),* })? => {
                        out.raw(&[$number]);
                        $($($crate::record::Record::write($inner, out);)*)?
                        $($($crate::record::Record::write($field, out);)*)?
                    })*
                }
            }

            fn read(input: &mut $crate::record::Reader<'_>) -> Option<Self> {
                match input.raw(1)? {
                    $([$number] => {
                        $($(let $inner = $crate::record::Record::read(input)?;)*)?
                        $($(let $field = $crate::record::Record::read(input)?;)*)?
                        Some($name::$variant $(($($inner),*))? $({ $($field),* })?)
                    })*
                    _ => None,
                }
            }
        }
    };
    (text $($name:ty),* $(,)?) => {
        $(impl $crate::record::Record for $name {
            fn write(&self, out: &mut $crate::record::Writer) {
                out.sized(self.to_string().as_bytes());
            }

            fn read(input: &mut $crate::record::Reader<'_>) -> Option<Self> {
                <$name>::parse(input.text()?)
            }
        })*
    };
}
pub(crate) use record;

macro_rules! numbers {
    ($($number:ty),*) => {
        $(impl Record for $number {
            fn write(&self, out: &mut Writer) {
                out.raw(&self.to_be_bytes());
            }

            fn read(input: &mut Reader<'_>) -> Option<Self> {
                Some(<$number>::from_be_bytes(*input.raw(size_of::<$number>())?.as_array()?))
            }
        })*
    };
}
numbers!(u8, u32, u64, u128);

/// A length or a count: 32 bits are enough for either.
impl Record for usize {
    fn write(&self, out: &mut Writer) {
        u32::try_from(*self).expect("nothing in a log has 4 GiB").write(out);
    }

    fn read(input: &mut Reader<'_>) -> Option<usize> {
        usize::try_from(u32::read(input)?).ok()
    }
}

impl Record for bool {
    fn write(&self, out: &mut Writer) {
        out.raw(&[u8::from(*self)]);
    }

    fn read(input: &mut Reader<'_>) -> Option<bool> {
        match input.raw(1)? {
            [0] => Some(false),
            [1] => Some(true),
            _ => None,
        }
    }
}

/// Whole microseconds, as timestamps.
impl Record for Duration {
    fn write(&self, out: &mut Writer) {
        u64::try_from(self.as_micros()).unwrap_or(u64::MAX).write(out);
    }

    fn read(input: &mut Reader<'_>) -> Option<Duration> {
        u64::read(input).map(Duration::from_micros)
    }
}

impl<const N: usize> Record for [u8; N] {
    fn write(&self, out: &mut Writer) {
        out.raw(self);
    }

    fn read(input: &mut Reader<'_>) -> Option<[u8; N]> {
        input.raw(N)?.try_into().ok()
    }
}

impl Record for Vec<u8> {
    fn write(&self, out: &mut Writer) {
        out.sized(self);
    }

    fn read(input: &mut Reader<'_>) -> Option<Vec<u8>> {
        input.sized().map(<[u8]>::to_vec)
    }
}

impl<const N: usize> Record for SmallVec<[u8; N]> {
    fn write(&self, out: &mut Writer) {
        out.sized(self);
    }

    fn read(input: &mut Reader<'_>) -> Option<SmallVec<[u8; N]>> {
        input.sized().map(SmallVec::from_slice)
    }
}

impl Record for Arc<[u8]> {
    fn write(&self, out: &mut Writer) {
        out.sized(self);
    }

    fn read(input: &mut Reader<'_>) -> Option<Arc<[u8]>> {
        input.sized().map(Arc::from)
    }
}

impl Record for Arc<str> {
    fn write(&self, out: &mut Writer) {
        out.sized(self.as_bytes());
    }

    fn read(input: &mut Reader<'_>) -> Option<Arc<str>> {
        input.text().map(Arc::from)
    }
}

impl Record for String {
    fn write(&self, out: &mut Writer) {
        out.sized(self.as_bytes());
    }

    fn read(input: &mut Reader<'_>) -> Option<String> {
        input.text().map(str::to_owned)
    }
}

macro_rules! shared {
    ($($inner:ty),* $(,)?) => {
        $(impl Record for std::sync::Arc<$inner> {
            fn write(&self, out: &mut Writer) {
                Record::write(self.as_ref(), out);
            }

            fn read(input: &mut Reader<'_>) -> Option<Self> {
                <$inner>::read(input).map(std::sync::Arc::new)
            }
        })*
    };
}
pub(crate) use shared;

impl<T: Record> Record for Option<T> {
    fn write(&self, out: &mut Writer) {
        self.is_some().write(out);
        if let Some(value) = self {
            value.write(out);
        }
    }

    fn read(input: &mut Reader<'_>) -> Option<Option<T>> {
        match bool::read(input)? {
            true => T::read(input).map(Some),
            false => Some(None),
        }
    }
}

/// As many values as the input says there are; a count that lies ends with the input.
pub(crate) fn list<T: Record, C: FromIterator<T>>(input: &mut Reader<'_>) -> Option<C> {
    let count = usize::read(input)?;
    (0..count).map(|_| T::read(input)).collect()
}

macro_rules! lists {
    ($($list:ident of $inner:ty),* $(,)?) => {
        $(impl Record for $list<$inner> {
            fn write(&self, out: &mut Writer) {
                self.len().write(out);
                self.iter().for_each(|one| one.write(out));
            }

            fn read(input: &mut Reader<'_>) -> Option<Self> {
                $crate::record::list(input)
            }
        })*
    };
}
pub(crate) use lists;

impl<T: Record + Ord> Record for BTreeSet<T> {
    fn write(&self, out: &mut Writer) {
        self.len().write(out);
        self.iter().for_each(|one| one.write(out));
    }

    fn read(input: &mut Reader<'_>) -> Option<BTreeSet<T>> {
        list(input)
    }
}

impl<K: Record + Ord, V: Record> Record for BTreeMap<K, V> {
    fn write(&self, out: &mut Writer) {
        self.len().write(out);
        for (key, value) in self {
            key.write(out);
            value.write(out);
        }
    }

    fn read(input: &mut Reader<'_>) -> Option<BTreeMap<K, V>> {
        list(input)
    }
}

impl<A: Record, B: Record> Record for (A, B) {
    fn write(&self, out: &mut Writer) {
        self.0.write(out);
        self.1.write(out);
    }

    fn read(input: &mut Reader<'_>) -> Option<(A, B)> {
        Some((A::read(input)?, B::read(input)?))
    }
}

impl<A: Record, B: Record, C: Record> Record for (A, B, C) {
    fn write(&self, out: &mut Writer) {
        self.0.write(out);
        self.1.write(out);
        self.2.write(out);
    }

    fn read(input: &mut Reader<'_>) -> Option<(A, B, C)> {
        Some((A::read(input)?, B::read(input)?, C::read(input)?))
    }
}
