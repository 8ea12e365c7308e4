//! Developer tasks of the workspace: `cargo xtask <task>`.

mod build_sbf;
mod elf;
mod idl;
mod process;
mod progress;
mod run;
#[cfg(test)]
mod scratch;
mod setup;
mod test;
mod toolchain;
mod workspace;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use build_sbf::Tools;
use process::ChildFailed;
use toolchain::Toolchain;
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
    /// Write the program's IDL and TypeScript types to target/, idl/ and idls/
    Idl {
        /// Write only to target/ and fail if the committed files differ
        #[arg(long)]
        check: bool,
    },
    /// Run the demo on a local network; arguments go to it (see `cargo xtask demo --help`)
    #[command(disable_help_flag = true)]
    Demo {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Measure compute units on the VM
    #[command(disable_help_flag = true)]
    Cu {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Simulate a market-wide crash on the VM: who is liquidated, who pays, who earns
    #[command(disable_help_flag = true)]
    Crash {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Compare the kernel on the VM with a file of reference values
    #[command(disable_help_flag = true)]
    Reference {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Run published margin figures through the program on the VM and print how far it is from them
    #[command(disable_help_flag = true)]
    Vectors {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Draw the risk grid of a real book: docs/risk-grid.svg and its table in docs/risk-model.md
    RiskGrid {
        /// Write nothing and fail if the committed files differ
        #[arg(long)]
        check: bool,
    },
    /// Run every check: format, programs, clippy, IDL, all tests
    Test,
    /// Check format and clippy only
    Lint,
    /// Format all sources
    Fmt,
    /// Install or name what the machine lacks and set up the SBF toolchain
    Setup,
    /// Build and print the IDL of one program (`idl` runs this in an environment of its own)
    #[command(hide = true)]
    PrintIdl {
        #[arg(long)]
        manifest: PathBuf,
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
        Task::Idl { check: true } => idl::check(&workspace),
        Task::Idl { check: false } => idl::write(&workspace),
        Task::Demo { arguments } => run::run(&workspace, run::DEMO, &arguments),
        Task::Cu { arguments } => run::run(&workspace, run::CU, &with_command("cu", arguments)),
        Task::Crash { arguments } => run::run(&workspace, run::CRASH, &with_command("crash", arguments)),
        Task::Reference { arguments } => run::run(&workspace, run::BENCH, &with_command("reference", arguments)),
        Task::Vectors { arguments } => run::run(&workspace, run::VECTORS, &arguments),
        Task::RiskGrid { check } => run::risk_grid(&workspace, check),
        Task::Test => test::all(&workspace),
        Task::Lint => test::lint(&workspace),
        Task::Fmt => test::format(&workspace),
        Task::Setup => {
            setup::rust_components()?;
            setup::host()?;
            Toolchain::ensure().map(drop)
        }
        Task::PrintIdl { manifest } => idl::print(&manifest),
    }
}

fn with_command(command: &str, arguments: Vec<OsString>) -> Vec<OsString> {
    std::iter::once(command.into()).chain(arguments).collect()
}
