#!/usr/bin/python3
"""Builds the database's migrations into the program, as each engine wants them.

    tools/embed_migrations.py OUTPUT.c NNNN_name.sql...

Migrations are written once. What may stand in them: tables and indexes, rows to begin with; columns
are TEXT, BIGINT, SMALLINT or {BLOB}. For SQLite the numbers become INTEGER and every table STRICT,
so that a wrong type is an error there too; for PostgreSQL every TEXT is compared by its bytes
(COLLATE "C"), so that both sort alike.
"""

import re
import sys
from pathlib import Path

NAME = re.compile(r"^(\d{4})_[a-z0-9_]+\.sql$")
FOREIGN = re.compile(r"\b(INT|INTEGER|INT8|SERIAL|BIGSERIAL|BOOLEAN|BOOL|VARCHAR|CHAR|REAL|FLOAT|DOUBLE|NUMERIC|"
                     r"DECIMAL|TIMESTAMP|TIMESTAMPTZ|DATE|JSON|JSONB|BYTEA|BLOB|UUID|AUTOINCREMENT)\b(?!\})", re.I)
TOKENS = {"{BLOB}": ("BLOB", "BYTEA")}
QUOTED = re.compile(r"('(?:[^']|'')*')")


def outside_quotes(sql, change):
    parts = QUOTED.split(sql)
    return "".join(part if index % 2 else change(part) for index, part in enumerate(parts))


def statements_of(path):
    """The statements without their comments."""
    text = "\n".join(line.split("--")[0].rstrip() for line in path.read_text().split("\n"))
    parts, start = [], 0
    masked = QUOTED.sub(lambda match: "x" * len(match[0]), text)
    for match in re.finditer(";", masked):
        parts.append(outside_quotes(text[start:match.start()], lambda sql: re.sub(r"\s+", " ", sql)).strip())
        start = match.end()
    if text[start:].strip():
        sys.exit(f"{path}: the last statement has no ';'")
    return [part for part in parts if part]


def check(path, statement):
    bare = QUOTED.sub("''", statement)
    found = FOREIGN.search(bare)
    if found:
        sys.exit(f"{path}: '{found[0]}' is not in both engines; columns are TEXT, BIGINT, SMALLINT, {{BLOB}}")
    unknown = set(re.findall(r"\{[^}]*\}", bare)) - set(TOKENS)
    if unknown:
        sys.exit(f"{path}: unknown token {unknown.pop()}")


def replace_tokens(sql, engine):
    for token, words in TOKENS.items():
        sql = sql.replace(token, words[engine])
    return sql


def for_sqlite(statement):
    def change(sql):
        return replace_tokens(re.sub(r"\b(BIGINT|SMALLINT)\b", "INTEGER", sql), 0)
    strict = " STRICT" if statement.upper().startswith("CREATE TABLE") else ""
    return outside_quotes(statement, change) + strict


def for_postgresql(statement):
    def change(sql):
        return replace_tokens(re.sub(r"\bTEXT\b", 'TEXT COLLATE "C"', sql), 1)
    return outside_quotes(statement, change)


def literal(statements):
    lines = [statement.replace("\\", "\\\\").replace('"', '\\"') + ";" for statement in statements]
    return "\n".join(f'        "{line}\\n"' for line in lines)


def entry(path):
    match = NAME.match(path.name)
    if not match:
        sys.exit(f"{path}: a migration is called NNNN_name.sql")
    statements = statements_of(path)
    for statement in statements:
        check(path, statement)
    return (f"    {{{int(match[1])}, \"{path.stem}\",\n{literal(map(for_sqlite, statements))},\n"
            f"{literal(map(for_postgresql, statements))}}},\n")


def main():
    output, *inputs = map(Path, sys.argv[1:])
    inputs.sort(key=lambda path: path.name)
    numbers = [path.name[:4] for path in inputs]
    if len(set(numbers)) != len(numbers):
        sys.exit("two migrations have the same number")
    output.write_text('#include "server/db/migrate.h"\n\n'
                      "const struct bt_db_migration bt_db_migrations[] = {\n"
                      + "".join(entry(path) for path in inputs) + "};\n\n"
                      f"const size_t bt_db_migrations_count = {len(inputs)};\n")


if __name__ == "__main__":
    main()
