//! Tests on snarkjs run where it is named, and are reported as ignored elsewhere.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(tacit_test_snarkjs)");
    println!("cargo::rerun-if-env-changed=TACIT_TEST_SNARKJS");
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var_os("TACIT_TEST_SNARKJS").is_some() {
        println!("cargo::rustc-cfg=tacit_test_snarkjs");
    }
}
