//! The margin engine's SBF binary on LiteSVM, topic by topic.

mod lifecycle;
