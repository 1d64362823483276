"""Jubjub, Poseidon2, Elligator2 and the proofs' transcripts, from libraries that are not ours.

- Field elements are `py_ecc`'s `FQ` over the scalar field of BLS12-381.
- Points and Elligator2 (RFC 9380 section 6.7.1, Z = 5) are `dot_ring`'s for Jubjub.
- Transcripts are `merlin_transcripts`'.

Poseidon2 is written here from the paper (Grassi, Khovratovich, Schofnegger, AFRICACRYPT 2023):
constants from the Grain generator, the internal matrix of the state 4 from the same stream, as the
authors' parameter script draws it. `check_authors` holds both permutations against the authors'
published vectors.
"""

import copy
import hashlib
import json
import pathlib

from dot_ring.curve.specs.jubjub import JubJub_TE_Curve as CURVE
from dot_ring.curve.specs.jubjub import JubJubPoint
from merlin_transcripts import MerlinTranscript
from py_ecc.fields.field_elements import FQ

P = CURVE.PRIME_FIELD
ORDER = CURVE.ORDER
EIGHTH = pow(8, -1, ORDER)


class F(FQ):
    """The scalar field of BLS12-381."""

    field_modulus = P


# Encodings


def le(number, length=32):
    """Little-endian bytes of an integer or a field element."""
    return int(number).to_bytes(length, "little")


def hexed(number, length=32):
    return le(number, length).hex()


def affine_bytes(point):
    return le(point.x) + le(point.y)


def wire(point):
    """A point of the group as it travels: its eighth within the group."""
    return affine_bytes(point * EIGHTH).hex()


def scalar(label):
    """A scalar that anyone can make again from its label."""
    return int.from_bytes(hashlib.sha512(label.encode()).digest(), "big") % ORDER


def element(label):
    return int.from_bytes(hashlib.sha512(label.encode()).digest(), "big") % P


# The curve

GENERATOR = JubJubPoint(CURVE.GENERATOR_X, CURVE.GENERATOR_Y)
assert GENERATOR.is_on_curve()


def montgomery_u(point):
    return int(F(1 + point.y) / F(1 - point.y))


def map_to_curve(u):
    """Elligator2; not yet in the prime-order group."""
    return JubJubPoint.map_to_curve(int(u))


def eight_times(point):
    return point.clear_cofactor()


def torsion():
    """The eight points of small order, the identity first."""
    # A point of the whole curve times the order of the group has an order that divides 8. The
    # library reduces scalars, so the last addition is made apart.
    y = 2
    while True:
        try:
            recovered = JubJubPoint._x_recover(y)
        except ValueError:
            recovered = None
        if recovered is not None:
            point = JubJubPoint(recovered[0], y)
            generator = point * (ORDER - 1) + point
            fourth = generator + generator
            fourth = fourth + generator + generator
            if not fourth.is_identity():
                break
        y += 1
    points = [JubJubPoint(0, 1), generator]
    while len(points) < 8:
        points.append(points[-1] + generator)
    assert (points[-1] + generator).is_identity()
    return points


# Poseidon2

FULL_ROUNDS = 8
PARTIAL_ROUNDS = 56


class Grain:
    """The LFSR of the Poseidon paper, appendix E, in self-shrinking mode."""

    def __init__(self, width):
        # A prime field is 1, the S-box x^α is 0.
        header = ((1, 2), (0, 4), (P.bit_length(), 12), (width, 12))
        header += ((FULL_ROUNDS, 10), (PARTIAL_ROUNDS, 10), ((1 << 30) - 1, 30))
        self.state = [int(bit) for value, bits in header for bit in f"{value:0{bits}b}"]
        assert len(self.state) == 80
        for _ in range(160):
            self.clock()

    def clock(self):
        s = self.state
        new = s[62] ^ s[51] ^ s[38] ^ s[23] ^ s[13] ^ s[0]
        self.state = s[1:] + [new]
        return new

    def bits(self, count):
        number = 0
        while count:
            select, bit = self.clock(), self.clock()
            if select:
                number = 2 * number + bit
                count -= 1
        return number

    def below_modulus(self):
        while True:
            number = self.bits(P.bit_length())
            if number < P:
                return F(number)


class Poseidon2:
    def __init__(self, width):
        grain = Grain(width)
        half = FULL_ROUNDS // 2
        row = lambda: [grain.below_modulus() for _ in range(width)]
        before = [row() for _ in range(half)]
        partial = [grain.below_modulus() for _ in range(PARTIAL_ROUNDS)]
        after = [row() for _ in range(half)]
        self.full, self.partial = (before, after), partial
        if width == 3:
            self.external = [[F(2 if i == j else 1) for j in range(3)] for i in range(3)]
            diagonal = [F(2), F(2), F(3)]
        else:
            rows = ((5, 7, 1, 3), (4, 6, 1, 1), (1, 3, 5, 7), (1, 1, 4, 6))
            self.external = [[F(x) for x in row] for row in rows]
            # The script draws again where the minimal polynomial of the matrix or of a power of it
            # is not irreducible; the authors' vectors show that the first draw stands.
            diagonal = [F(grain.bits(P.bit_length())) for _ in range(4)]
        self.internal = [
            [diagonal[i] if i == j else F(1) for j in range(width)] for i in range(width)
        ]

    @staticmethod
    def times(matrix, state):
        return [sum((a * b for a, b in zip(row, state)), F(0)) for row in matrix]

    def __call__(self, state):
        state = self.times(self.external, [F(int(x)) for x in state])
        state = self.full_rounds(self.full[0], state)
        for constant in self.partial:
            state[0] = (state[0] + constant) ** 5
            state = self.times(self.internal, state)
        return self.full_rounds(self.full[1], state)

    def full_rounds(self, constants, state):
        for row in constants:
            state = self.times(self.external, [(x + c) ** 5 for x, c in zip(state, row)])
        return state


PERMUTE_3 = Poseidon2(3)
PERMUTE_4 = Poseidon2(4)


def check_authors(path: pathlib.Path):
    for known in json.loads(path.read_text())["permutations"]:
        permute = {3: PERMUTE_3, 4: PERMUTE_4}[len(known["input"])]
        output = permute([int(x, 16) for x in known["input"]])
        assert [int(x) for x in output] == [int(x, 16) for x in known["output"]]


def domain(label):
    digest = hashlib.sha512(f"tacit/v1/{label}".encode()).digest()
    return F(int.from_bytes(digest, "big") % P)


def hash_2(label, a, b):
    return int(PERMUTE_3([a, b, domain(label)])[0])


def hash_3(label, a, b, c):
    return int(PERMUTE_4([a, b, c, domain(label)])[0])


def hash_node(children):
    return int(PERMUTE_4(children)[0] + F(int(children[0])))


class Merkle:
    """A tree of arity 4 whose empty slots are 0."""

    def __init__(self, depth, leaves):
        self.depth, self.levels, self.empty = depth, [dict(leaves)], [0]
        for _ in range(depth):
            below, empty = self.levels[-1], self.empty[-1]
            parents = {}
            for parent in {slot // 4 for slot in below}:
                children = [below.get(4 * parent + child, empty) for child in range(4)]
                parents[parent] = hash_node(children)
            self.levels.append(parents)
            self.empty.append(hash_node([empty] * 4))

    @property
    def root(self):
        return self.levels[-1].get(0, self.empty[-1])

    def path(self, slot):
        """The slot, then the three siblings of each height, as a path is encoded."""
        encoded = le(slot, 8)
        for level, empty in zip(self.levels[:-1], self.empty):
            first = slot - slot % 4
            encoded += b"".join(
                le(level.get(other, empty)) for other in range(first, first + 4) if other != slot
            )
            slot //= 4
        return encoded


# Proofs


class Transcript(MerlinTranscript):
    """The order of what is absorbed is that of the module docs of `oprf::dleq`."""

    def point(self, label, point):
        self.append_message(label, affine_bytes(point))

    def scalar(self, label):
        return int.from_bytes(self.challenge_bytes(label, 64), "little") % ORDER

    def hedged_nonce(self, secret, outside):
        """What merlin's `TranscriptRng` yields for this secret and 32 bytes from outside."""
        strobe = copy.deepcopy(self.strobe)
        strobe.meta_ad(b"k", False)
        strobe.meta_ad(le(32, 4), True)
        strobe.key(le(secret), False)
        strobe.meta_ad(b"rng", False)
        strobe.key(outside, False)
        strobe.meta_ad(le(64, 4), False)
        return int.from_bytes(strobe.prf(64, False), "little") % ORDER


def weighted_sum(weights, points):
    total = JubJubPoint(0, 1)
    for weight, point in zip(weights, points):
        total = total + point * weight
    return total


class Dleq:
    """The statement that one key answered a batch."""

    def __init__(self, key, context, blinded, evaluated):
        self.key, self.context = key, context
        self.blinded, self.evaluated = blinded, evaluated

    def begin(self):
        transcript = Transcript(b"tacit/v1/dleq")
        transcript.append_message(b"chain", bytes.fromhex(self.context["chain_id"]))
        for label, name in (
            (b"session", "session"),
            (b"sequence", "sequence"),
            (b"list", "list"),
            (b"tag-epoch", "tag_epoch"),
        ):
            transcript.append_u64(label, self.context[name])
        transcript.point(b"G", GENERATOR)
        transcript.point(b"K", self.key)
        transcript.append_u64(b"count", len(self.blinded))
        transcript.append_message(b"B", b"".join(map(affine_bytes, self.blinded)))
        transcript.append_message(b"Z", b"".join(map(affine_bytes, self.evaluated)))
        drawn = transcript.challenge_bytes(b"weights", 16 * len(self.blinded))
        weights = [int.from_bytes(drawn[at : at + 16], "little") for at in range(0, len(drawn), 16)]
        m = weighted_sum(weights, self.blinded)
        n = weighted_sum(weights, self.evaluated)
        return transcript, weights, m, n

    @staticmethod
    def challenge(transcript, m, n, r1, r2):
        for label, point in ((b"M", m), (b"N", n), (b"R1", r1), (b"R2", r2)):
            transcript.point(label, point)
        return transcript.scalar(b"c")

    def prove(self, secret, outside):
        transcript, weights, m, n = self.begin()
        assert affine_bytes(n) == affine_bytes(m * secret)
        t = transcript.hedged_nonce(secret, outside)
        c = self.challenge(transcript, m, n, GENERATOR * t, m * t)
        return weights, m, n, c, (t - c * secret) % ORDER

    def verify(self, c, s):
        transcript, _, m, n = self.begin()
        r1 = GENERATOR * s + self.key * c
        return self.challenge(transcript, m, n, r1, m * s + n * c) == c


class Possession:
    """The statement that the registrant of a key knows it."""

    def __init__(self, key, context):
        self.key, self.context = key, context

    def begin(self):
        transcript = Transcript(b"tacit/v1/key-possession")
        transcript.append_message(b"chain", bytes.fromhex(self.context["chain_id"]))
        for label, name in ((b"member", "member"), (b"list", "list"), (b"tag-epoch", "tag_epoch")):
            transcript.append_u64(label, self.context[name])
        transcript.point(b"G", GENERATOR)
        transcript.point(b"K", self.key)
        return transcript

    def prove(self, secret, outside):
        transcript = self.begin()
        t = transcript.hedged_nonce(secret, outside)
        transcript.point(b"R1", GENERATOR * t)
        c = transcript.scalar(b"c")
        return c, (t - c * secret) % ORDER

    def verify(self, c, s):
        transcript = self.begin()
        transcript.point(b"R1", GENERATOR * s + self.key * c)
        return transcript.scalar(b"c") == c
