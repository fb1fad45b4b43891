"""What a message means, read by libxml2: the contract's rules once more, over a
tree. Only what matters for the comparison is kept."""

import re

from lxml import etree

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
OUTBOUND = "http://soap.sforce.com/2005/09/outbound"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
NEXT_ACTOR = "http://schemas.xmlsoap.org/soap/actor/next"

NAME_START = (
    "A-Za-z_\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c-\u200d"
    "\u2070-\u218f\u2c00-\u2fef\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd\U00010000-\U000effff"
)
NAME_PART = NAME_START + "0-9.\u00b7\u0300-\u036f\u203f-\u2040-"
NC_NAME = f"[{NAME_START}][{NAME_PART}]*"
TYPE = re.compile(f"(?:{NC_NAME}:)?({NC_NAME})")
ORGANIZATION = re.compile(r"00D[0-9A-Za-z]{12}(?:[0-9A-Za-z]{3})?")

NO_FIELDS = {"fieldsToNull", "type", "attributes"}


class Refused(Exception):
    """The message is refused, and why."""


def parse(body):
    """The root element, as libxml2 reads the bytes; comments and the like are gone."""
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
        huge_tree=True,
    )
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        raise Refused(f"libxml2: {error.msg}") from None
    except (ValueError, LookupError) as error:
        raise Refused(f"lxml: {error}") from None
    # lxml looks at the last report alone, and a warning may hide an error.
    for report in parser.error_log:
        if report.level >= etree.ErrorLevels.ERROR:
            raise Refused(f"libxml2: {report.message}")
    return root


def read(root):
    """What the message says, in the form of the gateway's own report."""
    if root.tag != f"{{{SOAP}}}Envelope":
        raise Refused("not an Envelope")
    body, has_header = None, False
    for child in root:
        if child.tag == f"{{{SOAP}}}Header":
            if has_header or body is not None:
                raise Refused("a late Header")
            has_header = True
            if any(must_be_understood(block) for block in child):
                raise Refused("must be understood")
        elif child.tag == f"{{{SOAP}}}Body":
            if body is not None:
                raise Refused("two Bodies")
            body = child
    if body is None:
        raise Refused("no Body")
    messages = [child for child in body if child.tag == f"{{{OUTBOUND}}}notifications"]
    if len(messages) != 1:
        raise Refused(f"{len(messages)} notifications")
    return read_notifications(messages[0])


def must_be_understood(block):
    actor = (block.get(f"{{{SOAP}}}actor") or "").strip()
    demanded = (block.get(f"{{{SOAP}}}mustUnderstand") or "").strip()
    return demanded in ("1", "true") and actor in ("", NEXT_ACTOR)


def read_notifications(element):
    organization, action, notifications = None, "", []
    for child in element:
        if child.tag == f"{{{OUTBOUND}}}OrganizationId":
            if organization is not None:
                raise Refused("two OrganizationIds")
            organization = text_of(child).strip()
            if len(child) or not ORGANIZATION.fullmatch(organization):
                raise Refused("no organisation's id")
        elif child.tag == f"{{{OUTBOUND}}}ActionId" and not is_nil(child):
            action = action or text_of(child).strip()
        elif child.tag == f"{{{OUTBOUND}}}Notification":
            notifications.append(read_notification(child))
    if organization is None:
        raise Refused("no OrganizationId")
    return {"organization": organization, "action": action, "notifications": notifications}


def read_notification(element):
    notification_id, record, is_malformed = "", None, False
    for child in element:
        if child.tag == f"{{{OUTBOUND}}}Id" and not is_nil(child):
            text = text_of(child).strip()
            is_malformed |= bool(notification_id and text and text != notification_id)
            is_malformed |= len(child) > 0
            notification_id = notification_id or text
        elif child.tag == f"{{{OUTBOUND}}}sObject":
            is_malformed |= record is not None
            record = record or read_record(child)
    content, object_type, fields = record or ("gone", "", [])
    if is_malformed:
        content = "malformed"
    return {"id": notification_id, "content": content, "type": object_type, "fields": fields}


def read_record(element):
    """Content, type and populated fields."""
    name = (element.get(f"{{{XSI}}}type") or "").strip()
    match = TYPE.fullmatch(name) if len(name.encode()) <= 255 else None
    object_type = match.group(1) if match else ""
    if is_nil(element) or not len(element):
        return "gone", object_type, []

    values = []
    for child in element:
        local = etree.QName(child).localname
        if local not in NO_FIELDS:
            collect(child, local, values)
    fields, is_malformed = {}, match is None
    for name, value in values:
        first = fields.setdefault(lower(name), [name, value])
        is_malformed |= value != first[1] and bool(value.strip() or first[1].strip())
    fields = [field for field in fields.values() if field[1].strip()]
    return "malformed" if is_malformed else "record", object_type, fields


def collect(element, path, values):
    """Adds a field and those in it, outer ones first."""
    if is_nil(element):
        values.append((path, ""))
        return
    values.append((path, text_of(element)))
    for child in element:
        collect(child, f"{path}.{etree.QName(child).localname}", values)


def text_of(element):
    """An element's own text, that of elements in it left out."""
    return (element.text or "") + "".join(child.tail or "" for child in element)


def is_nil(element):
    return (element.get(f"{{{XSI}}}nil") or "").strip() in ("true", "1")


def lower(name):
    """Lower case of ASCII letters alone."""
    return "".join(letter.lower() if letter.isascii() else letter for letter in name)
