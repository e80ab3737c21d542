// The byte stream of a connection: a socket, or TLS over a socket by OpenSSL. Both never block.
// Built with -DWITHOUT_TLS where OpenSSL is missing; --tls is refused then.
#pragma once
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#ifdef WITHOUT_TLS
typedef struct ssl_st SSL;
#else
#include <openssl/err.h>
#include <openssl/ssl.h>
#endif

typedef struct { int fd; SSL *ssl; } Stream; // ssl is NULL for a plain socket
// Results of stream_read and stream_write that are no number of bytes.
enum { STREAM_CLOSED = 0, STREAM_WANTS_READ = -1, STREAM_WANTS_WRITE = -2 };

#ifdef WITHOUT_TLS
static void tls_begin(Stream *s, const char *host) {
  (void)s; (void)host;
  fprintf(stderr, "wsload was built without TLS: install libssl-dev\n"); exit(2);
}
static ssize_t tls_read(Stream *s, char *p, size_t n) { (void)s; (void)p; (void)n; return STREAM_CLOSED; }
static ssize_t tls_write(Stream *s, const char *p, size_t n) { (void)s; (void)p; (void)n; return STREAM_CLOSED; }
static int tls_has_more(const Stream *s) { (void)s; return 0; }
static void tls_free(Stream *s) { (void)s; }
#else
// One context for all connections. It verifies no certificate, because the generator connects to the loopback only. It
// keeps no sessions, so every connection has a full handshake. Cipher order and key exchange are those of browsers.
static SSL_CTX *tls_context(void) {
  static SSL_CTX *ctx;
  if (ctx) return ctx;
  if (!(ctx = SSL_CTX_new(TLS_client_method()))) { ERR_print_errors_fp(stderr); exit(2); }
  SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256");
  SSL_CTX_set1_groups_list(ctx, "X25519:P-256");
  // The frames of a write may have moved when it is repeated, because more frames were appended.
  SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(ctx, 1); // one recv for all records that have arrived, not two for each record
  return ctx;
}
// Begins TLS; the handshake is part of the first reads and writes.
static void tls_begin(Stream *s, const char *host) {
  s->ssl = SSL_new(tls_context());
  if (!s->ssl || !SSL_set_fd(s->ssl, s->fd) || !SSL_set_tlsext_host_name(s->ssl, host)) { ERR_print_errors_fp(stderr); exit(2); }
  SSL_set_connect_state(s->ssl);
}
static ssize_t tls_result(Stream *s, int r) {
  if (r > 0) return r;
  switch (SSL_get_error(s->ssl, r)) {
    case SSL_ERROR_WANT_READ: return STREAM_WANTS_READ;
    case SSL_ERROR_WANT_WRITE: return STREAM_WANTS_WRITE;
    case SSL_ERROR_SSL: ERR_print_errors_fp(stderr); // fall through
    default: ERR_clear_error(); return STREAM_CLOSED;
  }
}
static ssize_t tls_read(Stream *s, char *p, size_t n) { return tls_result(s, SSL_read(s->ssl, p, n)); }
static ssize_t tls_write(Stream *s, const char *p, size_t n) { return tls_result(s, SSL_write(s->ssl, p, n)); }
static int tls_has_more(const Stream *s) { return SSL_has_pending(s->ssl); }
static void tls_free(Stream *s) { SSL_free(s->ssl); }
#endif

static ssize_t stream_result(ssize_t r, int would_block) {
  if (r >= 0) return r;
  return errno == EAGAIN || errno == EINTR ? would_block : STREAM_CLOSED;
}
static ssize_t stream_read(Stream *s, char *p, size_t n) {
  return s->ssl ? tls_read(s, p, n) : stream_result(recv(s->fd, p, n, 0), STREAM_WANTS_READ);
}
static ssize_t stream_write(Stream *s, const char *p, size_t n) {
  return s->ssl ? tls_write(s, p, n) : stream_result(send(s->fd, p, n, MSG_NOSIGNAL), STREAM_WANTS_WRITE);
}
// Whether another read is needed after one that returned `r` of `n` bytes. Otherwise epoll reports what comes next.
static int stream_has_more(const Stream *s, size_t r, size_t n) { return s->ssl ? tls_has_more(s) : r == n; }
// Closes at once, without a close_notify, as a client that is cut off.
static void stream_close(Stream *s) {
  if (s->ssl) tls_free(s);
  s->ssl = NULL;
  close(s->fd);
}
