"""What is recorded, part by part; each part can record itself and compare itself.

A part has `record(server, checkout) -> summary` and `compare(server, checkout) ->
(differences, number compared)`. The server holds database TEMPLATE with the
original's schema; a part that writes clones it.
"""

import asyncpg

import catalog
import recorded

TEMPLATE = "original"


class Catalog:
    """The catalog of the original's schema, `schema-catalog.json`."""

    FILE = "schema-catalog.json"

    async def _read(self, server):
        conn = await asyncpg.connect(server.url(TEMPLATE))
        try:
            return await catalog.read(conn)
        finally:
            await conn.close()

    async def record(self, server, checkout):
        found = await self._read(server)
        recorded.write_json(self.FILE, found)
        return f"{len(found['tables'])} tables, {len(found['views'])} views"

    async def compare(self, server, checkout):
        stored = recorded.read_json(self.FILE)
        said = catalog.compare(await self._read(server), stored)
        return said, sum(len(part) for part in stored.values())


ALL = {"catalog": Catalog()}
