// wsload: a single-threaded epoll load generator for WebSocket message routers.
// Build: gcc -O2 -Wall -o wsload wsload.c -lm -lssl -lcrypto       Usage: wsload --help, or as bench/run.js starts it:
//   wsload --port 3000 --path /wss --scenario pingpong --pairs 100 --window 8 --size 100 --match sys.welcome
//          --notice sys.departed --room "*" --type direct --spin
// Loopback only, and on a core of its own (taskset -c 1), the server on another.
// Every delivered message is verified (right receiver, right sender, sequence, every byte of the content) and the counts
// are compared at the end; one JSON line a run on stdout. Exit code 3: something was lost, misrouted or changed.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include "histogram.h"
#include "machine.h"
#include "stream.h"

typedef struct { char *p; size_t len, off, cap; } Buf;
enum { FREE, CONNECTING, HANDSHAKE, WELCOME, JOINING, READY, CLOSING, CLOSED };
typedef struct {
  Stream io;
  int state, idx, peer;
  uint32_t tx, rx;                 // next sequence number to send / expected
  uint32_t notices; uint64_t hsum; // leave scenario
  char id[80], want_s[112], want_r[112];
  int idlen, wslen, wrlen;
  char as_s[112]; int aslen, roff[2], nroff; // where the template names the receiver
  char *tpl; int tlen, toff;                // message template, offset of its data object
  Buf in, out, frag, stream;
  uint8_t wantw, leaver, fin, dirty;
  int first, nrooms, joined;       // its members of rooms, and how many rooms it has joined so far
  // A resumable session: frames received, and those that were said to be seen; frames sent, and those that the server has seen.
  uint32_t rx_frames, rx_reported, rx_bytes, tx_frames, tx_seen, tx_at_cut; uint64_t reported_ns;
  Buf kept; uint8_t whole; char token[129]; // frames to be repeated on a return
} Conn;

static struct {
  const char *host, *path, *scen, *label, *key, *match, *type, *notice, *nkey, *room, *closehow;
  char hdr[2048];
  int spin, mesh, port, port2, mode, n, pairs, window, size, leavers, burst, nobatch, tricky, tls, join, rooms, members, busy, resume;
  double secs, warm, hold, rate;
} o = {.host = "127.0.0.1", .path = "/", .scen = "pingpong", .label = "", .key = "receiver", .match = "welcome",
       .type = "direct", .notice = "close", .nkey = "sender", .room = "all", .closehow = "tcp", .port = 8080,
       .n = 1000, .pairs = 100, .window = 1, .size = 100, .leavers = 500, .burst = 64, .secs = 5, .warm = 2,
       .hold = 2, .rate = 10000, .rooms = 1000, .members = 10};

#define RB (1 << 20)
#define DOV 61 // bytes of {"t":"16","n":"8","c":"8","x":""}
static char rbuf[RB + 16];
static Conn *C;
static int ep, N, nready, nclosed, started, xlen, recording, stopping;
static char *X;
static uint64_t sent, rcvd, rec_rcvd, misroute, misorder, corrupt, protoerr, unexpected_close, other, rx_bytes, all_rx;
static uint64_t rec_from, now_ns;
static char room_want[112]; static int room_wlen;

static uint64_t nsec(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1000000000ull + t.tv_nsec; }
static uint32_t rng(void) { static uint32_t s = 2463534242u; s ^= s << 13; s ^= s >> 17; s ^= s << 5; return s; }
static void die(const char *m) { fprintf(stderr, "wsload: %s (%s)\n", m, strerror(errno)); exit(2); }
static uint64_t hash(const char *p, int n) { uint64_t h = 1469598103934665603ull; while (n--) h = (h ^ (uint8_t)*p++) * 1099511628211ull; return h; }

// ---- buffers and frames
static void bput(Buf *b, const void *p, size_t n) {
  if (b->len + n > b->cap) { b->cap = (b->len + n) * 2 + 64; b->p = realloc(b->p, b->cap); if (!b->p) die("oom"); }
  if (p) memcpy(b->p + b->len, p, n);
  b->len += n;
}
static void frame(Conn *c, int op, const char *p, size_t n) { // masked client frame appended to c->out
  uint8_t h[14]; int k = 2;
  h[0] = 0x80 | op;
  if (n < 126) h[1] = 0x80 | n;
  else if (n < 65536) { h[1] = 0x80 | 126; h[2] = n >> 8; h[3] = n; k = 4; }
  else { h[1] = 0x80 | 127; for (int i = 0; i < 8; i++) h[2 + i] = (uint64_t)n >> (56 - 8 * i); k = 10; }
  uint32_t m = rng(); memcpy(h + k, &m, 4); k += 4;
  bput(&c->out, h, k);
  bput(&c->out, NULL, n);
  char *d = c->out.p + c->out.len - n;
  uint64_t m8 = (uint64_t)m << 32 | m, w; size_t i = 0;
  for (; i + 8 <= n; i += 8) { memcpy(&w, p + i, 8); w ^= m8; memcpy(d + i, &w, 8); }
  for (; i < n; i++) d[i] = p[i] ^ ((char *)&m)[i & 3];
}
static void arm(Conn *c, int w) {
  if (c->wantw == w) return;
  c->wantw = w;
  struct epoll_event e = {.events = EPOLLIN | (w ? EPOLLOUT : 0), .data.u32 = c->idx};
  epoll_ctl(ep, EPOLL_CTL_MOD, c->io.fd, &e);
}
static void conn_close(Conn *c) { if (c->state == CLOSED) return; stream_close(&c->io); c->state = CLOSED; nclosed++; }
static void flush(Conn *c) {
  if (c->state == CLOSED) return;
  while (c->out.off < c->out.len) {
    ssize_t r = stream_write(&c->io, c->out.p + c->out.off, c->out.len - c->out.off);
    if (r < 0) { arm(c, r == STREAM_WANTS_WRITE); return; }
    if (r == STREAM_CLOSED) { if (!c->leaver) unexpected_close++; conn_close(c); return; }
    c->out.off += r;
  }
  c->out.off = c->out.len = 0;
  arm(c, 0);
}
static void text(Conn *c, const char *s) { frame(c, 1, s, strlen(s)); }

static int poll_once(int ms);
static void start_conn(int i);
static void send_data(Conn *c, uint64_t t);
static void run_until(uint64_t t, int (*done)(void));
static int all_rcvd(void);
static int ok(void);
static void lat(void);
static void tail(double cpu, double scpu, double wall);

#include "dialects.h"
#include "resume.h"

// ---- messages
static void hex(char *d, uint64_t v, int w) { while (w--) { d[w] = "0123456789abcdef"[v & 15]; v >>= 4; } }
static uint64_t unhex(const char *s, int w) { uint64_t v = 0; while (w--) { int ch = *s++; v = v << 4 | (ch <= '9' ? ch - '0' : ch - 'a' + 10); } return v; }
static void make_tpl(Conn *c, const char *receiver, const char *sender_id) {
  char *t = malloc(600 + o.size + xlen);
  int k = message_head(t, c, receiver, DOV + xlen);
  if (o.mesh || *o.scen == 'r') for (char *r = t; c->nroff < 2 && (r = strstr(r, receiver)); r++) c->roff[c->nroff++] = r - t;
  c->toff = k;
  c->aslen = sender_text(c->as_s, c->id);
  k += sprintf(t + k, "{\"t\":\"0000000000000000\",\"n\":\"00000000\",\"c\":\"%08x\",\"x\":\"", c->idx);
  memcpy(t + k, X, xlen); k += xlen;
  k += sprintf(t + k, "\"}%s", mode_ends[o.mode]);
  c->tpl = t; c->tlen = k;
  c->wslen = sender_text(c->want_s, sender_id);
  c->wrlen = receiver_text(c->want_r, c->id);
}
static void send_data(Conn *c, uint64_t t) {
  if (o.mesh) { // a random other connection each time
    int r = rng() % (N - 1); if (r >= c->idx) r++;
    if (C[r].idlen != C[c->peer].idlen) die("mesh needs ids of equal length");
    for (int i = 0; i < c->nroff; i++) memcpy(c->tpl + c->roff[i], C[r].id, C[r].idlen);
  }
  hex(c->tpl + c->toff + 6, t, 16);
  hex(c->tpl + c->toff + 29, c->tx++, 8);
  message(c, message_opcode(), c->tpl, c->tlen);
  sent++;
  if (o.nobatch) flush(c);
}
static int closed_loop(void) { return o.scen[0] == 'p' || o.scen[0] == 'e'; } // every arrival sends the next
static int has(const char *a, size_t na, const char *b, size_t nb, const char *s, size_t ns) { return memmem(a, na, s, ns) || memmem(b, nb, s, ns); }

// fan-out rounds in flight
#define MAXR 64
static uint32_t round_got[MAXR]; static uint64_t rounds_done, rounds_rec;
static void leave_notice(Conn *c, const char *p, size_t n);

#include "rooms.h"

static void on_data(Conn *c, const char *p, size_t n) {
  if (joins()) { on_room_event(c, p, n); return; }
  const char *px = memmem(p, n, "\"x\":\"", 5), *e = p + n;
  if (!px) { if (memmem(p, n < 200 ? n : 200, o.notice, strlen(o.notice))) leave_notice(c, p, n); else other++; return; }
  rcvd++;
  if (px - p < 54 || e - px < xlen + 8 || memcmp(px - 54, "{\"t\":\"", 6) || memcmp(px - 32, "\",\"n\":\"", 7) ||
      memcmp(px - 17, "\",\"c\":\"", 7) || memcmp(px + 5, X, xlen) || px[5 + xlen] != '"') { corrupt++; return; }
  uint64_t t = unhex(px - 48, 16);
  uint32_t seq = unhex(px - 25, 8), from = unhex(px - 10, 8);
  const char *r2 = px + 5 + xlen; size_t n1 = px - 54 - p, n2 = e - r2;
  int fan = o.scen[0] == 'f';
  if (talks()) { on_talk(c, t, seq, from, p, n1, r2, n2); return; }
  if (o.scen[0] == 'e') { // an answer of a handler: to the client that asked; who sent it is the server's affair
    if (from != (uint32_t)c->idx) misroute++;
  } else
  if (o.mesh) {
    if (from >= (uint32_t)N || from == (uint32_t)c->idx || !has(p, n1, r2, n2, C[from].as_s, C[from].aslen) || !has(p, n1, r2, n2, c->want_r, c->wrlen)) misroute++;
    c->rx = seq;
  } else if (from != c->peer || !has(p, n1, r2, n2, c->want_s, c->wslen) ||
      !has(p, n1, r2, n2, fan ? room_want : c->want_r, fan ? room_wlen : c->wrlen)) misroute++;
  if (seq != c->rx && !o.mesh) misorder++;
  c->rx = seq + 1;
  if (comes_back()) check_whole(c);
  if (fan) {
    int done = ++round_got[seq % MAXR] == N - 1;
    if (recording && t >= rec_from) rec_rcvd++;
    if (!done) return;
    round_got[seq % MAXR] = 0; rounds_done++;
    if (recording && t >= rec_from) { hadd(now_ns - t); rounds_rec++; }
    if (!stopping) { send_data(&C[0], nsec()); flush(&C[0]); }
    return;
  }
  if (recording && (closed_loop() || t >= rec_from)) { rec_rcvd++; hadd(now_ns > t ? now_ns - t : 0); }
  if (closed_loop() && !stopping) send_data(c, nsec());
}
static uint64_t want_hsum; static uint32_t want_notices, survivors_done; static uint64_t dup_notices;
static void leave_notice(Conn *c, const char *p, size_t n) {
  if (comes_back()) { protoerr++; fprintf(stderr, "wsload: a session has ended: %.*s\n", (int)n, p); return; }
  char k[64]; int kl = sprintf(k, "\"%s\":\"", o.nkey);
  const char *q = memmem(p, n, k, kl);
  if (!q) { protoerr++; return; }
  q += kl;
  const char *z = memchr(q, '"', p + n - q);
  if (!z) { protoerr++; return; }
  if (c->leaver || o.scen[0] != 'l') return;
  c->hsum += hash(q, z - q);
  if (++c->notices == want_notices && want_notices) { if (c->hsum != want_hsum) misroute++; survivors_done++; }
  else if (c->notices > want_notices) dup_notices++;
}
static size_t http_done(Conn *c, const char *p, size_t n) {
  const char *z = memmem(p, n, "\r\n\r\n", 4);
  if (!z) return 0;
  if (n < 12 || memcmp(p, "HTTP/1.1 101", 12) || !memmem(p, z - p + 2, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", 28)) {
    fprintf(stderr, "handshake refused: %.*s\n", (int)(z - p), p); exit(2); }
  c->state = WELCOME;
  open_session(c);
  return z + 4 - p;
}
static size_t consume(Conn *c, char *p, size_t n) { // returns bytes used
  size_t u = 0;
  if (c->state == HANDSHAKE && !(u = http_done(c, p, n))) return 0;
  while (n - u >= 2 && c->state != CLOSED) {
    uint8_t *h = (uint8_t *)p + u; int op = h[0] & 15; size_t hl = 2; uint64_t len = h[1] & 127;
    if (h[1] & 128 || h[0] & 0x70) { protoerr++; conn_close(c); return n; }
    if (len == 126) { if (n - u < 4) break; len = h[2] << 8 | h[3]; hl = 4; }
    else if (len == 127) { if (n - u < 10) break; len = 0; for (int i = 0; i < 8; i++) len = len << 8 | h[2 + i]; hl = 10; }
    if (len > RB - 16) die("frame too large");
    if (n - u < hl + len) break;
    char *d = (char *)h + hl;
    if (op == 9) frame(c, 10, d, len);
    else if (op == 8) {
      if (c->state == CLOSING) { conn_close(c); return n; }
      frame(c, 8, d, len < 2 ? len : 2); flush(c); if (!c->leaver) unexpected_close++; conn_close(c); return n;
    } else if (op == 1 || op == 2) { if (h[0] & 128) on_msg(c, d, len); else { c->frag.len = 0; bput(&c->frag, d, len); } }
    else if (op == 0) { bput(&c->frag, d, len); if (h[0] & 128) { on_msg(c, c->frag.p, c->frag.len); c->frag.len = 0; } }
    else if (op != 10) protoerr++;
    u += hl + len;
  }
  return u;
}
static void on_readable(Conn *c) {
  for (;;) {
    size_t have = c->in.len;
    if (have) { memcpy(rbuf, c->in.p, have); c->in.len = 0; }
    ssize_t r = stream_read(&c->io, rbuf + have, RB - have);
    if (r <= 0) {
      if (have) bput(&c->in, rbuf, have);
      if (r < 0) break;
      if (c->state != CLOSING && !c->leaver) unexpected_close++;
      conn_close(c); return;
    }
    now_ns = nsec();
    all_rx += r; if (!c->leaver) rx_bytes += r;
    size_t n = have + r, u = consume(c, rbuf, n);
    if (c->state == CLOSED) return;
    if (u < n) { bput(&c->in, rbuf + u, n - u); if (n == RB) continue; }
    if (!stream_has_more(&c->io, r, RB - have)) break;
  }
  if (c->out.len) flush(c);
}
static void start_conn(int i) {
  Conn *c = &C[i];
  c->idx = i; c->peer = i ^ 1;
  c->io.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (c->io.fd < 0) die("socket (raise ulimit -n)");
  int one = 1;
  setsockopt(c->io.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (N > 4000) { // spread source addresses so that ephemeral ports do not run out
    struct sockaddr_in s = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000002u + i / 4000)};
    setsockopt(c->io.fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    if (bind(c->io.fd, (void *)&s, sizeof s)) die("bind");
  }
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(o.port2 && i & 1 ? o.port2 : o.port)};
  inet_pton(AF_INET, o.host, &a.sin_addr);
  if (connect(c->io.fd, (void *)&a, sizeof a) && errno != EINPROGRESS) die("connect");
  c->state = CONNECTING; c->wantw = 1;
  struct epoll_event e = {.events = EPOLLIN | EPOLLOUT, .data.u32 = i};
  epoll_ctl(ep, EPOLL_CTL_ADD, c->io.fd, &e);
}
static void on_event(struct epoll_event *e) {
  Conn *c = &C[e->data.u32];
  if (c->state == CLOSED) return;
  if (c->state == CONNECTING) {
    int er = 0; socklen_t l = sizeof er; getsockopt(c->io.fd, SOL_SOCKET, SO_ERROR, &er, &l);
    if (er) { errno = er; die("connect"); }
    if (!(e->events & EPOLLOUT)) return;
    char m[4096], resume[200]; resume_header(c, resume);
    int k = snprintf(m, sizeof m, "GET %s HTTP/1.1\r\nHost: %s:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s%s\r\n", o.path, o.host, o.port, o.hdr, resume);
    if (o.tls) tls_begin(&c->io, "localhost");
    c->state = HANDSHAKE; bput(&c->out, m, k); flush(c); return;
  }
  if (e->events & EPOLLOUT) flush(c);
  if (e->events & (EPOLLIN | EPOLLHUP | EPOLLERR)) on_readable(c);
}
static int poll_once(int ms) {
  static struct epoll_event ev[1024];
  int k = epoll_wait(ep, ev, 1024, ms);
  for (int i = 0; i < k; i++) on_event(&ev[i]);
  if (ndirty) flush_dirty();
  if (o.resume) say_late_seen();
  return k;
}

static void run_until(uint64_t t, int (*done)(void)) { while (nsec() < t && !(done && done())) poll_once(o.spin ? 0 : 20); }
static uint64_t receivers(void) { return o.scen[0] == 'f' ? N - 1 : talks() ? o.members - 1 : 1; } // of each message
static int all_rcvd(void) { return rcvd >= sent * receivers(); }
static int all_left(void) { return survivors_done == (uint32_t)(N - o.leavers); }
static int ok(void) { return !(misroute | misorder | corrupt | protoerr | unexpected_close | dup_notices); }
static void tail(double cpu, double scpu, double wall) {
  printf(",\"gen_cpu\":%.2f,\"srv_cpu\":%.2f,\"steal0\":%.3f,\"steal1\":%.3f,\"other_load0\":%.3f,\"other_load1\":%.3f,\"misroute\":%lu,\"misorder\":%lu,\"corrupt\":%lu,\"protoerr\":%lu,\"closed\":%lu,\"other\":%lu}\n",
         cpu / wall, scpu / wall, (st1[0][0] - st0[0][0]) / wall, (st1[1][0] - st0[1][0]) / wall, (st1[0][1] - st0[0][1] - scpu) / wall, (st1[1][1] - st0[1][1] - cpu) / wall, misroute, misorder, corrupt, protoerr, unexpected_close, other);
}
static void lat(void) {
  printf(",\"p50_us\":%.1f,\"p90_us\":%.1f,\"p99_us\":%.1f,\"p999_us\":%.1f,\"max_us\":%.1f", hq(.5) / 1e3, hq(.9) / 1e3, hq(.99) / 1e3, hq(.999) / 1e3, hmax / 1e3);
}
static void usage(void) {
  puts("wsload --scenario pingpong|open|fanout|rooms|join|leave|comeback|idle|echo [--host H --port P --path /p --header 'K: V'...] [--mode ws|sio|nats|centrifugo]\n"
       "  --pairs N (pingpong/open/comeback/echo) --conns N (fanout receivers, rooms, join, leave, idle) --window W --size P --time S --warm S --rate R --leavers M\n"
       "  --close tcp|ws --hold S --burst C --label L --key receiver --match welcome --type direct --notice close --nkey sender\n"
       "  --room all --nobatch --tricky --mesh (pingpong: every reply goes to a random connection)\n"
       "  --rooms R --members M --busy B (rooms, join: R rooms of M; B sessions are in ten rooms each) --join (fanout: all join --room)\n"
       "  --resume (resumable sessions, which send sys.seen)\n"
       "  --tls (TLS without verification of the certificate)\n"
       "  --process NAME=PID[,PID...] (a part of the server, repeatable: processor time and memory of each part)\n"
       "  --port2 P (every second connection goes there: to another node)\n"
       "  --spin (never sleep in epoll_wait: takes the cost of waking the generator's core off the server)"); exit(1);
}
int main(int ac, char **av) {
  static struct option L[] = {{"scenario", 1, 0, 's'}, {"host", 1, 0, 'h'}, {"port", 1, 0, 'p'}, {"path", 1, 0, 'P'}, {"header", 1, 0, 'H'},
    {"mode", 1, 0, 'm'}, {"pairs", 1, 0, 'a'}, {"conns", 1, 0, 'n'}, {"window", 1, 0, 'w'}, {"size", 1, 0, 'z'}, {"time", 1, 0, 't'},
    {"warm", 1, 0, 'W'}, {"rate", 1, 0, 'r'}, {"leavers", 1, 0, 'l'}, {"close", 1, 0, 'c'}, {"hold", 1, 0, 'o'}, {"burst", 1, 0, 'b'},
    {"process", 1, 0, 'i'}, {"label", 1, 0, 'L'}, {"key", 1, 0, 'k'}, {"match", 1, 0, 'M'}, {"type", 1, 0, 'T'}, {"notice", 1, 0, 'N'},
    {"nkey", 1, 0, 'K'}, {"room", 1, 0, 'R'}, {"nobatch", 0, 0, 'B'}, {"mesh", 0, 0, 'E'}, {"spin", 0, 0, 'S'}, {"tricky", 0, 0, 'y'}, {"port2", 1, 0, 'q'}, {"tls", 0, 0, 'x'},
    {"rooms", 1, 0, 'O'}, {"members", 1, 0, 'Q'}, {"busy", 1, 0, 'U'}, {"join", 0, 0, 'J'}, {"resume", 0, 0, 'e'}, {"help", 0, 0, '?'}, {0}};
  for (int k; (k = getopt_long(ac, av, "", L, 0)) != -1;) switch (k) {
    case 's': o.scen = optarg; break; case 'h': o.host = optarg; break; case 'p': o.port = atoi(optarg); break; case 'P': o.path = optarg; break;
    case 'H': strcat(strcat(o.hdr, optarg), "\r\n"); break; case 'm': o.mode = mode_of(optarg); break;
    case 'a': o.pairs = atoi(optarg); break; case 'n': o.n = atoi(optarg); break; case 'w': o.window = atoi(optarg); break;
    case 'z': o.size = atoi(optarg); break; case 't': o.secs = atof(optarg); break; case 'W': o.warm = atof(optarg); break;
    case 'r': o.rate = atof(optarg); break; case 'l': o.leavers = atoi(optarg); break; case 'c': o.closehow = optarg; break;
    case 'o': o.hold = atof(optarg); break; case 'b': o.burst = atoi(optarg); break; case 'i': add_part(optarg); break;
    case 'L': o.label = optarg; break; case 'k': o.key = optarg; break; case 'M': o.match = optarg; break; case 'T': o.type = optarg; break;
    case 'N': o.notice = optarg; break; case 'K': o.nkey = optarg; break; case 'R': o.room = optarg; break; case 'B': o.nobatch = 1; break;
    case 'E': o.mesh = 1; break; case 'S': o.spin = 1; break; case 'y': o.tricky = 1; break; case 'q': o.port2 = atoi(optarg); break; case 'x': o.tls = 1; break;
    case 'O': o.rooms = atoi(optarg); break; case 'Q': o.members = atoi(optarg); break; case 'U': o.busy = atoi(optarg); break; case 'J': o.join = 1; break; case 'e': o.resume = 1; break;
    default: usage(); }
  if (strncmp(o.host, "127.", 4)) { fprintf(stderr, "only 127.0.0.0/8 is allowed\n"); return 2; }
  signal(SIGPIPE, SIG_IGN); prctl(PR_SET_TIMERSLACK, 1);
  struct rlimit files; // 19,000 sessions need as many descriptors: take all that is allowed
  if (!getrlimit(RLIMIT_NOFILE, &files)) { files.rlim_cur = files.rlim_max; setrlimit(RLIMIT_NOFILE, &files); }
  int pp = closed_loop() || o.scen[0] == 'o' || comes_back(), fan = o.scen[0] == 'f', rooms = talks();
  if ((rooms || joins() || o.join) && o.mode > M_SIO) { fprintf(stderr, "wsload: rooms need --mode ws or sio\n"); return 2; }
  if (comes_back()) o.resume = 1;
  if (o.resume && o.mode != M_WS) { fprintf(stderr, "wsload: resumable sessions need --mode ws\n"); return 2; }
  N = pp ? o.pairs * 2 : o.n + fan;
  if (fan && o.window > MAXR - 1) o.window = MAXR - 1;
  xlen = o.size > DOV ? o.size - DOV : 0;
  X = calloc(1, xlen + 128);
  for (int i = 0; i < xlen; i++) X[i] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 -"[rng() & 63];
  if (o.tricky) { // escaped quotes that look like envelope keys, and multi-byte UTF-8
    char *f = strdup(X); f[xlen] = 0;
    X = malloc(xlen + 256);
    xlen = sprintf(X, "\\\"}}\\\"sender\\\":\\\"evil\\\",\\\\ [{\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80 \\\"receiver\\\":\\\"all\\\" %s", f);
  }
  room_wlen = receiver_text(room_want, o.room);
  C = calloc(N, sizeof *C); dirty = calloc(N, sizeof *dirty);
  if (rooms || joins()) make_rooms();
  ep = epoll_create1(EPOLL_CLOEXEC);
  double rss0 = rss_now(); rss_begin(); uint64_t t0 = nsec();
  while (nready < N) {
    while (started < N && started - nready < o.burst) start_conn(started++);
    poll_once(o.spin ? 0 : 100);
    if (nclosed || nsec() - t0 > 180000000000ull) { fprintf(stderr, "connect phase failed: ready %d closed %d\n", nready, nclosed); return 2; }
  }
  double tconn = (nsec() - t0) / 1e9, wall, cpu0, s0;
  for (int i = 0; i < N && (pp || fan || rooms); i++) { if (fan || rooms) C[i].peer = 0; make_tpl(&C[i], rooms ? "#r0000" : fan ? o.room : o.scen[0] == 'e' ? "" : C[C[i].peer].id, C[C[i].peer].id); }
  printf("{\"label\":\"%s\",\"scenario\":\"%s\",\"conns\":%d,\"connect_s\":%.3f,\"connect_rate\":%.0f", o.label, o.scen, N, tconn, N / tconn);
  if (joins()) return run_joins();
  if (comes_back()) return run_comeback();
  if (pp || fan || rooms) {
    uint64_t b = nsec(), rec0 = b + o.warm * 1e9, end = rec0 + o.secs * 1e9, due = b, lagmax = 0; double step = 1e9 / o.rate; uint64_t k = 0;
    uint64_t osent = 0;
    if (closed_loop()) for (int i = 0; i < N; i++) { for (int j = 0; j < o.window; j++) send_data(&C[i], nsec()); flush(&C[i]); }
    if (fan) { for (int j = 0; j < o.window; j++) send_data(&C[0], nsec()); flush(&C[0]); }
    if (rooms) { for (int r = 0; r < o.rooms; r++) speak(r); flush_dirty(); }
    if (o.scen[0] != 'o') {
      run_until(rec0, 0);
      recording = 1; rec_from = rec0; cpu0 = self_cpu(); cpu_begin(); cores(st0); uint64_t r0 = nsec();
      run_until(end, 0);
      recording = 0; wall = (nsec() - r0) / 1e9; cpu0 = self_cpu() - cpu0; s0 = cpu_end(); cores(st1); stopping = 1;
    } else {
      uint64_t r0 = 0; cpu0 = s0 = 0;
      while (due < end) {
        uint64_t n = nsec();
        if (!recording && n >= rec0) { recording = 1; rec_from = rec0; cpu0 = self_cpu(); cpu_begin(); cores(st0); r0 = n; }
        for (int j = 0; j < 64 && due <= n && due < end; j++) { // intended send time is the timestamp: no coordinated omission
          Conn *c = &C[k % N]; send_data(c, due); flush(c);
          if (due >= rec0) { osent++; if (n - due > lagmax) lagmax = n - due; }
          due = b + (uint64_t)(++k * step);
        }
        poll_once(0);
      }
      wall = (nsec() - r0) / 1e9; cpu0 = self_cpu() - cpu0; s0 = cpu_end(); cores(st1); stopping = 1;
    }
    run_until(nsec() + 10000000000ull, all_rcvd); // drain: every message sent must arrive
    uint64_t want = sent * receivers(); long lost = (long)(want - rcvd);
    if (o.resume) { run_until(nsec() + 1000000000ull, all_reported); if (!all_reported()) { protoerr++; fprintf(stderr, "wsload: the server has sent too few sys.seen\n"); } }
    printf(",\"window\":%d,\"size\":%d,\"sent\":%lu,\"received\":%lu,\"lost\":%ld,\"ok\":%s,\"rate\":%.0f", o.window, o.size, sent, rcvd, lost,
           ok() && !lost ? "true" : "false", rec_rcvd / wall);
    if (o.scen[0] == 'o') printf(",\"offered\":%.0f,\"gen_lag_max_us\":%.1f", osent / o.secs, lagmax / 1e3);
    if (fan || rooms) printf(",\"rounds\":%lu", rounds_rec);
    lat(); print_cpu(rec_rcvd); tail(cpu0, s0, wall);
    return ok() && !lost ? 0 : 3;
  }
  double rss1 = rss_now();
  run_until(nsec() + o.hold * 1e9, 0);
  if (o.scen[0] == 'i') {
    double rss2 = rss_now(), grown = rss_end();
    printf(",\"ok\":%s,\"rss0_kb\":%.0f,\"rss_connected_kb\":%.0f,\"rss_kb\":%.0f,\"kb_per_conn\":%.2f", ok() ? "true" : "false", rss0, rss1, rss2, grown / N);
    print_rss(N);
    tail(self_cpu(), 0, (nsec() - t0) / 1e9);
    return !ok();
  }
  want_notices = o.leavers;                       // leave: interleaved leavers, all at once
  for (int i = 0; i < N; i++) if ((long)i * o.leavers / N != (long)(i + 1) * o.leavers / N) { C[i].leaver = 1; want_hsum += hash(C[i].id, C[i].idlen); }
  rx_bytes = 0; cpu0 = self_cpu(); cpu_begin(); cores(st0); uint64_t l0 = nsec();
  for (int i = 0; i < N; i++) if (C[i].leaver) {
    if (*o.closehow == 't') conn_close(&C[i]);
    else { frame(&C[i], 8, "\x03\xe8", 2); C[i].state = CLOSING; flush(&C[i]); }
  }
  double tclosed = (nsec() - l0) / 1e9;
  run_until(l0 + 120000000000ull, all_left);
  wall = (nsec() - l0) / 1e9; cpu0 = self_cpu() - cpu0; s0 = cpu_end(); cores(st1);
  uint64_t got = 0; for (int i = 0; i < N; i++) if (!C[i].leaver) got += C[i].notices;
  double total = (double)o.leavers * (N - o.leavers);
  uint64_t bytes = rx_bytes;
  run_until(nsec() + 300000000ull, 0);            // late duplicates would show up here
  int good = ok() && all_left();
  printf(",\"leavers\":%d,\"close\":\"%s\",\"ok\":%s,\"close_calls_s\":%.4f,\"storm_s\":%.4f,\"notices\":%lu,\"expected\":%.0f,\"notices_per_s\":%.0f,\"bytes\":%lu", o.leavers,
         o.closehow, good ? "true" : "false", tclosed, wall, got, total, got / wall, bytes);
  print_cpu(got); tail(cpu0, s0, wall);
  return !good;
}
