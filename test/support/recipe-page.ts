import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Pages that show the phase and the texts of the recipe `useChat`. */
const PAGES: Readonly<Record<string, string>> = {
  React: `
    import { createRoot } from 'react-dom/client';
    import { useChat } from './chat.js';
    function Page() {
      const { phase, texts } = useChat();
      return <p>{phase}: {texts.join()}</p>;
    }
    createRoot(document.body.appendChild(document.createElement('div'))).render(<Page />);`,
  Vue: `
    import { createApp, h } from 'vue';
    import { useChat } from './chat.js';
    const setup = () => {
      const { phase, texts } = useChat();
      return () => h('p', phase.value + ': ' + texts.value.join());
    };
    createApp({ setup }).mount(document.body.appendChild(document.createElement('div')));`,
};

export const FRAMEWORKS = Object.keys(PAGES);

/** A page in a folder of its own, with a recipe of `docs/client.md`. */
export class RecipePage {
  private constructor(readonly folder: string) {}

  /** @param framework the heading of the recipe @param url the server of the page */
  static async create(framework: string, url = 'wss://example.org/wss'): Promise<RecipePage> {
    const folder = await mkdtemp(join(tmpdir(), 'switchboard-recipe-'));
    await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    const [, section] = (await readFile(join(ROOT, 'docs/client.md'), 'utf8')).split(`\n## ${framework}\n`);
    const recipe = /```ts\n(.*?)```/s.exec(section!)![1]!;
    await mkdir(join(folder, 'src'));
    await writeFile(join(folder, 'src/chat.ts'), recipe.replace('wss://example.org/wss', url));
    await writeFile(join(folder, 'src/main.tsx'), PAGES[framework]!);
    return new RecipePage(folder);
  }

  /** Builds the page with Vite, and returns the script. */
  async build(): Promise<string> {
    const rolldownOptions = { input: 'src/main.tsx', output: { format: 'iife', entryFileNames: 'main.js' } } as const;
    await build({ root: this.folder, configFile: false, logLevel: 'error', build: { rolldownOptions } });
    return readFile(join(this.folder, 'dist/main.js'), 'utf8');
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true });
  }
}
