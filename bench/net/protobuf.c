#include "protobuf.h"

#include <string.h>

static bool damaged(struct pb_reader *r)
{
    r->bad = true;
    return false;
}

bool pb_varint(struct pb_reader *r, uint64_t *value)
{
    if (r->bad || r->left.size == 0)
        return false;
    uint64_t sum = 0;
    for (size_t i = 0; i < 10 && i < r->left.size; i++) {
        const uint8_t byte = r->left.at[i];
        sum |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            r->left.at += i + 1;
            r->left.size -= i + 1;
            *value = sum;
            return true;
        }
    }
    return damaged(r);
}

static bool fixed(struct pb_reader *r, size_t size, uint64_t *value)
{
    if (size > r->left.size)
        return damaged(r);
    *value = 0;
    memcpy(value, r->left.at, size);
    r->left.at += size;
    r->left.size -= size;
    return true;
}

bool pb_next(struct pb_reader *r, struct pb_field *field)
{
    uint64_t key, size;
    if (!pb_varint(r, &key))
        return false;
    if (key >> 3 == 0 || key >> 3 > UINT32_MAX)
        return damaged(r);
    field->number = (uint32_t)(key >> 3);
    field->wire = (enum pb_wire)(key & 7);
    field->value = 0;
    field->bytes = (struct pb_bytes){ NULL, 0 };
    switch (field->wire) {
    case PB_VARINT:
        return pb_varint(r, &field->value) || damaged(r);
    case PB_FIXED64:
        return fixed(r, 8, &field->value);
    case PB_FIXED32:
        return fixed(r, 4, &field->value);
    case PB_BYTES:
        if (!pb_varint(r, &size) || size > r->left.size)
            return damaged(r);
        field->bytes = (struct pb_bytes){ r->left.at, (size_t)size };
        r->left.at += size;
        r->left.size -= (size_t)size;
        return true;
    }
    return damaged(r);      /* the deprecated groups, and values never given a meaning */
}

bool pb_is(struct pb_bytes bytes, const char *text)
{
    return bytes.size == strlen(text) && memcmp(bytes.at, text, bytes.size) == 0;
}

bool pb_same(struct pb_bytes a, struct pb_bytes b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.at, b.at, a.size) == 0);
}

void pb_text(struct pb_bytes bytes, char *text, size_t size)
{
    size_t n = 0;
    for (; n < bytes.size && n + 1 < size; n++)
        text[n] = bytes.at[n] >= ' ' && bytes.at[n] < 0x7f ? (char)bytes.at[n] : '?';
    text[n] = '\0';
}
