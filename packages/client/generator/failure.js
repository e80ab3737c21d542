// @ts-check

/** A failure that the user can mend, whose message is printed without a stack. */
export class Failure extends Error {}

/** Arguments that the program does not understand. */
export class UsageError extends Failure {}
