/*
 * The protobuf wire format, read in place (https://protobuf.dev/programming-guides/encoding).
 *
 * A message is a run of fields, each a varint key (number << 3 | wire type) and a payload.  Nothing
 * is read past a message's end, whatever its bytes say; damage sets `bad` and ends the iteration.
 */
#ifndef HEW_NET_PROTOBUF_H
#define HEW_NET_PROTOBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pb_bytes {
    const uint8_t *at;
    size_t size;
};

struct pb_reader {
    struct pb_bytes left;
    bool bad;
};

enum pb_wire { PB_VARINT = 0, PB_FIXED64 = 1, PB_BYTES = 2, PB_FIXED32 = 5 };

struct pb_field {
    uint32_t number;
    enum pb_wire wire;
    uint64_t value;             /* VARINT, FIXED32, FIXED64 */
    struct pb_bytes bytes;      /* BYTES: a string, a message, or packed numbers */
};

static inline struct pb_reader pb_open(struct pb_bytes message)
{
    return (struct pb_reader){ message, false };
}

/* The next field; false at the end of the message, or where it is damaged. */
bool pb_next(struct pb_reader *reader, struct pb_field *field);

/* The next varint of packed numbers, in the same way. */
bool pb_varint(struct pb_reader *reader, uint64_t *value);

bool pb_is(struct pb_bytes bytes, const char *text);
bool pb_same(struct pb_bytes a, struct pb_bytes b);

/* Printable text of at most `size` - 1 characters, for messages and names. */
void pb_text(struct pb_bytes bytes, char *text, size_t size);

#endif
