#!/bin/sh
# rustc of this toolchain, as cargo calls it: Debian's binary with the libraries unpacked beside it, and the
# folders of this machine replaced in what it embeds. The replacement is made here and not through RUSTFLAGS
# because cargo hashes those into symbol names, which would then differ from folder to folder.
root=$(dirname "$(dirname "$(readlink -f "$0")")")
LD_LIBRARY_PATH="$root/rust/usr/lib/x86_64-linux-gnu${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
export LD_LIBRARY_PATH
# The last match wins: the more specific folder comes later.
exec "$root/rust/usr/bin/rustc" "$@" \
    --remap-path-prefix "$root=/toolchain" \
    --remap-path-prefix "${MARGIN_SBF_CARGO_HOME:-/nonexistent}=/cargo" \
    --remap-path-prefix "${MARGIN_SBF_WORKSPACE:-/nonexistent}=/workspace" \
    --remap-path-prefix "${MARGIN_SBF_TARGET:-/nonexistent}=/target"
