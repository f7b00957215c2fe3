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

HEADER_FRAME, INDEX_FRAME, DATA_FRAME = 0x184D2A50, 0x184D2A51, 0xFD2FB528
U64, I64, BOOL, STRING, STRINGS = 1, 2, 3, 4, 5
TIME = 1
ALL_NULL, CONSTANT, EACH = 0, 1, 2
NOTHING, ROW, SERIES, COLUMNS, BOUNDARY = range(5)
HAS_FACTOR, HAS_NULLS = 0x40, 0x80
NO_COLUMN = 255
WORD = 2**64 - 1
LEARNING = 1, 2, 2, 3, 3, 4, 4, 4, 4, 4, 4, 5, 5, 5, 5, 5
CLASSES = [0, 1, 2, 3] + [4] * 2 + [5] * 2 + [6] * 3 + [7] * 4 + [8] * 4 + [9] * 4 + [10] * 4 + [11] * 38


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
    if version != 1 or incompatible:
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


class Range:
    """The range coder. A model is a list [p, n]; many of them come in lists."""

    def __init__(self, data):
        self.data, self.at, self.range = data, 0, WORD
        self.code = self.next_bytes(8)

    def next_bytes(self, count):
        taken = self.data[self.at:self.at + count]
        self.at += count
        return int.from_bytes(taken + bytes(count - len(taken)), "big")

    def normalize(self):
        while self.range < 2**32:
            self.range <<= 32
            self.code = self.code << 32 | self.next_bytes(4)

    def answer(self, model):
        p, seen = model
        bound = (self.range >> 12) * p
        if self.code < bound:
            self.range, result = bound, 0
            model[0] = p + (4096 - p >> LEARNING[seen])
        else:
            self.range, self.code, result = self.range - bound, self.code - bound, 1
            model[0] = p - (p >> LEARNING[seen])
        if seen < 15:
            model[1] = seen + 1
        if self.range < 2**32:
            self.normalize()
        return result

    def bits(self, count):
        value = 0
        while count:
            step = min(count, 24)
            count -= step
            self.range >>= step
            part = min(self.code // self.range, 2**step - 1)
            self.code -= part * self.range
            value = value << step | part
            self.normalize()
        return value

    def tree(self, models, count):
        node = 1
        for _ in range(count):
            node = node * 2 + self.answer(models[node])
        return node - 2**count

    def number(self, models, before):
        """(the number, its length)"""
        kind = CLASSES[before]
        if not self.answer(models.something[kind]):
            return 0, 0
        length = self.tree(models.length[kind], 6) + 1
        top = min(3, length - 1)
        number = 1 << top | self.tree(models.top[length], top)
        return number << (length - 1 - top) | self.bits(length - 1 - top), length


class Chances:
    def __init__(self):
        self.null = self.some(2)
        self.head = self.some(256)
        self.something = self.some(12)
        self.length = [self.some(64) for _ in range(12)]
        self.top = [self.some(8) for _ in range(65)]

    @staticmethod
    def some(count):
        return [[2048, 0] for _ in range(count)]


class History:
    """What a frame has held of a table so far."""

    def __init__(self, n_fields):
        self.texts, self.n_subjects = [], 0
        self.last = [{} for _ in range(n_fields)]
        self.lengths = [{} for _ in range(n_fields)]
        self.models = [Chances() for _ in range(n_fields)]
        self.subject_chances = Chances()


def signed(number):
    return (number >> 1) ^ -(number & 1)


def read_subjects(coder, rows, state):
    all_series, series, length = [], 0, 0
    for _ in range(rows):
        number, length = coder.number(state.subject_chances, length)
        series += signed(number)
        if not 0 <= series <= state.n_subjects:
            raise ValueError("a series that is not there yet")
        state.n_subjects += series == state.n_subjects
        all_series.append(series)
    return all_series


def read_column(coder, field, fields, columns, all_series, state, interval):
    models, last, lengths = state.models[field], state.last[field], state.lengths[field]
    rows, begin, end = len(all_series), *interval
    values = [None] * rows
    head = coder.tree(models.head, 8)
    form, predicted = head & 7, head >> 3 & 7
    if form == ALL_NULL:
        return values
    if predicted == COLUMNS:
        column, taken_off = coder.number(models, 0)[0], coder.number(models, 0)[0]
    factor = coder.number(models, 0)[0] if head & HAS_FACTOR else 1
    nulls, is_null = [0] * rows, 0
    if head & HAS_NULLS:
        for row in range(rows):
            nulls[row] = is_null = coder.answer(models.null[is_null])
    constant = coder.number(models, 0)[0] if form == CONSTANT else None
    value = begin if fields[field][2] == TIME else 0
    for row, series in enumerate(all_series):
        if nulls[row]:
            continue
        number = constant
        if form == EACH:
            number, lengths[series] = coder.number(models, lengths.get(series, 0))
        if predicted == NOTHING:
            base = 0
        elif predicted == ROW:
            base = value
        elif predicted == SERIES:
            base = last.get(series, 0)
        elif predicted == COLUMNS:
            base = (columns[column][row] or 0) - ((columns[taken_off][row] or 0) if taken_off != NO_COLUMN else 0)
        elif predicted == BOUNDARY:
            base = end or begin
        else:
            raise ValueError(f"nothing known predicts: {head}")
        value = base + (signed(number) if predicted else number) * factor & WORD
        values[row] = last[series] = value
    return values


def read_section(numbers, texts, rows, fields, state, interval):
    coder, columns = Range(numbers), []
    all_series = read_subjects(coder, rows, state)
    for field, (_, kind, _) in enumerate(fields):
        values = read_column(coder, field, fields, columns, all_series, state, interval)
        columns.append(values)
        if kind in (STRING, STRINGS):
            while len(state.texts) < max((value for value in values if value is not None), default=0):
                state.texts.append(texts.take(texts.varint()))
    return [[None if value is None else state.texts[value - 1] for value in values] if kind in (STRING, STRINGS)
            else values for values, (_, kind, _) in zip(columns, fields)]


def read_chunks(content, tables, wanted):
    """The rows of the table `wanted` in one frame's content, up to the first chunk that is not whole."""
    states = {number: History(len(fields)) for number, (name, fields) in tables.items() if name == wanted}
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
        interval = chunk.varint(), chunk.varint()
        chunk.take(1)
        sections = [[chunk.varint() for _ in range(4)] for _ in range(chunk.number("B"))]
        texts = [chunk.take(texts) for _, _, texts, _ in sections]
        numbers = [chunk.take(numbers) for _, _, _, numbers in sections]
        for (number, rows, _, _), text_bytes, number_bytes in zip(sections, texts, numbers):
            name, fields = tables[number]
            if name == wanted:
                columns = read_section(number_bytes, Bytes(text_bytes), rows, fields, states[number], interval)
                yield from ((fields, row) for row in zip(*columns))


def frames_of(data):
    """(magic, content) of each frame; data frames are cut at the offsets where the next one may begin."""
    at = 0
    while at + 8 <= len(data):
        magic, size = struct.unpack_from("<II", data, at)
        if magic in (HEADER_FRAME, INDEX_FRAME):
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


def main():
    store, wanted = sys.argv[1:]
    for name in sorted(os.listdir(store)):
        if not re.fullmatch(r"\d{20}\.obit", name):
            continue
        with open(os.path.join(store, name), "rb") as file:
            data = file.read()
        tables = {}
        for magic, content in frames_of(data):
            if magic == HEADER_FRAME:
                tables = read_header(content)
            elif magic == DATA_FRAME:
                for fields, row in read_chunks(content, tables, wanted):
                    print(json.dumps({field: shown(value, kind, unit)
                                      for (field, kind, unit), value in zip(fields, row)}))


if __name__ == "__main__":
    main()
