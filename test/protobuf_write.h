/* protobuf_write.h - small messages for tests of readers (bench/net/protobuf.h reads them). */
#ifndef HEW_TEST_PROTOBUF_WRITE_H
#define HEW_TEST_PROTOBUF_WRITE_H

#include <stddef.h>
#include <stdint.h>

struct bytes {
    uint8_t data[16384];
    size_t size;
};

void put(struct bytes *to, const void *from, size_t size);
void put_varint(struct bytes *to, uint64_t value);

/* Fields: an integer; bytes of any meaning; a string; a message. */
void put_int(struct bytes *to, unsigned field, uint64_t value);
void put_field(struct bytes *to, unsigned field, const void *data, size_t size);
void put_text(struct bytes *to, unsigned field, const char *text);
void put_message(struct bytes *to, unsigned field, const struct bytes *message);

#endif
