/** Returns milliseconds that steps of the wall clock do not change; WeChat mini programs have the wall clock only. */
export function nowMs(): number {
  return (globalThis.performance ?? Date).now();
}
