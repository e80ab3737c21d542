/** Says of each check what was found, and of what is wrong what to change. */
export class Report {
  wrong = 0;

  /** @param {string} what @param {boolean} well @param {string} found @param {string} change */
  check(what, well, found, change) {
    if (!well) this.wrong++;
    console.log(`${well ? 'ok   ' : 'WRONG'} ${what}: ${found}${well ? '' : `\n      ${change}`}`);
  }

  /** @param {string} what @param {string} why */
  leaveOut(what, why) {
    console.log(`-     ${what}: not checked, ${why}`);
  }

  /** Runs checks; one that cannot be made is wrong. @param {string} what @param {string} change @param {() => Promise<void>} work */
  async attempt(what, change, work) {
    try {
      await work();
    } catch (error) {
      this.check(what, false, error.message, change);
    }
  }

  end() {
    const things = this.wrong === 1 ? 'thing is' : 'things are';
    console.log(this.wrong === 0 ? 'All is well.' : `${this.wrong} ${things} wrong.`);
    return this.wrong === 0 ? 0 : 1;
  }
}
