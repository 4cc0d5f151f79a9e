//! The uses of keys, written down each minute as a host would.

use super::Local;

impl Local {
    /// Writes down which keys were used.
    pub(super) fn flush_uses(&mut self) {
        self.flushed = self.now;
        for region in self.regions.keys().copied().collect::<Vec<_>>() {
            for append in self.region_mut(region).uses.flush() {
                let (id, now) = (self.next_request_id(), self.now);
                if self.region_mut(region).append(id, &append, now).is_ok() {
                    self.entries.push((region, self.journal_of(region).head()));
                }
            }
        }
    }
}
