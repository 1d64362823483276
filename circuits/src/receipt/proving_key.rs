//! The proving key, as a file and as a cache.

use std::fmt;

use ark_bls12_381::{Bls12_381, G1Affine, G2Affine};
use ark_serialize::CanonicalSerialize;
use rayon::prelude::*;

use super::key::{KeyError, VERIFYING_KEY_BYTES, VerifyingKey};
use super::points::{G1_BYTES, G2_BYTES, GroupPoint};
use super::shape::{CircuitSize, circuit_size};

/// First bytes of a proving key's file.
pub const PROVING_KEY_MAGIC: [u8; 16] = *b"tacit proving k1";
/// First bytes of a proving key's cache.
pub const PROVING_KEY_CACHE_MAGIC: [u8; 16] = *b"tacit pk cache 1";

/// Separates this use of BLAKE3 from all others.
const CACHE_CONTEXT: &str = "tacit v1 receipt proving key cache";

/// What proofs are made with: the points of a set-up, about 3.9 MB. Public.
#[derive(Clone, PartialEq)]
pub struct ProvingKey {
    points: ark_groth16::ProvingKey<Bls12_381>,
    verifying: VerifyingKey,
}

/// BLAKE3 of a proving key's cache.
///
/// The points of a cache are taken as they are, so this must come from where nobody else can write,
/// not from beside the cache: points off the curve would leak what is proven about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheDigest(pub [u8; 32]);

/// How many points of each kind the circuit wants.
struct Counts {
    /// For each variable.
    variables: usize,
    /// For each variable of the witness.
    witness: usize,
    /// For the quotient's coefficients.
    quotient: usize,
}

impl Counts {
    fn of(size: CircuitSize) -> Self {
        Self {
            variables: size.variables(),
            witness: size.witness_variables,
            quotient: size.domain - 1,
        }
    }

    /// Points of G1 after the verifying key, and points of G2.
    fn points(&self) -> (usize, usize) {
        let ones = 2 + 2 * self.variables + self.quotient + self.witness;
        (ones, self.variables)
    }
}

impl ProvingKey {
    /// The key of a set-up, whose points are taken as they are.
    ///
    /// # Errors
    /// [`KeyError`] where it is for a circuit of another size.
    pub fn from_parameters(points: ark_groth16::ProvingKey<Bls12_381>) -> Result<Self, KeyError> {
        let counts = Counts::of(circuit_size());
        let fits = [&points.a_query, &points.b_g1_query]
            .iter()
            .all(|query| query.len() == counts.variables)
            && points.b_g2_query.len() == counts.variables
            && points.h_query.len() == counts.quotient
            && points.l_query.len() == counts.witness;
        if !fits {
            return Err(KeyError::OtherSize);
        }
        let verifying = VerifyingKey::from_parameters(points.vk.clone())?;
        Ok(Self { points, verifying })
    }

    /// The key as a set-up knows it.
    #[must_use]
    pub fn parameters(&self) -> &ark_groth16::ProvingKey<Bls12_381> {
        &self.points
    }

    /// The verifying key that belongs to it.
    #[must_use]
    pub fn verifying_key(&self) -> &VerifyingKey {
        &self.verifying
    }

    /// The canonical file: magic, verifying key, then all points compressed. β and δ in G1, A for
    /// each variable, B in G1, the quotient, the witness; B in G2. The circuit fixes all counts.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let (ones, twos) = Counts::of(circuit_size()).points();
        let length = PROVING_KEY_MAGIC.len() + VERIFYING_KEY_BYTES;
        let mut bytes = Vec::with_capacity(length + ones * G1_BYTES + twos * G2_BYTES);
        bytes.extend_from_slice(&PROVING_KEY_MAGIC);
        bytes.extend_from_slice(&self.verifying.to_bytes());
        self.ones().for_each(|point| point.write(&mut bytes));
        for point in &self.points.b_g2_query {
            point.write(&mut bytes);
        }
        bytes
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote. Every point is checked, which takes seconds,
    /// on all cores.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        let bytes = bytes
            .strip_prefix(&PROVING_KEY_MAGIC)
            .ok_or(KeyError::OtherFormat)?;
        let counts = Counts::of(circuit_size());
        let (ones, twos) = counts.points();
        if bytes.len() != VERIFYING_KEY_BYTES + ones * G1_BYTES + twos * G2_BYTES {
            return Err(KeyError::OtherSize);
        }
        let (verifying, points) = bytes.split_at(VERIFYING_KEY_BYTES);
        let verifying = VerifyingKey::from_bytes(verifying)?;
        let (ones, twos) = points.split_at(ones * G1_BYTES);
        Self::assemble(
            verifying,
            G1Affine::read_all(ones)?,
            G2Affine::read_all(twos)?,
            &counts,
        )
    }

    /// A form that is read in milliseconds, and what must be known to read it.
    #[must_use]
    pub fn to_cache(&self) -> (Vec<u8>, CacheDigest) {
        let mut bytes = PROVING_KEY_CACHE_MAGIC.to_vec();
        bytes.extend_from_slice(&self.verifying.to_bytes());
        // Writing into a Vec cannot fail.
        for point in self.ones() {
            let _infallible = point.serialize_uncompressed(&mut bytes);
        }
        for point in &self.points.b_g2_query {
            let _infallible = point.serialize_uncompressed(&mut bytes);
        }
        let digest = CacheDigest(blake3::derive_key(CACHE_CONTEXT, &bytes));
        (bytes, digest)
    }

    /// Reads what [`to_cache`](Self::to_cache) wrote, if these are the bytes that it wrote.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn from_cache(bytes: &[u8], digest: &CacheDigest) -> Result<Self, KeyError> {
        if blake3::Hash::from(digest.0)
            != blake3::Hash::from(blake3::derive_key(CACHE_CONTEXT, bytes))
        {
            return Err(KeyError::OtherBytes);
        }
        let bytes = bytes
            .strip_prefix(&PROVING_KEY_CACHE_MAGIC)
            .ok_or(KeyError::OtherFormat)?;
        let counts = Counts::of(circuit_size());
        let (ones, twos) = counts.points();
        if bytes.len() != VERIFYING_KEY_BYTES + 2 * (ones * G1_BYTES + twos * G2_BYTES) {
            return Err(KeyError::OtherSize);
        }
        let (verifying, points) = bytes.split_at(VERIFYING_KEY_BYTES);
        let verifying = VerifyingKey::from_bytes(verifying)?;
        let (ones, twos) = points.split_at(2 * ones * G1_BYTES);
        Self::assemble(
            verifying,
            read_unchecked(ones)?,
            read_unchecked(twos)?,
            &counts,
        )
    }

    /// All points of G1 after the verifying key, in the order of the file.
    fn ones(&self) -> impl Iterator<Item = &G1Affine> {
        [&self.points.beta_g1, &self.points.delta_g1]
            .into_iter()
            .chain(&self.points.a_query)
            .chain(&self.points.b_g1_query)
            .chain(&self.points.h_query)
            .chain(&self.points.l_query)
    }

    fn assemble(
        verifying: VerifyingKey,
        ones: Vec<G1Affine>,
        twos: Vec<G2Affine>,
        counts: &Counts,
    ) -> Result<Self, KeyError> {
        let mut ones = ones.into_iter();
        let mut take = |count: usize| ones.by_ref().take(count).collect::<Vec<_>>();
        let [beta_g1, delta_g1] = take(2)[..] else {
            return Err(KeyError::OtherSize);
        };
        Ok(Self {
            points: ark_groth16::ProvingKey {
                vk: verifying.parameters().clone(),
                beta_g1,
                delta_g1,
                a_query: take(counts.variables),
                b_g1_query: take(counts.variables),
                h_query: take(counts.quotient),
                l_query: take(counts.witness),
                b_g2_query: twos,
            },
            verifying,
        })
    }
}

impl fmt::Debug for ProvingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProvingKey({})", self.verifying.id())
    }
}

/// Uncompressed points of a cache whose bytes are known.
fn read_unchecked<P: GroupPoint>(bytes: &[u8]) -> Result<Vec<P>, KeyError> {
    bytes
        .par_chunks(2 * P::BYTES)
        .map(|bytes| P::deserialize_uncompressed_unchecked(bytes).map_err(|_| KeyError::NotInGroup))
        .collect()
}
