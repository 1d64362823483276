//! `docs/ledger.md` says what the code does.

use tacit_ledger::kernel::reject::KERNEL_REJECTS;
use tacit_ledger::network::reject::NETWORK_REJECTS;
use tacit_ledger::network::{Event, Parameters};

use crate::support::*;

const DOCUMENTATION: &str = include_str!("../../docs/ledger.md");

fn has_line(start: &str) -> bool {
    DOCUMENTATION.lines().any(|line| line.starts_with(start))
}

#[test]
fn every_refusal_is_documented_with_its_number_name_and_meaning() {
    for info in KERNEL_REJECTS.iter().chain(NETWORK_REJECTS) {
        let again = if info.transient { "yes" } else { "no" };
        let number = info.reject.number();
        let line = format!("| {number} | {} | {again} | {} |", info.name, info.text);
        assert!(has_line(&line), "docs/ledger.md lacks the line\n{line}");
    }
}

#[test]
fn every_parameter_is_documented_with_its_default() {
    let Parameters {
        welcome_grant_minor,
        min_validators,
        proposal_lifetime_blocks,
        max_session_blocks,
        settlement_window_blocks,
        fraud_owner_penalty_minor,
        fraud_attester_penalty_minor,
        beacon_window_blocks,
        beacon_penalty_minor,
        sampled_entries,
        sample_window_blocks,
        approval_percent,
        time_lock_blocks,
        dispute_stake_minor,
        dispute_penalty_minor,
        dispute_reward_percent,
        dispute_forfeit_percent,
        panel_size,
        panel_penalty_minor,
        answer_days,
        ruling_days,
        correction_days,
        rating_recovery_points,
        deposit_minor,
        collection_window_blocks,
        opening_rate,
        opening_days,
        disclosure_min_days,
        disclosure_max_days,
        disclosure_penalty_minor,
        rating_price_percent,
    } = Parameters::default();
    let defaults = [
        ("welcome_grant_minor", welcome_grant_minor),
        ("min_validators", u64::from(min_validators)),
        ("proposal_lifetime_blocks", proposal_lifetime_blocks),
        ("max_session_blocks", max_session_blocks),
        ("settlement_window_blocks", settlement_window_blocks),
        ("fraud_owner_penalty_minor", fraud_owner_penalty_minor),
        ("fraud_attester_penalty_minor", fraud_attester_penalty_minor),
        ("beacon_window_blocks", beacon_window_blocks),
        ("beacon_penalty_minor", beacon_penalty_minor),
        ("sampled_entries", sampled_entries.into()),
        ("sample_window_blocks", sample_window_blocks),
        ("approval_percent", approval_percent.into()),
        ("time_lock_blocks", time_lock_blocks),
        ("dispute_stake_minor", dispute_stake_minor),
        ("dispute_penalty_minor", dispute_penalty_minor),
        ("dispute_reward_percent", dispute_reward_percent.into()),
        ("dispute_forfeit_percent", dispute_forfeit_percent.into()),
        ("panel_size", panel_size.into()),
        ("panel_penalty_minor", panel_penalty_minor),
        ("answer_days", answer_days.into()),
        ("ruling_days", ruling_days.into()),
        ("correction_days", correction_days.into()),
        ("rating_recovery_points", rating_recovery_points.into()),
        ("deposit_minor", deposit_minor),
        ("collection_window_blocks", collection_window_blocks),
        ("opening_rate", opening_rate.into()),
        ("opening_days", opening_days.into()),
        ("disclosure_min_days", disclosure_min_days.into()),
        ("disclosure_max_days", disclosure_max_days.into()),
        ("disclosure_penalty_minor", disclosure_penalty_minor),
        ("rating_price_percent", rating_price_percent.into()),
    ];
    for (name, default) in defaults {
        assert!(has_line(&format!("| `{name}` | {default} |")), "{name}");
    }
}

#[test]
fn every_action_and_event_is_documented_by_its_name() {
    for action in actions() {
        assert!(
            has_line(&format!("| `{}` |", action.name())),
            "{}",
            action.name()
        );
    }
    for event in events() {
        let name = kind(&event);
        assert!(DOCUMENTATION.contains(&format!("`{name}`")), "{name}");
    }
}

/// The name of an event as people read it: that of its variant in lower case with hyphens.
fn kind(event: &Event) -> String {
    let debug = format!("{event:?}");
    let variant = debug.chars().take_while(char::is_ascii_alphanumeric);
    let mut name = String::new();
    for letter in variant {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('-');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}
