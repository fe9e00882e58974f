"""Mints core/vectors/*.json from the attack table, table by table. `joserfc_mint.py` and `jose_mint.mjs` mint their own files.

Without a vector, because the core cannot show them: KEY-08 (off by default), SIG-10 and SIG-11 (signing), DOS-06 (fetching), CMP-01
(timing), MTL-04 to MTL-06 (TLS and servers).
"""

import collections
import importlib

from book import Book, check_twins

MODULES = (
    "attacks_keys", "load_keys", "attacks_signature", "attacks_header", "attacks_encoding", "attacks_claims", "attacks_limits", "attacks_binding",
    "attacks_dpop", "attacks_replay", "attacks_htu", "attacks_jarm", "attacks_request", "grammar", "rfc",
)


def main():
    for name in MODULES:
        for book in importlib.import_module(name).mint():
            cases, size = book.write()
            print(f"{book.name}.json: {cases} cases, {size} bytes")
    check_twins()
    kinds = collections.Counter(case["kind"] for case in Book.all_ids.values())
    rows = collections.Counter(identifier.split(".")[0] for identifier in Book.all_ids)
    print(len(Book.all_ids), "cases", dict(kinds))
    print(" ".join(f"{row}:{count}" for row, count in sorted(rows.items())))


if __name__ == "__main__":
    main()
