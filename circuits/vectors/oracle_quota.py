"""Confidential quota: keys, ciphertexts and every proof, from libsodium's ristretto255.

The group is libsodium's (package `rbcl`), transcripts are those of `merlin-transcripts`; what is
absorbed, the sigma proofs and the range proofs are written here, from the protocol's text and the
papers. Range proofs have randomness of their own, so that they are verified, not compared.
"""

import copy
import hashlib

import rbcl
from blake3 import blake3
from merlin_transcripts import MerlinTranscript

L = 2**252 + 27742317777372353535851937790883648493
IDENTITY = bytes(32)
CONTEXT = bytes(range(32))
OTHER_CONTEXT = bytes(range(1, 33))
OUTSIDE = bytes(range(100, 132))
BITS = 32


def le(number, length=32):
    return int(number).to_bytes(length, "little")


def hashed(label):
    """A scalar that anyone can make again from its label."""
    return int.from_bytes(hashlib.sha512(label.encode()).digest(), "little") % L


def times(point, factor):
    factor %= L
    if factor == 0 or point == IDENTITY:
        return IDENTITY
    return rbcl.crypto_scalarmult_ristretto255(le(factor), point)


def plus(*points):
    total = IDENTITY
    for point in points:
        total = rbcl.crypto_core_ristretto255_add(total, point)
    return total


def minus(a, b):
    return rbcl.crypto_core_ristretto255_sub(a, b)


def product(scalars, points):
    return plus(*(times(point, scalar) for scalar, point in zip(scalars, points)))


def inner(a, b):
    return sum(x * y for x, y in zip(a, b)) % L


# Generators and keys

G = rbcl.crypto_scalarmult_ristretto255_base(le(1))
H = rbcl.crypto_core_ristretto255_from_hash(hashlib.sha3_512(G).digest())


def chain(letter, party):
    stream = hashlib.shake_256(b"GeneratorsChain" + letter + le(party, 4)).digest(64 * BITS)
    return [
        rbcl.crypto_core_ristretto255_from_hash(stream[at : at + 64])
        for at in range(0, len(stream), 64)
    ]


LEFT = [point for party in range(4) for point in chain(b"G", party)]
RIGHT = [point for party in range(4) for point in chain(b"H", party)]


def secret_key(material, generation):
    hasher = blake3(derive_key_context="tacit v1 quota key")
    wide = hasher.update(material + le(generation, 4)).digest(length=64)
    return int.from_bytes(wide, "little") % L


def public_key(secret):
    return times(H, pow(secret, -1, L))


def nobody():
    wide = blake3(derive_key_context="tacit v1 quota key of nobody").digest(length=64)
    return rbcl.crypto_core_ristretto255_from_hash(wide)


def commit(value, blinding):
    return plus(times(G, value), times(H, blinding))


def seal(value, blinding, parties):
    return [commit(value, blinding)] + [times(party, blinding) for party in parties]


# Proofs


class Transcript(MerlinTranscript):
    def scalar(self, label):
        return int.from_bytes(self.challenge_bytes(label, 64), "little") % L

    def begin(self):
        self.append_message(b"context", CONTEXT)
        return self

    def generators(self):
        self.append_message(b"G", G)
        self.append_message(b"H", H)

    def hedged(self, secrets, outside):
        """What merlin's `TranscriptRng` yields, as a generator of scalars."""
        strobe = copy.deepcopy(self.strobe)
        for secret in secrets:
            strobe.meta_ad(b"witness", False)
            strobe.meta_ad(le(32, 4), True)
            strobe.key(le(secret), False)
        strobe.meta_ad(b"rng", False)
        strobe.key(outside, False)
        while True:
            strobe.meta_ad(le(64, 4), False)
            yield int.from_bytes(strobe.prf(64, False), "little") % L


def sigma(transcript, rows, secrets, outside):
    """Rows are lists of (place of the secret, base)."""
    draw = transcript.hedged(secrets, outside)
    nonces = [next(draw) for _ in secrets]
    encoded = b""
    for row in rows:
        commitment = plus(*(times(base, nonces[place]) for place, base in row))
        transcript.append_message(b"R", commitment)
        encoded += commitment
    c = transcript.scalar(b"c")
    for nonce, secret in zip(nonces, secrets):
        response = le((nonce - c * secret) % L)
        transcript.append_message(b"s", response)
        encoded += response
    transcript.challenge_bytes(b"sigma-weights", 16 * len(rows))
    return encoded


def range_proof(transcript, values, blindings, label):
    """Bünz et al. 2018, sections 4.2 and 3, with the transcript of the `bulletproofs` crate."""
    m, count = len(values), BITS * len(values)
    left, right = LEFT[:count], RIGHT[:count]
    transcript.append_message(b"dom-sep", b"rangeproof v1")
    transcript.append_u64(b"n", BITS)
    transcript.append_u64(b"m", m)
    for value, blinding in zip(values, blindings):
        transcript.append_message(b"V", commit(value, blinding))

    bits = [value >> bit & 1 for value in values for bit in range(BITS)]
    alpha, rho = hashed(label + " alpha"), hashed(label + " rho")
    s_left = [hashed(f"{label} left {i}") for i in range(count)]
    s_right = [hashed(f"{label} right {i}") for i in range(count)]
    a = plus(times(H, alpha), product(bits, left), product([bit - 1 for bit in bits], right))
    s = plus(times(H, rho), product(s_left, left), product(s_right, right))
    transcript.append_message(b"A", a)
    transcript.append_message(b"S", s)
    y, z = transcript.scalar(b"y"), transcript.scalar(b"z")

    l_0 = [bit - z for bit in bits]
    r_0, r_1 = [], []
    for i, bit in enumerate(bits):
        power = pow(y, i, L)
        r_0.append(power * (bit - 1 + z) + pow(z, 2 + i // BITS, L) * 2 ** (i % BITS))
        r_1.append(power * s_right[i])
    t_0, t_2 = inner(l_0, r_0), inner(s_left, r_1)
    t_1 = (inner(l_0, r_1) + inner(s_left, r_0)) % L
    tau_1, tau_2 = hashed(label + " tau 1"), hashed(label + " tau 2")
    committed = commit(t_1, tau_1), commit(t_2, tau_2)
    transcript.append_message(b"T_1", committed[0])
    transcript.append_message(b"T_2", committed[1])
    x = transcript.scalar(b"x")

    t_x = le((t_0 + x * t_1 + x * x * t_2) % L)
    masks = sum(pow(z, 2 + j, L) * blinding for j, blinding in enumerate(blindings))
    t_blinding = le((masks + x * tau_1 + x * x * tau_2) % L)
    e_blinding = le((alpha + x * rho) % L)
    for name, value in ((b"t_x", t_x), (b"t_x_blinding", t_blinding), (b"e_blinding", e_blinding)):
        transcript.append_message(name, value)
    q = times(G, transcript.scalar(b"w"))
    a_vec = [(u + x * v) % L for u, v in zip(l_0, s_left)]
    b_vec = [(u + x * v) % L for u, v in zip(r_0, r_1)]
    y_inverse = pow(y, -1, L)
    g = left
    h = [times(point, pow(y_inverse, i, L)) for i, point in enumerate(right)]
    encoded = a + s + committed[0] + committed[1] + t_x + t_blinding + e_blinding
    transcript.append_message(b"dom-sep", b"ipp v1")
    transcript.append_u64(b"n", count)
    while len(a_vec) > 1:
        half = len(a_vec) // 2
        (a_l, a_r), (b_l, b_r) = ((v[:half], v[half:]) for v in (a_vec, b_vec))
        (g_l, g_r), (h_l, h_r) = ((v[:half], v[half:]) for v in (g, h))
        l = plus(product(a_l, g_r), product(b_r, h_l), times(q, inner(a_l, b_r)))
        r = plus(product(a_r, g_l), product(b_l, h_r), times(q, inner(a_r, b_l)))
        transcript.append_message(b"L", l)
        transcript.append_message(b"R", r)
        encoded += l + r
        u = transcript.scalar(b"u")
        v = pow(u, -1, L)
        a_vec = [(p * u + o * v) % L for p, o in zip(a_l, a_r)]
        b_vec = [(p * v + o * u) % L for p, o in zip(b_l, b_r)]
        g = [product((v, u), pair) for pair in zip(g_l, g_r)]
        h = [product((u, v), pair) for pair in zip(h_l, h_r)]
    for name, scalar in ((b"a", a_vec[0]), (b"b", b_vec[0])):
        transcript.append_message(name, le(scalar))
        encoded += le(scalar)
    return encoded


def limbs_of(rest, count, label):
    values = [rest >> BITS * i & 2**BITS - 1 for i in range(count)]
    blindings = [hashed(f"{label} limb {i}") for i in range(count)]
    weighted = sum(blinding << BITS * i for i, blinding in enumerate(blindings)) % L
    return values, blindings, weighted


def absorb_limbs(transcript, values, blindings):
    encoded = b""
    for name, value, blinding in zip((b"low", b"high"), values, blindings):
        limb = commit(value, blinding)
        transcript.append_message(name, limb)
        encoded += limb
    return encoded


def transfer(kind, secrets, source, held, value, label):
    """The kind is 0 for opening a session, 1 for settling: also the prover's place."""
    parties = [public_key(secret) for secret in secrets]
    blinding, key = hashed(label + " blinding"), secrets[kind]
    sealed = seal(value, blinding, parties)
    transcript = Transcript(b"tacit/v1/quota-transfer").begin()
    transcript.append_u64(b"kind", kind)
    transcript.generators()
    for party in parties:
        transcript.append_message(b"P", party)
    transcript.append_message(b"source", source[0])
    transcript.append_message(b"source-handle", source[1])
    transcript.append_message(b"amount", sealed[0])
    for handle in sealed[1:]:
        transcript.append_message(b"handle", handle)

    values, blindings, weighted = limbs_of(held - value, 2 - kind, label)
    limbs = absorb_limbs(transcript, values, blindings)
    rest_handle = minus(source[1], sealed[1 + kind])
    rows = [[(0, G), (1, H)]]
    rows += [[(1, party)] for party in parties]
    rows += [[(2, parties[kind])], [(2, rest_handle), (3, times(H, -1))]]
    proof = sigma(transcript, rows, (value, blinding, key, weighted), OUTSIDE)
    ranged = [value] + values, [blinding] + blindings
    if kind == 0:
        ranged[0].append(0)
        ranged[1].append(0)
    return b"".join(sealed) + limbs + proof + range_proof(transcript, *ranged, label)


def burn(secret, source, held, amount, label):
    transcript = Transcript(b"tacit/v1/quota-burn").begin()
    transcript.generators()
    transcript.append_message(b"P", public_key(secret))
    transcript.append_message(b"source", source[0])
    transcript.append_message(b"source-handle", source[1])
    transcript.append_u64(b"amount", amount)
    values, blindings, weighted = limbs_of(held - amount, 2, label)
    limbs = absorb_limbs(transcript, values, blindings)
    rows = [[(0, public_key(secret))], [(0, source[1]), (1, times(H, -1))]]
    proof = sigma(transcript, rows, (secret, weighted), OUTSIDE)
    return limbs + proof + range_proof(transcript, values, blindings, label)


def possession(secret):
    transcript = Transcript(b"tacit/v1/quota-key").begin()
    transcript.generators()
    transcript.append_message(b"P", public_key(secret))
    return sigma(transcript, [[(0, public_key(secret))]], (secret,), OUTSIDE)


def disclosure(secret, sealed, value):
    transcript = Transcript(b"tacit/v1/quota-disclosure").begin()
    transcript.generators()
    transcript.append_message(b"P", public_key(secret))
    transcript.append_message(b"commitment", sealed[0])
    transcript.append_message(b"handle", sealed[1])
    transcript.append_u64(b"value", value)
    rows = [[(0, public_key(secret))], [(0, sealed[1])]]
    proof = sigma(transcript, rows, (secret,), OUTSIDE)
    return CONTEXT + public_key(secret) + sealed[0] + sealed[1] + le(value, 8) + proof


def key_change(old, new, handles):
    moved = [times(handle, old * pow(new, -1, L)) for handle in handles]
    transcript = Transcript(b"tacit/v1/quota-key-change").begin()
    transcript.generators()
    transcript.append_message(b"P", public_key(old))
    transcript.append_message(b"P-new", public_key(new))
    for handle in handles:
        transcript.append_message(b"handle", handle)
    for handle in moved:
        transcript.append_message(b"handle-new", handle)
    rows = [[(0, public_key(old))], [(1, public_key(new))]]
    rows += [[(0, a), (1, times(b, -1))] for a, b in zip(handles, moved)]
    return b"".join(moved) + sigma(transcript, rows, (old, new), OUTSIDE)


# The file


def source_of(secret, held, label):
    """Two amounts and a public grant, as an account gathers them."""
    party = [public_key(secret)]
    parts = [seal(held // 3, hashed(f"{label} {i}"), party) for i in range(2)]
    handle = plus(parts[0][1], parts[1][1])
    return plus(parts[0][0], parts[1][0], times(G, held - 2 * (held // 3))), handle


def quota():
    materials = [bytes([n]) * 32 for n in (1, 2, 3)]
    secrets = [secret_key(material, 0) for material in materials]
    parties = [public_key(secret) for secret in secrets]
    next_secret = secret_key(materials[0], 1)
    transfers = []
    for kind, held, value in ((0, 2**48 + 7, 2**32 - 1), (0, 900, 0), (1, 5000, 1200), (1, 9, 9)):
        label = f"quota transfer {kind} {held}"
        source = source_of(secrets[kind], held, label)
        transfers.append(
            {
                "kind": ("open", "settle")[kind],
                "source": [part.hex() for part in source],
                "held": held,
                "value": value,
                "transfer": transfer(kind, secrets, source, held, value, label).hex(),
            }
        )
    source = source_of(secrets[0], 5000, "quota burn")
    other = source_of(secrets[0], 7, "quota pending")
    return {
        "description": "Confidential quota: keys, ciphertexts, and a proof of each kind.",
        "G": G.hex(),
        "H": H.hex(),
        "range_generators": blake3(b"".join(LEFT + RIGHT)).hexdigest(),
        "nobody": nobody().hex(),
        "context": CONTEXT.hex(),
        "other_context": OTHER_CONTEXT.hex(),
        "randomness": OUTSIDE.hex(),
        "keys": [
            {"material": m.hex(), "generation": g, "P": public_key(secret_key(m, g)).hex()}
            for m in materials
            for g in (0, 1, 2**32 - 1)
        ],
        "sealed": [
            {
                "value": value,
                "blinding": le(hashed(f"quota sealed {value}")).hex(),
                "ciphertext": b"".join(
                    seal(value, hashed(f"quota sealed {value}"), parties)
                ).hex(),
            }
            for value in (0, 1, 1200, 2**32 - 1)
        ],
        "possession": possession(secrets[0]).hex(),
        "disclosure": disclosure(secrets[0], source, 5000).hex(),
        "key_change": {
            "handles": [source[1].hex(), other[1].hex()],
            "change": key_change(secrets[0], next_secret, [source[1], other[1]]).hex(),
        },
        "burn": {
            "source": [part.hex() for part in source],
            "held": 5000,
            "amount": 1200,
            "proof": burn(secrets[0], source, 5000, 1200, "quota burn").hex(),
        },
        "transfers": transfers,
    }
