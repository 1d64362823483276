//! What names the rows of a message, so that a second person's approval is for exactly them.

use crate::operator::ScreenRow;

/// Context of the digest's key derivation.
const LABEL: &str = "tacit v1 screening rows";

/// Digest of the rows of one [`ScreenRows`](crate::operator::ScreenRows) message: BLAKE3 in its mode of key
/// derivation under the context `tacit v1 screening rows`, over each row's number (8 bytes, big-endian), then its
/// type and its value, each behind its length in bytes (8 bytes, big-endian).
pub fn rows_digest(rows: &[ScreenRow]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key(LABEL);
    for row in rows {
        hasher.update(&row.row.to_be_bytes());
        for text in [&row.r#type, &row.value] {
            hasher.update(&(text.len() as u64).to_be_bytes());
            hasher.update(text.as_bytes());
        }
    }
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(row: u64, kind: &str, value: &str) -> ScreenRow {
        ScreenRow {
            row,
            r#type: kind.into(),
            value: value.into(),
        }
    }

    #[test]
    fn the_digest_is_of_exactly_these_rows_in_this_order() {
        let (one, two) = (row(1, "phone", "13800138000"), row(2, "card", "4111"));
        let digest = rows_digest(&[one.clone(), two.clone()]);
        for other in [
            vec![],
            vec![one.clone()],
            vec![two.clone(), one.clone()],
            vec![one.clone(), two.clone(), two.clone()],
            vec![row(3, "phone", "13800138000"), two.clone()],
            vec![row(1, "phon", "e13800138000"), two.clone()],
            vec![one.clone(), row(2, "card", "4112")],
        ] {
            assert_ne!(rows_digest(&other), digest);
        }
        assert_eq!(rows_digest(&[one, two]), digest);
    }
}
