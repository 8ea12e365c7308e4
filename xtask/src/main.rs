//! Developer tasks of the workspace: `cargo xtask <task>`.

mod build_sbf;
mod elf;
mod process;
mod progress;
#[cfg(test)]
mod scratch;
mod toolchain;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use build_sbf::Tools;
use process::ChildFailed;
use workspace::Workspace;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Developer tasks of the workspace")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build on-chain programs to target/deploy/*.so and print their hashes
    BuildSbf {
        /// Packages or libraries; all programs if none is given
        programs: Vec<String>,
        /// Which tools to use
        #[arg(long, value_enum, default_value_t = Tools::Auto)]
        tools: Tools,
        /// Build a copy in another folder too and compare the bytes
        #[arg(long)]
        verify_reproducible: bool,
    },
}

fn main() -> ExitCode {
    match run(Cli::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            exit_code(&error)
        }
    }
}

/// A child's own exit code if it was a child that failed.
fn exit_code(error: &anyhow::Error) -> ExitCode {
    let code = error.downcast_ref::<ChildFailed>().and_then(|failed| failed.status.code());
    code.and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from)
}

fn run(task: Task) -> Result<()> {
    let workspace = Workspace::load()?;
    match task {
        Task::BuildSbf { programs, tools, verify_reproducible } => {
            let programs = workspace.select(&programs)?;
            let artifacts = build_sbf::build(&workspace, &programs, tools)?;
            if verify_reproducible {
                build_sbf::verify_reproducible(&workspace, &programs, &artifacts)?;
            }
            Ok(())
        }
    }
}
