//! The simulated world around the KMS: one seed decides network, clocks, disks, faults, load and the
//! order in which nodes run, so that any failure replays byte for byte.
//!
//! Read [`run`] first: set up, storm, calm, judge. [`world`] is made of [`node`]s and [`client`]s,
//! which are plain state machines that exchange [`message`]s; [`genesis`] makes what they start
//! with, its [`keys`] by requests. [`driver`] runs them on madsim; [`place`] says where they are, [`net`] how long messages
//! take, [`clock`] what time they believe it is, [`disk`] what survives a crash, [`random`] where
//! every draw comes from; [`swarm`] draws whole runs, [`identity`] gives their scenarios short names, [`shrink`] makes them small, [`why`] says what a failure needs, [`trace`] what caused what. [`fault`] is what
//! goes wrong, [`sabotage`] what is wrong on purpose, [`detect`] whether anybody notices.
//! [`stage`] is the same scenario without the simulation around it, for real load.
//! [`history`] is all that [`oracle`]s see; [`probe`]s mark what really happened in it.

#[cfg(all(feature = "sim", not(madsim)))]
compile_error!(
    "the simulator needs `--cfg madsim`, which .cargo/config.toml of this repository sets. \
     A RUSTFLAGS environment variable, even an empty one, overrides that file: unset RUSTFLAGS, \
     or add `--cfg madsim` to it. Cargo also reads the file only when it is started inside the \
     repository."
);

#[cfg(all(feature = "sim", madsim))]
pub mod client;
pub mod clock;
mod crypto;
#[cfg(all(feature = "sim", madsim))]
pub mod detect;
pub mod disk;
#[cfg(all(feature = "sim", madsim))]
pub mod driver;
pub mod fault;
#[cfg(all(feature = "sim", madsim))]
pub mod genesis;
pub mod history;
pub mod identity;
#[cfg(all(feature = "sim", madsim))]
pub mod keys;
pub mod message;
pub mod model;
pub mod net;
#[cfg(all(feature = "sim", madsim))]
pub mod node;
pub mod oracle;
#[cfg(all(feature = "sim", madsim))]
pub mod parameters;
pub mod place;
#[cfg(all(feature = "sim", madsim))]
pub mod probe;
pub mod random;
mod recent;
#[cfg(all(feature = "sim", madsim))]
pub mod rehearsal;
#[cfg(all(feature = "sim", madsim))]
pub mod report;
#[cfg(all(feature = "sim", madsim))]
pub mod run;
#[cfg(all(feature = "sim", madsim))]
pub mod sabotage;
mod secrets;
#[cfg(all(feature = "sim", madsim))]
pub mod shrink;
#[cfg(all(feature = "sim", madsim))]
pub mod stage;
#[cfg(all(feature = "sim", madsim))]
pub mod swarm;
#[cfg(all(feature = "sim", madsim))]
pub mod trace;
#[cfg(all(feature = "sim", madsim))]
pub mod vocabulary;
#[cfg(all(feature = "sim", madsim))]
pub mod why;
#[cfg(all(feature = "sim", madsim))]
pub mod world;
