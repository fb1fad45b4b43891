"""Where the gateway and libxml2 differ on purpose, and why.

A refusal that nothing here explains is a finding.
"""

import re

# The gateway refuses what libxml2 takes: a pattern of what it says, and why.
STRICTER = [
    (r"document type declaration", "SOAP forbids document types, so that no entity is ever defined"),
    (r"^More than \d+ elements are nested|has more than \d+ (attributes|elements|notifications)"
     r"|^A name is longer", "limits keep a message from costing more than it is worth"),
    (r"^The character encoding `(UTF-32|ISO-10646-UCS)", "nobody sends UTF-32, and the encodings of"
     " the web are without it"),
    (r"^The XML version is not 1\.0", "XML 1.0, production 26, has digits after `1.`; libxml2 reads"
     " `1.` alone as 1.0"),
]

# libxml2 refuses what the gateway takes: a pattern of what it says, and why.
LOOSER = [
    (r"is not a valid URI", "a namespace's name is compared and never looked up: Namespaces in XML"
     " 1.0 leaves it to each application whether to look at its syntax"),
    (r"^libxml2: xml:id : attribute value", "xml:id is a specification of its own, which SOAP knows"
     " nothing of"),
]

DECLARATION = re.compile(rb"<\?xml[^>]*?\sencoding\s*=\s*(['\"])([A-Za-z][\w.-]*)\1[^>]*?\?>", re.DOTALL)
LATIN_1 = {b"iso-8859-1", b"latin1", b"iso8859-1"}
WINDOWS_1252 = {b"windows-1252", b"cp1252", b"x-cp1252"}
# Bytes that windows-1252 leaves unassigned. Browsers, and so the gateway, read
# them as the control characters of their numbers, which XML allows.
UNASSIGNED = b"\x81\x8d\x8f\x90\x9d"


UTF_8_MARK = b"\xef\xbb\xbf"


def prepared(message):
    """The message with the differences of its first bytes taken out, so that the
    rest of it is compared too."""
    message = in_utf_8(message)
    mark = UTF_8_MARK if message.startswith(UTF_8_MARK) else b""
    # A second byte order mark, as of two tools that each wrote one.
    rest = message[len(mark) :].removeprefix(UTF_8_MARK if mark else b"")
    # White space before the declaration: legal senders make that mistake, and
    # it can mean nothing else.
    stripped = rest.lstrip(b" \t\r\n")
    if not stripped.startswith(UTF_8_MARK):
        rest = stripped

    match = DECLARATION.match(rest)
    if match and not mark:
        name = match.group(2).lower()
        other = match.group(2)
        if name in LATIN_1:
            # ISO-8859-1 is read as windows-1252, as browsers do: nobody sends
            # the control characters that are all the difference.
            other = b"windows-1252"
        elif name.startswith(b"utf-16"):
            # Readable byte by byte, so it is not: the text was converted after
            # it was written.
            other = b"UTF-8"
        before, after = rest[: match.start(2)], rest[match.end(2) :]
        if other.lower() in WINDOWS_1252 and any(byte in UNASSIGNED for byte in rest):
            before, other, after = from_windows_1252(before), b"UTF-8", from_windows_1252(after)
        rest = before + other + after
    return mark + rest


def from_windows_1252(message):
    """The same in UTF-8."""
    return "".join(
        chr(byte) if byte in UNASSIGNED else bytes([byte]).decode("cp1252") for byte in message
    ).encode()


def in_utf_8(message):
    """The same in UTF-8 with its mark, if it is UTF-16: without a mark that is
    told by a first character of ASCII, which may be white space."""
    mark = 0
    if message[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding, mark = ("utf-16-le", "utf-16-be")[message[0] == 0xFE], 2
    elif len(message) > 1 and message[0] == 0 and 0 < message[1] < 0x80:
        encoding = "utf-16-be"
    elif len(message) > 1 and message[1] == 0 and 0 < message[0] < 0x80:
        encoding = "utf-16-le"
    else:
        return message
    try:
        return UTF_8_MARK + message[mark:].decode(encoding).encode()
    except UnicodeError:
        return message
