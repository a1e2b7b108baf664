#include "protobuf_write.h"

#include "harness.h"

#include <string.h>

void put(struct bytes *to, const void *from, size_t size)
{
    if (to->size + size > sizeof to->data)
        fail_case("the model outgrew its buffer");
    memcpy(to->data + to->size, from, size);
    to->size += size;
}

void put_varint(struct bytes *to, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        put(to, &(uint8_t){ (uint8_t)(value | 0x80) }, 1);
    put(to, &(uint8_t){ (uint8_t)value }, 1);
}

void put_int(struct bytes *to, unsigned field, uint64_t value)
{
    put_varint(to, field << 3);
    put_varint(to, value);
}

void put_field(struct bytes *to, unsigned field, const void *data, size_t size)
{
    put_varint(to, field << 3 | 2);
    put_varint(to, size);
    put(to, data, size);
}

void put_text(struct bytes *to, unsigned field, const char *text)
{
    put_field(to, field, text, strlen(text));
}

void put_message(struct bytes *to, unsigned field, const struct bytes *message)
{
    put_field(to, field, message->data, message->size);
}
