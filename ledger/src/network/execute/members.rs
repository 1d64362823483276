//! Members: joining, leaving, validating, being reached.

use tacit_circuits::scope::MemberId;

use crate::kernel::codec;
use crate::kernel::context::{Context, require};
use crate::kernel::genesis::GenesisError;
use crate::kernel::party::{MAX_PARTIES, Party, PartyStatus, Role, party, party_count};
use crate::kernel::{Genesis, ModuleId, Reject, Stop, keys as kernel_keys};
use crate::network::event::Event;
use crate::network::execute::{lists, quota};
use crate::network::genesis::NetworkGenesis;
use crate::network::record::{
    Address, Candidate, MAX_VALIDATORS, Profile, SpkiHash, Validator, Validators,
};
use crate::network::{keys, read};

/// Writes the first parameters, categories and parties.
pub(crate) fn genesis(genesis: &Genesis, context: &mut Context<'_>) -> Result<(), GenesisError> {
    let module = ModuleId::NETWORK;
    let bytes = genesis
        .section(module)
        .ok_or(GenesisError::SectionUnreadable(module))?;
    let section: NetworkGenesis =
        codec::decode(bytes).map_err(|_| GenesisError::SectionUnreadable(module))?;
    write_section(context, &section).map_err(|stop| {
        let reason = match stop {
            Stop::Reject(reject) => reject.to_string(),
            Stop::Missing(missing) => missing.to_string(),
        };
        GenesisError::Section { module, reason }
    })
}

fn write_section(context: &mut Context<'_>, section: &NetworkGenesis) -> Result<(), Stop> {
    section.parameters.check()?;
    let in_order = section.categories.is_sorted_by(|a, b| a.id < b.id);
    require(in_order, Reject::DUPLICATE)?;
    section
        .categories
        .iter()
        .try_for_each(|category| category.check())?;
    context.put(keys::parameters(), &section.parameters);
    context.put(keys::categories(), &section.categories);
    let mut supervised = false;
    for first in &section.members {
        let id = admit(context, &first.candidate)?;
        // All amounts are sealed to the first observer too: the supervisor. One that joins later sees none.
        let watches = first.candidate.role == Role::Observer && !supervised;
        if watches {
            context.put(keys::supervisor_key(), &first.candidate.quota_key);
            supervised = true;
        }
        if first.validator {
            add_validator(context, id)?;
        }
    }
    require(
        !read::validators(context)?.is_empty(),
        Reject::TOO_FEW_VALIDATORS,
    )?;
    Ok(())
}

/// Lets an institution join, and grants it the welcome grant if it is a member.
pub(super) fn admit(context: &mut Context<'_>, candidate: &Candidate) -> Result<MemberId, Stop> {
    let Candidate {
        name,
        group,
        role,
        ledger_key,
        quota_key,
        quota_key_proof: _,
        profile,
    } = candidate;
    candidate.check()?;
    candidate.check_possession()?;
    let ledger_key_slot = kernel_keys::ledger_key(ledger_key);
    let certificate_slot = keys::certificate(&profile.tls_spki_hash);
    let consensus_slot = keys::consensus_key(&profile.consensus_key);
    for slot in [&ledger_key_slot, &certificate_slot, &consensus_slot] {
        require(
            context.read::<MemberId>(slot)?.is_none(),
            Reject::KEY_IN_USE,
        )?;
    }
    let count = party_count(context)?;
    require((count as usize) < MAX_PARTIES, Reject::TOO_MANY_MEMBERS)?;

    let id = MemberId(count + 1);
    context.put(kernel_keys::party_count(), &id.0);
    for slot in [ledger_key_slot, certificate_slot, consensus_slot] {
        context.put(slot, &id);
    }
    let party = Party {
        id,
        name: name.clone(),
        group: group.clone(),
        role: *role,
        status: PartyStatus::Active,
        ledger_key: *ledger_key,
    };
    context.put(kernel_keys::party(id), &party);
    context.put(keys::profile(id), profile);
    context.emit(&Event::PartyJoined {
        member: id,
        name: name.clone(),
        role: *role,
    });
    quota::register(context, id, quota_key);
    if *role == Role::Member {
        quota::welcome(context, id)?;
    }
    Ok(id)
}

/// Lets a party leave: it no longer validates, its lists are withdrawn, its sessions run out. Its quota
/// stays where it is.
pub(super) fn remove(context: &mut Context<'_>, id: MemberId) -> Result<(), Stop> {
    let mut party = active(context, id)?;
    if read::validators(context)?
        .iter()
        .any(|validator| validator.member == id)
    {
        remove_validator(context, id)?;
    }
    for list in read::lists_of(context, id)? {
        if list.is_standing() {
            lists::withdraw_standing(context, list)?;
        }
    }
    party.status = PartyStatus::Left {
        height: context.height(),
    };
    context.put(kernel_keys::party(id), &party);
    context.emit(&Event::PartyLeft { member: id });
    Ok(())
}

/// Lets a member validate.
pub(super) fn add_validator(context: &mut Context<'_>, id: MemberId) -> Result<(), Stop> {
    let party = party(context, id)?.ok_or(Reject::MEMBER_UNKNOWN)?;
    require(party.role == Role::Member, Reject::NOT_A_MEMBER)?;
    require(party.is_active(), Reject::MEMBER_LEFT)?;
    let mut validators = read::validators(context)?.into_vec();
    let place = validators.binary_search_by_key(&id, |validator| validator.member);
    let place = place.err().ok_or(Reject::ALREADY_VALIDATOR)?;
    require(
        validators.len() < MAX_VALIDATORS,
        Reject::TOO_MANY_VALIDATORS,
    )?;
    let profile = read::profile(context, id)?.ok_or(Reject::MEMBER_UNKNOWN)?;
    validators.insert(
        place,
        Validator {
            member: id,
            consensus_key: profile.consensus_key,
        },
    );
    put_validators(context, validators);
    context.emit(&Event::ValidatorChanged {
        member: id,
        validates: true,
    });
    Ok(())
}

/// Lets a member no longer validate.
pub(super) fn remove_validator(context: &mut Context<'_>, id: MemberId) -> Result<(), Stop> {
    require(party(context, id)?.is_some(), Reject::MEMBER_UNKNOWN)?;
    let mut validators = read::validators(context)?.into_vec();
    let minimum = read::parameters(context)?.min_validators as usize;
    // Who does not validate leaves nobody fewer, so only one of the two refusals can apply.
    let place = validators.binary_search_by_key(&id, |validator| validator.member);
    let place = place.map_err(|_| Reject::NOT_A_VALIDATOR)?;
    require(validators.len() > minimum, Reject::TOO_FEW_VALIDATORS)?;
    validators.remove(place);
    put_validators(context, validators);
    context.emit(&Event::ValidatorChanged {
        member: id,
        validates: false,
    });
    Ok(())
}

fn put_validators(context: &mut Context<'_>, validators: Vec<Validator>) {
    let validators =
        Validators::try_from(validators).expect("the bound is checked where one is added");
    context.put(keys::validators(), &validators);
}

/// Changes where the sender is reached.
pub(super) fn register_profile(
    context: &mut Context<'_>,
    sender: &Party,
    front_end_address: Address,
    p2p_address: Address,
) -> Result<(), Stop> {
    let profile = read::profile(context, sender.id)?.ok_or(Reject::MEMBER_UNKNOWN)?;
    let profile = Profile {
        front_end_address,
        p2p_address,
        ..profile
    };
    context.put(keys::profile(sender.id), &profile);
    context.emit(&Event::ProfileChanged { member: sender.id });
    Ok(())
}

/// Changes the key of the sender's front end. A key that was anyone's before is refused: what was
/// rotated out stays out.
pub(super) fn rotate_certificate(
    context: &mut Context<'_>,
    sender: &Party,
    tls_spki_hash: SpkiHash,
) -> Result<(), Stop> {
    let profile = read::profile(context, sender.id)?.ok_or(Reject::MEMBER_UNKNOWN)?;
    let slot = keys::certificate(&tls_spki_hash);
    require(
        context.read::<MemberId>(&slot)?.is_none(),
        Reject::KEY_IN_USE,
    )?;
    context.put(slot, &sender.id);
    context.put(
        keys::profile(sender.id),
        &Profile {
            tls_spki_hash,
            ..profile
        },
    );
    context.emit(&Event::CertificateRotated {
        member: sender.id,
        tls_spki_hash,
    });
    Ok(())
}

/// The party, if it belongs to the network now.
pub(super) fn active(context: &Context<'_>, id: MemberId) -> Result<Party, Stop> {
    let party = party(context, id)?.ok_or(Reject::MEMBER_UNKNOWN)?;
    require(party.is_active(), Reject::MEMBER_LEFT)?;
    Ok(party)
}
