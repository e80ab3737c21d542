/** The address of a peer: the port from the command line or the environment, on the loopback only. */
export const host = '127.0.0.1';
export const port = Number(process.argv[2] ?? process.env.PORT ?? 4000);

/** Prints that the peer accepts connections. */
export const ready = () => console.log(`ready on ${host}:${port}`);
