//! Reports from the outside: beside the real aureport, as JSON and CSV, and over needles.

mod cases;
mod compliance;
mod forms;
mod logins;
mod peer;
mod schema;
