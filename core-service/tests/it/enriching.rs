//! Lead enrichments from the request to the Lead: a core, and a pretend org
//! that it writes into. `world.rs` says how.

mod connections;
mod cores;
mod interruptions;
mod refusals;
mod world;
mod writing;
