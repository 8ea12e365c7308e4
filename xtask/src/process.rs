//! Child processes: one place that starts them and turns a failure into an error that names the command.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context, Result, bail};

/// How many of a failed command's last lines its error repeats.
const TAIL_LINES: usize = 15;

/// A child ended with a failure that it has explained on its own output.
///
/// `main` turns it into the same exit code and adds no second explanation.
#[derive(Debug, thiserror::Error)]
#[error("`{command}` ended with {status}")]
pub struct ChildFailed {
    pub command: String,
    pub status: ExitStatus,
}

/// The command line as a user would type it, for messages.
pub fn display(command: &Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(OsStr::to_string_lossy)
        .map(|word| if word.contains(' ') { format!("'{word}'") } else { word.into_owned() })
        .collect::<Vec<_>>()
        .join(" ")
}

/// Runs with the terminal's own input and output.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command.status().map_err(|error| cannot_start(command, &error))?;
    if !status.success() {
        return Err(ChildFailed { command: display(command), status }.into());
    }
    Ok(())
}

/// Runs and returns standard output; on failure the error carries the end of what the command wrote.
pub fn capture(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| cannot_start(command, &error))?;
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        let text = if stderr.trim().is_empty() { stdout.as_str() } else { &*stderr };
        bail!("`{}` ended with {}\n{}", display(command), output.status, tail(text));
    }
    Ok(stdout)
}

/// Runs with all output in the file `log`, and each line of it given to `on_line` as it appears.
pub fn run_logged(command: &mut Command, log: &Path, mut on_line: impl FnMut(&str)) -> Result<()> {
    let mut file = File::create(log).with_context(|| format!("create {}", log.display()))?;
    // One pipe for both streams keeps their lines in order.
    let (reader, writer) = std::io::pipe().context("create a pipe")?;
    command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
    let mut child = command.spawn().map_err(|error| cannot_start(command, &error))?;
    // The command still owns the pipe's writing ends; without this the reader would never see the end.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut text = String::new();
    for line in BufReader::new(reader).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        writeln!(file, "{line}")?;
        on_line(&line);
        text.push_str(&line);
        text.push('\n');
    }
    let status = child.wait()?;
    if !status.success() {
        bail!("`{}` ended with {status}\n{}\nfull output: {}", display(command), tail(&text), log.display());
    }
    Ok(())
}

/// Runs with standard error read line by line; `keep` decides which lines reach the terminal.
pub fn run_filtered(command: &mut Command, mut keep: impl FnMut(&str) -> bool) -> Result<()> {
    let mut child = command.stderr(Stdio::piped()).spawn().map_err(|error| cannot_start(command, &error))?;
    let stderr = child.stderr.take().context("the child's standard error")?;
    for line in BufReader::new(stderr).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        if keep(&line) {
            eprintln!("{line}");
        }
    }
    let status = child.wait()?;
    if !status.success() {
        return Err(ChildFailed { command: display(command), status }.into());
    }
    Ok(())
}

/// Replaces this process, so that signals and the exit status need no forwarding.
pub fn replace(command: &mut Command) -> anyhow::Error {
    use std::os::unix::process::CommandExt;
    let error = command.exec();
    cannot_start(command, &error)
}

/// The path of an executable on `PATH`, given as its own argument so that tests can name another.
pub fn find_on_path(name: &str, path: Option<&OsStr>) -> Option<PathBuf> {
    std::env::split_paths(path?).map(|folder| folder.join(name)).find(|file| is_executable(file))
}

/// [`find_on_path`] for this process's own `PATH`.
pub fn find(name: &str) -> Option<PathBuf> {
    find_on_path(name, std::env::var_os("PATH").as_deref())
}

fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

fn cannot_start(command: &Command, error: &std::io::Error) -> anyhow::Error {
    let program = command.get_program().to_string_lossy();
    match error.kind() {
        ErrorKind::NotFound => anyhow::anyhow!("`{program}` was not found; `cargo xtask setup` names what is missing"),
        _ => anyhow::anyhow!("cannot start `{program}`: {error}"),
    }
}

/// The last lines of `text`, indented to stand inside an error message.
fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..]
        .iter()
        .map(|line| format!("    {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_is_named() {
        let error = run(&mut Command::new("margin-engine-no-such-program")).unwrap_err().to_string();
        assert!(error.contains("`margin-engine-no-such-program` was not found"), "{error}");
    }

    #[test]
    fn a_failed_capture_repeats_what_the_command_said() {
        let error = capture(Command::new("sh").args(["-c", "echo reason >&2; exit 3"])).unwrap_err().to_string();
        assert!(error.contains("reason") && error.contains("exit status: 3"), "{error}");
    }

    #[test]
    fn a_failed_run_keeps_the_exit_code() {
        let error = run(Command::new("sh").args(["-c", "exit 7"])).unwrap_err();
        let failed = error.downcast_ref::<ChildFailed>().expect("typed error");
        assert_eq!(failed.status.code(), Some(7));
    }

    #[test]
    fn both_streams_reach_the_log_and_the_callback() {
        let folder = crate::scratch::folder("run_logged");
        let log = folder.path().join("log");
        let mut seen = Vec::new();
        run_logged(Command::new("sh").args(["-c", "echo one; echo two >&2"]), &log, |line| seen.push(line.to_owned()))
            .unwrap();
        assert_eq!(seen, ["one", "two"]);
        assert_eq!(std::fs::read_to_string(log).unwrap(), "one\ntwo\n");
    }

    #[test]
    fn only_executables_are_found() {
        let folder = crate::scratch::folder("find_on_path");
        std::fs::write(folder.path().join("plain"), "").unwrap();
        crate::scratch::script(&folder.path().join("tool"), "exit 0");
        let path = folder.path().as_os_str();
        assert_eq!(find_on_path("plain", Some(path)), None);
        assert_eq!(find_on_path("tool", Some(path)), Some(folder.path().join("tool")));
        assert_eq!(find_on_path("tool", None), None);
    }
}
