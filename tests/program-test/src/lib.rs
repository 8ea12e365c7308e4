//! program-test
