"""XML by shape; the property tests of test_parse.py and test_serialize.py do the rest."""

from __future__ import annotations

import pytest

from lambent.aws.errors import SerializationError
from lambent.aws.model import Shape, load_model
from lambent.aws.xmlwire import XmlReaders, XmlWriters, escape_attribute, escape_text, parse_document


def _shape(name: str) -> Shape:
    return load_model("s3").shape({"shape": name})


def test_flattened_lists_and_namespaces() -> None:
    body = b"""<?xml version="1.0"?><Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
      <Object><Key>a</Key></Object><Quiet> true </Quiet><Object><Key> b </Key><VersionId/></Object></Delete>"""
    assert XmlReaders().reader(_shape("Delete"))([parse_document(body)]) == {
        "Objects": [{"Key": "a"}, {"Key": " b ", "VersionId": ""}],
        "Quiet": True,
    }


def test_attributes() -> None:
    body = b'<Grantee xmlns:x="http://www.w3.org/2001/XMLSchema-instance" x:type="CanonicalUser"><ID>1</ID></Grantee>'
    grantee = {"Type": "CanonicalUser", "ID": "1"}
    assert XmlReaders().reader(_shape("Grantee"))([parse_document(body)]) == grantee
    parts: list[str] = []
    XmlWriters().writer(_shape("Grantee"))(parts, "Grantee", {**grantee, "Type": 'a"<b'})
    assert 'xsi:type="a&quot;&lt;b"' in "".join(parts)
    assert 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"' in "".join(parts)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<a>",
        b"<a></b>",
        b"no xml",
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        b"<a>&nbsp;</a>",
        "<a/>".encode("utf-16"),
        b"<a>\xff</a>",
        b"<a>" * 300 + b"</a>" * 300,
    ],
)
def test_documents_that_are_refused(body: bytes) -> None:
    with pytest.raises(SerializationError) as raised:
        parse_document(body)
    assert raised.value.code == "MalformedXML"


def test_escaping() -> None:
    assert escape_text('a<b>&"\r\n\t') == "a&lt;b&gt;&amp;&quot;&#xD;\n\t"
    assert escape_text("\0\x1f\ufffe😀") == "\ufffd\ufffd\ufffd😀"
    assert escape_attribute('"\n\t\r') == "&quot;&#xA;&#x9;&#xD;"
