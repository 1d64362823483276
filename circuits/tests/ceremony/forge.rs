//! A contributor who writes every byte themselves: the formats and the proof again, from their description.

use ark_bls12_381::{Fq, G1Affine, G2Affine};
use ark_ec::{AffineRepr, CurveGroup as _};
use ark_ff::{BigInteger as _, Field as _, PrimeField as _, UniformRand as _};
use ark_serialize::CanonicalSerialize as _;
use merlin::Transcript;
use tacit_circuits::ceremony::{Made, Phase, Vector};
use tacit_circuits::curve::{Field, encode_field};

use crate::world::World;

/// Bytes before the points of a state.
const PREFIX: usize = 18;

/// A place in the ceremony, and who takes it.
#[derive(Clone)]
pub(crate) struct Forger {
    pub(crate) id: [u8; 32],
    pub(crate) phase: Phase,
    pub(crate) position: u32,
    pub(crate) previous: [u8; 32],
    pub(crate) name: String,
    pub(crate) member: u16,
    /// Elements before.
    pub(crate) old: Vec<G1Affine>,
}

impl Forger {
    /// The next place of a phase that nobody contributed to yet.
    pub(crate) fn first(world: &World, phase: Phase, name: &str) -> Self {
        let header = world.transcript.header();
        let count = if phase == Phase::Powers { 3 } else { 1 };
        Self {
            id: header.id(),
            phase,
            position: world.transcript.position(),
            previous: world.transcript.head(),
            name: name.into(),
            member: header.member(name).unwrap(),
            old: vec![G1Affine::generator(); count],
        }
    }

    /// A record with a proof that holds, for whatever state and secrets.
    pub(crate) fn record(&self, secrets: &[Field], state: &[u8], world: &mut World) -> Vec<u8> {
        let new: Vec<G1Affine> = self
            .old
            .iter()
            .zip(secrets)
            .map(|(old, secret)| (*old * secret).into_affine())
            .collect();
        let digest = state_digest(state);
        let mut transcript = Transcript::new(b"tacit/v1/ceremony");
        transcript.append_message(b"ceremony", &self.id);
        transcript.append_message(b"phase", &[self.phase as u8]);
        transcript.append_message(b"position", &self.position.to_le_bytes());
        transcript.append_message(b"name", self.name.as_bytes());
        transcript.append_message(b"previous", &self.previous);
        transcript.append_message(b"state", &digest);
        for point in &self.old {
            transcript.append_message(b"X", &compressed(point));
        }
        for point in &new {
            transcript.append_message(b"X'", &compressed(point));
        }
        let nonces: Vec<Field> = secrets
            .iter()
            .map(|_| Field::rand(&mut world.rng))
            .collect();
        for (old, nonce) in self.old.iter().zip(&nonces) {
            transcript.append_message(b"R", &compressed(&(*old * nonce).into_affine()));
        }
        let mut wide = [0; 64];
        transcript.challenge_bytes(b"c", &mut wide);
        let challenge = Field::from_le_bytes_mod_order(&wide);

        let count = (new.len() as u32).to_le_bytes();
        let mut record = b"tacit cerrecrd 1".to_vec();
        record.push(self.phase as u8);
        record.extend(self.previous);
        record.extend(digest);
        record.extend(count);
        record.extend(new.iter().flat_map(compressed));
        record.push(0);
        record.extend(self.member.to_le_bytes());
        record.extend(encode_field(&challenge));
        record.extend(count);
        for (secret, nonce) in secrets.iter().zip(&nonces) {
            record.extend(encode_field(&(challenge * secret + nonce)));
        }
        record
    }

    pub(crate) fn made(&self, secrets: &[Field], state: Vec<u8>, world: &mut World) -> Made {
        Made {
            record: self.record(secrets, &state, world),
            state,
        }
    }
}

pub(crate) fn compressed(point: &G1Affine) -> [u8; 48] {
    let mut bytes = [0; 48];
    point.serialize_compressed(&mut bytes[..]).unwrap();
    bytes
}

pub(crate) fn state_digest(state: &[u8]) -> [u8; 32] {
    blake3::derive_key("tacit v1 ceremony state", state)
}

fn written<P: AffineRepr>(out: &mut Vec<u8>, points: impl Iterator<Item = P::Group>) {
    for point in points {
        point
            .into_affine()
            .serialize_uncompressed(&mut *out)
            .unwrap();
    }
}

/// The state of phase 1 in which the secrets are these.
pub(crate) fn powers_state(log2_size: u8, [tau, alpha, beta]: [Field; 3]) -> Vec<u8> {
    let n = 1u64 << log2_size;
    let (g1, g2) = (G1Affine::generator(), G2Affine::generator());
    let mut bytes = b"tacit cerstate 1".to_vec();
    bytes.extend([1, log2_size]);
    written::<G1Affine>(&mut bytes, (0..2 * n - 1).map(|i| g1 * tau.pow([i])));
    written::<G2Affine>(&mut bytes, (0..n).map(|i| g2 * tau.pow([i])));
    written::<G1Affine>(&mut bytes, (0..n).map(|i| g1 * (alpha * tau.pow([i]))));
    written::<G1Affine>(&mut bytes, (0..n).map(|i| g1 * (beta * tau.pow([i]))));
    written::<G2Affine>(&mut bytes, std::iter::once(g2 * beta));
    bytes
}

/// A vector's place in the bytes of a state.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) vector: Vector,
    start: usize,
    pub(crate) count: usize,
    bytes: usize,
}

impl Place {
    pub(crate) fn is_g2(&self) -> bool {
        self.bytes == 192
    }

    /// Where a point of the vector is.
    pub(crate) fn range(&self, index: usize) -> std::ops::Range<usize> {
        assert!(index < self.count);
        let start = self.start + index * self.bytes;
        start..start + self.bytes
    }
}

fn places(parts: &[(Vector, usize, bool)]) -> Vec<Place> {
    let mut start = PREFIX;
    let places = parts.iter().map(|&(vector, count, is_g2)| {
        let bytes = if is_g2 { 192 } else { 96 };
        let place = Place {
            vector,
            start,
            count,
            bytes,
        };
        start += count * bytes;
        place
    });
    places.collect()
}

pub(crate) fn powers_places(n: usize) -> Vec<Place> {
    places(&[
        (Vector::TauG1, 2 * n - 1, false),
        (Vector::TauG2, n, true),
        (Vector::AlphaG1, n, false),
        (Vector::BetaG1, n, false),
        (Vector::BetaG2, 1, true),
    ])
}

pub(crate) fn specialised_places(n: usize, instance: usize, witness: usize) -> Vec<Place> {
    let variables = instance + witness;
    places(&[
        (Vector::A, variables, false),
        (Vector::BG1, variables, false),
        (Vector::BG2, variables, true),
        (Vector::Instance, instance, false),
        (Vector::L, witness, false),
        (Vector::H, n - 1, false),
    ])
}

pub(crate) fn delta_places(n: usize, witness: usize) -> Vec<Place> {
    places(&[
        (Vector::DeltaG1, 1, false),
        (Vector::DeltaG2, 1, true),
        (Vector::H, n - 1, false),
        (Vector::L, witness, false),
    ])
}

fn g1_at(bytes: &[u8]) -> G1Affine {
    use ark_serialize::CanonicalDeserialize as _;
    G1Affine::deserialize_uncompressed_unchecked(bytes).unwrap()
}

/// Another point of the right group in place of one, even where that is the identity.
pub(crate) fn change(state: &mut [u8], place: Place, index: usize) {
    use ark_serialize::CanonicalDeserialize as _;
    let range = place.range(index);
    let mut out = Vec::new();
    if place.is_g2() {
        let old = G2Affine::deserialize_uncompressed_unchecked(&state[range.clone()]).unwrap();
        written::<G2Affine>(&mut out, std::iter::once(old + G2Affine::generator()));
    } else {
        let old = g1_at(&state[range.clone()]);
        written::<G1Affine>(&mut out, std::iter::once(old + G1Affine::generator()));
    }
    state[range].copy_from_slice(&out);
}

/// The state of phase 2 after one contribution of δ, whose multiple in G2 is that of `delta_g2`.
pub(crate) fn delta_state(
    world: &World,
    n: usize,
    witness: usize,
    delta: Field,
    delta_g2: Field,
) -> Vec<u8> {
    let specialised = world.specialised.as_ref().unwrap();
    let instance = 3;
    let of = specialised_places(n, instance, witness);
    let inverse = delta.inverse().unwrap_or_default();
    let mut bytes = b"tacit cerstate 1".to_vec();
    bytes.extend([3, n.trailing_zeros() as u8]);
    written::<G1Affine>(&mut bytes, std::iter::once(G1Affine::generator() * delta));
    written::<G2Affine>(
        &mut bytes,
        std::iter::once(G2Affine::generator() * delta_g2),
    );
    for place in [of[5], of[4]] {
        let points =
            (0..place.count).map(|index| g1_at(&specialised[place.range(index)]) * inverse);
        written::<G1Affine>(&mut bytes, points);
    }
    bytes
}

/// Points that must not be taken, with the bytes of a point of a group.
pub(crate) fn bad_points(is_g2: bool) -> Vec<(tacit_circuits::ceremony::PointFault, Vec<u8>)> {
    use tacit_circuits::ceremony::PointFault;
    let size = if is_g2 { 192 } else { 96 };
    let mut identity = vec![0; size];
    identity[0] = 0x40;
    let mut not_canonical = vec![0; size];
    not_canonical[..48].copy_from_slice(&Fq::MODULUS.to_bytes_be());
    let mut dirty_identity = identity.clone();
    dirty_identity[size - 1] = 1;
    let mut marked_compressed = vec![0; size];
    marked_compressed[0] = 0x80;
    // (1, 1) is on neither curve.
    let mut not_on_curve = vec![0; size];
    not_on_curve[size / 2 - 1] = 1;
    not_on_curve[size - 1] = 1;
    vec![
        (PointFault::Identity, identity),
        (PointFault::NotCanonical, not_canonical),
        (PointFault::NotCanonical, dirty_identity),
        (PointFault::NotCanonical, marked_compressed),
        (PointFault::NotOnCurve, not_on_curve),
        (PointFault::NotInSubgroup, outside_subgroup(is_g2)),
    ]
}

/// On the curve, but not of the prime order: in G1 of order 3.
fn outside_subgroup(is_g2: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    if is_g2 {
        let point = (0u64..)
            .filter_map(|x| {
                G2Affine::get_point_from_x_unchecked(ark_bls12_381::Fq2::from(x), false)
            })
            .find(|point| !point.is_in_correct_subgroup_assuming_on_curve());
        point.unwrap().serialize_uncompressed(&mut bytes).unwrap();
    } else {
        let point = G1Affine::new_unchecked(Fq::from(0), Fq::from(2));
        assert!((point + point + point).into_affine().is_zero());
        point.serialize_uncompressed(&mut bytes).unwrap();
    }
    bytes
}
