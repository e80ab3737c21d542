// Machine counters: processor time of the generator and of the server's processes, their resident memory, load of others.
#pragma once
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

// The server by its parts, as --process names them: `--process app=12 --process nginx=13,14`.
#define MAX_PARTS 8
#define MAX_PIDS 8
typedef struct { char name[32]; int pids[MAX_PIDS], count; double cpu, rss_kb; } Part;
static Part parts[MAX_PARTS]; static int nparts;

static void bad_process(const char *arg) { fprintf(stderr, "wsload: --process %s: use NAME=PID[,PID...]\n", arg); exit(2); }
static void add_part(const char *arg) {
  const char *at = strchr(arg, '=');
  if (!at || at == arg || (size_t)(at - arg) >= sizeof parts->name || nparts == MAX_PARTS) bad_process(arg);
  Part *p = &parts[nparts++];
  memcpy(p->name, arg, at - arg);
  do {
    char *end; long pid = strtol(at + 1, &end, 10);
    if (pid <= 0 || (*end && *end != ',') || p->count == MAX_PIDS) bad_process(arg);
    p->pids[p->count++] = pid; at = end;
  } while (*at == ',');
}

static double seconds_of(clockid_t c) { struct timespec t; return clock_gettime(c, &t) ? 0 : t.tv_sec + t.tv_nsec / 1e9; }
static double self_cpu(void) { return seconds_of(CLOCK_PROCESS_CPUTIME_ID); }
// Processor seconds of a process so far: user and system, all threads.
static double cpu_of(int pid) { clockid_t c; return clock_getcpuclockid(pid, &c) ? 0 : seconds_of(c); }
static double rss_of(int pid) {
  char f[64], b[256]; double k = 0;
  sprintf(f, "/proc/%d/status", pid); FILE *h = fopen(f, "r"); if (!h) return 0;
  while (fgets(b, sizeof b, h)) if (sscanf(b, "VmRSS: %lf", &k) == 1) break;
  fclose(h); return k;
}
static double sum_of(const Part *p, double (*of)(int)) { double s = 0; for (int i = 0; i < p->count; i++) s += of(p->pids[i]); return s; }
static void cpu_begin(void) { for (int i = 0; i < nparts; i++) parts[i].cpu = sum_of(&parts[i], cpu_of); }
// Leaves in each part the processor seconds since cpu_begin; returns their sum.
static double cpu_end(void) { double s = 0; for (int i = 0; i < nparts; i++) s += parts[i].cpu = sum_of(&parts[i], cpu_of) - parts[i].cpu; return s; }
static void rss_begin(void) { for (int i = 0; i < nparts; i++) parts[i].rss_kb = sum_of(&parts[i], rss_of); }
static double rss_end(void) { double s = 0; for (int i = 0; i < nparts; i++) s += parts[i].rss_kb = sum_of(&parts[i], rss_of) - parts[i].rss_kb; return s; }
static double rss_now(void) { double s = 0; for (int i = 0; i < nparts; i++) s += sum_of(&parts[i], rss_of); return s; }
static void print_cpu(double messages) { // microseconds of each part for each message
  printf(",\"cpu_us\":{");
  for (int i = 0; i < nparts; i++) printf("%s\"%s\":%.4f", i ? "," : "", parts[i].name, messages > 0 ? parts[i].cpu * 1e6 / messages : 0);
  printf("}");
}
static void print_rss(int conns) { // kB of each part for each connection
  printf(",\"kb_per_conn_of\":{");
  for (int i = 0; i < nparts; i++) printf("%s\"%s\":%.2f", i ? "," : "", parts[i].name, parts[i].rss_kb / conns);
  printf("}");
}

// per core: hypervisor steal and total busy time (core 0 = server, core 1 = generator), to detect load of other processes
static double st0[2][2], st1[2][2];
static void cores(double d[2][2]) {
  char b[256]; FILE *h = fopen("/proc/stat", "r"); int c; unsigned long u, n, s, id, io, q, sq, st, hz = sysconf(_SC_CLK_TCK);
  while (h && fgets(b, sizeof b, h)) if (b[3] != ' ' && sscanf(b, "cpu%d %lu %lu %lu %lu %lu %lu %lu %lu", &c, &u, &n, &s, &id, &io, &q, &sq, &st) == 9 && c < 2) {
    d[c][0] = (double)st / hz; d[c][1] = (double)(u + n + s + q + sq + st) / hz; }
  if (h) fclose(h);
}
