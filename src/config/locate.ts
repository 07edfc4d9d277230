import type { Env } from '../shared/paths.ts'

/** How a person pointed to a profile set: flags, environment, working directory. */
export interface Pointer {
  readonly cwd: string
  /** `-f`, in order; empty when the usual search applies. */
  readonly files: readonly string[]
  readonly env: Env
}

/** The project folder: that of the first file found, else the working directory. Never fails. */
export async function projectFolder(_pointer: Pointer): Promise<string> {
  throw new Error('locate')
}
