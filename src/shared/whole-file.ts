import { randomUUID } from 'node:crypto'
import { rename, rm, writeFile } from 'node:fs/promises'

/**
 * Writes a file that is whole or as it was before, whoever reads it or is killed at whatever moment; what goes wrong
 * leaves no draft behind. Not synced to the disk. `mode` is that of a new file. Rejects when it cannot be written.
 */
export async function writeWhole(file: string, text: string, mode?: number): Promise<void> {
  const draft = `${file}.${randomUUID()}.draft`
  try {
    await writeFile(draft, text, { mode })
    await rename(draft, file)
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  }
}
