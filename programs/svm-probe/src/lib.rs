//! programs/svm-probe
