//! Links the command with compact relocations, where the linker of a GNU system knows them: the
//! loader then has a tenth of the work, and starting `wit-host` takes about a tenth less time
//! (`just bench host`, S10). A linker that does not know them ignores the flag.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is_gnu_linux = std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux")
        && std::env::var("CARGO_CFG_TARGET_ENV").is_ok_and(|env| env == "gnu");
    if is_gnu_linux {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}
