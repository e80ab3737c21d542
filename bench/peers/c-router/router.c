// A WebSocket router on bare epoll, one thread: the limit that a server could reach in these scenarios.
// Build: gcc -O2 -o router router.c -lcrypto        Usage: router PORT
// Finds the text after `"receiver":"` in a map, inserts the sender behind the opening brace, and gathers the output of a
// turn, so that each socket gets one write. It does not check the JSON and does not accept fragmented messages.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include "websocket.h"

#define ID_LENGTH 36                  // as a UUID
#define MAX_MESSAGE (1 << 20)
#define MAX_REQUEST (16 << 10)
#define READ_SIZE (64 << 10)
#define MAX_OUTPUT (64 << 20)         // waiting bytes of one socket; beyond it the connection is closed
#define KEPT_OUTPUT 4096              // a larger empty buffer is freed
#define EVENTS 1024
#define BUCKETS (1 << 16)

typedef struct Session {
  int fd, place;                      // place: index in `sessions`, -1 before the handshake
  uint8_t closed, is_queued, is_full, waits_for_write;
  char id[ID_LENGTH + 1];
  Buffer input, output;               // input: the beginning of a frame whose end has not arrived
  struct Session *next_in_bucket, *next_queued, *next_closed;
} Session;

static int poll_fd, count;
static Session **sessions, *buckets[BUCKETS], *queued, *closed_sessions;
static char input[MAX_MESSAGE + MAX_HEADER + READ_SIZE];
static Buffer scratch;                // one message with its sender

// ---- the map of sessions
static Session **bucket_of(const char *id) {
  uint64_t hash = 14695981039346656037ull;
  for (int i = 0; i < ID_LENGTH; i++) hash = (hash ^ (uint8_t)id[i]) * 1099511628211ull;
  return &buckets[hash % BUCKETS];
}
static Session *find(const char *id) {
  Session *session = *bucket_of(id);
  while (session && memcmp(session->id, id, ID_LENGTH)) session = session->next_in_bucket;
  return session;
}
static void add(Session *session) {
  uint8_t random[16];
  if (getrandom(random, sizeof random, 0) != sizeof random) fail("getrandom");
  char *end = session->id;
  for (int i = 0; i < 16; i++) end += sprintf(end, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", random[i]);
  Session **bucket = bucket_of(session->id);
  session->next_in_bucket = *bucket;
  *bucket = session;
  if (count % 1024 == 0 && !(sessions = realloc(sessions, (count + 1024) * sizeof *sessions))) fail("realloc");
  sessions[session->place = count++] = session;
}
static void drop(Session *session) {
  Session **link = bucket_of(session->id);
  while (*link != session) link = &(*link)->next_in_bucket;
  *link = session->next_in_bucket;
  sessions[session->place] = sessions[--count];
  sessions[session->place]->place = session->place;
}

// ---- output
static void departed(Session *session);

static void end(Session *session) {
  if (session->closed) return;
  session->closed = 1;
  close(session->fd);
  session->next_closed = closed_sessions;
  closed_sessions = session;
  if (session->place >= 0) departed(session);
}
// Queues bytes for the end of the turn. `flush` closes a full session, because `end` here would change `sessions` in a loop.
static void queue(Session *session, const void *bytes, size_t length) {
  session->is_full |= session->output.length + length > MAX_OUTPUT;
  if (!session->is_full) append(&session->output, bytes, length);
  if (session->is_queued || (session->waits_for_write && !session->is_full)) return;
  session->is_queued = 1;
  session->next_queued = queued;
  queued = session;
}
static void send_frame(Session *session, int opcode, const char *payload, size_t length) {
  uint8_t head[MAX_HEADER];
  queue(session, head, header(head, opcode, length));
  queue(session, payload, length);
}
static void send_to_others(Session *from, const char *payload, size_t length) {
  for (int i = 0; i < count; i++) if (sessions[i] != from) send_frame(sessions[i], TEXT, payload, length);
}
static void departed(Session *session) {
  char notice[160];
  drop(session);
  int length = sprintf(notice, "{\"type\":\"sys.departed\",\"sender\":\"%s\",\"receiver\":\"*\",\"data\":{}}", session->id);
  send_to_others(session, notice, length);
}
static void watch(Session *session, int for_write) {
  if (session->waits_for_write == for_write) return;
  session->waits_for_write = for_write;
  struct epoll_event event = {.events = EPOLLIN | (for_write ? EPOLLOUT : 0), .data.ptr = session};
  epoll_ctl(poll_fd, EPOLL_CTL_MOD, session->fd, &event);
}
static void flush(Session *session) {
  Buffer *output = &session->output;
  if (session->closed) return;
  if (session->is_full) return end(session);
  while (output->offset < output->length) {
    ssize_t sent = send(session->fd, output->bytes + output->offset, output->length - output->offset, MSG_NOSIGNAL);
    if (sent >= 0) { output->offset += sent; continue; }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return end(session);
    return watch(session, 1);
  }
  output->length = output->offset = 0;
  if (output->capacity > KEPT_OUTPUT) release(output);
  watch(session, 0);
}
static void flush_queued(void) {
  while (queued) { // a session that ends here queues departure notices
    Session *session = queued;
    queued = session->next_queued;
    session->is_queued = 0;
    flush(session);
  }
}

// ---- input
static void route(Session *session, const char *message, size_t length) {
  static const char key[] = "\"receiver\":\"";
  const char *receiver = memmem(message, length, key, sizeof key - 1);
  if (length < 2 || *message != '{' || !receiver) return end(session);
  receiver += sizeof key - 1;
  scratch.length = 0;
  append(&scratch, "{\"sender\":\"", 11);
  append(&scratch, session->id, ID_LENGTH);
  append(&scratch, "\",", 2);
  append(&scratch, message + 1, length - 1);
  if (!memcmp(receiver, "*\"", 2)) return send_to_others(session, scratch.bytes, scratch.length);
  if (message + length - receiver <= ID_LENGTH || receiver[ID_LENGTH] != '"') return;
  Session *to = find(receiver);
  if (to) send_frame(to, TEXT, scratch.bytes, scratch.length);
}
// Answers the upgrade request; returns its length, 0 if it is not complete.
static size_t upgrade(Session *session, const char *request, size_t length) {
  const char *last = memmem(request, length, "\r\n\r\n", 4);
  const char *key = last ? key_of(request, last) : NULL;
  if (!key && (last || length > MAX_REQUEST)) end(session);
  if (!key) return 0;
  char text[256];
  queue(session, text, upgrade_answer(text, key));
  add(session);
  send_frame(session, TEXT, text, sprintf(text,
    "{\"type\":\"sys.welcome\",\"sender\":\"server\",\"receiver\":\"%s\",\"data\":{}}", session->id));
  return last + 4 - request;
}
// Handles the complete frames; returns the bytes used.
static size_t consume(Session *session, char *bytes, size_t length) {
  size_t used = 0;
  if (session->place < 0 && !(used = upgrade(session, bytes, length))) return 0;
  while (length - used >= 6 && !session->closed) {
    uint8_t *head = (uint8_t *)bytes + used;
    size_t head_length = 6;
    uint64_t size = head[1] & 127;
    if (size == 126) size = head[2] << 8 | head[3], head_length = 8;
    else if (size == 127) {
      if (length - used < MAX_HEADER) break;
      size = 0, head_length = 14;
      for (int i = 2; i < 10; i++) size = size << 8 | head[i];
    }
    if ((head[0] & 0xf0) != 0x80 || !(head[1] & 128) || size > MAX_MESSAGE) { end(session); break; }
    if (length - used < head_length + size) break;
    char *payload = (char *)head + head_length;
    unmask(payload, size, payload - 4);
    switch (head[0] & 15) {
      case TEXT: route(session, payload, size); break;
      case PING: send_frame(session, PONG, payload, size); break;
      case PONG: break;
      case CLOSE: send_frame(session, CLOSE, payload, size < 2 ? 0 : 2); flush(session); end(session); break;
      default: end(session);
    }
    used += head_length + size;
  }
  return used;
}
static void receive(Session *session) {
  size_t kept = session->input.length;
  if (kept) memcpy(input, session->input.bytes, kept);
  ssize_t got = recv(session->fd, input + kept, READ_SIZE, 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) return end(session);
  size_t used = consume(session, input, kept + got);
  if (kept) release(&session->input);
  if (!session->closed && used < kept + got) append(&session->input, input + used, kept + got - used);
}

// ---- the loop
static void accept_all(int listener) {
  for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    Session *session = calloc(1, sizeof *session);
    if (!session) fail("calloc");
    session->fd = fd;
    session->place = -1;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = session};
    if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event)) fail("epoll_ctl");
  }
}
static void free_closed(void) {
  while (closed_sessions) {
    Session *session = closed_sessions;
    closed_sessions = session->next_closed;
    release(&session->input);
    release(&session->output);
    free(session);
  }
}
static int listen_on(int port) {
  int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(fd, (void *)&address, sizeof address) || listen(fd, 1024)) fail("listen");
  return fd;
}
int main(int argc, char **argv) {
  struct rlimit files;
  if (argc != 2) { fprintf(stderr, "usage: router PORT\n"); return 2; }
  if (!getrlimit(RLIMIT_NOFILE, &files)) { files.rlim_cur = files.rlim_max; setrlimit(RLIMIT_NOFILE, &files); }
  int listener = listen_on(atoi(argv[1]));
  struct epoll_event events[EVENTS], first = {.events = EPOLLIN, .data.ptr = NULL};
  poll_fd = epoll_create1(EPOLL_CLOEXEC);
  epoll_ctl(poll_fd, EPOLL_CTL_ADD, listener, &first);
  printf("ready on 127.0.0.1:%s\n", argv[1]);
  fflush(stdout);
  for (;;) {
    int ready = epoll_wait(poll_fd, events, EVENTS, -1);
    for (int i = 0; i < ready; i++) {
      Session *session = events[i].data.ptr;
      if (!session) accept_all(listener);
      else if (session->closed) continue;
      else if (events[i].events & EPOLLOUT) flush(session);
      else receive(session);
    }
    flush_queued();
    free_closed();
  }
}
