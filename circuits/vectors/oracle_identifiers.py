"""Identifiers, by libraries that are not ours.

Check digits and structures are `python-stdnum`'s (Luhn, IBAN, GB 11643, GB 32100, IMEI), numbering
plans `phonenumbers`', domains `idna`'s, and folding is Python's own Unicode data. Forms that no
library knows (bank accounts, device schemes, free text) are built here from their description in
`src/identifier`.
"""

import random
import unicodedata

import idna
import phonenumbers
from blake3 import blake3
from stdnum import exceptions, iban, imei, luhn
from stdnum.cn import ric, uscc
from stdnum.iban import _ibandb, _struct_re

from oracle_arithmetic import hexed

CODES = {
    "phone": 1,
    "card": 2,
    "iban": 3,
    "bank-account": 4,
    "resident-id": 5,
    "credit-code": 6,
    "email": 7,
    "device": 8,
    "text": 9,
}
FULL_WIDTH = str.maketrans({chr(c): chr(c + 0xFEE0) for c in range(0x21, 0x7F)})


def field_form(canonical):
    data = canonical.encode()
    if len(data) <= 30:
        return int.from_bytes(bytes([len(data)]) + data, "little")
    hasher = blake3(derive_key_context="tacit v1 identifier long form")
    hasher.update(data)
    return int.from_bytes(hasher.digest(length=31) + b"\1", "little")


def case(kind, canonical, spellings, **conventions):
    return {
        "type": kind,
        "code": CODES[kind],
        **conventions,
        "spellings": spellings,
        "canonical": canonical,
        "x": hexed(field_form(canonical)),
    }


def grouped(text, size, separator):
    return separator.join(text[at : at + size] for at in range(0, len(text), size))


def usual(text, size=4):
    """The spellings that every number of digits and capitals may come in."""
    return [
        text,
        text.lower(),
        grouped(text, size, " "),
        grouped(text, size, "-"),
        grouped(text, size, "\u2013"),
        text.translate(FULL_WIDTH),
        f"\ufeff\t{text}\u3000",
        grouped(text, size, "\u200b"),
        grouped(text, size, "\u00a0"),
    ]


# Accepted


def phones():
    # Regions whose plans have not moved for long; the others are a matter of the metadata's date.
    formats = phonenumbers.PhoneNumberFormat
    kinds = (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE)
    regions = "AT AU BE BR CA CH CN DE DK ES FI FR GB GR HK IE IN IT JP KR MO NL NO NZ PL PT SE SG TW US ZA"
    cases = []
    for region in regions.split():
        for kind in kinds:
            number = phonenumbers.example_number_for_type(region, kind)
            assert phonenumbers.is_valid_number(number)
            canonical = phonenumbers.format_number(number, formats.E164)
            spellings = []
            for form in (formats.NATIONAL, formats.INTERNATIONAL):
                text = phonenumbers.format_number(number, form)
                spellings += [text, text.translate(FULL_WIDTH), text.replace(" ", "")]
            spellings += (
                [canonical, canonical.replace("+", "00")] if region in "DE FR CH" else [canonical]
            )
            for text in spellings:
                parsed = phonenumbers.parse(unicodedata.normalize("NFKC", text), region)
                assert phonenumbers.format_number(parsed, formats.E164) == canonical, text
            cases.append(case("phone", canonical, spellings, region=region))
    return cases


def cards(draw):
    cases = []
    for length in range(12, 20):
        for _ in range(3):
            body = str(draw.randrange(1, 10)) + "".join(
                str(draw.randrange(10)) for _ in range(length - 2)
            )
            number = body + luhn.calc_check_digit(body)
            luhn.validate(number)
            cases.append(case("card", number, usual(number)))
    return cases


def ibans(draw):
    alphabets = {"n": "0123456789", "a": "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
    alphabets["c"] = alphabets["n"] + alphabets["a"]
    cases = []
    for (
        country
    ) in "AT BE BG CH CY CZ DE DK EE ES FI FR GB GE GR HU IE IL IT KW LT LU LV MT NL NO PL PT RO SA SE SI SK TR".split():
        structure = _ibandb.info(country + "00")[0][1]["bban"]
        bban = "".join(
            draw.choice(alphabets[kind])
            for count, kind in _struct_re.findall(structure)
            for _ in range(int(count))
        )
        number = country + iban.calc_check_digits(country + "00" + bban) + bban
        # National check digits inside the account part are not ours to check.
        iban.validate(number, check_country=False)
        cases.append(case("iban", number, usual(number)))
    return cases


def residents(draw):
    cases = []
    for province in ("110105", "310101", "440106", "510104", "650102", "820000", "931000"):
        for _ in range(4):
            born = (
                f"{draw.randrange(1991, 2024)}{draw.randrange(1, 13):02}{draw.randrange(1, 29):02}"
            )
            body = f"{province}{born}{draw.randrange(1000):03}"
            number = body + ric.calc_check_digit(body + "0")
            # The library knows neither the permits of foreigners nor those of Hong Kong and Macao.
            if province[0] in "123456":
                ric.validate(number)
            cases.append(case("resident-id", number, usual(number, 6), reference_date="2024-01-01"))
    # The examples of the standard; the second was born long before its county was numbered.
    for known in ("11010519491231002X", "440524188001010014"):
        assert ric.calc_check_digit(known) == known[-1]
        cases.append(case("resident-id", known, usual(known, 6)))
    return cases


def credit_codes(draw):
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    codes = ["91110000600037341L"]
    for _ in range(20):
        body = (
            "91" + f"{draw.randrange(10**6):06}" + "".join(draw.choice(alphabet) for _ in range(9))
        )
        codes.append(body + uscc.calc_check_digit(body))
    for code in codes:
        uscc.validate(code)
    return [case("credit-code", code, usual(code)) for code in codes]


def devices(draw):
    cases = []
    for _ in range(8):
        fourteen = "35" + "".join(str(draw.randrange(10)) for _ in range(12))
        whole = fourteen + luhn.calc_check_digit(fourteen)
        version = fourteen + f"{draw.randrange(100):02}"
        for number in (fourteen, whole, version):
            imei.validate(number)
        spellings = [
            fourteen,
            whole,
            version,
            imei.format(whole),
            f"IMEI:{whole}",
            f"imei: {fourteen}",
        ]
        cases.append(case("device", f"imei:{whole}", spellings, namespace="imei"))
    mac = ["00:1a:2b:3c:4d:5e", "00-1A-2B-3C-4D-5E", "001a.2b3c.4d5e", "001A2B3C4D5E"]
    cases.append(
        case("device", "mac:001a2b3c4d5e", mac + ["MAC:" + m for m in mac], namespace="mac")
    )
    uuid = "6d92078a-8246-4ba4-ae5b-76104861e7dc"
    for scheme in ("idfa", "idfv", "gaid"):
        spellings = [uuid, uuid.upper(), "{" + uuid + "}", uuid.replace("-", "")]
        named = [f"{scheme}:{text}" for text in spellings]
        cases.append(case("device", f"{scheme}:{uuid.replace('-', '')}", named))
    cases.append(case("device", "android-id:0123456789abcdef", ["android-id:0123456789ABCDEF"]))
    for length in (16, 32, 64):
        oaid = "ab" * (length // 2)
        cases.append(case("device", f"oaid:{oaid}", [f"OAID:{oaid.upper()}", f"oaid: {oaid}"]))
    return cases


def emails():
    cases = []
    for local, domain in (
        ("zhang.san", "example.com"),
        ("o'brien+tag", "mail.example.co.uk"),
        ("用户", "例子.测试"),
        ("strasse", "straße.example"),
        ("a" * 64, "example.org"),
    ):
        ascii_domain = idna.encode(domain, uts46=True).decode()
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", local).casefold())
        spellings = [
            f"{local}@{domain}",
            f"  {local.upper()}@{domain.upper() if domain.isascii() else domain}\n",
            f"{local}@{domain}".translate(FULL_WIDTH),
            f"\u200b{local}@{ascii_domain}",
        ]
        cases.append(case("email", f"{folded}@{ascii_domain}", spellings))
    return cases


def accounts():
    return [
        case(
            "bank-account",
            "DEUTDEFF:1234567890",
            [
                "DEUTDEFF:1234567890",
                "deutdeffxxx: 1234 5678 90",
                "DEUTDEFF500:12.34567/890",
                "ＤＥＵＴＤＥＦＦ：１２３４５６７８９０",
            ],
        ),
        case(
            "bank-account",
            "CN-102100099996:6222020000000000000",
            [
                "cn-102100099996:6222 0200 0000 0000 000",
                "6222020000000000000",
                "CN-102100099996: 6222020000000000000",
            ],
            namespace="CN-102100099996",
        ),
        case(
            "bank-account",
            "DEUTDEFF:0000000001",
            ["0000000001", "DEUTDEFFXXX:0000000001"],
            namespace="deutdeff",
        ),
    ]


def folded_text(text):
    ignorable = {"\u200b", "\ufeff", "\u00ad", "\u2060"}
    kept = "".join(c for c in text if c not in ignorable)
    cased = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", kept).casefold())
    return " ".join(cased.split())


def texts():
    cases = []
    for namespace, text in (
        ("plate", "京A12345"),
        ("wechat", "some.One"),
        ("name", "Weiß  Straße"),
        ("name", "ﬁancée Ⅷ"),
        ("name", "ΟΔΥΣΣΕΥΣ"),
        ("note", "x" * 256),
        ("note", "ends with: a colon"),
    ):
        canonical = f"{namespace}:{folded_text(text)}"
        composed = unicodedata.normalize("NFD", text)
        spellings = [
            text,
            f"  {text}\t",
            composed,
            text[:1] + "\u200b" + text[1:],
            f"{namespace}:{text}",
            f"{namespace.upper()} : {text}",
        ]
        for spelling in (text, composed):
            assert f"{namespace}:{folded_text(spelling)}" == canonical
        cases.append(case("text", canonical, spellings, namespace=namespace))
    return cases


def accepted():
    draw = random.Random("tacit identifiers")
    cases = phones() + cards(draw) + ibans(draw) + residents(draw) + credit_codes(draw)
    cases += devices(draw) + emails() + accounts() + texts()
    return {
        "description": "Spellings of one identifier, its canonical form and its field form.",
        "cases": cases,
    }


# Refused


def wrong_check(number, places=None):
    """The number with each other check digit."""
    return [number[:-1] + other for other in (places or "0123456789") if other != number[-1]]


def refused():
    cases = []

    def add(kind, code, spelling, twin, **conventions):
        cases.append(
            {"type": kind, **conventions, "spelling": spelling, "error": code, "twin": twin}
        )

    def library_refuses(validate, number, reason):
        try:
            validate(number)
        except reason:
            return
        raise AssertionError(f"the library takes {number}")

    # Every wrong check digit of one number of each kind that has one.
    checked = (
        ("card", "4111111111111111", luhn.validate, None),
        ("resident-id", "11010519491231002X", ric.validate, "0123456789X"),
        ("credit-code", "91110000600037341L", uscc.validate, uscc._alphabet),
    )
    for kind, right, validate, alphabet in checked:
        validate(right)
        for wrong in wrong_check(right, alphabet):
            library_refuses(validate, wrong, exceptions.InvalidChecksum)
            add(kind, "wrong-check-digit", wrong, right)
    for wrong in wrong_check("356868000041418"):
        library_refuses(imei.validate, wrong, exceptions.InvalidChecksum)
        add("device", "wrong-check-digit", "imei:" + wrong, "imei:356868000041418")
    good = "DE89370400440532013000"
    for pair in range(2, 99):
        wrong = f"DE{pair:02}{good[4:]}"
        if wrong != good:
            library_refuses(iban.validate, wrong, exceptions.InvalidChecksum)
            add("iban", "wrong-check-digit", wrong, good)

    # The library agrees on lengths too.
    for validate, whole in (
        (ric.validate, "11010519491231002X"),
        (uscc.validate, "91110000600037341L"),
    ):
        for wrong in (whole[:-1], whole + "1"):
            library_refuses(validate, wrong, exceptions.InvalidLength)
    library_refuses(ric.validate, "110105490131002", exceptions.InvalidLength)

    def resident(body):
        return body + ric.calc_check_digit(body + "0")

    person = "11010519491231002X"
    no_day = resident("11010519490231002")
    library_refuses(ric.validate, no_day, exceptions.InvalidComponent)
    nowhere = resident("99010519491231002")
    nowhere_either = resident("01010519491231002")
    for number in (nowhere, nowhere_either):
        library_refuses(ric.validate, number, exceptions.InvalidComponent)
    unborn = resident("11010520240102002")
    add("resident-id", "wrong-length", person[:-1], person)
    add("resident-id", "wrong-length", "110105490131002", person)
    add("resident-id", "wrong-length", person[:-1] + "10", person)
    add("resident-id", "unknown-region", nowhere, person)
    add("resident-id", "unknown-region", nowhere_either, person)
    add("resident-id", "no-such-date", no_day, person)
    add("resident-id", "no-such-date", resident("11010519001301002"), person)
    add("resident-id", "no-such-date", resident("11010518490101002"), person)
    add(
        "resident-id",
        "date-to-come",
        unborn,
        resident("11010520240101002"),
        reference_date="2024-01-01",
    )
    add("resident-id", "forbidden-character", "1101051949123100 2Y", person)
    add("resident-id", "forbidden-character", "X1010519491231002X", person)
    add("resident-id", "forbidden-character", "十1010519491231002X", person)
    add("resident-id", "spreadsheet-number", "1.10105E+17", person)
    add("resident-id", "empty", " \u200b ", person)

    card = "4111111111111111"
    add("card", "wrong-length", "41111111112", card)
    add("card", "wrong-length", "41111111111111111115", card)
    add("card", "forbidden-character", "4111 1111 1111 111l", card)
    add("card", "forbidden-character", "4111.1111.1111.1111", card)
    add("card", "placeholder", "0000 0000 0000 0000", card)
    add("card", "spreadsheet-number", "4.11111E+15", card)
    add("card", "spreadsheet-number", "4111111111111111.0", card)
    add("card", "empty", "", card)
    add("card", "too-long", "4" * 1025, card)
    add("card", "unassigned-character", "4111111111111111\u0378", card)
    add("card", "forbidden-character", "4111\u00071111 1111 1111", card)
    add("card", "forbidden-character", "٤١١١١١١١١١١١١١١١", card)

    unknown = "XX" + iban.calc_check_digits("XX00" + good[4:]) + good[4:]
    library_refuses(iban.validate, unknown, exceptions.InvalidComponent)
    lettered = "DE" + iban.calc_check_digits("DE00A70400440532013000") + "A70400440532013000"
    library_refuses(iban.validate, lettered, exceptions.InvalidFormat)
    short = "DE" + iban.calc_check_digits("DE0037040044053201300") + "37040044053201300"
    library_refuses(iban.validate, short, exceptions.InvalidFormat)
    add("iban", "unknown-iban-country", unknown, good)
    add("iban", "iban-structure", lettered, good)
    add("iban", "iban-structure", short, good)
    add("iban", "iban-structure", "D1" + good[2:], good)
    add("iban", "wrong-length", "DE8937040044", good)
    add("iban", "wrong-length", good + "0" * 13, good)
    add("iban", "forbidden-character", good.replace("3704", "37_4"), good)
    add("iban", "empty", "\u3000", good)

    company = "91110000600037341L"
    add("credit-code", "wrong-length", company[:-1], company)
    add("credit-code", "wrong-length", company + "1", company)
    for letter in "IOSVZ":
        library_refuses(uscc.validate, company[:-2] + letter + "L", exceptions.InvalidFormat)
        add("credit-code", "forbidden-character", company[:-2] + letter + "L", company)
    add("credit-code", "forbidden-character", "91A10000600037341L", company)

    parse, valid = phonenumbers.parse, phonenumbers.is_valid_number
    mobile = "13800138000"
    assert valid(parse(mobile, "CN"))
    add("phone", "region-needed", mobile, "+86" + mobile)
    library_refuses(lambda n: parse(n, None), "+999 1234567", phonenumbers.NumberParseException)
    add("phone", "unknown-calling-code", "+999 1234567", "+86" + mobile)
    for wrong in ("+86138001380001234", "+861380", "1" * 23):
        add("phone", "phone-length", wrong, mobile, region="CN")
    unassigned = "+12001234567"
    assert not valid(parse(unassigned, None))
    add("phone", "phone-not-assigned", unassigned, "+12015550123")
    add("phone", "forbidden-character", "138-0013-8000 ext. 5", mobile, region="CN")
    add("phone", "forbidden-character", "1-800-FLOWERS", mobile, region="CN")
    add("phone", "forbidden-character", "+", mobile, region="CN")
    add("phone", "forbidden-character", "13800138000/+1", mobile, region="CN")
    add("phone", "spreadsheet-number", "1.38001E+10", mobile, region="CN")
    add("phone", "spreadsheet-number", "13800138000.0", mobile, region="CN")
    add("phone", "empty", "", mobile, region="CN")

    account = "DEUTDEFF:1234567890"
    add("bank-account", "bank-needed", "1234567890", account)
    for bank in (
        "DEUT",
        "DEUTDEFF50",
        "DEUT1EFF",
        "CN-12",
        "C-123456",
        "CN-1234567890123",
        "cn-12 3",
    ):
        add("bank-account", "wrong-bank", f"{bank}:1234567890", account)
    add("bank-account", "wrong-length", "DEUTDEFF:123", account)
    add("bank-account", "wrong-length", "DEUTDEFF:" + "1" * 35, account)
    add("bank-account", "placeholder", "DEUTDEFF:0000000000", account)
    add("bank-account", "forbidden-character", "DEUTDEFF:12345_67890", account)
    add("bank-account", "spreadsheet-number", "DEUTDEFF:1.23457E+09", account)
    add("bank-account", "empty", "DEUTDEFF: - ", account)

    address = "zhang.san@example.com"
    add("email", "not-an-address", "zhang.san", address)
    add("email", "not-an-address", "@example.com", address)
    add("email", "not-an-address", "zhang.san@", address)
    for local in (
        '"zhang san"',
        ".zhang",
        "zhang.",
        "zhang..san",
        "zhang@san",
        "zhang(san)",
        "a" * 65,
    ):
        if " " in local:
            add("email", "forbidden-character", f"{local}@example.com", address)
        else:
            add("email", "wrong-local-part", f"{local}@example.com", address)
    for domain in (
        "localhost",
        "example.",
        "-example.com",
        "exa_mple.com",
        "127.0.0.1",
        "[127.0.0.1]",
        "example..com",
        "a" * 64 + ".com",
        "xn--a.com",
    ):
        add("email", "wrong-domain", f"zhang.san@{domain}", address)
    add("email", "forbidden-character", "Zhang San <zhang.san@example.com>", address)
    add("email", "too-long", "a" * 64 + "@" + ".".join(["b" * 62] * 3) + ".com", address)

    phone = "imei:356868000041418"
    add("device", "scheme-needed", "356868000041418", phone)
    add("device", "scheme-needed", "serial:356868000041418", phone)
    add("device", "wrong-length", "imei:3568680000414", phone)
    add("device", "wrong-length", "mac:001a2b3c4d", "mac:001a2b3c4d5e")
    add("device", "wrong-length", "oaid:" + "ab" * 10, "oaid:" + "ab" * 8)
    add("device", "forbidden-character", "imei:35686800004141X", phone)
    add("device", "forbidden-character", "mac:00:1a:2b:3c:4d:5g", "mac:00:1a:2b:3c:4d:5e")
    add("device", "spreadsheet-number", "imei:3.56868E+14", phone)
    add("device", "empty", "imei: ", phone)
    add("device", "placeholder", "mac:02:00:00:00:00:00", "mac:02:00:00:00:00:01")
    add("device", "placeholder", "mac:ff-ff-ff-ff-ff-ff", "mac:ff-ff-ff-ff-ff-fe")
    add(
        "device",
        "placeholder",
        "idfa:00000000-0000-0000-0000-000000000000",
        "idfa:00000000-0000-0000-0000-000000000001",
    )
    add("device", "placeholder", "android-id:9774D56D682E549C", "android-id:9774D56D682E549D")
    add("device", "placeholder", "imei:000000000000000", phone)

    plate = "plate:京A12345"
    add("text", "namespace-needed", "京A12345", plate)
    for namespace in ("", "9plate", "my plate", "-plate", "pla_te", "京", "a" * 33):
        add("text", "wrong-namespace", f"{namespace}:京A12345", plate)
    add("text", "empty", "plate: \u200b", plate)
    add("text", "empty", "", plate)
    add("text", "too-long", "note:" + "x" * 257, "note:" + "x" * 256)
    add("text", "unassigned-character", "plate:\U000e0fff\u0378", plate)

    return {
        "description": "Values that are refused with a reason, each beside a twin that is taken"
        " under the same conventions.",
        "cases": cases,
    }
