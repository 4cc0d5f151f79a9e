//! The random bytes of a call, in the form that RustCrypto asks for.

use std::convert::Infallible;

use rand_core::{TryCryptoRng, TryRng};

use crate::env::{Random, Site};

/// Draws at one site, for as long as an algorithm needs some.
pub(super) struct Draws<'a> {
    random: &'a mut dyn Random,
    site: Site,
}

impl Draws<'_> {
    pub(super) fn at(site: Site, random: &mut dyn Random) -> Draws<'_> {
        Draws { random, site }
    }
}

impl TryRng for Draws<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.random.fill(self.site, &mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.random.fill(self.site, &mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.random.fill(self.site, bytes);
        Ok(())
    }
}

impl TryCryptoRng for Draws<'_> {}
