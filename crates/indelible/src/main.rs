//! The `indelible` binary: one file per command under `commands/`, everything else behind it.
#![forbid(unsafe_code)]

mod account;
mod agent;
mod collector;
mod commands;
mod config;
mod demo;
mod detect;
mod doctor;
mod exit;
mod export;
mod files;
mod form;
mod masking;
mod migrate;
mod net;
mod payload;
mod proof;
mod report;
mod rules;
mod search;
mod service;
mod support;
mod terminal;
mod terms;
mod top;
mod user;
mod verify;
mod walk;
mod words;

use std::process::ExitCode;

fn main() -> ExitCode {
    commands::run(std::env::args_os())
}
