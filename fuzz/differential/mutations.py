"""Small changes to messages, by structure and by byte."""

import re

TOKEN = re.compile(rb"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<[^>]*>|&[^;<]*;|[^<&]+", re.DOTALL)
NAME = re.compile(rb"[A-Za-z_][\w.:-]*")

PIECES = [
    b"<!--x-->", b"<!-- a--b -->", b"<!---->", b"<![CDATA[ <a>&amp; ]]>", b"<![CDATA[]]>", b"]]>",
    b"<?pi x?>", b"<?xml version='1.0'?>", b"<?XML x?>", b"<?a:b c?>", b"<?xml-x?>", b"<?pi?>",
    b"&amp;", b"&lt;", b"&#65;", b"&#x1F600;", b"&#0;", b"&#13;", b"&#xD800;", b"&#xFFFE;", b"&nbsp;",
    b"&", b"&#;", b"&#x;", b"&#X41;", b"&amp", b"&#+65;", b"&#000000000000065;", b"& ;",
    b"<", b">", b"'", b"\"", b"\r\n", b"\r", b"\t", b" ", b"\n", b"/", b"=", b"<a/>", b"</a>", b"<a>",
    b"<a b='1' b='2'/>", b"<p:a xmlns:p='urn:x'/>", b"<p:a/>", b"<a p:b='1'/>", b"<a xmlns=''/>",
    b"<a xmlns:p=''/>", b"<a xmlns:xml='urn:x'/>", b"<a xmlns:xmlns='urn:x'/>", b"<xmlns:a/>",
    b"<a xmlns:xml='http://www.w3.org/XML/1998/namespace'/>", b"<a:b:c/>", b"<:a/>", b"<a:/>",
    b"<a xml:lang='en'/>", b"<a xml:space='x'/>", b"<a xml:id='1'/>", b"<a xmlns:p='urn:x y'/>",
    b"<a xmlns:p='relative'/>", b"<a xmlns:p='urn:x' xmlns:q='urn:x' p:b='' q:b=''/>",
    b"<a b='x<y'/>", b"<a b='&#10;&#x9;'/>", b"<a b=c/>", b"<a b/>", b"<a b='1'c='2'/>", b"<a b = '1' />",
    b"< a/>", b"<a / >", b"</ a>", b"</a >", b"<1a/>", b"<\xc3\xa9/>", b"<a\xc2\xb7/>", b"<\xc2\xb7a/>",
    b"\xef\xbb\xbf", b"\xef\xbf\xbe", b"\x00", b"\x01", b"\x7f", b"\xc2\x85", b"\xe2\x80\xa8", b"\xff",
    b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\x80", b"\xf0\x9f\x98\x80", b"\xc2\xa0",
    b"<!DOCTYPE a>", b"<!ELEMENT a ANY>", b"<!", b"<!-", b"<!a>", b"<?", b"<??>", b"<? a?>",
    b" xsi:nil='true'", b" xsi:nil='0'", b" xsi:type='sf:Lead'", b" xsi:type='Case'", b" mustUnderstand='1'",
    b"<Id>04l000000000002EAA</Id>", b"<Notification/>", b"<sObject/>", b"<OrganizationId/>", b"<Header/>",
    b"<sf:A>1<sf:B>2</sf:B>3</sf:A>", b"<sf:Id>x</sf:Id>", b"<sf:id/>", b"<type>x</type>",
    b"<fieldsToNull>A</fieldsToNull>", b"\xc4\xb0", b"<\xf0\x90\x80\x80/>",
]

ENCODINGS = ["utf-16", "utf-16-be", "utf-8-sig", "iso-8859-1", "windows-1252", "us-ascii", "koi8-r"]


def changed(random, messages):
    """One message, changed here and there."""
    message = random.choice(messages)
    for _ in range(random.choice((1, 1, 1, 2, 3, 6))):
        message = random.choice(CHANGES)(random, message, messages)
    return message[:200_000]


def insert_piece(random, message, _):
    """A piece between two tokens."""
    tokens = TOKEN.findall(message)
    tokens.insert(random.randrange(len(tokens) + 1), random.choice(PIECES))
    return b"".join(tokens)


def insert_anywhere(random, message, _):
    at = random.randrange(len(message) + 1)
    return message[:at] + random.choice(PIECES) + message[at:]


def insert_in_tag(random, message, _):
    """A piece where attributes stand."""
    ends = [match.end() - 1 for match in re.finditer(rb"<[\w:.-]+[^>]*>", message)]
    if not ends:
        return message
    at = random.choice(ends)
    at -= message[at - 1 : at] == b"/"
    return message[:at] + random.choice((b" ", b"")) + random.choice(PIECES) + message[at:]


def drop_token(random, message, _):
    tokens = TOKEN.findall(message)
    if tokens:
        tokens.pop(random.randrange(len(tokens)))
    return b"".join(tokens)


def repeat_tokens(random, message, _):
    tokens = TOKEN.findall(message)
    start = random.randrange(len(tokens) + 1)
    some = tokens[start : start + random.randrange(1, 12)]
    at = random.choice((start, random.randrange(len(tokens) + 1)))
    return b"".join(tokens[:at] + some + tokens[at:])


def swap_tokens(random, message, _):
    tokens = TOKEN.findall(message)
    if len(tokens) > 1:
        one, other = random.randrange(len(tokens)), random.randrange(len(tokens))
        tokens[one], tokens[other] = tokens[other], tokens[one]
    return b"".join(tokens)


def graft(random, message, messages):
    """Tokens of another message."""
    tokens, others = TOKEN.findall(message), TOKEN.findall(random.choice(messages))
    start = random.randrange(len(others) + 1)
    at = random.randrange(len(tokens) + 1)
    return b"".join(tokens[:at] + others[start : start + random.randrange(1, 8)] + tokens[at:])


def rename(random, message, _):
    """One name by another of the message, here or everywhere."""
    names = NAME.findall(message)
    if not names:
        return message
    count = random.choice((1, 2, -1))
    return message.replace(random.choice(names), random.choice(names), count)


def change_byte(random, message, _):
    if not message:
        return message
    at = random.randrange(len(message))
    byte = random.choice((random.randrange(256), message[at] ^ (1 << random.randrange(8))))
    return message[:at] + bytes([byte]) + message[at + 1 :]


def drop_bytes(random, message, _):
    at = random.randrange(len(message) + 1)
    return message[:at] + message[at + random.choice((1, 1, 2, 20)) :]


def cut(random, message, _):
    return message[: random.randrange(len(message) + 1)]


def encode(random, message, _):
    """The same in another encoding, the declaration as it was."""
    try:
        return message.decode().encode(random.choice(ENCODINGS))
    except UnicodeError:
        return message


def declare(random, message, _):
    """Another declaration."""
    names = ["UTF-8", "utf8", "UTF-16", "ISO-8859-1", "windows-1252", "US-ASCII", "KOI8-R", "x-none", "8"]
    declaration = random.choice((
        f"<?xml version='1.0' encoding='{random.choice(names)}'?>",
        f"<?xml version='1.{random.randrange(4)}'?>",
        "<?xml version='1.0' standalone='yes'?>",
        "<?xml version='2.0'?>",
        "<?xml encoding='UTF-8'?>",
        "<?xml version=\"1.0\" standalone='no' encoding='UTF-8'?>",
        "<?xml version='1.0'encoding='UTF-8'?>",
        "<?xml version = '1.0' encoding =\n'UTF-8' ?>",
        " <?xml version='1.0'?>",
    ))
    return declaration.encode() + re.sub(rb"^\s*<\?xml .*?\?>", b"", message, flags=re.DOTALL)


CHANGES = [
    insert_piece, insert_piece, insert_piece, insert_anywhere, insert_in_tag, insert_in_tag,
    drop_token, drop_token, repeat_tokens, repeat_tokens, swap_tokens, graft, rename, rename,
    change_byte, drop_bytes, cut, encode, declare,
]
