"""Receives outbound messages with FastAPI and lxml.

    uvicorn receiver:app

With the variable DATABASE, each message is one SQLite transaction that is on
the disk before it is acknowledged.
"""

import os
import sqlite3
from pathlib import Path

from fastapi import FastAPI, Request, Response
from lxml import etree

OUTBOUND = "{http://soap.sforce.com/2005/09/outbound}"
SOBJECT = "{urn:sobject.enterprise.soap.sforce.com}"
ANSWER = (Path(__file__).parent.parent / "answer.xml").read_bytes()
FIELDS = ("Id", "Infinity_VID__c", "Name", "Amount", "CurrencyIsoCode", "LastModifiedDate")


def opened(path: str) -> sqlite3.Connection:
    database = sqlite3.connect(path, isolation_level=None, timeout=30)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute(
        "CREATE TABLE IF NOT EXISTS notifications (id TEXT PRIMARY KEY, record_id TEXT,"
        " visitor_id TEXT, title TEXT, amount REAL, currency TEXT, modified TEXT) WITHOUT ROWID"
    )
    return database


path = os.environ.get("DATABASE")
database = opened(path) if path else None
app = FastAPI(openapi_url=None)


def read(body: bytes) -> list[tuple]:
    """The notifications of a message, all fields of each read."""
    root = etree.fromstring(body)
    rows = []
    for notification in root.iter(f"{OUTBOUND}Notification"):
        record = notification.find(f"{OUTBOUND}sObject")
        fields = {field.tag[len(SOBJECT):]: field.text for field in record}
        rows.append((notification.findtext(f"{OUTBOUND}Id"), *map(fields.get, FIELDS)))
    return rows


def store(rows: list[tuple]) -> None:
    database.execute("BEGIN IMMEDIATE")
    try:
        database.executemany("INSERT OR IGNORE INTO notifications VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        database.execute("COMMIT")
    except sqlite3.Error:
        database.execute("ROLLBACK")
        raise


@app.post("/callback/v1/salesforce/events")
async def events(request: Request) -> Response:
    rows = read(await request.body())
    if database:
        store(rows)
    return Response(ANSWER, media_type="text/xml")
