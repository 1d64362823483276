//! Phase 1's powers as a circuit's queries.
//!
//! To make them takes transforms of points; to check them, only random sums. So one member makes them, and everybody
//! else checks at a fraction of the cost that no other queries fit the circuit and the powers.

use ark_bls12_381::{G1Affine, G2Affine};
use ark_ec::short_weierstrass::Projective;
use ark_ec::{AffineRepr as _, CurveGroup as _};
use ark_ff::{AdditiveGroup as _, PrimeField as _};
use ark_poly::EvaluationDomain as _;
use rand_core::{CryptoRng, RngCore};
use rayon::prelude::*;

use super::circuit::{Circuit, Row};
use super::error::StateError;
use super::lagrange::{lagrange, lagrange_work};
use super::points::{Identity, PointReader, Vector, write};
use super::powers::Powers;
use super::ratio::{Weight, combine, product, weights};
use super::scale::{Digits, Table, sum, tables};
use super::state::{self, Kind};
use super::transcript::Transcript;
use crate::curve::Field;
use crate::endomorphism::Split;

/// The queries of a circuit's proving key with δ = 1.
///
/// Format: `tacit cerstate 1`, 2, the power of two that is n, then uncompressed points, where m is the number of
/// variables: A in G1 (m), B in G1 (m), B in G2 (m), βA + αB + C of the instance and of the witness in G1 (m
/// together), τⁱ·(τⁿ − 1) in G1 for i up to n − 2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Specialised {
    pub(super) a: Vec<G1Affine>,
    pub(super) b_g1: Vec<G1Affine>,
    pub(super) b_g2: Vec<G2Affine>,
    pub(super) instance: Vec<G1Affine>,
    pub(super) l: Vec<G1Affine>,
    pub(super) h: Vec<G1Affine>,
}

/// What a query sums up: the points of a base, by the coefficients of a column.
type Part<'a, C> = (&'a [(Field, usize)], &'a [Table<C>]);

impl Specialised {
    /// Steps of which [`new`](Self::new) tells how many are done.
    pub(super) fn work(circuit: &Circuit) -> usize {
        4 * lagrange_work(circuit.size()) + circuit.variables()
    }

    /// Works them out.
    pub(super) fn new(
        powers: &Powers,
        circuit: &Circuit,
        progress: &(dyn Fn(usize) + Sync),
    ) -> Self {
        let n = circuit.size();
        let domain = &circuit.domain;
        let in_g1 = |points: &[G1Affine]| tables(&lagrange(&points[..n], domain, progress));
        let one = in_g1(&powers.tau_g1);
        let alpha = in_g1(&powers.alpha_g1);
        let beta = in_g1(&powers.beta_g1);
        let one_g2 = tables(&lagrange(&powers.tau_g2, domain, progress));

        let variables = circuit.variables();
        let [a, b, c] = [&circuit.a, &circuit.b, &circuit.c].map(|rows| columns(rows, variables));
        let queries: Vec<([Projective<_>; 3], Projective<_>)> = (0..variables)
            .into_par_iter()
            .map(|variable| {
                let (a, b, c) = (&a[variable][..], &b[variable][..], &c[variable][..]);
                progress(1);
                (
                    [
                        query(&[(a, &one)]),
                        query(&[(b, &one)]),
                        query(&[(a, &beta), (b, &alpha), (c, &one)]),
                    ],
                    query(&[(b, &one_g2)]),
                )
            })
            .collect();
        let in_g1 = |which: usize| {
            let points: Vec<_> = queries.iter().map(|(g1, _)| g1[which]).collect();
            Projective::normalize_batch(&points)
        };
        let in_g2: Vec<_> = queries.iter().map(|(_, g2)| *g2).collect();
        let mut instance = in_g1(2);
        let l = instance.split_off(circuit.instance);
        let vanishing: Vec<_> = (0..n - 1)
            .map(|index| powers.tau_g1[n + index].into_group() - powers.tau_g1[index])
            .collect();
        Self {
            a: in_g1(0),
            b_g1: in_g1(1),
            b_g2: Projective::normalize_batch(&in_g2),
            instance,
            l,
            h: Projective::normalize_batch(&vanishing),
        }
    }

    /// The queries of the circuit, from bytes.
    ///
    /// # Errors
    /// [`StateError`], where they are not what the closing of phase 1 names, or not those of this circuit and these
    /// powers.
    pub fn verify<R: RngCore + CryptoRng>(
        bytes: &[u8],
        transcript: &Transcript,
        powers: &Powers,
        circuit: &Circuit,
        rng: &mut R,
    ) -> Result<Self, StateError> {
        if circuit.fingerprint() != transcript.header().circuit() {
            return Err(StateError::Circuit);
        }
        if transcript.specialised() != Some(state::digest(bytes)) {
            return Err(StateError::Digest);
        }
        let queries = Self::decode(bytes, circuit)?;
        queries.check(powers, circuit, rng)?;
        Ok(queries)
    }

    fn decode(bytes: &[u8], circuit: &Circuit) -> Result<Self, StateError> {
        let (n, m) = (circuit.size(), circuit.variables());
        let expected = state::point_bytes(3 * m + n - 1, m);
        let body = state::body(bytes, Kind::Specialised, circuit.log2_size(), expected)?;
        let mut reader = PointReader::new(body);
        let queries = Self {
            a: reader.vector(Vector::A, m, Identity::Allowed)?,
            b_g1: reader.vector(Vector::BG1, m, Identity::Allowed)?,
            b_g2: reader.vector(Vector::BG2, m, Identity::Allowed)?,
            instance: reader.vector(Vector::Instance, circuit.instance, Identity::Allowed)?,
            l: reader.vector(Vector::L, circuit.witness, Identity::Allowed)?,
            h: reader.vector(Vector::H, n - 1, Identity::Refused)?,
        };
        reader.end()?;
        Ok(queries)
    }

    /// The file's bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // The H query has n − 1 points.
        let log2_size = (self.h.len() + 1).trailing_zeros() as u8;
        let mut bytes = state::begin(Kind::Specialised, log2_size);
        for points in [&self.a, &self.b_g1] {
            write(&mut bytes, points);
        }
        write(&mut bytes, &self.b_g2);
        for points in [&self.instance, &self.l, &self.h] {
            write(&mut bytes, points);
        }
        bytes
    }

    /// With a random ρ for each variable, Σ ρⱼ·Aⱼ(τ) is the polynomial that interpolates A·ρ, at τ: one sum over the
    /// powers of τ with its coefficients. So are the other queries'.
    fn check<R: RngCore + CryptoRng>(
        &self,
        powers: &Powers,
        circuit: &Circuit,
        rng: &mut R,
    ) -> Result<(), StateError> {
        let (n, m) = (circuit.size(), circuit.variables());
        let rho = weights(m, rng);
        let [a, b] = [&circuit.a, &circuit.b].map(|rows| interpolated(rows, &rho, circuit));
        let tau_g1 = &powers.tau_g1[..n];
        let same = |holds: bool, vector| {
            holds
                .then_some(())
                .ok_or(StateError::Inconsistent { vector })
        };
        same(combine(&self.a, &rho) == product(tau_g1, &a), Vector::A)?;
        same(
            combine(&self.b_g1, &rho) == product(tau_g1, &b),
            Vector::BG1,
        )?;
        same(
            combine(&self.b_g2, &rho) == product(&powers.tau_g2, &b),
            Vector::BG2,
        )?;

        // Each half has its own weights, so that the error names the right one.
        for (vector, range, points) in [
            (Vector::Instance, 0..circuit.instance, &self.instance),
            (Vector::L, circuit.instance..m, &self.l),
        ] {
            let mut rho = rho.clone();
            for (index, weight) in rho.iter_mut().enumerate() {
                if !range.contains(&index) {
                    *weight = Weight::default();
                }
            }
            let [a, b, c] =
                [&circuit.a, &circuit.b, &circuit.c].map(|rows| interpolated(rows, &rho, circuit));
            let expected =
                product(&powers.beta_g1, &a) + product(&powers.alpha_g1, &b) + product(tau_g1, &c);
            same(combine(points, &rho[range]) == expected, vector)?;
        }

        let rho = weights(n - 1, rng);
        let expected = combine(&powers.tau_g1[n..], &rho).into_group()
            - combine(&powers.tau_g1[..n - 1], &rho);
        same(combine(&self.h, &rho) == expected, Vector::H)
    }
}

/// The coefficients of the polynomial that is M·ρ on the domain.
fn interpolated(rows: &[Row], rho: &[Weight], circuit: &Circuit) -> Vec<Field> {
    let rho: Vec<Field> = rho.iter().map(|weight| reduced(*weight)).collect();
    let value = |row: &Row| -> Field {
        let terms = row
            .iter()
            .map(|(coefficient, variable)| *coefficient * rho[*variable]);
        terms.sum()
    };
    let mut values: Vec<Field> = rows.iter().map(value).collect();
    values.resize(circuit.size(), Field::ZERO);
    circuit.domain.ifft_in_place(&mut values);
    values
}

/// A weight is below the modulus.
fn reduced(weight: Weight) -> Field {
    Field::from_bigint(weight).unwrap_or_default()
}

/// Of each variable the coefficients and rows in which it has them.
fn columns(rows: &[Row], variables: usize) -> Vec<Vec<(Field, usize)>> {
    let mut columns = vec![Vec::new(); variables];
    for (index, row) in rows.iter().enumerate() {
        for (coefficient, variable) in row {
            columns[*variable].push((*coefficient, index));
        }
    }
    columns
}

fn query<C: Split>(parts: &[Part<'_, C>]) -> Projective<C> {
    let coefficients = parts.iter().flat_map(|(column, _)| column.iter());
    let digits: Vec<Digits> = coefficients
        .map(|(coefficient, _)| Digits::of::<C>(coefficient))
        .collect();
    let tables = parts.iter().flat_map(|&(column, tables)| {
        let table = move |(_, row): &(Field, usize)| &tables[*row];
        column.iter().map(table)
    });
    sum(tables.zip(&digits))
}
