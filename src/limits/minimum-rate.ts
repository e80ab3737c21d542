/** Periods for which bytes in the buffers of the network may excuse a silent peer. */
const MAX_EXCUSED_PERIODS = 8;
/** Bytes that excuse nothing, because every link carries them within a period. */
const FREE_BYTES = 4096;

/** Judges the progress of a transfer: by the bytes of a period, on average, and not by the clock alone. */
export class MinimumRate {
  /** Bytes that are progress within one period. */
  readonly bytesPerPeriod: number;

  constructor(bytesPerSecond: number, periodMs: number) {
    this.bytesPerPeriod = Math.max(1, (bytesPerSecond * periodMs) / 1000);
  }

  /**
   * Returns how many further periods a peer may need for bytes that were sent and may wait in the network. Their number is
   * limited, because the peer may be gone.
   */
  excusedPeriods(bytes: number): number {
    return Math.min(MAX_EXCUSED_PERIODS, Math.ceil(Math.max(0, bytes - FREE_BYTES) / this.bytesPerPeriod));
  }
}
