/** Ends the start of the server. Reports everything that is wrong, one line for each fault, with what to write instead. */
export class StartError extends Error {
  constructor(readonly lines: readonly string[]) {
    super(lines.join('\n'));
  }
}
