// A latency histogram: 64 linear sub-buckets for each power of two, so that a quantile is within 1.6 %.
#pragma once
#include <stdint.h>

#define HB (64 * 44)
static uint64_t H[HB], hcount, hmax;
static int hidx(uint64_t v) { if (v < 64) return v; int e = 63 - __builtin_clzll(v) - 6; return 64 * (e + 1) + ((v >> e) - 64); }
static double hval(int i) { if (i < 64) return i; int e = i / 64 - 1; return (double)((uint64_t)(i % 64 + 64) << e) + ((1ull << e) / 2.0); }
static void hadd(uint64_t v) { int i = hidx(v); H[i < HB ? i : HB - 1]++; hcount++; if (v > hmax) hmax = v; }
static double hq(double q) { uint64_t k = (uint64_t)(q * hcount), s = 0; for (int i = 0; i < HB; i++) if ((s += H[i]) > k) return hval(i); return hmax; }
