const SUBPROTOCOL = 'switchboard.v1';
const REMEDY =
  'Every proxy must pass Sec-WebSocket-Protocol on. Nodes must reach each other, see NODE_ADDRESS. An away session may have ended for RESUME_BUDGET_BYTES or MAX_CONNECTIONS.';

/** @typedef {import('./deployment.js').Deployment} Deployment */
/** @typedef {import('./report.js').Report} Report */

/**
 * Cuts the connection of a session and returns to it, as a browser does, with the count of a client that has seen nothing. The
 * server must send again what the session was sent before.
 *
 * @param {Deployment} at @param {Report} report
 */
export async function checkResume(at, report) {
  await report.attempt('resume', REMEDY, async () => {
    const first = await at.open({}, [SUBPROTOCOL, 'resume']);
    const { resume } = first.welcome.data ?? {};
    if (resume === undefined) {
      first.socket.close(1000);
      report.skip('resume', 'RESUME_WINDOW_MS=0, or a server of an earlier version');
      return;
    }
    first.socket.send(JSON.stringify({ type: 'sys.ping' }));
    await pong(first, at.timeoutMs);
    first.socket.terminate();
    const second = await at.open({}, [SUBPROTOCOL, `resume.${resume.token}.0`]);
    try {
      const { receiver, data } = second.welcome;
      const isSame = data.resumed === true && receiver === first.welcome.receiver;
      const value = isSame
        ? `the same session after ${data.awayMs} ms`
        : `a new session, ${data.reason === undefined ? 'for no reason' : `reason ${data.reason}`}`;
      if (isSame) await pong(second, at.timeoutMs);
      report.check('resume', isSame, value, REMEDY);
    } finally {
      second.socket.close(1000);
    }
  });
}

/** Waits until a session has got the answer to its ping. */
function pong({ socket, frames }, timeoutMs) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('the session did not get its sys.pong')), timeoutMs);
    const look = () => {
      if (!frames.some((frame) => frame.includes('"sys.pong"'))) return;
      clearTimeout(timer);
      socket.off('message', look);
      resolve();
    };
    socket.on('message', look);
    look();
  });
}
