//! The simulated world under the KMS: one seed decides network, clocks, disks, faults and the order
//! in which nodes run, so that any failure replays byte for byte.
//!
//! Read [`driver`] first: it runs nodes, which are plain state machines. [`place`] says where they
//! are, [`net`] how long messages take, [`clock`] what time they believe it is, [`disk`] what
//! survives a crash, [`random`] where every draw comes from and [`fault`] what goes wrong.

#[cfg(all(feature = "sim", not(madsim)))]
compile_error!(
    "the simulator needs `--cfg madsim`, which .cargo/config.toml of this repository sets. \
     A RUSTFLAGS environment variable, even an empty one, overrides that file: unset RUSTFLAGS, \
     or add `--cfg madsim` to it. Cargo also reads the file only when it is started inside the \
     repository."
);

pub mod clock;
pub mod disk;
#[cfg(all(feature = "sim", madsim))]
pub mod driver;
pub mod fault;
pub mod net;
pub mod place;
pub mod random;
