"""Writes every vector of `v1/` but the authors' own, from libraries that are not ours.

    python -m venv venv && venv/bin/pip install -r requirements.txt && venv/bin/python oracle.py

The files come out the same on every machine: whatever looks random is SHA-512 of a label. With
`--check`, nothing is written and the first file that would change is named.
"""

import hashlib
import json
import pathlib
import sys

from blake3 import blake3

import oracle_identifiers
import oracle_quota
from oracle_arithmetic import (
    EIGHTH,
    GENERATOR,
    ORDER,
    P,
    PERMUTE_3,
    PERMUTE_4,
    CURVE,
    Dleq,
    JubJubPoint,
    Merkle,
    Possession,
    affine_bytes,
    check_authors,
    domain,
    eight_times,
    element,
    hash_2,
    hash_3,
    hash_node,
    hexed,
    le,
    map_to_curve,
    montgomery_u,
    scalar,
    torsion,
    wire,
)

HERE = pathlib.Path(__file__).parent / "v1"
CHAIN = hexed(0, 31) + "01"
LIST, EPOCH, QUERIER = 7, 3, 2
END = (1 << 128) - 1


def pack_epoch(list_id, epoch):
    return list_id << 32 | epoch


def pack_scope(list_id, epoch, querier):
    return list_id << 64 | epoch << 32 | querier


def mapped_hex(point):
    return affine_bytes(point).hex()


# Points


def points():
    cases = []
    for label in ("one", "two", "order-1"):
        factor = {"one": 1, "two": 2, "order-1": ORDER - 1}[label]
        cases.append((label, factor))
    cases += [(f"random {n}", scalar(f"points {n}")) for n in range(8)]
    return {
        "description": "k·G for the generator G; a point's form on the wire, and X of it.",
        "curve": {"a": hexed(CURVE.EdwardsA % P), "d": hexed(CURVE.EdwardsD)},
        "order": hexed(ORDER),
        "eighth": hexed(EIGHTH),
        "generator": affine_bytes(GENERATOR).hex(),
        "multiples": [
            {
                "name": name,
                "k": hexed(k),
                "wire": wire(GENERATOR * k),
                "affine": affine_bytes(GENERATOR * k).hex(),
                "montgomery_u": hexed(montgomery_u(GENERATOR * k)),
            }
            for name, k in cases
        ],
    }


def points_bad():
    good = GENERATOR * scalar("points_bad")
    sent = good * EIGHTH
    x, y = le(sent.x), le(sent.y)
    not_canonical = "NotCanonical(NotCanonical)"
    cases = [
        ("x is x + p", le(sent.x + P) + y, not_canonical),
        ("y is y + p", x + le(sent.y + P), not_canonical),
        ("x is the modulus", le(P) + y, not_canonical),
        ("y is all ones", x + b"\xff" * 32, not_canonical),
        ("both coordinates are zero", bytes(64), "NotOnCurve"),
        ("the coordinates are exchanged", y + x, "NotOnCurve"),
        ("x is one more", le(sent.x + 1) + y, "NotOnCurve"),
        ("y is one less", x + le(sent.y - 1), "NotOnCurve"),
        # The first reason that applies is the one returned.
        ("x is x + p and y is wrong", le(sent.x + P) + le(sent.y - 1), not_canonical),
    ]
    small = torsion()
    names = ["the identity"] + [f"{n} times a point of order 8" for n in range(1, 8)]
    cases += [(name, affine_bytes(point), "SmallOrder") for name, point in zip(names, small)]
    # Sums in the prime-order group with each point of small order: eight encodings of one point.
    twins = [affine_bytes(sent + point).hex() for point in small[1:]]
    return {
        "description": "64 bytes that are no point, beside a twin that is.",
        "twin": wire(good),
        "other_encodings_of_the_twin": twins,
        "cases": [{"name": n, "wire": b.hex(), "error": e} for n, b, e in cases],
        "key_error_of_other_encodings": "Torsion",
    }


# Hashes


def poseidon2():
    states = [[0] * 4, [1, 2, 3, 4], [P - 1] * 4]
    states += [[element(f"poseidon2 {n} {i}") for i in range(4)] for n in range(3)]
    labels = ("h2c", "tag", "leaf", "call")
    return {
        "description": "Both permutations, the constant of each use, and what is made of them.",
        "permute_3": [
            {"input": [*map(hexed, s[:3])], "output": [hexed(x) for x in PERMUTE_3(s[:3])]}
            for s in states
        ],
        "permute_4": [
            {"input": [*map(hexed, s)], "output": [hexed(x) for x in PERMUTE_4(s)]} for s in states
        ],
        "domains": [{"label": f"tacit/v1/{x}", "constant": hexed(domain(x))} for x in labels],
        "hash_2": [
            {
                "label": f"tacit/v1/{label}",
                "input": [*map(hexed, s[:2])],
                "output": hexed(hash_2(label, *s[:2])),
            }
            for s in states
            for label in labels
        ],
        "hash_3": [
            {
                "label": f"tacit/v1/{label}",
                "input": [*map(hexed, s[:3])],
                "output": hexed(hash_3(label, *s[:3])),
            }
            for s in states
            for label in labels
        ],
        "node": [{"input": [*map(hexed, s)], "output": hexed(hash_node(s))} for s in states],
    }


def elligator2():
    elements = [1, 2, 3, 5, P - 1, P - 2, (P - 1) // 2]
    elements += [element(f"elligator2 {n}") for n in range(16)]
    cases = []
    for u in elements:
        mapped = map_to_curve(u)
        assert mapped.is_on_curve()
        cases.append(
            {
                "u": hexed(u),
                "mapped": mapped_hex(mapped),
                "cleared": affine_bytes(eight_times(mapped)).hex(),
            }
        )
    return {
        "description": "RFC 9380 section 6.7.1 on Jubjub's Montgomery form with Z = 5, then section"
        " D.1; and eight times the point.",
        "cases": cases,
    }


def scopes():
    numbers = [(0, 0, 0), (7, 3, 2), (1, 2, 3), (0xFFFFFFFF,) * 3, (0xFFFFFFFF, 0, 1)]
    return {
        "description": "list·2^32 + epoch, and list·2^64 + epoch·2^32 + querier.",
        "cases": [
            {
                "list": a,
                "tag_epoch": b,
                "querier": c,
                "epoch": hexed(pack_epoch(a, b)),
                "scope": hexed(pack_scope(a, b, c)),
            }
            for a, b, c in numbers
        ],
    }


# A call from end to end


class Call:
    def __init__(self, number, kind, x):
        self.kind, self.x = kind, x
        self.u = hash_3("h2c", kind, x, pack_epoch(LIST, EPOCH))
        self.mapped = map_to_curve(self.u)
        self.h = eight_times(self.mapped)
        self.r = scalar(f"blind {number}")
        self.b = self.h * self.r
        self.k = scalar("list key")
        self.z = self.b * self.k
        self.n = self.z * pow(self.r, -1, ORDER)
        assert affine_bytes(self.n) == affine_bytes(self.h * self.k)
        self.t = hash_2("tag", x, montgomery_u(self.n))
        self.tag = self.t >> 127
        self.log_leaf = hash_3(
            "call", pack_scope(LIST, EPOCH, QUERIER), montgomery_u(self.b), montgomery_u(self.z)
        )

    def json(self):
        return {
            "type": self.kind,
            "x": hexed(self.x),
            "u": hexed(self.u),
            "mapped": mapped_hex(self.mapped),
            "H": wire(self.h),
            "r": hexed(self.r),
            "B": wire(self.b),
            "Z": wire(self.z),
            "X_of_N": hexed(montgomery_u(self.n)),
            "T": hexed(self.t),
            "tag": hexed(self.tag, 16),
            "log_leaf": hexed(self.log_leaf),
        }


def packed(text):
    """The field form of a canonical identifier of at most 30 bytes."""
    return int.from_bytes(bytes([len(text)]) + text.encode(), "little")


def make_calls():
    values = [
        (1, packed("+8613800138000")),
        (2, packed("4111111111111111")),
        (5, packed("11010519491231002X")),
        (7, packed("zhang.san@example.com")),
        (9, element("a long text")),
    ]
    return [Call(number, kind, x) for number, (kind, x) in enumerate(values)]


def calls_file(calls):
    return {
        "description": "A batch of calls from the identifier's field form to the tag.",
        "list": LIST,
        "tag_epoch": EPOCH,
        "querier": QUERIER,
        "k": hexed(calls[0].k),
        "K": wire(GENERATOR * calls[0].k),
        "calls": [call.json() for call in calls],
        "padding": [
            {"x": hexed(entry.x), "u": hexed(entry.u), "tag": hexed(entry.tag, 16)}
            for entry in (Call(n, 0, element(f"padding {n}")) for n in range(3))
        ],
    }


CONTEXT = {"chain_id": CHAIN, "session": 4, "sequence": 5, "list": LIST, "tag_epoch": EPOCH}
OUTSIDE = bytes(range(32))


def dleq(calls):
    k = calls[0].k
    batches = []
    for size in (1, 2, 5):
        batch = Dleq(
            GENERATOR * k, CONTEXT, [c.b for c in calls[:size]], [c.z for c in calls[:size]]
        )
        weights, m, n, c, s = batch.prove(k, OUTSIDE)
        assert batch.verify(c, s)
        batches.append(
            {
                "B": [wire(c.b) for c in calls[:size]],
                "Z": [wire(c.z) for c in calls[:size]],
                "weights": [hexed(w, 16) for w in weights],
                "M": affine_bytes(m).hex(),
                "N": affine_bytes(n).hex(),
                "proof": hexed(c) + hexed(s),
            }
        )
    return {
        "description": "The proof that one key answered a batch. `randomness` is what the prover"
        " draws from outside for its hedged nonce, so that the proof is exact.",
        "context": CONTEXT,
        "k": hexed(k),
        "K": wire(GENERATOR * k),
        "randomness": OUTSIDE.hex(),
        "batches": batches,
    }


def dleq_bad(calls):
    calls = calls[:3]
    k = calls[0].k
    key = GENERATOR * k
    b, z = [c.b for c in calls], [c.z for c in calls]

    def proven(**changes):
        context = {**CONTEXT, **changes}
        *_, c, s = Dleq(key, context, b, z).prove(k, OUTSIDE)
        return c, s

    c, s = proven()
    other_chain = CHAIN[:-2] + "02"
    other_key = scalar("another key")
    *_, other_c, other_s = Dleq(
        GENERATOR * other_key, CONTEXT, b, [x * other_key for x in b]
    ).prove(other_key, OUTSIDE)
    refused = [
        ("challenge plus one", {"proof": ((c + 1) % ORDER, s)}),
        ("response plus one", {"proof": (c, (s + 1) % ORDER)}),
        ("challenge and response exchanged", {"proof": (s, c)}),
        ("both scalars zero", {"proof": (0, 0)}),
        ("proof under another key", {"proof": (other_c, other_s)}),
        ("the verifier's key is another", {"key": GENERATOR * other_key}),
        ("the verifier's key is −K", {"key": -key}),
        ("proof for another chain", {"proof": proven(chain_id=other_chain)}),
        ("proof for another session", {"proof": proven(session=5)}),
        ("proof for another sequence", {"proof": proven(sequence=6)}),
        ("proof for another list", {"proof": proven(list=8)}),
        ("proof for another epoch", {"proof": proven(tag_epoch=4)}),
        ("two answers exchanged", {"z": [z[1], z[0], z[2]]}),
        ("two pairs exchanged", {"b": [b[1], b[0], b[2]], "z": [z[1], z[0], z[2]]}),
        ("one answer negated", {"z": [-z[0], z[1], z[2]]}),
        ("one answer doubled", {"z": [z[0], z[1] + z[1], z[2]]}),
        ("two errors that cancel out", {"z": [z[0] + b[0], z[1] - b[0], z[2]]}),
    ]
    cases = []
    for name, change in refused:
        proof = change.get("proof", (c, s))
        used_key = change.get("key", key)
        used_b, used_z = change.get("b", b), change.get("z", z)
        assert not Dleq(used_key, CONTEXT, used_b, used_z).verify(*proof), name
        cases.append(
            (name, used_key, used_b, used_z, hexed(proof[0]) + hexed(proof[1]), "WrongProof")
        )
    honest = hexed(c) + hexed(s)
    cases += [
        ("no calls", key, [], [], honest, "Empty"),
        (
            "one answer missing",
            key,
            b,
            z[:2],
            honest,
            "LengthMismatch { blinded: 3, evaluated: 2 }",
        ),
        (
            "one answer too many",
            key,
            b,
            z + z[:1],
            honest,
            "LengthMismatch { blinded: 3, evaluated: 4 }",
        ),
    ]
    return {
        "description": "Batches whose proof does not hold, beside a twin that holds.",
        "context": CONTEXT,
        "twin": {"K": wire(key), "B": [*map(wire, b)], "Z": [*map(wire, z)], "proof": honest},
        "cases": [
            {
                "name": name,
                "K": wire(used_key),
                "B": [*map(wire, used_b)],
                "Z": [*map(wire, used_z)],
                "proof": proof,
                "error": error,
            }
            for name, used_key, used_b, used_z, proof, error in cases
        ],
        "not_canonical": [
            {"name": "challenge is the order", "proof": hexed(ORDER) + hexed(s)},
            {"name": "response is response + order", "proof": hexed(c) + hexed(s + ORDER)},
            {"name": "response is all ones", "proof": hexed(c) + "ff" * 32},
        ],
    }


KEY_CONTEXT = {"chain_id": CHAIN, "member": QUERIER, "list": LIST, "tag_epoch": EPOCH}


def possession():
    k = scalar("list key")
    key = GENERATOR * k
    c, s = Possession(key, KEY_CONTEXT).prove(k, OUTSIDE)
    assert Possession(key, KEY_CONTEXT).verify(c, s)
    return {
        "description": "The proof that the registrant of a key knows it.",
        "context": KEY_CONTEXT,
        "k": hexed(k),
        "K": wire(key),
        "randomness": OUTSIDE.hex(),
        "proof": hexed(c) + hexed(s),
    }


def possession_bad():
    k = scalar("list key")
    key, other = GENERATOR * k, GENERATOR * scalar("another key")

    def proven(**changes):
        return Possession(key, {**KEY_CONTEXT, **changes}).prove(k, OUTSIDE)

    c, s = proven()
    refused = [
        ("challenge plus one", key, ((c + 1) % ORDER, s)),
        ("response plus one", key, (c, (s + 1) % ORDER)),
        ("proof for another chain", key, proven(chain_id=CHAIN[:-2] + "02")),
        ("proof for another member", key, proven(member=QUERIER + 1)),
        ("proof for another list", key, proven(list=LIST + 1)),
        ("proof for another epoch", key, proven(tag_epoch=EPOCH + 1)),
        ("the registered key is another", other, (c, s)),
        ("the registered key is −K", -key, (c, s)),
    ]
    for name, used, proof in refused:
        assert not Possession(used, KEY_CONTEXT).verify(*proof), name
    return {
        "description": "Registrations whose proof does not hold, beside a twin that holds.",
        "context": KEY_CONTEXT,
        "twin": {"K": wire(key), "proof": hexed(c) + hexed(s)},
        "cases": [
            {
                "name": name,
                "K": wire(used),
                "proof": hexed(p[0]) + hexed(p[1]),
                "error": "WrongKeyProof",
            }
            for name, used, p in refused
        ],
    }


# Lists


class ListTree:
    """A version's slots: the chain's head in slot 0, 0 in an empty slot."""

    def __init__(self, version, slots):
        self.version, self.slots = version, slots
        ordered = sorted(tag for tag in slots if tag)
        follower = dict(zip([0] + ordered, ordered + [END]))
        self.leaves = {
            slot: (tag, follower[tag]) for slot, tag in enumerate(slots) if slot == 0 or tag
        }
        self.tree = tree_over(self.leaves)

    @classmethod
    def build(cls, version, tags):
        return cls(version, [0] + sorted(tags))

    def apply(self, version, removals, insertions):
        slots = [0 if tag in removals else tag for tag in self.slots]
        for tag in sorted(insertions):
            empty = [slot for slot, held in enumerate(slots) if slot and not held]
            if empty:
                slots[empty[0]] = tag
            else:
                slots.append(tag)
        while len(slots) > 1 and not slots[-1]:
            slots.pop()
        return ListTree(version, slots)

    def header(self):
        return le(LIST, 4) + le(EPOCH, 4) + le(self.version, 4)

    def snapshot(self):
        body = b"".join(le(tag, 16) for tag in self.slots[1:])
        return b"tacit snapshot 1" + self.header() + le(len(self.slots) - 1, 4) + body

    def delta(self, to, removals, insertions):
        body = b"".join(
            le(tag, 16) + bytes([corrected]) for tag, corrected in sorted(removals.items())
        )
        body += b"".join(le(tag, 16) for tag in sorted(insertions))
        counts = le(to, 4) + le(len(removals), 4) + le(len(insertions), 4)
        return b"tacit delta v. 1" + self.header() + counts + body

    def path(self, tag):
        slot = max(
            (slot for slot in self.leaves if self.leaves[slot][0] <= tag),
            key=lambda slot: self.leaves[slot][0],
        )
        return membership_path(self.leaves, self.tree, slot)

    def json(self):
        return {
            "version": self.version,
            "snapshot": self.snapshot().hex(),
            "digest": blake3(self.snapshot()).hexdigest(),
            "root": hexed(self.tree.root),
        }


def tree_over(leaves):
    return Merkle(14, {slot: hash_2("leaf", *leaf) for slot, leaf in leaves.items()})


def membership_path(leaves, tree, slot):
    low, follower = leaves[slot]
    return le(low, 16) + le(follower, 16) + tree.path(slot)


TAGS = [element(f"tag {n}") >> 127 for n in range(12)]


def lists(calls):
    empty = ListTree.build(0, [])
    first = ListTree.build(1, TAGS[:6] + [calls[0].tag])
    ordered = first.slots[1:]
    removals = {ordered[0]: 0, ordered[3]: 1, ordered[6]: 0}
    second = first.apply(2, removals, TAGS[6:8])
    third = second.apply(3, {}, TAGS[8:12])
    publication = bytes(range(32))
    attested = blake3(derive_key_context="tacit v1 attestation of a rebuilt list")
    attested.update(le(9, 4) + publication + first.snapshot())
    questions = [
        ("the tag of a call", calls[0].tag, "Listed"),
        ("the smallest tag", ordered[0], "Listed"),
        ("the largest tag", ordered[-1], "Listed"),
        ("one more than a tag", ordered[2] + 1, "NotListed"),
        ("one less than a tag", ordered[2] - 1, "NotListed"),
        ("below all tags", 1, "NotListed"),
        ("above all tags", END - 1, "NotListed"),
    ]
    return {
        "description": "Versions of a small list, the deltas between them, and what a root says.",
        "list": LIST,
        "tag_epoch": EPOCH,
        "leaf": [
            {
                "low": hexed(low, 16),
                "next": hexed(follower, 16),
                "hash": hexed(hash_2("leaf", low, follower)),
            }
            for low, follower in ((0, END), (1, 2), (ordered[0], ordered[1]))
        ],
        "versions": [v.json() for v in (empty, first, second, third)],
        "deltas": [
            {"from": 1, "bytes": first.delta(2, removals, TAGS[6:8]).hex()},
            {"from": 2, "bytes": second.delta(3, {}, TAGS[8:12]).hex()},
        ],
        "paths": [
            {
                "name": name,
                "tag": hexed(tag, 16),
                "path": first.path(tag).hex(),
                "presence": presence,
            }
            for name, tag, presence in questions
        ],
        "attestation": {
            "version": 1,
            "attester": 9,
            "publication": publication.hex(),
            "digest": attested.hexdigest(),
        },
    }


def lists_bad():
    first = ListTree.build(1, TAGS[:3])
    a, b, c = first.slots[1:]
    removals, insertions = {a: 0, b: 1}, [TAGS[4]]
    snapshot = first.snapshot()
    delta = first.delta(2, removals, insertions)
    last, header = snapshot[-16:], snapshot[:28]
    body = snapshot[32:]
    snapshots = [
        ("of another format", b"tacit snapshot 2" + snapshot[16:], "Magic"),
        (
            "more slots than a tree has",
            header + le(1 << 28, 4) + body,
            f"TooManySlots {{ slots: {1 << 28} }}",
        ),
        (
            "the end of the chain in a slot",
            snapshot[:48] + b"\xff" * 16 + last,
            "NotATag { slot: 2 }",
        ),
        ("an empty last slot", header + le(4, 4) + body + bytes(16), "TrailingEmptySlot"),
        ("a byte after the last slot", snapshot + b"\0", "TrailingBytes"),
        ("one slot less than promised", snapshot[:-16], "Io(UnexpectedEof)"),
        ("cut within the header", snapshot[:30], "Io(UnexpectedEof)"),
        ("nothing", b"", "Io(UnexpectedEof)"),
    ]
    at = 16 + 12  # where a delta leads to, after the magic and where it starts
    first_removal = at + 12
    deltas = [
        ("of another format", b"tacit delta v. 2" + delta[16:], "Magic"),
        (
            "to the version it starts from",
            delta[:at] + le(1, 4) + delta[at + 4 :],
            "NotLater { from: ListVersion(1), to: ListVersion(1) }",
        ),
        (
            "more removals than a delta has",
            delta[: at + 4] + le((1 << 20) + 1, 4) + delta[at + 8 :],
            f"TooLarge {{ changes: {(1 << 20) + 1} }}",
        ),
        (
            "more insertions than a delta has",
            delta[: at + 8] + b"\xff" * 4 + delta[at + 12 :],
            f"TooLarge {{ changes: {(1 << 32) - 1} }}",
        ),
        (
            "a flag of two",
            delta[: first_removal + 16] + b"\x02" + delta[first_removal + 17 :],
            "Malformed",
        ),
        (
            "a removal of the chain's head",
            delta[:first_removal] + bytes(16) + delta[first_removal + 16 :],
            "Malformed",
        ),
        ("an insertion of the chain's end", delta[:-16] + b"\xff" * 16, "Malformed"),
        (
            "removals that descend",
            delta[:first_removal] + le(b, 16) + b"\1" + le(a, 16) + b"\0" + delta[-16:],
            "NotAscending",
        ),
        (
            "a removal twice",
            delta[:first_removal] + (le(a, 16) + b"\0") * 2 + delta[-16:],
            "NotAscending",
        ),
        ("a tag removed and inserted", delta[:-16] + le(b, 16), "RemovedAndInserted"),
        ("a byte after the last change", delta + b"\0", "TrailingBytes"),
        ("cut within the last insertion", delta[:-1], "Io(UnexpectedEof)"),
    ]
    applied = [
        (
            "a delta from another version",
            ListTree(2, first.slots).delta(3, {a: 0}, []),
            "OtherVersion",
        ),
        ("an insertion of what is there", first.delta(2, {}, [c]), "Duplicate"),
        ("a removal of what is not there", first.delta(2, {TAGS[4]: 0}, []), "Absent"),
    ]
    duplicate = header + le(4, 4) + body + le(b, 16)
    path = first.path(b)
    paths = [
        ("a sibling changed", b, path[:40] + bytes([path[40] ^ 1]) + path[41:], "WrongRoot"),
        (
            "another slot",
            b,
            path[:32] + le(int.from_bytes(path[32:40], "little") ^ 1, 8) + path[40:],
            "WrongRoot",
        ),
        ("another leaf", b, le(b, 16) + le(END, 16) + path[32:], "WrongRoot"),
        ("the leaf of a smaller tag", c, path, "OtherTag"),
        ("the leaf of a larger tag", a, path, "OtherTag"),
    ]
    undecodable = [
        ("a slot that the tree does not have", path[:32] + le(4**14, 8) + path[40:]),
        ("a sibling that is not canonical", path[:40] + b"\xff" * 32 + path[72:]),
        ("a byte too many", path + b"\0"),
        ("a byte too few", path[:-1]),
    ]
    # What no honest tree holds: the leaf of `a` reaches over `b`, and one runs backwards.
    crooked = {0: (0, a), 1: (a, c), 2: (b, c), 3: (c, b)}
    crooked_tree = tree_over(crooked)
    shown = {slot: membership_path(crooked, crooked_tree, slot) for slot in crooked}
    honest = {slot: membership_path(first.leaves, first.tree, slot) for slot in first.leaves}
    fraud = [
        ("a leaf that runs backwards", b"\0" + shown[3], None),
        ("two leaves that overlap", b"\1" + shown[1] + shown[2], None),
        ("a leaf that is in order", b"\0" + shown[1], "Honest"),
        ("two leaves that meet", b"\1" + shown[0] + shown[1], "Honest"),
        ("one leaf twice", b"\1" + shown[1] + shown[1], "SameSlot"),
        ("leaves of another root", b"\1" + honest[1] + honest[2], "WrongRoot"),
    ]
    named = lambda cases, field: [
        {"name": name, field: data.hex(), "error": error} for name, data, error in cases
    ]
    return {
        "description": "Snapshots, deltas, paths and accusations that are refused, beside twins"
        " that are taken.",
        "twin": {
            "snapshot": snapshot.hex(),
            "root": hexed(first.tree.root),
            "delta": delta.hex(),
            "path": path.hex(),
            "path_tag": hexed(b, 16),
        },
        "snapshots": named(snapshots, "bytes"),
        "snapshot_with_a_tag_twice": {"bytes": duplicate.hex(), "error": "Duplicate"},
        "deltas": named(deltas, "bytes"),
        "applications": named(applied, "bytes"),
        "paths": [
            {"name": name, "tag": hexed(tag, 16), "path": data.hex(), "error": error}
            for name, tag, data, error in paths
        ],
        "undecodable_paths": [{"name": n, "path": d.hex()} for n, d in undecodable],
        "fraud": {"root": hexed(crooked_tree.root), "cases": named(fraud, "bytes")},
    }


# The log


def log(calls):
    leaves = [call.log_leaf for call in calls] + [element(f"log leaf {n}") for n in range(16)]
    trees = {count: Merkle(16, dict(enumerate(leaves[:count]))) for count in (0, 1, 4, 5, 16, 21)}
    tree = trees[21]
    path = tree.path(4)
    return {
        "description": "The first leaves are those of `calls.json`. Roots by the number of leaves.",
        "leaves": [*map(hexed, leaves)],
        "roots": [{"leaves": n, "root": hexed(t.root)} for n, t in trees.items()],
        "paths": [
            {"leaf": hexed(leaves[slot]), "index": slot, "path": tree.path(slot).hex()}
            for slot in (0, 4, 20)
        ],
        "bad_paths": [
            {
                "name": "a sibling changed",
                "leaf": hexed(leaves[4]),
                "path": (path[:8] + bytes([path[8] ^ 1]) + path[9:]).hex(),
                "error": "NotInLog",
            },
            {
                "name": "another slot",
                "leaf": hexed(leaves[4]),
                "path": (le(5, 8) + path[8:]).hex(),
                "error": "NotInLog",
            },
            {
                "name": "another leaf",
                "leaf": hexed(leaves[3]),
                "path": path.hex(),
                "error": "NotInLog",
            },
        ],
    }


# Receipts


def receipt(name, call, answer, slot, list_root, log_root):
    """A statement's bytes, and the public inputs made of its parts."""
    secret = element(f"receipt secret {name}")
    context = hashlib.sha512(f"receipt context {name}".encode()).digest()[:32]
    commitment = hash_3("commit", call.kind, call.x, secret)
    if slot is None:
        claim = bytes([0]) + le(call.kind, 2) + bytes([0 if answer else 1])
    else:
        claim = bytes([1]) + le(slot, 4)
    statement = le(commitment, 32) + claim + le(LIST, 4) + le(EPOCH, 4) + le(QUERIER, 4)
    statement += le(log_root, 32) + le(list_root, 32) + context
    inputs = [
        commitment,
        call.kind if slot is None else 0,
        pack_epoch(LIST, EPOCH),
        QUERIER,
        log_root,
        list_root,
        answer,
        0 if slot is None else slot + 1,
        int.from_bytes(context[:31], "little"),
    ]
    return {
        "name": name,
        "type": call.kind,
        "x": hexed(call.x),
        "secret": hexed(secret),
        "slot": slot,
        "listed": bool(answer),
        "context": context.hex(),
        "commitment": hexed(commitment),
        "statement": statement.hex(),
        "public_inputs": [*map(hexed, inputs)],
    }


def receipts(calls):
    tree = ListTree.build(1, TAGS[:6] + [calls[0].tag])
    list_root = tree.tree.root
    log_root = Merkle(16, dict(enumerate(call.log_leaf for call in calls))).root
    padding = Call(0, 0, element("padding 0"))
    return {
        "description": "What receipts state about calls of `calls.json`: version 1 of `lists.json`, "
        "a log of these calls.",
        "label": "tacit/v1/commit",
        "constant": hexed(domain("commit")),
        "list": LIST,
        "tag_epoch": EPOCH,
        "querier": QUERIER,
        "log_root": hexed(log_root),
        "list_root": hexed(list_root),
        "statements": [
            receipt("a hit", calls[0], 1, None, list_root, log_root),
            receipt("a miss", calls[1], 0, None, list_root, log_root),
            receipt("a long identifier", calls[4], 0, None, list_root, log_root),
            receipt("a sampled entry", calls[0], 1, 5, list_root, log_root),
            receipt("sampled padding", padding, 1, 268435455, list_root, log_root),
        ],
    }


def files():
    check_authors(HERE / "poseidon2_authors.json")
    calls = make_calls()
    return {
        "points.json": points(),
        "points_bad_encoding.json": points_bad(),
        "poseidon2.json": poseidon2(),
        "elligator2.json": elligator2(),
        "scopes.json": scopes(),
        "calls.json": calls_file(calls),
        "dleq.json": dleq(calls),
        "dleq_bad_proof.json": dleq_bad(calls),
        "possession.json": possession(),
        "possession_bad_proof.json": possession_bad(),
        "lists.json": lists(calls),
        "lists_bad_bytes.json": lists_bad(),
        "log.json": log(calls),
        "receipt.json": receipts(calls),
        "quota.json": oracle_quota.quota(),
        "identifiers.json": oracle_identifiers.accepted(),
        "identifiers_bad_value.json": oracle_identifiers.refused(),
    }


def main():
    check = sys.argv[1:] == ["--check"]
    for name, content in files().items():
        text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
        path = HERE / name
        if not check:
            path.write_text(text)
        elif path.read_text() != text:
            sys.exit(f"{name} is not what the oracle computes")


if __name__ == "__main__":
    main()
