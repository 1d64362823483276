//! Tests on PostgreSQL run where a server is named, and are reported as ignored elsewhere.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(tacit_test_postgres)");
    println!("cargo::rerun-if-env-changed=TACIT_TEST_POSTGRES_URL");
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var_os("TACIT_TEST_POSTGRES_URL").is_some() {
        println!("cargo::rustc-cfg=tacit_test_postgres");
    }
}
