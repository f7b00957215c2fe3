#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A reader of obit's store, written from docs/format.md alone: standard library and the zstd command.

usage: read_store.py STORE TABLE      prints the table's rows as JSON lines, as `obit dump --format jsonl` does
"""
import datetime
import json
import os
import re
import struct
import subprocess
import sys
import zlib

HEADER_FRAME, TRAILER_FRAME, COLUMNS_FRAME, DATA_FRAME = 0x184D2A50, 0x184D2A51, 0x184D2A52, 0xFD2FB528
U64, I64, BOOL, STRING, STRINGS = 1, 2, 3, 4, 5
TIME = 1
PLANES, LENGTHS, SAME, NULLS = range(4)
NOTHING, ROW, COLUMNS, INTERVAL_END = range(4)
HAS_FACTOR, HAS_NULLS = 0x40, 0x80
NO_COLUMN = 255
WORD = 2**64 - 1


class Bytes:
    """Takes numbers and texts off the front of some bytes."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        if self.at + count > len(self.data):
            raise EOFError
        self.at += count
        return self.data[self.at - count:self.at]

    def number(self, form):
        return struct.unpack("<" + form, self.take(struct.calcsize(form)))[0]

    def varint(self):
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value & (2**64 - 1)

    def string(self):
        return self.take(self.number("H")).decode()


def read_header(data):
    """{table number: (name, [(field name, type, unit)])}"""
    header = Bytes(data)
    if header.take(4) != b"OBIT" or zlib.crc32(data[:-4]) != struct.unpack("<I", data[-4:])[0]:
        raise ValueError("the header is damaged")
    version, _compatible, incompatible = header.number("H"), header.number("I"), header.number("I")
    if version != 2 or incompatible:
        raise ValueError("a format that this reader is too old for")
    for _ in range(4):
        header.string()
    for _ in range(3):
        header.number("Q")
    tables = {}
    for _ in range(header.number("H")):
        number, n_fields, name = header.number("I"), header.number("H"), header.string()
        header.string()
        fields = []
        for _ in range(n_fields):
            kind, unit, _ = header.number("B"), header.number("B"), header.number("B")
            fields.append((header.string(), kind, unit))
            header.string()
        tables[number] = (name, fields)
    return tables


def signed(number):
    return (number >> 1) ^ -(number & 1)


def read_numbers(column, packing, count):
    if packing == SAME:
        return [column.varint()] * count
    if packing == PLANES:
        planes = [column.take(count) for _ in range(column.number("B"))]
        return [sum(plane[i] << 8 * place for place, plane in enumerate(planes)) for i in range(count)]
    classes = column.take(count)
    bits, at, numbers = int.from_bytes(column.take(column.varint()), "little"), 0, []
    for kind in classes:
        length, below = kind >> 2, kind & 3
        if length < 3:
            numbers.append(length if length < 2 else 2 | below >> 1)
            continue
        plain = length - 3
        numbers.append((4 | below) << plain | (bits >> at & (1 << plain) - 1))
        at += plain
    return numbers


def read_column(data, kind, rows, columns, ends):
    """The values of a column, None for null; of texts their bytes."""
    column = Bytes(data)
    head = column.number("B")
    packing, predicted = head & 7, head >> 3 & 7
    if packing == NULLS:
        return [None] * rows
    if predicted == COLUMNS:
        minuend, subtrahend = column.number("B"), column.number("B")
    base = column.varint() if predicted in (NOTHING, ROW) else 0
    factor = column.varint() if head & HAS_FACTOR else 1
    if kind in (STRING, STRINGS):
        lengths, _ = [0] * column.varint(), column.varint()
        lengths = [column.varint() for _ in lengths]
        texts = [column.take(length) for length in lengths]
    is_null = [False] * rows
    if head & HAS_NULLS:
        bits = int.from_bytes(column.take((rows + 7) // 8), "little")
        is_null = [bits >> row & 1 for row in range(rows)]
    numbers = iter(read_numbers(column, packing, rows - sum(is_null)))
    values, before = [], base
    for row in range(rows):
        if is_null[row]:
            values.append(None)
            continue
        number = next(numbers)
        if predicted == NOTHING:
            value = base + number * factor
        elif predicted == ROW:
            value = before = before + signed(number) * factor
        elif predicted == INTERVAL_END:
            value = ends[row] + signed(number) * factor
        else:
            value = (columns[minuend][row] or 0) + signed(number) * factor
            value -= (columns[subtrahend][row] or 0) if subtrahend != NO_COLUMN else 0
        values.append(value & WORD)
    if kind in (STRING, STRINGS):
        return [None if value is None else texts[value] for value in values]
    return values


def read_section(data, rows, fields):
    section, columns = Bytes(data), []
    lengths = [section.varint() for _ in range(section.varint())]
    for length, (_, kind, _) in zip(lengths, fields):
        columns.append(read_column(section.take(length), kind, rows, columns, None))
    return columns


def read_chunks(content, tables, wanted):
    """The rows of the table `wanted` in one frame's content, up to the first chunk that is not whole."""
    stream, place = Bytes(content), 0
    while True:
        try:
            size, crc = stream.number("I"), stream.number("I")
            body = stream.take(size)
        except EOFError:
            return
        if zlib.crc32(body) != crc:
            raise ValueError("a chunk whose checksum is wrong")
        chunk = Bytes(body)
        if chunk.varint() != place:
            raise ValueError("a chunk that is not in its place")
        place += 1
        chunk.varint()
        chunk.varint(), chunk.varint()
        chunk.take(1)
        for _ in range(chunk.number("B")):
            number, rows, size = chunk.varint(), chunk.varint(), chunk.varint()
            section = chunk.take(size)
            name, fields = tables[number]
            if name == wanted:
                yield from ((fields, row) for row in zip(*read_section(section, rows, fields)))


def frames_of(data):
    """(magic, content) of each frame; data frames are cut at the offsets where the next one may begin."""
    at = 0
    while at + 8 <= len(data):
        magic, size = struct.unpack_from("<II", data, at)
        if magic == HEADER_FRAME:
            yield magic, data[at + 8:at + 8 + size]
            at += 8 + size
            continue
        if magic != DATA_FRAME:
            raise ValueError("bytes that are no frame")
        at, content = data_frame(data, at)
        yield magic, content


def data_frame(data, start):
    """RFC 8878: the end of a frame is found by walking over its blocks' headers; zstd decompresses it."""
    descriptor = data[start + 4]
    at = start + 5 + (0 if descriptor & 0x20 else 1)
    at += (0, 1, 2, 4)[descriptor & 3]
    at += (1 if descriptor & 0x20 else 0, 2, 4, 8)[descriptor >> 6]
    last = False
    while not last and at + 3 <= len(data):
        block = int.from_bytes(data[at:at + 3], "little")
        last = bool(block & 1)
        at += 3 + (1 if block >> 1 & 3 == 1 else block >> 3)
    at += 4 if last and descriptor & 4 else 0
    # Of a frame that is still being written zstd prints what is there, and says.
    result = subprocess.run(["zstd", "-dcq"], input=data[start:at], capture_output=True)
    return min(at, len(data)), result.stdout


def shown(value, kind, unit):
    if value is None:
        return None
    if kind == STRING:
        return value.decode(errors="backslashreplace")
    if kind == STRINGS:
        items = value.split(b"\0")
        return [item.decode(errors="backslashreplace") for item in (items if items[-1] else items[:-1])]
    if kind == BOOL:
        return bool(value)
    if kind == I64 and value >= 2**63:
        return value - 2**64
    if unit == TIME:
        instant = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=value // 10**9)
        return f"{instant.isoformat()}.{value % 10**9:09d}Z"
    return value


def read_log(data, wanted):
    """(fields, row) of each row, chunk after chunk."""
    tables = {}
    for magic, content in frames_of(data):
        if magic == HEADER_FRAME:
            tables = read_header(content)
        else:
            yield from read_chunks(content, tables, wanted)


def decompress(frame, size):
    content = subprocess.run(["zstd", "-dcq"], input=frame, capture_output=True, check=True).stdout
    if len(content) != size:
        raise ValueError("a frame of another length than was said")
    return content


def read_directory(data):
    """(tables, when each interval ended or began, groups), by the last trailer."""
    trailer = Bytes(data[-48:])
    if zlib.crc32(data[-48:-4]) != struct.unpack("<I", data[-4:])[0] or trailer.take(4) != b"OBIX":
        raise ValueError("the trailer is damaged")
    offset, size, raw_size, crc = (trailer.number(form) for form in "QIII")
    frame = data[offset:offset + size]
    if zlib.crc32(frame) != crc:
        raise ValueError("the directory is damaged")
    directory = Bytes(decompress(frame, raw_size))
    tables = list(read_header(directory.take(directory.varint())).values())
    ends, boundary = [], 0
    for _ in range(directory.varint()):
        directory.varint()
        boundary = boundary + signed(directory.varint()) & WORD
        if directory.number("B"):
            boundary = boundary + signed(directory.varint()) & WORD
        ends.append(boundary)
    return tables, ends, [read_group(directory) for _ in range(directory.varint())]


def read_group(directory):
    """(place of the table, rows, columns): of each column offset, bytes, bytes of content, crc32, nulls, least."""
    table, rows, _, _, offset, count = (directory.varint() for _ in range(6))
    columns = []
    for _ in range(count):
        head = directory.number("B")
        if head >> 3 & 7 == COLUMNS:
            directory.take(2)
        size = directory.varint()
        raw_size, crc = (directory.varint(), directory.number("I")) if size else (0, 0)
        nulls = directory.varint()
        least = None
        if nulls < rows:
            least = directory.varint()
            directory.varint()
        columns.append((offset, size, raw_size, crc, nulls, least))
        offset += size
    return table, rows, columns


def read_columns(data, wanted):
    """(fields, row) of each row, in the order of their intervals."""
    tables, ends, groups = read_directory(data)
    for table, rows, columns in groups:
        name, fields = tables[table]
        if name != wanted:
            continue
        kinds = [kind for _, kind, _ in fields]

        def column(place, kind, before, row_ends):
            offset, size, raw_size, crc, nulls, least = columns[place]
            if not size:
                return [None if nulls == rows else least] * rows
            frame = data[offset:offset + size]
            if zlib.crc32(frame) != crc:
                raise ValueError("a column is damaged")
            return read_column(decompress(frame, raw_size), kind, rows, before, row_ends)

        places = column(len(fields), U64, [], None)
        row_ends, values = [ends[place] for place in places], []
        for place, kind in enumerate(kinds):
            values.append(column(place, kind, values, row_ends))
        yield from ((fields, tuple(column[row] for column in values))
                    for row in sorted(range(rows), key=lambda row: places[row]))


def main():
    store, wanted = sys.argv[1:]
    for name in sorted(os.listdir(store)):
        if not re.fullmatch(r"\d{20}\.obit", name):
            continue
        with open(os.path.join(store, name), "rb") as file:
            data = file.read()
        is_sealed = data[:4] == struct.pack("<I", COLUMNS_FRAME)
        for fields, row in (read_columns if is_sealed else read_log)(data, wanted):
            print(json.dumps({field: shown(value, kind, unit) for (field, kind, unit), value in zip(fields, row)}))


if __name__ == "__main__":
    main()
