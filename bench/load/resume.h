// Resumable sessions, docs/protocol.md, "Coming back": `--resume` offers one in each handshake, counts the text frames of both
// directions, and sends `sys.seen`. Only --mode ws has them.
//   comeback  pairs at a fixed rate. Each session sends W messages at once, and all connections are cut before their answers are
//             read. The sessions return, --burst handshakes at a time, while messages go on at the fixed rate. A session is whole
//             once it has every message that was sent to it before the cut
// A client of `comeback` keeps what it sent and the server has not seen, because it must repeat it. In other scenarios no
// connection is lost, and nothing is kept.
#pragma once

enum { SEEN_FRAMES = 64, SEEN_BYTES = 65536, NOT_RESUMABLE = 69 };
#define SEEN_NS 3000000000ull // with a check each second the least frequent `sys.seen` is within the 5 s of the protocol
#define RETURN_NS 60000000000ull
static uint64_t in_flight, resent, back_ns; static int nwhole;

static int comes_back(void) { return o.scen[0] == 'c'; }

// ---- counting
// Returns the digits behind `key`; -1 where the key is missing.
static long number_of(const char *p, size_t n, const char *key) {
  const char *q = memmem(p, n, key, strlen(key));
  return q && q + strlen(key) < p + n && (uint8_t)(q[strlen(key)] - '0') < 10 ? atol(q + strlen(key)) : -1;
}
// Sends a frame that the server counts: each text frame but `sys.seen`. It waits for the return of a session that is away.
static void message(Conn *c, int op, const char *p, size_t n) {
  size_t before = c->out.len;
  frame(c, op, p, n);
  c->tx_frames++;
  if (!comes_back()) return;
  bput(&c->kept, c->out.p + before, c->out.len - before);
  if (c->state != READY) c->out.len = before;
}
static size_t frame_length(const char *p) { // of a masked frame
  const uint8_t *h = (const uint8_t *)p; size_t n = h[1] & 127;
  if (n < 126) return 6 + n;
  if (n == 126) return 8 + (h[2] << 8 | h[3]);
  for (int i = n = 0; i < 8; i++) n = n << 8 | h[2 + i];
  return 14 + n;
}
// Forgets the frames that the server has received. Its count never falls, and never exceeds what was sent.
static void on_seen(Conn *c, long frames) {
  if (frames < (long)c->tx_seen || frames > (long)c->tx_frames) { protoerr++; fprintf(stderr, "wsload: the server has seen %ld frames of %u, after %u\n", frames, c->tx_frames, c->tx_seen); return; }
  for (; c->tx_seen < frames; c->tx_seen++) if (comes_back()) c->kept.off += frame_length(c->kept.p + c->kept.off);
  if (c->kept.off * 2 < c->kept.len) return;
  c->kept.len -= c->kept.off;
  memmove(c->kept.p, c->kept.p + c->kept.off, c->kept.len);
  c->kept.off = 0;
}
static void say_seen(Conn *c) {
  char m[80]; int k = sprintf(m, "{\"type\":\"sys.seen\",\"data\":{\"frames\":%u}}", c->rx_frames);
  frame(c, 1, m, k);
  c->rx_reported = c->rx_frames; c->rx_bytes = 0; c->reported_ns = now_ns;
}
// Counts a frame of the server. Returns whether it is `sys.seen`, which is not counted.
static int counted_as_seen(Conn *c, const char *p, size_t n) {
  if (n < 256 && memmem(p, n < 64 ? n : 64, "\"sys.seen\"", 10)) { on_seen(c, number_of(p, n, "\"frames\":")); return 1; }
  c->rx_frames++; c->rx_bytes += n;
  if (c->rx_frames - c->rx_reported >= SEEN_FRAMES || c->rx_bytes >= SEEN_BYTES) say_seen(c);
  return 0;
}
static void say_late_seen(void) {
  static uint64_t next; uint64_t n = nsec();
  if (n < next) return;
  next = n + 1000000000ull; now_ns = n;
  for (int i = 0; i < N; i++) if (C[i].state == READY && C[i].rx_frames != C[i].rx_reported && n - C[i].reported_ns > SEEN_NS) { say_seen(&C[i]); flush(&C[i]); }
}
// Whether the server has sent all the `sys.seen` that it owes.
static int all_reported(void) { for (int i = 0; i < N; i++) if (C[i].tx_frames - C[i].tx_seen >= SEEN_FRAMES) return 0; return 1; }

// ---- the handshake
static int resume_header(const Conn *c, char *m) {
  if (!o.resume) return *m = 0;
  return *c->token ? sprintf(m, "Switchboard-Resume: %s.%u\r\n", c->token, c->rx_frames) : sprintf(m, "Switchboard-Resume: new\r\n");
}
static void check_whole(Conn *c) {
  if (c->whole || c->rx < C[c->peer].tx_at_cut) return;
  c->whole = 1; nwhole++;
}
// Reads the welcome of a resumable session. Returns whether it is a return, whose frames are repeated.
static int on_resume_welcome(Conn *c, const char *p, size_t n) {
  const char *q = memmem(p, n, "\"token\":\"", 9), *z = q ? memchr(q + 9, '"', p + n - q - 9) : NULL; int again = *c->token;
  if (!z || z - q - 9 >= (int)sizeof c->token) { fprintf(stderr, "wsload: the welcome has no token: %.*s\n", (int)n, p); exit(NOT_RESUMABLE); }
  memcpy(c->token, q + 9, z - q - 9); c->token[z - q - 9] = 0;
  c->reported_ns = now_ns;
  if (!again) return 0;
  char own[112]; int k = key_text(own, o.key, c->id);
  if (!memmem(p, n, own, k) || !memmem(p, n, "\"resumed\":true", 14)) { fprintf(stderr, "wsload: session %s did not return: %.*s\n", c->id, (int)n, p); exit(3); }
  on_seen(c, number_of(p, n, "\"received\":"));
  resent += c->tx_frames - c->tx_seen;
  bput(&c->out, c->kept.p + c->kept.off, c->kept.len - c->kept.off);
  set_ready(c);
  if (nready == N) back_ns = now_ns;
  check_whole(c);
  return 1;
}

// ---- comeback
static void cut(Conn *c) {
  stream_close(&c->io);
  c->in.len = c->out.len = c->out.off = c->frag.len = 0;
  c->state = FREE; nready--;
}
// Sends at the fixed rate, and opens the connections that are missing, until `end`. Stops early once all are whole.
static void offer(uint64_t end, int until_whole) {
  static uint64_t due, k; double step = 1e9 / o.rate;
  for (due = nsec(); nsec() < end && !nclosed && !(until_whole && nwhole == N);) {
    uint64_t n = nsec();
    for (int j = 0; j < 64 && due <= n; j++, due += step) { Conn *c = &C[k++ % N]; send_data(c, due); if (c->state == READY) flush(c); }
    while (started < N && started - nready < o.burst) start_conn(started++);
    poll_once(0);
  }
}
static int run_comeback(void) {
  offer(nsec() + o.warm * 1e9, 0);
  recording = 1; rec_from = nsec();
  for (int i = 0; i < N; i++) { for (int j = 0; j < o.window; j++) send_data(&C[i], nsec()); flush(&C[i]); }
  uint64_t t0 = nsec(); double self = self_cpu(); cpu_begin(); cores(st0);
  for (int i = 0; i < N; i++) { cut(&C[i]); C[i].tx_at_cut = C[i].tx; C[i].whole = 0; }
  in_flight = sent - rcvd; started = nwhole = 0;
  offer(t0 + RETURN_NS, 1);
  double wall = (nsec() - t0) / 1e9, cpu = cpu_end(); self = self_cpu() - self; cores(st1);
  int whole = nwhole == N;
  if (whole) offer(nsec() + o.secs * 1e9, 0);
  recording = 0;
  run_until(nsec() + 10000000000ull, all_rcvd);
  run_until(nsec() + 300000000ull, 0); // late duplicates would arrive now
  run_until(nsec() + 1000000000ull, all_reported);
  long lost = (long)(sent - rcvd); int good = ok() && whole && !lost && all_reported();
  if (!whole) fprintf(stderr, "wsload: %d of %d sessions are back and whole after %.0f s\n", nwhole, N, wall);
  printf(",\"in_flight\":%lu,\"resent\":%lu,\"back_s\":%.4f,\"return_s\":%.4f,\"sent\":%lu,\"received\":%lu,\"lost\":%ld,\"ok\":%s", in_flight, resent,
         (back_ns - t0) / 1e9, wall, sent, rcvd, lost, good ? "true" : "false");
  lat(); tail(self, cpu, wall);
  return good ? 0 : 3;
}
