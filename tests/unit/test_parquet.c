// SPDX-License-Identifier: BSD-2-Clause
/*
 * Parquet's encodings against the examples of its specification, and whole files as far as that goes without a
 * reader: scripts/check-export.sh has some.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "output/output.h"
#include "output/parquet_dictionary.h"
#include "output/parquet_encoding.h"
#include "output/parquet_range.h"
#include "output/thrift.h"

static uint64_t state = 20261125; /* the seed */

/* xorshift64* (Vigna). */
static uint64_t chance(uint64_t below)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (state * 0x2545F4914F6CDD1DULL >> 11) % below;
}

static void assert_bytes(struct buffer *buffer, const char *bytes, size_t len)
{
	assert_int_equal(buffer->error, 0);
	assert_int_equal(buffer->used, len);
	assert_memory_equal(buffer->data, bytes, len);
	buffer_done(buffer);
}

/* "The numbers 0 through 7 using bit width 3": 10001000 11000110 11111010. */
static void test_bits_are_packed_as_specified(void **unused)
{
	static const uint64_t values[] = {0, 1, 2, 3, 4, 5, 6, 7};
	static const uint64_t wide[] = {UINT64_MAX, 1};
	struct buffer out = {0};

	(void)unused;
	encode_bits(&out, values, 8, 3);
	assert_bytes(&out, "\x88\xc6\xfa", 3);
	encode_bits(&out, wide, 2, 64);
	assert_bytes(&out, "\xff\xff\xff\xff\xff\xff\xff\xff\x01\0\0\0\0\0\0\0", 16);
	encode_bits(&out, values, 8, 0);
	assert_int_equal(out.used, 0);
}

static void test_a_run_is_its_length_and_value(void **unused)
{
	uint32_t values[1000];
	struct buffer out = {0};

	(void)unused;
	for (size_t i = 0; i < 1000; i++)
		values[i] = 4;
	encode_hybrid(&out, values, 1000, 3);
	assert_bytes(&out, "\xd0\x0f\x04", 3);
}

/* The grammar of the specification, read backwards. */
static size_t decode_hybrid(const struct buffer *in, unsigned width, uint32_t *ret, size_t n)
{
	const unsigned char *at = (const unsigned char *)in->data, *end = at + in->used;
	size_t done = 0;

	while (at < end && done < n) {
		uint64_t head = 0;

		for (unsigned shift = 0; shift == 0 || at[-1] & 0x80; shift += 7)
			head |= (uint64_t)(*at++ & 0x7f) << shift;
		if (head & 1) {
			for (size_t bit = 0; bit < (head >> 1) * 8 * width; bit++) {
				size_t i = done + bit / width;

				if (i < n)
					ret[i] |= (uint32_t)(at[bit / 8] >> bit % 8 & 1) << bit % width;
			}
			at += (head >> 1) * width;
			done += (head >> 1) * 8;
		} else {
			uint32_t value = 0;

			memcpy(&value, at, (width + 7) / 8);
			at += (width + 7) / 8;
			for (uint64_t i = 0; i < head >> 1; i++)
				ret[done++] = value;
		}
	}
	return done;
}

static void test_runs_and_groups_are_read_back(void **unused)
{
	(void)unused;
	for (int round = 0; round < 500; round++) {
		unsigned width = 1 + (unsigned)chance(20);
		size_t n = 1 + chance(2000);
		uint32_t *values = calloc(n, sizeof(*values)), *read = calloc(n, sizeof(*read));
		struct buffer out = {0};

		for (size_t i = 0; i < n; i++)
			values[i] =
				i && chance(20) >= (uint64_t)round % 20 ? values[i - 1] : (uint32_t)chance(1u << width);
		encode_hybrid(&out, values, n, width);
		assert_true(decode_hybrid(&out, width, read, n) >= n);
		assert_memory_equal(values, read, n * sizeof(*values));
		buffer_done(&out);
		free(values);
		free(read);
	}
}

/* The specification's examples 1, 2, 3, 4, 5 and 7, 5, 3, 1, 2, 3, 4, 5, in blocks of 128 and miniblocks of 32. */
static void test_deltas_are_as_specified(void **unused)
{
	static const uint64_t even[] = {1, 2, 3, 4, 5}, odd[] = {7, 5, 3, 1, 2, 3, 4, 5};
	struct buffer out = {0};

	(void)unused;
	encode_delta(&out, even, 5);
	assert_bytes(&out, "\x80\x01\x04\x05\x02\x02\0\0\0\0", 10);
	encode_delta(&out, odd, 8);
	assert_bytes(&out, "\x80\x01\x04\x08\x0e\x03\x02\0\0\0\xc0\x3f\0\0\0\0\0\0", 18);
	encode_delta(&out, NULL, 0);
	assert_bytes(&out, "\x80\x01\x04\x00\x00", 5);
}

/* Thrift's specification: a field's head is the distance to the last and the type; zigzag; longer lists. */
static void test_thrift_is_compact(void **unused)
{
	struct buffer out = {0};
	struct thrift thrift;

	(void)unused;
	thrift_init(&thrift, &out);
	thrift_i32(&thrift, 1, -1);
	thrift_bool(&thrift, 3, 1);
	thrift_begin(&thrift, 4);
	thrift_i64(&thrift, 2, 150);
	thrift_end(&thrift);
	thrift_text(&thrift, 5, "hi");
	thrift_list(&thrift, 6, THRIFT_I32, 16);
	thrift_end(&thrift);
	assert_bytes(&out, "\x15\x01\x21\x1c\x26\xac\x02\x00\x18\x02hi\x19\xf5\x10\x00", 16);
}

static void test_a_dictionary_numbers_texts_and_gets_full(void **unused)
{
	struct parquet_dictionary dictionary = {0};
	struct buffer copy = {0};
	uint32_t number;
	int is_new;

	(void)unused;
	for (int pass = 0; pass < 2; pass++) {
		for (uint32_t i = 0; i < PARQUET_DICTIONARY_MAX_TEXTS; i++) {
			char text[32];
			int len = snprintf(text, sizeof(text), "text %u", i);

			assert_int_equal(parquet_dictionary_number(&dictionary, text, (size_t)len, &number, &is_new),
					 1);
			assert_int_equal(number, i);
			assert_int_equal(is_new, pass == 0);
		}
	}
	assert_int_equal(parquet_dictionary_number(&dictionary, "one more", 8, &number, &is_new), 0);
	parquet_dictionary_copy(&dictionary, 7, &copy);
	assert_bytes(&copy, "\x06\0\0\0text 7", 10);
	parquet_dictionary_clear(&dictionary);
	assert_int_equal(parquet_dictionary_number(&dictionary, "", 0, &number, &is_new), 1);
	assert_int_equal(number, 0);
	parquet_dictionary_done(&dictionary);
}

static void test_the_range_is_in_the_order_of_the_type(void **unused)
{
	static const uint64_t values[] = {5, (uint64_t)-3, 2};
	struct parquet_range range = {0};

	(void)unused;
	parquet_range_add_numbers(&range, values, 3);
	assert_int_equal((int64_t)range.least, -3);
	assert_int_equal(range.most, 5);
	parquet_range_clear(&range);
	parquet_range_add_text(&range, "b", 1);
	parquet_range_add_text(&range, "\xc3\xa9", 2);
	parquet_range_add_text(&range, "bb", 2);
	assert_int_equal(range.least_text.used, 1);
	assert_memory_equal(range.most_text.data, "\xc3\xa9", 2);
	parquet_range_done(&range);
}

/* Every table, with more texts than a dictionary holds, and a row longer than a page. */
static void fill(struct block *block)
{
	char text[4096];

	memset(text, 'x', sizeof(text));
	while (block_add_row(block) >= 0) {
		uint32_t row = block->rows - 1;

		for (uint32_t i = 0; i < block->table->n_fields; i++) {
			const struct field *field = &block->table->fields[i];

			if (chance(4) == 0)
				continue;
			if (!field_is_text(field))
				block_set_number(block, row, i,
						 field->type == FIELD_BOOL ? chance(2) : chance(UINT64_MAX));
			else if (row % 5000 == 4999)
				block_set_text(block, row, i, text, sizeof(text));
			else
				block_set_text(block, row, i, text,
					       (size_t)sprintf(text, "\xff%u", (unsigned)chance(30000)) + 1);
		}
	}
}

static void write_table(const struct table *table, enum output_format format, struct stream *stream, uint32_t n_rows)
{
	struct output_options options = {.format = format, .stream = stream, .table = table, .track = TRACK_PARENT};
	struct block *block = block_new(table, n_rows, 64u << 20);
	int columns[TABLE_MAX_FIELDS];
	struct output *output;

	assert_non_null(block);
	fill(block);
	for (uint32_t i = 0; i < table->n_fields; i++)
		columns[i] = (int)i;
	assert_int_equal(output_open(&options, table->fields, table->n_fields, &output), 0);
	for (uint32_t row = 0; row < block->rows; row++)
		assert_int_equal(output_row(output, block, row, columns), 0);
	assert_int_equal(output_close(output), 0);
	block_free(block);
}

static void test_a_file_begins_and_ends_with_its_magic(void **unused)
{
	size_t n;
	const struct table *const *tables = tables_all(&n);

	(void)unused;
	for (size_t i = 0; i < n; i++) {
		char path[] = "/tmp/obit-test-XXXXXX", ends[4], magic[] = "PAR1";
		static struct stream stream;
		uint32_t footer;
		off_t end;
		int fd = mkstemp(path);

		assert_true(fd >= 0);
		unlink(path);
		stream_init(&stream, fd);
		write_table(tables[i], OUTPUT_PARQUET, &stream, i ? 3000 : 40000);
		end = lseek(fd, 0, SEEK_END);
		assert_int_equal(end, stream_position(&stream));
		assert_int_equal(pread(fd, ends, 4, 0), 4);
		assert_memory_equal(ends, magic, 4);
		assert_int_equal(pread(fd, ends, 4, end - 4), 4);
		assert_memory_equal(ends, magic, 4);
		assert_int_equal(pread(fd, &footer, 4, end - 8), 4);
		assert_in_range(footer, 1, (uint64_t)end - 12);
		close(fd);
	}
}

static int refuse(void *context, const void *data, size_t len)
{
	(void)context;
	(void)data;
	(void)len;
	return -28; /* ENOSPC */
}

static void test_a_trace_of_anything_is_written(void **unused)
{
	static struct stream stream;

	(void)unused;
	stream_init(&stream, open("/dev/null", O_WRONLY));
	write_table(table_by_id(TABLE_EXITS), OUTPUT_PERFETTO, &stream, 5000);
	assert_true(stream_position(&stream) > 100000);
	close(stream.fd);
}

static void test_an_error_of_the_taker_stays(void **unused)
{
	static struct stream stream;

	(void)unused;
	stream_init_taker(&stream, refuse, NULL);
	stream_add_text(&stream, "text");
	assert_int_equal(stream_flush(&stream), -28);
	assert_int_equal(stream.error, -28);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bits_are_packed_as_specified),
		cmocka_unit_test(test_a_run_is_its_length_and_value),
		cmocka_unit_test(test_runs_and_groups_are_read_back),
		cmocka_unit_test(test_deltas_are_as_specified),
		cmocka_unit_test(test_thrift_is_compact),
		cmocka_unit_test(test_a_dictionary_numbers_texts_and_gets_full),
		cmocka_unit_test(test_the_range_is_in_the_order_of_the_type),
		cmocka_unit_test(test_a_file_begins_and_ends_with_its_magic),
		cmocka_unit_test(test_a_trace_of_anything_is_written),
		cmocka_unit_test(test_an_error_of_the_taker_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
