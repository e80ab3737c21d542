import { Program } from './program.js';

/**
 * Plays a person at a terminal from a `console` block: enters the command behind `$`, waits for a frame of the type of
 * each line behind `<`, and types what stands behind `>`.
 */
export function playTerminal(block: string, place: (command: string) => string, folder: string): Program {
  const [first = '', ...lines] = block.trim().split('\n');
  const program = new Program(place(first.replace(/^\$ /, '')), folder);
  // Where the program ends early, the rest of the block is never typed.
  void typeAll(program, lines);
  return program;
}

async function typeAll(program: Program, lines: readonly string[]): Promise<void> {
  let other = 'THE OTHER ID';
  for (const line of lines) {
    const text = line.slice(2);
    if (line.startsWith('> ')) program.type(text.replaceAll('THE OTHER ID', other));
    else {
      const { sender } = await program.printed(/"type":"([^"]+)"/.exec(text)![1]!);
      if (sender !== 'server') other = sender;
    }
  }
}
