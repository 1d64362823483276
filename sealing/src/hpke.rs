//! Sealing to a period's key: HPKE in base mode (RFC 9180), with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and
//! ChaCha20-Poly1305, one encapsulation for each sealed value.
//!
//! `info` names what is sealed and for which period, so that a value that is passed off as another of either
//! does not open: its label, a zero byte, the class, a zero byte, the month's number in 4 bytes, little-endian.
//! Neither labels nor classes hold a zero byte. What the value belongs to is the associated data. Values of which
//! there are very many are sealed as `export` says.

use std::convert::Infallible;
use std::fmt;

use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::rand_core::{TryCryptoRng, TryRng};
use hpke::{Deserializable as _, Kem, OpModeR, OpModeS, Serializable as _};
use rand_core::CryptoRngCore;
use zeroize::Zeroizing;

use crate::period::Period;

/// Bytes of the encapsulated key, and of the authentication tag.
pub(crate) const ENCAPSULATED_BYTES: usize = 32;
pub(crate) const TAG_BYTES: usize = 16;

/// What sealing adds to a value, in bytes: the encapsulated key before it, the authentication tag behind it.
pub const HPKE_OVERHEAD_BYTES: usize = ENCAPSULATED_BYTES + TAG_BYTES;

/// Why a key or a sealed value is not usable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The bytes are no key.
    #[error("a key of a retention period has 32 bytes, and X25519 takes them")]
    BadKey,
    /// Sealed to another key, for another place or another use, or altered.
    #[error("it does not open: it was sealed to another key or for another call, or was altered")]
    DoesNotOpen,
    /// Far larger than anything that is kept.
    #[error("it is too large to be sealed")]
    TooLarge,
}

/// What is sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// What a member keeps of a request.
    Records,
    /// The answer to a request.
    Answer,
    /// What a member has to show in a dispute.
    DisputePackage,
    /// The custodian's copy of what a member keeps of a request.
    CustodianCopy,
    /// That an entry was corrected on which a call's answer relied.
    Notice,
}

impl Content {
    pub(crate) const fn label(self) -> &'static [u8] {
        match self {
            Self::Records => b"tacit v1 sealed audit records",
            Self::Answer => b"tacit v1 sealed answer",
            Self::DisputePackage => b"tacit v1 sealed dispute package",
            Self::CustodianCopy => b"tacit v1 sealed custodian copy",
            Self::Notice => b"tacit v1 sealed notice",
        }
    }
}

/// A label with the period for which it is.
pub(crate) fn info(label: &[u8], period: &Period) -> Vec<u8> {
    let class = period.class.as_str().as_bytes();
    let month = period.month.number().to_le_bytes();
    [label, &[0], class, &[0], &month].concat()
}

/// The key to which values of a period are sealed.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey(pub(crate) <X25519HkdfSha256 as Kem>::PublicKey);

impl PublicKey {
    /// Reads 32 bytes.
    ///
    /// # Errors
    /// [`SealError::BadKey`]
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SealError> {
        let key = <X25519HkdfSha256 as Kem>::PublicKey::from_bytes(bytes);
        key.map(Self).map_err(|_| SealError::BadKey)
    }

    /// Its 32 bytes.
    pub fn to_bytes(&self) -> [u8; 32] {
        self.0.to_bytes().into()
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", hex::encode(self.to_bytes()))
    }
}

/// The key that opens values of a period. Zeroized when it is dropped.
#[derive(Clone)]
pub struct PrivateKey(pub(crate) <X25519HkdfSha256 as Kem>::PrivateKey);

impl PrivateKey {
    /// A fresh key.
    pub fn random(rng: &mut impl CryptoRngCore) -> Self {
        let (private, _) = X25519HkdfSha256::gen_keypair_with_rng(&mut Bridge(rng));
        Self(private)
    }

    /// Reads 32 bytes.
    ///
    /// # Errors
    /// [`SealError::BadKey`]
    pub fn from_secret_bytes(bytes: &[u8]) -> Result<Self, SealError> {
        let key = <X25519HkdfSha256 as Kem>::PrivateKey::from_bytes(bytes);
        key.map(Self).map_err(|_| SealError::BadKey)
    }

    /// Its 32 bytes.
    pub fn to_secret_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes().into())
    }

    /// The key to which values for this one are sealed.
    pub fn public(&self) -> PublicKey {
        PublicKey(X25519HkdfSha256::sk_to_pk(&self.0))
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(<redacted>)")
    }
}

/// Seals a value for a period: the encapsulated key, then ciphertext and authentication tag.
///
/// # Errors
/// [`SealError::BadKey`] where the public key is a point of small order (RFC 9180 section 7.1.4).
pub fn seal(
    content: Content,
    period: &Period,
    key: &PublicKey,
    associated: &[u8],
    plain: &[u8],
    rng: &mut impl CryptoRngCore,
) -> Result<Vec<u8>, SealError> {
    let sealed = hpke::single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
        &OpModeS::Base,
        &key.0,
        &info(content.label(), period),
        plain,
        associated,
        &mut Bridge(rng),
    );
    let (encapsulated, ciphertext) = sealed.map_err(|_| SealError::BadKey)?;
    Ok([&encapsulated.to_bytes()[..], &ciphertext].concat())
}

/// Opens what [`seal`] made of the same content, period and associated data.
///
/// # Errors
/// [`SealError::DoesNotOpen`]
pub fn open(
    content: Content,
    period: &Period,
    key: &PrivateKey,
    associated: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, SealError> {
    open_under(&info(content.label(), period), key, associated, sealed)
}

fn open_under(
    info: &[u8],
    key: &PrivateKey,
    associated: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let parts = sealed.split_at_checked(ENCAPSULATED_BYTES);
    let (encapsulated, ciphertext) = parts.ok_or(SealError::DoesNotOpen)?;
    let encapsulated = <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(encapsulated)
        .map_err(|_| SealError::DoesNotOpen)?;
    hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
        &OpModeR::Base,
        &key.0,
        &encapsulated,
        info,
        ciphertext,
        associated,
    )
    .map(Zeroizing::new)
    .map_err(|_| SealError::DoesNotOpen)
}

/// Hands this workspace's randomness to a crate that takes a later version of the same trait.
pub(crate) struct Bridge<'a, R>(pub(crate) &'a mut R);

impl<R: CryptoRngCore> TryRng for Bridge<'_, R> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.0.next_u32())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.0.next_u64())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill_bytes(bytes);
        Ok(())
    }
}

impl<R: CryptoRngCore> TryCryptoRng for Bridge<'_, R> {}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_core::OsRng;

    fn period(class: &str, month: &str) -> Period {
        Period {
            class: class.parse().unwrap(),
            month: month.parse().unwrap(),
        }
    }

    #[test]
    fn a_value_opens_with_its_own_key_place_period_and_use_only() {
        let (key, other) = (
            PrivateKey::random(&mut OsRng),
            PrivateKey::random(&mut OsRng),
        );
        let november = period("standard", "2026-11");
        let sealed = seal(
            Content::Records,
            &november,
            &key.public(),
            b"call",
            b"secret",
            &mut OsRng,
        )
        .unwrap();
        assert_eq!(sealed.len(), 6 + HPKE_OVERHEAD_BYTES);
        let opened = |content, period: &Period, key: &PrivateKey, aad: &[u8], sealed: &[u8]| {
            open(content, period, key, aad, sealed).map(|plain| plain.to_vec())
        };
        let good = opened(Content::Records, &november, &key, b"call", &sealed);
        assert_eq!(good, Ok(b"secret".to_vec()));
        let refused = Err(SealError::DoesNotOpen);
        for (content, period, key, aad) in [
            (Content::Answer, &november, &key, &b"call"[..]),
            (
                Content::Records,
                &period("standard", "2026-12"),
                &key,
                b"call",
            ),
            (
                Content::Records,
                &period("marketing", "2026-11"),
                &key,
                b"call",
            ),
            (Content::Records, &november, &other, b"call"),
            (Content::Records, &november, &key, b"other"),
        ] {
            assert_eq!(opened(content, period, key, aad, &sealed), refused);
        }
        for place in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[place] ^= 1;
            let opened = opened(Content::Records, &november, &key, b"call", &altered);
            assert_eq!(opened, refused, "byte {place}");
        }
        for length in 0..sealed.len() {
            let cut = opened(
                Content::Records,
                &november,
                &key,
                b"call",
                &sealed[..length],
            );
            assert_eq!(cut, refused, "{length} bytes");
        }
    }

    #[test]
    fn a_key_comes_back_from_its_bytes_and_prints_nothing() {
        let key = PrivateKey::random(&mut OsRng);
        let back = PrivateKey::from_secret_bytes(&*key.to_secret_bytes()).unwrap();
        assert_eq!(back.public(), key.public());
        let public = PublicKey::from_bytes(&key.public().to_bytes()).unwrap();
        assert_eq!(public, key.public());
        assert_eq!(format!("{key:?}"), "PrivateKey(<redacted>)");
        assert!(PublicKey::from_bytes(&[1; 31]).is_err());
        assert!(PrivateKey::from_secret_bytes(&[1; 33]).is_err());
    }

    #[test]
    fn a_public_key_of_small_order_is_refused() {
        let zero = PublicKey::from_bytes(&[0; 32]);
        let november = period("standard", "2026-11");
        let sealed = zero.and_then(|zero| {
            seal(
                Content::Records,
                &november,
                &zero,
                b"",
                b"secret",
                &mut OsRng,
            )
        });
        assert_eq!(sealed, Err(SealError::BadKey));
    }

    /// RFC 9180, appendix A.2.1: base mode of the suite, encryption with sequence number 0.
    #[test]
    fn the_vector_of_the_standard_opens() {
        let bytes = |digits: &str| hex::decode(digits).unwrap();
        let key = bytes("8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb");
        let key = PrivateKey::from_secret_bytes(&key).unwrap();
        let public = bytes("4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a");
        assert_eq!(key.public().to_bytes()[..], public);
        let sealed = bytes(concat!(
            "1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a",
            "1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db",
            "21993c62ce81883d2dd1b51a28",
        ));
        let info = bytes("4f6465206f6e2061204772656369616e2055726e");
        let opened = open_under(&info, &key, b"Count-0", &sealed).unwrap();
        assert_eq!(opened.as_slice(), b"Beauty is truth, truth beauty");
    }
}
