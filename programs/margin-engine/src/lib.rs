//! programs/margin-engine
