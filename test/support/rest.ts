/** How the nodes that a test talks to come to rest, where there are several behind one address. */
export const rest: { reached?: (() => Promise<void>) | undefined } = {};
