//! Completion scripts.

use std::process::{Command, Stdio};

use crate::tacit::{CLEAR, USAGE, tacit};

const SHELLS: [&str; 3] = ["bash", "zsh", "fish"];

#[test]
fn the_scripts_complete_the_commands_of_the_client_and_of_the_node() {
    for shell in SHELLS {
        let said = tacit(&["completion", shell]);
        assert_eq!((said.code, said.err.as_str()), (CLEAR, ""), "{shell}");
        for word in [
            "screen",
            "publish",
            "prove",
            "verify",
            "check-config",
            "add-operator",
            "demo",
            "lawful-basis",
            "resident-id",
        ] {
            assert!(said.out.contains(word), "{shell} does not know {word}");
        }
    }
}

#[test]
fn the_bash_script_is_one_that_bash_reads() {
    use std::io::Write as _;
    let script = tacit(&["completion", "bash"]).out;
    let bash = Command::new("bash")
        .arg("-n")
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    // There are machines without bash, and nothing to complete on them.
    let Ok(mut bash) = bash else { return };
    let mut stdin = bash.stdin.take().expect("a pipe");
    stdin.write_all(script.as_bytes()).expect("bash reads");
    drop(stdin);
    let output = bash.wait_with_output().expect("bash ends");
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_shell_that_is_not_known_is_a_usage_error() {
    let said = tacit(&["completion", "csh"]);
    assert_eq!(said.code, USAGE);
    assert!(said.err.contains("bash"), "{}", said.err);
}
