//! Lists the variants of the program's error enum, so that `errors` covers all of them without a copy by hand.

use std::{env, fs, path::Path};

use quote::quote;

const SOURCE: &str = "../../programs/margin-engine/src/error.rs";

fn main() {
    println!("cargo::rerun-if-changed={SOURCE}");
    let directory = env::var("CARGO_MANIFEST_DIR").expect("set by cargo");
    let path = Path::new(&directory).join(SOURCE);
    let source = fs::read_to_string(&path).unwrap_or_else(|error| panic!("reading {SOURCE}: {error}"));
    let file = syn::parse_file(&source).unwrap_or_else(|error| panic!("parsing {SOURCE}: {error}"));
    let errors = file
        .items
        .iter()
        .find_map(|item| match item {
            syn::Item::Enum(item) if item.ident == "EngineError" => Some(item),
            _ => None,
        })
        .unwrap_or_else(|| panic!("{SOURCE} has no enum EngineError"));
    let variants = errors.variants.iter().map(|variant| &variant.ident);
    let list = quote! { &[#(margin_engine::error::EngineError::#variants),*] };
    let out = env::var("OUT_DIR").expect("set by cargo");
    fs::write(Path::new(&out).join("engine_errors.rs"), list.to_string()).expect("OUT_DIR is writable");
}
