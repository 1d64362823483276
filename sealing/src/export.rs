//! Sealing many values to a period's key under one encapsulation: keys exported from an HPKE context (RFC 9180,
//! section 5.3), one for each value.
//!
//! Opening a value costs an exchange of keys, and a history of a month holds very many: so values that are sealed
//! one after the other share an encapsulation, and whoever opens them pays for it once. They share nothing else.
//! Each has a key of its own,
//!
//! ```text
//! key   = Export(label ‖ 0 ‖ salt, 32)        salt: 16 random bytes
//! value = enc (32) ‖ salt ‖ ChaCha20-Poly1305(key, nonce = 0, associated data, plain)
//! ```
//!
//! and a key that is used once needs no nonce. `info` of the context names the period: `tacit v1 sealed values`, a
//! zero byte, the class, a zero byte, the month's number in 4 bytes, little-endian. The label names what is sealed.
//! What the value belongs to is the associated data. A value that is passed off as another of any of these does not
//! open.
//!
//! A sender's secret opens what it sealed. It stays in memory, and its holder drops it soon.

use std::fmt;

use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{ChaCha20Poly1305, KeyInit as _, Nonce};
use hpke::aead::{AeadCtxR, AeadCtxS, ExportOnlyAead};
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable as _, Kem, OpModeR, OpModeS, Serializable as _};
use rand_core::CryptoRngCore;
use zeroize::Zeroizing;

use crate::hpke::{
    Bridge, Content, ENCAPSULATED_BYTES, PrivateKey, PublicKey, SealError, TAG_BYTES, info,
};
use crate::period::Period;

/// Says in `info` what the context is for.
const LABEL: &[u8] = b"tacit v1 sealed values";

/// Random bytes from which a value has its key: so many that none comes twice under one encapsulation.
const SALT_BYTES: usize = 16;

/// What sealing adds to a value, in bytes: encapsulated key and salt before it, the authentication tag behind it.
pub const SEALED_OVERHEAD_BYTES: usize = ENCAPSULATED_BYTES + SALT_BYTES + TAG_BYTES;

/// The encapsulated key of sealed values.
pub type Encapsulation = [u8; ENCAPSULATED_BYTES];

/// Which encapsulation a sealed value needs; `None` where it is too short for one.
pub fn encapsulation(sealed: &[u8]) -> Option<Encapsulation> {
    sealed.first_chunk().copied()
}

/// Seals values for a period under one encapsulation.
pub struct Sender {
    encapsulation: Encapsulation,
    context: AeadCtxS<ExportOnlyAead, HkdfSha256, X25519HkdfSha256>,
}

impl fmt::Debug for Sender {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Sender(<redacted>)")
    }
}

impl Sender {
    /// Makes an encapsulation.
    ///
    /// # Errors
    /// [`SealError::BadKey`] where the public key is a point of small order (RFC 9180 section 7.1.4).
    pub fn new(
        period: &Period,
        key: &PublicKey,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Self, SealError> {
        let (encapsulated, context) = hpke::setup_sender_with_rng::<_, _, X25519HkdfSha256>(
            &OpModeS::Base,
            &key.0,
            &info(LABEL, period),
            &mut Bridge(rng),
        )
        .map_err(|_| SealError::BadKey)?;
        Ok(Self {
            encapsulation: encapsulated.to_bytes().into(),
            context,
        })
    }

    /// Seals a value.
    ///
    /// # Errors
    /// [`SealError::TooLarge`] beyond 256 GiB.
    pub fn seal(
        &self,
        content: Content,
        associated: &[u8],
        plain: &[u8],
        rng: &mut impl CryptoRngCore,
    ) -> Result<Vec<u8>, SealError> {
        let mut salt = [0; SALT_BYTES];
        rng.fill_bytes(&mut salt);
        let export = |context: &[u8], key: &mut [u8]| self.context.export(context, key).is_ok();
        let payload = Payload {
            msg: plain,
            aad: associated,
        };
        let sealed = cipher(export, content, &salt)
            .and_then(|cipher| cipher.encrypt(&Nonce::default(), payload).ok())
            .ok_or(SealError::TooLarge)?;
        Ok([&self.encapsulation[..], &salt, &sealed].concat())
    }
}

/// Opens the values that were sealed under one encapsulation.
pub struct Receiver {
    encapsulation: Encapsulation,
    context: AeadCtxR<ExportOnlyAead, HkdfSha256, X25519HkdfSha256>,
}

impl fmt::Debug for Receiver {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Receiver(<redacted>)")
    }
}

impl Receiver {
    /// Opens an encapsulation with a period's key.
    ///
    /// # Errors
    /// [`SealError::DoesNotOpen`] where it is none. One that was made for another key or period is found out by the
    /// values.
    pub fn new(
        period: &Period,
        key: &PrivateKey,
        encapsulation: Encapsulation,
    ) -> Result<Self, SealError> {
        let encapsulated = <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(&encapsulation);
        let context = encapsulated.and_then(|encapsulated| {
            hpke::setup_receiver(&OpModeR::Base, &key.0, &encapsulated, &info(LABEL, period))
        });
        Ok(Self {
            encapsulation,
            context: context.map_err(|_| SealError::DoesNotOpen)?,
        })
    }

    /// Opens a value that was sealed under this encapsulation, of the same content and associated data.
    ///
    /// # Errors
    /// [`SealError::DoesNotOpen`]
    pub fn open(
        &self,
        content: Content,
        associated: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let export = |context: &[u8], key: &mut [u8]| self.context.export(context, key).is_ok();
        let opened = || {
            let sealed = sealed.strip_prefix(&self.encapsulation)?;
            let (salt, sealed) = sealed.split_first_chunk()?;
            let payload = Payload {
                msg: sealed,
                aad: associated,
            };
            cipher(export, content, salt)?
                .decrypt(&Nonce::default(), payload)
                .ok()
        };
        opened().map(Zeroizing::new).ok_or(SealError::DoesNotOpen)
    }
}

/// The cipher of one value.
fn cipher(
    export: impl Fn(&[u8], &mut [u8]) -> bool,
    content: Content,
    salt: &[u8; SALT_BYTES],
) -> Option<ChaCha20Poly1305> {
    let mut key = Zeroizing::new([0; 32]);
    let context = [content.label(), &[0], salt].concat();
    export(&context, &mut *key).then(|| ChaCha20Poly1305::new((&*key).into()))
}

#[cfg(test)]
mod tests {
    use rand_core::OsRng;

    use super::*;

    fn period(class: &str, month: &str) -> Period {
        Period {
            class: class.parse().unwrap(),
            month: month.parse().unwrap(),
        }
    }

    fn opened(
        period: &Period,
        key: &PrivateKey,
        content: Content,
        associated: &[u8],
        sealed: &[u8],
    ) -> Result<Vec<u8>, SealError> {
        let encapsulation = encapsulation(sealed).ok_or(SealError::DoesNotOpen)?;
        let receiver = Receiver::new(period, key, encapsulation)?;
        let plain = receiver.open(content, associated, sealed)?;
        Ok(plain.to_vec())
    }

    #[test]
    fn a_value_opens_with_its_own_key_place_period_and_use_only() {
        let (key, other) = (
            PrivateKey::random(&mut OsRng),
            PrivateKey::random(&mut OsRng),
        );
        let november = period("standard", "2026-11");
        let sender = Sender::new(&november, &key.public(), &mut OsRng).unwrap();
        let seal = |plain: &[u8]| {
            let sealed = sender.seal(Content::Records, b"call", plain, &mut OsRng);
            sealed.unwrap()
        };
        let sealed = seal(b"secret");
        assert_eq!(sealed.len(), 6 + SEALED_OVERHEAD_BYTES);
        let good = opened(&november, &key, Content::Records, b"call", &sealed);
        assert_eq!(good, Ok(b"secret".to_vec()));
        let refused = Err(SealError::DoesNotOpen);
        let (december, marketing) = (
            period("standard", "2026-12"),
            period("marketing", "2026-11"),
        );
        for (period, key, content, associated) in [
            (&november, &key, Content::Answer, &b"call"[..]),
            (&december, &key, Content::Records, b"call"),
            (&marketing, &key, Content::Records, b"call"),
            (&november, &other, Content::Records, b"call"),
            (&november, &key, Content::Records, b"other"),
        ] {
            assert_eq!(opened(period, key, content, associated, &sealed), refused);
        }
        let open = |sealed: &[u8]| opened(&november, &key, Content::Records, b"call", sealed);
        for place in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[place] ^= 1;
            assert_eq!(open(&altered), refused, "byte {place}");
        }
        for length in 0..sealed.len() {
            assert_eq!(open(&sealed[..length]), refused, "{length} bytes");
        }
        // Parts of two values make none.
        let another = seal(b"public");
        assert_eq!(sealed[..ENCAPSULATED_BYTES], another[..ENCAPSULATED_BYTES]);
        let salt = ENCAPSULATED_BYTES + SALT_BYTES;
        assert_eq!(open(&[&sealed[..salt], &another[salt..]].concat()), refused);
        assert_ne!(
            seal(b"secret"),
            seal(b"secret"),
            "each has a key of its own"
        );
    }

    #[test]
    fn one_encapsulation_opens_all_its_values_and_no_others() {
        let key = PrivateKey::random(&mut OsRng);
        let november = period("standard", "2026-11");
        let sender = || Sender::new(&november, &key.public(), &mut OsRng).unwrap();
        let (first, second) = (sender(), sender());
        let seal = |sender: &Sender, number: u8| {
            let sealed = sender.seal(Content::Answer, &[number], &[number; 3], &mut OsRng);
            sealed.unwrap()
        };
        let receiver = Receiver::new(&november, &key, first.encapsulation).unwrap();
        for number in 0..10 {
            let opened = receiver.open(Content::Answer, &[number], &seal(&first, number));
            assert_eq!(opened.unwrap().as_slice(), [number; 3]);
            let foreign = receiver.open(Content::Answer, &[number], &seal(&second, number));
            assert_eq!(foreign, Err(SealError::DoesNotOpen));
        }
    }

    #[test]
    fn a_public_key_of_small_order_is_refused() {
        let november = period("standard", "2026-11");
        let zero = PublicKey::from_bytes(&[0; 32]);
        let sender = zero.and_then(|zero| Sender::new(&november, &zero, &mut OsRng));
        assert_eq!(sender.map(drop), Err(SealError::BadKey));
        let key = PrivateKey::random(&mut OsRng);
        let receiver = Receiver::new(&november, &key, [0; 32]);
        assert_eq!(receiver.map(drop), Err(SealError::DoesNotOpen));
    }

    /// RFC 9180, appendix A.2.1.2: values exported in base mode.
    #[test]
    fn the_exported_values_of_the_standard_come_out() {
        let bytes = |digits: &str| hex::decode(digits).unwrap();
        let key = bytes("8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb");
        let key = PrivateKey::from_secret_bytes(&key).unwrap();
        let encapsulated =
            bytes("1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a");
        let encapsulated =
            <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(&encapsulated).unwrap();
        let info = bytes("4f6465206f6e2061204772656369616e2055726e");
        let context: AeadCtxR<hpke::aead::ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256> =
            hpke::setup_receiver(&OpModeR::Base, &key.0, &encapsulated, &info).unwrap();
        for (of, exported) in [
            (
                "",
                "4bbd6243b8bb54cec311fac9df81841b6fd61f56538a775e7c80a9f40160606e",
            ),
            (
                "00",
                "8c1df14732580e5501b00f82b10a1647b40713191b7c1240ac80e2b68808ba69",
            ),
            (
                "54657374436f6e74657874",
                "5acb09211139c43b3090489a9da433e8a30ee7188ba8b0a9a1ccf0c229283e53",
            ),
        ] {
            let mut out = [0; 32];
            context.export(&bytes(of), &mut out).unwrap();
            assert_eq!(hex::encode(out), exported);
        }
    }
}
