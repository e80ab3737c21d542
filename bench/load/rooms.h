// Rooms: who is a member of which, the scenarios `rooms` and `join`, and the joins before a fan-out in a room.
//   rooms  R rooms of M members; in each room one message is in flight, and the members speak in turn: the next one speaks
//          when all others have the message
//   join   the sessions join R rooms of M members, W joins in flight; each member must get each other one exactly once, in its
//          list or as a notice. Then all leave, and join again. Only the joins are measured
// The first --busy sessions are in BUSY_ROOMS rooms each; the others share the rest evenly.
#pragma once

#define BUSY_ROOMS 10
typedef struct { uint32_t conn, room, slot, rx, listed; uint64_t sent_ns, hsum; } Member;
typedef struct { uint32_t seq, got; uint64_t hsum; } Room;
static Member *E; static Room *RS;         // members in the order of their sessions; the member of slot k of room r is E[r + R * k]
static Conn **dirty; static int ndirty;    // connections with frames of other connections' making, to be flushed
static uint32_t next_join, answers, room_notices; static int leaving;

static int talks(void) { return o.scen[0] == 'r'; }
static int joins(void) { return o.scen[0] == 'j'; }
static int memberships(void) { return o.rooms * o.members; }
static void later(Conn *c) { if (!c->dirty) { c->dirty = 1; dirty[ndirty++] = c; } }
static void flush_dirty(void) { for (int i = 0; i < ndirty; i++) { dirty[i]->dirty = 0; flush(dirty[i]); } ndirty = 0; }

static void make_rooms(void) {
  int total = memberships(), rest = total - o.busy * BUSY_ROOMS, others = N - o.busy;
  if (o.rooms > 0x10000 || rest < 0 || (others ? rest % others : rest) || (joins() && o.busy)) { fprintf(stderr, "wsload: %d members do not divide among %d sessions, %d of them in %d rooms\n", total, N, o.busy, BUSY_ROOMS); exit(2); }
  E = calloc(total, sizeof *E); RS = calloc(o.rooms, sizeof *RS);
  if (!E || !RS) die("oom");
  for (int e = 0, i = 0; i < N; i++) {
    C[i].first = e; C[i].nrooms = i < o.busy ? BUSY_ROOMS : rest / others;
    for (int k = 0; k < C[i].nrooms; k++, e++) E[e] = (Member){.conn = i, .room = e % o.rooms, .slot = e / o.rooms};
  }
}
static Member *member_of(Conn *c, uint32_t room) {
  for (int i = 0; i < c->nrooms; i++) if (E[c->first + i].room == room) return &E[c->first + i];
  return NULL;
}
static void room_name(char *name, uint32_t room) { sprintf(name, "#r%04x", room); }
static void request(Conn *c, const char *type, const char *room) {
  char m[300]; int k = o.mode == M_SIO ? sprintf(m, "42[\"%s\",", type) : 0;
  k += sprintf(m + k, "{\"type\":\"%s\",\"receiver\":\"%s\",\"id\":\"1\"}%s", type, room, o.mode == M_SIO ? "]" : "");
  message(c, 1, m, k);
}

// ---- before the load: sessions join their rooms, or one room in a fan-out
static int joins_first(const Conn *c) { return talks() ? c->nrooms : o.join; }
static void join_first(Conn *c) {
  char name[16];
  c->state = JOINING;
  if (!talks()) { request(c, "sys.join", o.room); return; }
  for (int i = 0; i < c->nrooms; i++) { room_name(name, E[c->first + i].room); request(c, "sys.join", name); }
}
static void on_joining(Conn *c, const char *p, size_t n) {
  size_t head = n < 100 ? n : 100;
  if (memmem(p, head, "sys.error", 9)) { protoerr++; fprintf(stderr, "%.*s\n", (int)n, p); }
  else if (!memmem(p, head, "sys.members", 11)) other++;
  else if (++c->joined == joins_first(c)) set_ready(c);
}

// ---- rooms
static void speak(uint32_t room) {
  Room *r = &RS[room]; Conn *c = &C[E[room + o.rooms * (r->seq % o.members)].conn];
  hex(c->tpl + c->roff[0] + 2, room, 4);
  hex(c->tpl + c->toff + 6, nsec(), 16);
  hex(c->tpl + c->toff + 29, r->seq, 8);
  hex(c->tpl + c->toff + 44, room, 8);
  message(c, 1, c->tpl, c->tlen);
  sent++; later(c);
}
static void on_talk(Conn *c, uint64_t t, uint32_t seq, uint32_t room, const char *p1, size_t n1, const char *p2, size_t n2) {
  Member *m = room < (uint32_t)o.rooms ? member_of(c, room) : NULL;
  if (!m) { misroute++; return; }
  Conn *from = &C[E[room + o.rooms * (seq % o.members)].conn];
  char name[16], want[64]; room_name(name, room);
  if (from == c || !has(p1, n1, p2, n2, from->as_s, from->aslen) || !has(p1, n1, p2, n2, want, receiver_text(want, name))) misroute++;
  if (m->rx % o.members == m->slot) m->rx++; // its own turn
  if (seq != m->rx || seq != RS[room].seq) misorder++;
  m->rx = seq + 1;
  int measured = recording && t >= rec_from;
  if (measured) rec_rcvd++;
  if (++RS[room].got < (uint32_t)o.members - 1) return;
  RS[room].got = 0; RS[room].seq++;
  if (measured) { hadd(now_ns - t); rounds_rec++; }
  if (!stopping) speak(room);
}

// ---- join
static uint64_t hash_of_sender(const char *p, size_t n) { // 0 without a sender
  const char *q = memmem(p, n, "\"sender\":\"", 10), *z = q ? memchr(q + 10, '"', p + n - q - 10) : NULL;
  return z ? hash(q + 10, z - q - 10) : 0;
}
static Member *member_at(Conn *c, const char *at, const char *e) { return at && e - at >= 4 ? member_of(c, unhex(at, 4)) : NULL; }
static void on_list(Conn *c, const char *p, size_t n) {
  const char *e = p + n, *room = memmem(p, n, "\"room\":\"r", 9), *q = memmem(p, n, "\"sessions\":[", 12), *z;
  Member *m = member_at(c, room ? room + 9 : NULL, e);
  if (!m || !q || m->listed) { misroute++; return; }
  int own = 0;
  for (q += 12; q < e && *q == '"' && (z = memchr(q + 1, '"', e - q - 1)); q = z[1] == ',' ? z + 2 : e) {
    m->hsum += hash(q + 1, z - q - 1); m->listed++;
    own |= z - q - 1 == c->idlen && !memcmp(q + 1, c->id, c->idlen);
  }
  if (!own) misroute++;
  answers++;
  if (recording) hadd(now_ns - m->sent_ns);
}
static void on_room_event(Conn *c, const char *p, size_t n) {
  size_t head = n < 64 ? n : 64;
  if (memmem(p, head, "sys.joined", 10)) {
    const char *at = memmem(p, n, "\"receiver\":\"#r", 14);
    Member *m = member_at(c, at ? at + 14 : NULL, p + n);
    if (!m || leaving) { misroute++; return; }
    if (!m->listed) misorder++; // before the list of this member
    m->listed++; m->hsum += hash_of_sender(p, n); room_notices++;
  } else if (memmem(p, head, "sys.left", 8)) { if (!leaving) misroute++; room_notices++; }
  else if (memmem(p, head, "sys.members", 11)) on_list(c, p, n);
  else if (memmem(p, head, "sys.ack", 7)) answers++;
  else if (memmem(p, head, "sys.error", 9)) { protoerr++; fprintf(stderr, "%.*s\n", (int)n, p); }
  else other++;
}
// Lets all sessions join all their rooms, or leave them, W in flight. Returns the seconds until each member has each notice;
// 0 after a minute.
static double phase(int leave) {
  uint32_t total = memberships(), notices = total / 2 * (o.members - 1);
  uint64_t began = nsec(); char name[16];
  next_join = answers = room_notices = 0; leaving = leave;
  if (!leave) for (uint32_t e = 0; e < total; e++) E[e].listed = E[e].hsum = 0;
  while (answers < total || room_notices < notices) {
    for (; next_join < total && next_join - answers < (uint32_t)o.window; next_join++) {
      int i = next_join % N; Member *m = &E[C[i].first + next_join / N]; // round robin: the first room of each, then the second
      room_name(name, m->room); m->sent_ns = nsec();
      request(&C[i], leave ? "sys.leave" : "sys.join", name); later(&C[i]);
    }
    flush_dirty();
    poll_once(o.spin ? 0 : 20);
    if (nsec() - began > 60000000000ull || nclosed) return 0;
  }
  double wall = (nsec() - began) / 1e9;
  if (!leave) for (uint32_t e = 0; e < total; e++) if (E[e].listed != (uint32_t)o.members || E[e].hsum != RS[E[e].room].hsum) misroute++;
  return wall;
}
static int run_joins(void) {
  double acc[MAX_PARTS] = {0}, all = 0, wall = 0, self = 0; uint64_t joined = 0, warm = nsec() + o.warm * 1e9, began = 0; int bad = 0;
  for (int e = 0; e < memberships(); e++) RS[E[e].room].hsum += hash(C[E[e].conn].id, C[E[e].conn].idlen);
  while (!bad && wall < o.secs) {
    if (!recording && nsec() >= warm) { recording = 1; self = self_cpu(); cores(st0); began = nsec(); }
    cpu_begin(); double took = phase(0); all += recording ? cpu_end() : 0;
    if (recording) { wall += took; joined += memberships(); for (int i = 0; i < nparts; i++) acc[i] += parts[i].cpu; }
    bad = took == 0;
    cpu_begin(); bad |= phase(1) == 0; all += recording ? cpu_end() : 0;
  }
  cores(st1);
  int good = ok() && !bad;
  printf(",\"rooms\":%d,\"members\":%d,\"window\":%d,\"ok\":%s,\"joins\":%lu,\"rate\":%.0f", o.rooms, o.members, o.window, good ? "true" : "false", joined, joined / wall);
  for (int i = 0; i < nparts; i++) parts[i].cpu = acc[i];
  lat(); print_cpu(joined); tail(self_cpu() - self, all, (nsec() - began) / 1e9);
  return good ? 0 : 3;
}
