//! The edits, by what they are for.

use super::{Change, Edit};

/// Attribute of compiler-builtins that gives a function the ABI of LLVM's own 128-bit library calls.
const LIBCALL_ABI: &str = "    #[unadjusted_on_win64]\n";

/// A line added to a list of operating systems, in the two indentations that occur.
const OS_8: &str = "        target_os = \"solana\",\n";
const OS_12: &str = "            target_os = \"solana\",\n";

pub fn all() -> Vec<Edit> {
    [platform(), memory(), single_thread(), no_randomness(), panics(), wide_integers(), memory_calls()]
        .into_iter()
        .flatten()
        .collect()
}

/// `solana` is an operating system that std knows.
fn platform() -> Vec<Edit> {
    vec![
        after("std/build.rs", "        || target_os == \"vexos\"\n", "        || target_os == \"solana\"\n"),
        before(
            "std/src/sys/pal/mod.rs",
            "    _ => {\n        mod unsupported;\n",
            "    target_os = \"solana\" => {\n        mod solana;\n        pub use self::solana::*;\n    }\n",
        ),
        create("std/src/sys/pal/solana/mod.rs", include_str!("../files/pal.rs")),
        after("std/src/sys/io/error/mod.rs", "        target_os = \"vexos\",\n", OS_8),
    ]
}

/// A minimum alignment for the architecture, and an allocator that refuses.
fn memory() -> Vec<Edit> {
    vec![
        before(
            "std/src/sys/alloc/mod.rs",
            "    target_arch = \"wasm32\",\n    target_arch = \"hexagon\",\n",
            "    target_arch = \"bpf\",\n",
        ),
        after(
            "std/src/sys/alloc/mod.rs",
            "    target_os = \"zkvm\" => {\n        mod zkvm;\n    }\n",
            "    target_os = \"solana\" => {\n        mod solana;\n    }\n",
        ),
        create("std/src/sys/alloc/solana.rs", include_str!("../files/alloc.rs")),
    ]
}

/// The VM has one thread: thread locals are plain statics and have no destructors to run.
fn single_thread() -> Vec<Edit> {
    let file = "std/src/sys/thread_local/mod.rs";
    vec![
        before(file, "    ) => {\n        mod no_threads;\n", OS_8),
        after(file, "            target_os = \"trusty\",\n            target_os = \"vexos\",\n", OS_12),
    ]
}

/// The VM is deterministic: no random bytes, and fixed keys for `HashMap`.
fn no_randomness() -> Vec<Edit> {
    let file = "std/src/sys/random/mod.rs";
    vec![
        after(file, "        target_os = \"xous\",\n        target_os = \"vexos\",\n", OS_8),
        before(file, ")))]\npub fn hashmap_random_keys()", "    target_os = \"solana\",\n"),
        after(
            "std/src/hash/random.rs",
            "    pub fn new() -> RandomState {\n",
            "        if cfg!(target_os = \"solana\") {\n            return RandomState { k0: 0, k1: 0 };\n        }\n",
        ),
    ]
}

/// A panic goes straight to the VM. std's own counters and hooks are writable statics, which the loader refuses.
fn panics() -> Vec<Edit> {
    vec![
        after(
            "std/src/panicking.rs",
            "pub fn panic_handler(info: &core::panic::PanicInfo<'_>) -> ! {\n",
            "    #[cfg(target_os = \"solana\")]\n    crate::sys::panic(info);\n    \
             #[cfg(not(target_os = \"solana\"))]\n    hosted_panic_handler(info)\n}\n\n\
             #[cfg(not(any(test, doctest, target_os = \"solana\")))]\n\
             fn hosted_panic_handler(info: &core::panic::PanicInfo<'_>) -> ! {\n",
        ),
        before(
            "std/src/panicking.rs",
            "    let must_abort = panic_count::increase(true);\n\n    // Check if we need to abort immediately.\n",
            "    if cfg!(target_os = \"solana\") {\n        crate::process::abort();\n    }\n",
        ),
        after(
            "std/src/alloc.rs",
            "pub fn rust_oom(layout: Layout) -> ! {\n",
            "    #[cfg(target_os = \"solana\")]\n    {\n        let _ = layout;\n        crate::process::abort()\n    }\n    \
             #[cfg(not(target_os = \"solana\"))]\n",
        ),
    ]
}

/// The BPF backend passes 128-bit values to its library calls in registers; Rust's `extern "C"` would pass
/// pointers. compiler-builtins has an attribute for the same case on 64-bit Windows; it is extended to BPF and
/// put on every function with a 128-bit result that lacks it.
fn wide_integers() -> Vec<Edit> {
    let mut edits = vec![Edit {
        file: "compiler-builtins/compiler-builtins/src/macros.rs",
        change: Change::Replace {
            old: "all(target_os = \"uefi\", target_arch = \"x86_64\")), target_pointer_width = \"64\")",
            new: "all(target_os = \"uefi\", target_arch = \"x86_64\"), target_arch = \"bpf\"), target_pointer_width = \"64\")",
            count: 2,
        },
    }];
    let functions = [
        ("mul", "    pub extern \"C\" fn __multi3("),
        ("mul", "    pub extern \"C\" fn __rust_i128_mulo("),
        ("mul", "    pub extern \"C\" fn __rust_u128_mulo("),
        ("shift", "    pub extern \"C\" fn __ashlti3("),
        ("shift", "    pub extern \"C\" fn __ashrti3("),
        ("shift", "    pub extern \"C\" fn __lshrti3("),
        // The attribute must precede the documentation.
        ("udiv", "    /// Returns `n / d`\n    pub extern \"C\" fn __udivti3("),
        ("udiv", "    /// Returns `n % d`\n    pub extern \"C\" fn __umodti3("),
        ("udiv", "    /// Returns `n / d` and sets `*rem = n % d`\n    pub extern \"C\" fn __udivmodti4("),
        ("conv", "    pub extern \"C\" fn __fixunssfti("),
        ("conv", "    pub extern \"C\" fn __fixunsdfti("),
        ("conv", "    pub extern \"C\" fn __fixsfti("),
        ("conv", "    pub extern \"C\" fn __fixdfti("),
    ];
    edits.extend(functions.map(|(module, signature)| before(builtins(module), signature, LIBCALL_ABI)));
    for (old, new) in [
        ("sdiv!(__udivti3, __divti3, u128, i128,);", "sdiv!(__udivti3, __divti3, u128, i128, unadjusted_on_win64);"),
        ("smod!(__umodti3, __modti3, u128, i128,);", "smod!(__umodti3, __modti3, u128, i128, unadjusted_on_win64);"),
    ] {
        edits.push(Edit { file: builtins("sdiv"), change: Change::Replace { old, new, count: 1 } });
    }
    edits
}

/// Copying, filling and comparing memory are system calls of the VM; a loop costs many times as much.
fn memory_calls() -> Vec<Edit> {
    vec![
        after(
            "compiler-builtins/compiler-builtins/src/mem/mod.rs",
            "    path = \"x86_64.rs\"\n)]\n",
            "#[cfg_attr(target_os = \"solana\", path = \"solana.rs\")]\n",
        ),
        create("compiler-builtins/compiler-builtins/src/mem/solana.rs", include_str!("../files/mem.rs")),
    ]
}

fn builtins(module: &str) -> &'static str {
    match module {
        "mul" => "compiler-builtins/compiler-builtins/src/int/mul.rs",
        "shift" => "compiler-builtins/compiler-builtins/src/int/shift.rs",
        "udiv" => "compiler-builtins/compiler-builtins/src/int/udiv.rs",
        "sdiv" => "compiler-builtins/compiler-builtins/src/int/sdiv.rs",
        _ => "compiler-builtins/compiler-builtins/src/float/conv.rs",
    }
}

fn before(file: &'static str, anchor: &'static str, text: &'static str) -> Edit {
    Edit { file, change: Change::Before { anchor, text } }
}

fn after(file: &'static str, anchor: &'static str, text: &'static str) -> Edit {
    Edit { file, change: Change::After { anchor, text } }
}

fn create(file: &'static str, text: &'static str) -> Edit {
    Edit { file, change: Change::Create(text) }
}
