import { writeFile } from 'node:fs/promises'
import { entryFile } from '../../src/shared/paths.ts'
import type { TempFolder } from '../helpers/temp.ts'

/** The built proxy, with this CommonJS in front of it: a fault that a signal brings about, most of the time. */
export async function faultyProxy(folder: TempFolder, fault: string): Promise<string> {
  const file = await folder.write({ 'faulty.cjs': '' })
  await writeFile(file, `${fault}\nrequire(${JSON.stringify(entryFile('proxy'))})\n`)
  return file
}
