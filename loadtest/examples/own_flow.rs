//! A program with a flow of its own: everything that `stepproof-load` does, and a class of users that do what is written here.
//!
//! `cargo run -p loadtest --example own_flow -- storm loadtest/examples/own_flow.toml`

use std::process::ExitCode;

use goose::prelude::*;
use loadtest::flow::{Flows, VirtualUser, challenged, done};
use loadtest::history::Call;
use targets::Operation;

/// Somebody on a new phone signs in with the code, and looks twice at where else they are signed in.
async fn look_at_devices(goose: &mut GooseUser) -> TransactionResult {
    let user = VirtualUser::of(goose);
    let mut phone = user.new_device();
    let asked = user.sign_in(&mut phone, challenged).await?;
    user.second_step(&mut phone, asked.at).await?;
    for _ in 0..2 {
        user.ask(&mut phone, Operation::ListDevices {}, Call::Use, done).await?;
    }
    Ok(())
}

fn main() -> ExitCode {
    loadtest::cli::run(Flows::default().with("curious", transaction!(look_at_devices)))
}
