#!/usr/bin/env python3
"""The CSV tables as pandas reads them: numbers are numbers, by the dictionary
of docs/results.md. Skipped (77) where there is no pandas.

    read_with_pandas.py docs/results.md TABLE.csv...
"""
import re
import sys

try:
    import pandas
except ImportError:
    print("skipped: there is no pandas")
    sys.exit(77)

TEXT = {"-"}


def units_of(page):
    """Column to unit, of the table's dictionary."""
    with open(page, encoding="utf-8") as file:
        text = file.read()
    start = text.index("### Columns of the CSV and JSON tables")
    end = text.index("\n## ", start)
    return dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", text[start:end],
                           re.MULTILINE))


def check(path, units):
    table = pandas.read_csv(path)
    keys = [name for name in table.columns if name not in units]
    missing = [name for name in units if name not in table.columns]
    assert not missing, f"{path}: without {missing}"
    assert all("." in key for key in keys), f"{path}: unknown {keys}"
    assert len(table) > 0 and not table.index.hasnans
    for name, unit in units.items():
        column = table[name]
        if unit == "true/false":
            assert column.dtype == bool, f"{path}: {name} is {column.dtype}"
        elif unit not in TEXT:
            assert pandas.api.types.is_numeric_dtype(column), \
                f"{path}: {name} is {column.dtype}"
    # 17 digits come back as the very same doubles, so parts still add up.
    parts = table[["client_kwh", "network_kwh", "server_kwh",
                   "overhead_kwh"]].sum(axis=1)
    whole = table["energy_kwh"].fillna(0)
    assert ((parts - whole).abs() <= 1e-12 * whole).all(), f"{path}: parts"
    ways = table[["bytes_up", "bytes_down"]].sum(axis=1)
    assert (ways <= table["bytes"].fillna(0)).all(), f"{path}: bytes"
    assert table["bytes_up"].notna().any() and table["sci"].notna().any()
    print(f"{path}: {len(table)} rows, {len(table.columns)} columns")


def main():
    units = units_of(sys.argv[1])
    assert len(units) > 50
    for path in sys.argv[2:]:
        check(path, units)


if __name__ == "__main__":
    main()
