"""What `opsdeck check` is measured against: the same requests by httpx alone.

`python -m bench.bare_httpx URL COUNT CONCURRENCY`
"""

from __future__ import annotations

import asyncio
import sys

import httpx


async def main(url: str, count: int, concurrency: int) -> None:
    """GET `URL/item-N` for every N, so many at once; raises when one is not answered with 200."""
    turn = asyncio.Semaphore(concurrency)
    async with httpx.AsyncClient() as client:

        async def get(number: int) -> None:
            async with turn:
                answer = await client.get(f"{url}/item-{number}")
                answer.raise_for_status()
                if answer.json()["status"] != "ok":
                    raise RuntimeError("not ok")

        await asyncio.gather(*(get(number) for number in range(count)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
