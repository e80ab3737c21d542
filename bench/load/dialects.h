// The protocols of the servers: how a client asks for its session, wraps a message and reads what is delivered.
//   ws          one JSON envelope in each text frame
//   sio         Socket.IO: the event 42["type",{envelope}]
//   nats        NATS: commands in a byte stream, cut into binary frames; the client writes the sender itself
//   centrifugo  Centrifugo: lines of JSON; the channel named as the client's id is its session, the server adds the sender
#pragma once

enum { M_WS, M_SIO, M_NATS, M_CENTRIFUGO, MODES };
static const char *mode_names[MODES] = {"ws", "sio", "nats", "centrifugo"};
// The end of a message, behind its data.
static const char *mode_ends[MODES] = {"}", "}]", "}\r\n", "}}"};

static void on_data(Conn *c, const char *p, size_t n);
// Joins before the load, see rooms.h.
static int joins_first(const Conn *c);
static void join_first(Conn *c);
static void on_joining(Conn *c, const char *p, size_t n);
// Counts frames, see resume.h.
static int on_resume_welcome(Conn *c, const char *p, size_t n);
static int counted_as_seen(Conn *c, const char *p, size_t n);

static int mode_of(const char *name) {
  for (int i = 0; i < MODES; i++) if (!strcmp(name, mode_names[i])) return i;
  fprintf(stderr, "wsload: unknown mode %s\n", name); exit(2);
}
static int message_opcode(void) { return o.mode == M_NATS ? 2 : 1; }
// Writes `"key":"id"`, as a delivered message has it.
static int key_text(char *t, const char *key, const char *id) { return sprintf(t, "\"%s\":\"%s\"", key, id); }
static int sender_text(char *t, const char *id) { return key_text(t, o.mode == M_CENTRIFUGO ? "client" : "sender", id); }
static int receiver_text(char *t, const char *id) { return key_text(t, o.mode == M_CENTRIFUGO ? "channel" : "receiver", id); }

// Writes the beginning of a message, up to its data. An echo has no receiver: the handler of its type answers.
static int message_head(char *t, const Conn *c, const char *receiver, int data_length) {
  if (o.mode == M_CENTRIFUGO) return sprintf(t, "{\"id\":1,\"publish\":{\"channel\":\"%s\",\"data\":", receiver);
  if (o.mode == M_NATS) {
    char body[400];
    int k = sprintf(body, "{\"type\":\"%s\",\"receiver\":\"%s\",\"sender\":\"%s\",\"data\":", o.type, receiver, c->id);
    return sprintf(t, "PUB %s %d\r\n%s", receiver, k + data_length + 1, body);
  }
  int k = o.mode == M_SIO ? sprintf(t, "42[\"%s\",", o.type) : 0;
  k += sprintf(t + k, "{\"type\":\"%s\",", o.type);
  if (*receiver) k += sprintf(t + k, "\"receiver\":\"%s\",", receiver);
  return k + sprintf(t + k, "\"data\":");
}

static void set_ready(Conn *c) { c->state = READY; nready++; }
static int take_id(Conn *c, const char *p, size_t n) { // from the message that says which session this is
  char k[64]; int kl = sprintf(k, "\"%s\":\"", o.key);
  const char *q;
  if (!memmem(p, n, o.match, strlen(o.match)) || !(q = memmem(p, n, k, kl))) { other++; return 0; }
  q += kl;
  const char *z = memchr(q, '"', p + n - q);
  if (!z || z - q >= (int)sizeof c->id) die("bad welcome");
  memcpy(c->id, q, z - q); c->idlen = z - q;
  return 1;
}
static void on_envelope(Conn *c, const char *p, size_t n) {
  if (o.resume && (c->state == WELCOME ? on_resume_welcome(c, p, n) : counted_as_seen(c, p, n))) return;
  if (c->state == WELCOME) { if (take_id(c, p, n)) { if (joins_first(c)) join_first(c); else set_ready(c); } }
  else if (c->state == JOINING) on_joining(c, p, n);
  else if (c->state == READY) on_data(c, p, n);
}
static void on_sio(Conn *c, const char *p, size_t n) {
  if (n && p[0] == '0') text(c, "40");
  else if (n && p[0] == '2') text(c, "3");
  else if (n > 2 && p[0] == '4' && p[1] == '2') on_envelope(c, p + 2, n - 2);
}

static void nats_line(Conn *c, const char *p, size_t n) {
  char m[256];
  if (n >= 4 && !memcmp(p, "INFO", 4) && c->state == WELCOME && !c->idlen) {
    c->idlen = sprintf(c->id, "session%08x", c->idx);
    int k = sprintf(m, "CONNECT {\"verbose\":false,\"pedantic\":false,\"protocol\":1,\"echo\":false}\r\n"
      "SUB %s 1\r\nSUB %s 2\r\nPING\r\n", c->id, o.room);
    frame(c, 2, m, k);
  } else if (n >= 4 && !memcmp(p, "PONG", 4) && c->state == WELCOME) set_ready(c);
  else if (n >= 4 && !memcmp(p, "PING", 4)) frame(c, 2, "PONG\r\n", 6);
  else if (n >= 4 && !memcmp(p, "-ERR", 4)) { protoerr++; fprintf(stderr, "nats: %.*s\n", (int)n, p); }
}
static void on_nats(Conn *c, const char *p, size_t n) {
  bput(&c->stream, p, n);
  char *s = c->stream.p, *e = s + c->stream.len, *nl;
  while (s < e && (nl = memmem(s, e - s, "\r\n", 2))) {
    if (nl - s >= 4 && !memcmp(s, "MSG ", 4)) {
      char *q = nl; while (q[-1] != ' ') q--;
      int len = atoi(q);
      if (nl + 4 + len > e) break;
      on_data(c, nl + 2, len);
      s = nl + 4 + len;
    } else { nats_line(c, s, nl - s); s = nl + 2; }
  }
  c->stream.len = e - s;
  memmove(c->stream.p, s, c->stream.len);
}

static void subscribe(Conn *c, int id, const char *channel, int with_notices) {
  char m[256];
  sprintf(m, "{\"id\":%d,\"subscribe\":{\"channel\":\"%s\"%s}}", id, channel, with_notices ? ",\"join_leave\":true" : "");
  text(c, m);
}
// The room of all is subscribed first, so that the session is ready with the answer to its own channel. The sender of a
// fan-out is not in the room, because Centrifugo sends a publication to its publisher too.
static void centrifugo_line(Conn *c, const char *p, size_t n) {
  int leave = o.scen[0] == 'l', fan = o.scen[0] == 'f';
  if (n == 2) text(c, "{}"); // a ping
  else if (n > 8 && !memcmp(p, "{\"push\":", 8)) { if (c->state == READY) on_data(c, p, n); }
  else if (memmem(p, n, "\"error\":", 8)) { protoerr++; fprintf(stderr, "centrifugo: %.*s\n", (int)n, p); }
  else if (c->state == WELCOME && !c->idlen) {
    if (!take_id(c, p, n)) return;
    if (leave || (fan && c->idx)) subscribe(c, 2, o.room, leave);
    subscribe(c, 3, c->id, 0);
  } else if (c->state == WELCOME && n > 7 && !memcmp(p, "{\"id\":3", 7)) set_ready(c);
}
static void on_centrifugo(Conn *c, const char *p, size_t n) {
  for (const char *e = p + n, *z; p < e && c->state != CLOSED; p = z + 1) {
    z = memchr(p, '\n', e - p);
    if (!z) z = e;
    if (z > p) centrifugo_line(c, p, z - p);
  }
}
// Sends the first command of a protocol in which the client speaks first.
static void open_session(Conn *c) { if (o.mode == M_CENTRIFUGO) text(c, "{\"id\":1,\"connect\":{}}"); }
static void on_msg(Conn *c, const char *p, size_t n) {
  static void (*const read[MODES])(Conn *, const char *, size_t) = {on_envelope, on_sio, on_nats, on_centrifugo};
  read[o.mode](c, p, n);
}
