// Buffers, and the parts of RFC 6455 that a server needs: frame headers, masks and the answer to the upgrade request.
#pragma once
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_HEADER 14
enum { TEXT = 1, CLOSE = 8, PING = 9, PONG = 10 };
typedef struct { char *bytes; size_t length, offset, capacity; } Buffer;

static void fail(const char *what) { perror(what); exit(1); }

static void append(Buffer *buffer, const void *bytes, size_t length) {
  if (buffer->length + length > buffer->capacity) {
    buffer->capacity = (buffer->length + length) * 2;
    if (!(buffer->bytes = realloc(buffer->bytes, buffer->capacity))) fail("realloc");
  }
  memcpy(buffer->bytes + buffer->length, bytes, length);
  buffer->length += length;
}
static void release(Buffer *buffer) {
  free(buffer->bytes);
  *buffer = (Buffer){0};
}

// Writes the header of an unmasked frame; returns its length.
static size_t header(uint8_t *to, int opcode, size_t length) {
  to[0] = 0x80 | opcode;
  if (length < 126) return to[1] = length, 2;
  if (length < 65536) return to[1] = 126, to[2] = length >> 8, to[3] = length, 4;
  to[1] = 127;
  for (int i = 0; i < 8; i++) to[2 + i] = (uint64_t)length >> (56 - 8 * i);
  return 10;
}
static void unmask(char *bytes, size_t length, const char *mask) {
  uint32_t mask4;
  uint64_t mask8, word;
  size_t i = 0;
  memcpy(&mask4, mask, 4);
  mask8 = (uint64_t)mask4 << 32 | mask4;
  for (; i + 8 <= length; i += 8) { memcpy(&word, bytes + i, 8); word ^= mask8; memcpy(bytes + i, &word, 8); }
  for (; i < length; i++) bytes[i] ^= mask[i & 3];
}
// Finds the key of an upgrade request that ends at `last`, or NULL.
static const char *key_of(const char *request, const char *last) {
  static const char name[] = "\r\nSec-WebSocket-Key: ";
  const char *key = memmem(request, last - request, name, sizeof name - 1);
  return key && last - key >= (int)sizeof name - 1 + 24 ? key + sizeof name - 1 : NULL;
}
static size_t upgrade_answer(char *answer, const char *key) {
  char text[64], accept[32];
  uint8_t digest[SHA_DIGEST_LENGTH];
  sprintf(text, "%.24s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
  SHA1((uint8_t *)text, strlen(text), digest);
  EVP_EncodeBlock((uint8_t *)accept, digest, sizeof digest);
  return sprintf(answer, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", accept);
}
