//! Structured logs on standard error.

use tracing_subscriber::{EnvFilter, filter::ParseError, fmt};

use crate::config::MonitoringConfig;

/// Starts logging as configured; the variable `RUST_LOG` overrules the filter. Once a process; a second call does nothing.
pub fn start(config: &MonitoringConfig) -> Result<(), ParseError> {
    let filter = match std::env::var(EnvFilter::DEFAULT_ENV) {
        Ok(filter) => filter.parse::<EnvFilter>()?,
        Err(_) => config.log.parse::<EnvFilter>()?,
    };
    let logs = fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // An error says that somebody else logs already.
    let _ = match config.log_format.as_str() {
        "json" => logs.json().try_init(),
        _ => logs.try_init(),
    };
    Ok(())
}

/// Ready when the process is asked to stop: Ctrl-C, or SIGTERM as a service manager sends it.
pub async fn stop_signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    // Without a handler the system ends the process itself.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
