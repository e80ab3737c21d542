/** Prints the result of each check, and the remedy for each failed check. */
export class Report {
  failed = 0;

  /** @param {string} name @param {boolean} passed @param {string} value @param {string} remedy */
  check(name, passed, value, remedy) {
    if (!passed) this.failed++;
    console.log(`${passed ? 'ok  ' : 'FAIL'} ${name}: ${value}${passed ? '' : `\n     ${remedy}`}`);
  }

  /** @param {string} name @param {string} reason */
  skip(name, reason) {
    console.log(`skip ${name}: ${reason}`);
  }

  /** Says on standard error why the next result takes time. @param {string} text */
  note(text) {
    console.error(`     ${text}`);
  }

  /** Runs checks; an error fails the named check. @param {string} name @param {string} remedy @param {() => Promise<void>} checks */
  async attempt(name, remedy, checks) {
    try {
      await checks();
    } catch (error) {
      this.check(name, false, error.message, remedy);
    }
  }

  /** Prints the summary and returns the exit code. */
  end() {
    const checks = this.failed === 1 ? 'check' : 'checks';
    console.log(this.failed === 0 ? 'All checks passed.' : `${this.failed} ${checks} failed.`);
    return this.failed === 0 ? 0 : 1;
  }
}
