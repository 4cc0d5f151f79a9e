//! A client's memory: the last few of something, so that a long run needs no more space than a short
//! one.

use super::generator::Draw;

/// How many keys, and how many grants, ciphertexts and the like, a client remembers.
pub const REMEMBERED: usize = 64;

/// The last things, at most [`REMEMBERED`].
#[derive(Debug, Clone)]
pub(super) struct Ring<T> {
    items: Vec<T>,
    oldest: usize,
}

impl<T> Default for Ring<T> {
    fn default() -> Self {
        Ring { items: Vec::new(), oldest: 0 }
    }
}

impl<T> Ring<T> {
    /// Remembers one more, in place of the oldest when there are enough.
    pub(super) fn push(&mut self, item: T) {
        if self.items.len() < REMEMBERED {
            self.items.push(item);
            return;
        }
        self.items[self.oldest] = item;
        self.oldest = (self.oldest + 1) % REMEMBERED;
    }

    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    /// One of them, each equally likely.
    pub(super) fn pick(&self, draw: &mut dyn Draw) -> Option<&T> {
        self.items.get(index(self.items.len(), draw))
    }

    /// Forgets those that are not to be kept.
    pub(super) fn retain(&mut self, keep: impl FnMut(&T) -> bool) {
        self.items.rotate_left(self.oldest);
        self.oldest = 0;
        self.items.retain(keep);
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.items.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.items.iter_mut()
    }
}

/// An index below `length`, each equally likely.
pub(super) fn index(length: usize, draw: &mut dyn Draw) -> usize {
    usize::try_from(draw.below(length as u64)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_make_room() {
        let mut ring = Ring::default();
        (0..REMEMBERED + 3).for_each(|number| ring.push(number));
        let mut kept = Vec::new();
        ring.retain(|number| {
            kept.push(*number);
            *number != 5
        });
        assert_eq!(kept, (3..REMEMBERED + 3).collect::<Vec<_>>());
        assert_eq!(ring.len(), REMEMBERED - 1);
    }
}
