//! Merkle paths of arity 4.

use ark_relations::gr1cs::SynthesisError;

use super::{Builder, Linear};
use crate::curve::Field;
use crate::merkle::ARITY;

impl Builder {
    /// The root over `leaf`, and the slot that it has, both as the path says. 270 constraints for
    /// each height.
    ///
    /// All four children of a node are variables; two bits, which are the slot's next digit, say
    /// which of them is the node below. Nothing else is asked of the other three.
    pub(in crate::receipt) fn path(
        &self,
        leaf: &Linear,
        slot: u64,
        siblings: &[[Field; ARITY - 1]],
    ) -> Result<(Linear, Linear), SynthesisError> {
        let mut node = leaf.clone();
        let mut place = Linear::zero();
        for (height, siblings) in siblings.iter().enumerate() {
            let digit = slot >> (2 * height) & 3;
            let low = self.bit(digit & 1 == 1)?;
            let high = self.bit(digit >> 1 == 1)?;
            let weight = Field::from(1_u64 << (2 * height));
            place = place
                .plus_multiple(&low, weight)
                .plus_multiple(&high, weight + weight);

            let mut values = [node.value(); ARITY];
            let others = (0..ARITY).filter(|&child| child as u64 != digit);
            for (child, sibling) in others.zip(siblings) {
                values[child] = *sibling;
            }
            let [c0, c1, c2, c3] = values.map(|value| self.witness(value));
            let (c0, c1, c2, c3) = (c0?, c1?, c2?, c3?);
            let left = self.select(&low, &c0, &c1)?;
            let right = self.select(&low, &c2, &c3)?;
            self.enforce(&high, &right.minus(&left), &node.minus(&left))?;
            node = self.materialise(&self.hash_node(&[c0, c1, c2, c3])?)?;
        }
        Ok((node, place))
    }
}
