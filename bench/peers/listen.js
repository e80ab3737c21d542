/** Where a peer listens: the port from the command line or the environment, on the loopback only. */
export const host = '127.0.0.1';
export const port = Number(process.argv[2] ?? process.env.PORT ?? 4000);

/** Tells the harness that connections are accepted now. */
export const ready = () => console.log(`ready on ${host}:${port}`);
