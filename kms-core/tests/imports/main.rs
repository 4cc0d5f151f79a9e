//! Imported key material through the service itself: the way in, expiry and deletion, several
//! materials, the Regions of a set, and that nothing is left of what is gone.

mod erasure;
mod expiry;
mod first_import;
mod materials;
mod permissions;
mod saved;
mod sets;
mod shapes;
mod tokens;
mod world;
