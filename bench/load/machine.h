// Machine counters: CPU time of both processes, resident memory of the server, load of other processes.
#pragma once
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static double self_cpu(void) { struct rusage u; getrusage(RUSAGE_SELF, &u); return u.ru_utime.tv_sec + u.ru_stime.tv_sec + (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6; }
static double srv_cpu(int pid) {
  char f[64], b[1024]; if (!pid) return 0;
  sprintf(f, "/proc/%d/stat", pid); FILE *h = fopen(f, "r"); if (!h) return 0;
  size_t n = fread(b, 1, sizeof b - 1, h); fclose(h); b[n] = 0;
  char *p = strrchr(b, ')'); unsigned long u = 0, s = 0;
  if (p) sscanf(p + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &u, &s);
  return (double)(u + s) / sysconf(_SC_CLK_TCK);
}
static double rss_kb(int pid) { char f[64], b[256]; double k = 0; if (!pid) return 0; sprintf(f, "/proc/%d/status", pid);
  FILE *h = fopen(f, "r"); if (!h) return 0; while (fgets(b, sizeof b, h)) if (sscanf(b, "VmRSS: %lf", &k) == 1) break; fclose(h); return k; }
// per core: hypervisor steal and total busy time (core 0 = server, core 1 = generator), to detect load of other processes
static double st0[2][2], st1[2][2];
static void cores(double d[2][2]) {
  char b[256]; FILE *h = fopen("/proc/stat", "r"); int c; unsigned long u, n, s, id, io, q, sq, st, hz = sysconf(_SC_CLK_TCK);
  while (h && fgets(b, sizeof b, h)) if (b[3] != ' ' && sscanf(b, "cpu%d %lu %lu %lu %lu %lu %lu %lu %lu", &c, &u, &n, &s, &id, &io, &q, &sq, &st) == 9 && c < 2) {
    d[c][0] = (double)st / hz; d[c][1] = (double)(u + n + s + q + sq + st) / hz; }
  if (h) fclose(h);
}
