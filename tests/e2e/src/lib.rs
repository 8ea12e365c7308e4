//! End-to-end tests over a real JSON-RPC and WebSocket endpoint: see `tests/`.
