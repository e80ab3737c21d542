/** Waits until all nodes behind the tested address have processed each other's messages; unset for a single node. */
export const quiescence: { reached?: (() => Promise<void>) | undefined } = {};
