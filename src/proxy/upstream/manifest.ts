import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isRecord } from '../../shared/record.ts'

/** What we read of a `package.json`. */
export interface Manifest {
  readonly name?: unknown
  readonly version?: unknown
  readonly bin?: unknown
  readonly workspaces?: unknown
  readonly directories?: unknown
}

/** Undefined when there is none, or none that can be read. */
export async function manifestOf(folder: string): Promise<Manifest | undefined> {
  try {
    const manifest: unknown = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
    return isRecord(manifest) ? manifest : undefined
  } catch {
    return undefined
  }
}

/** The program that stands for the package: the only one, or the one of its name. */
export function programOf(manifest: Manifest): string | undefined {
  const programs = programsOf(manifest)
  const [only, ...others] = new Set(Object.values(programs))
  if (only !== undefined && others.length === 0) return Object.keys(programs)[0]
  const name = unscoped(manifest)
  return Object.hasOwn(programs, name) ? name : undefined
}

export function programsOf(manifest: Manifest | undefined): Readonly<Record<string, unknown>> {
  const bin = manifest?.bin
  if (typeof bin === 'string') return { [unscoped(manifest ?? {})]: bin }
  return isRecord(bin) ? bin : {}
}

function unscoped({ name }: Manifest): string {
  return String(name).replace(/^@[^/]+\//, '')
}
