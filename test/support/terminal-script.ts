import { Program } from './program.js';

/**
 * Plays a `console` block: runs the command after `$`, waits for a frame of the type in each line after `<`, and types
 * the text after `>`.
 */
export function playTerminal(block: string, prepare: (command: string) => string, folder: string): Program {
  const [first = '', ...lines] = block.trim().split('\n');
  const program = new Program(prepare(first.replace(/^\$ /, '')), folder);
  // If the program ends early, the rest of the block is not typed.
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
