import { join } from 'node:path'
import { build } from 'rolldown'

/**
 * A TypeScript program as one ES module, for `node --input-type=module -` in the project's folder: Node 20 reads no
 * types. Its relative imports start from `folder`.
 */
export async function bundled(program: string, folder: string): Promise<string> {
  const entry = join(folder, 'program.ts')
  const { output } = await build({
    input: entry,
    platform: 'node',
    // But for the bundler's own helpers.
    external: /^(?!@oxc-project\/)[@a-z]/,
    transform: { target: 'node20.19' },
    write: false,
    plugins: [
      {
        name: 'program',
        resolveId: (id) => (id === entry ? id : null),
        load: (id) => (id === entry ? program : null),
      },
    ],
    output: { format: 'esm', codeSplitting: false },
  })
  return output[0].code
}
