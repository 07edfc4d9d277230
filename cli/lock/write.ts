import { join } from 'node:path'
import type { ProfileSet } from '../../src/config/load.ts'
import { LOCK_FILE, type Lock, lockText } from '../../src/config/lock-data.ts'
import { McpctlError, messageOf } from '../../src/shared/errors.ts'
import { redact } from '../../src/shared/secret.ts'
import { writeWhole } from '../../src/shared/whole-file.ts'
import type { Context } from '../context.ts'
import { note } from '../output.ts'
import { type Texts, writeTexts } from './accepted.ts'
import { type Accepted, partly, renewed } from './merge.ts'
import type { Project } from './project.ts'
import type { Asked } from './report.ts'

export interface Writing extends Project {
  readonly asked: readonly Asked[]
  readonly accepted: readonly Accepted[] | undefined
  readonly texts: Texts
}

/** Resolves with whether there was anything to write. Throws McpctlError `config_invalid` where a name holds a secret. */
export async function write(
  context: Context,
  { set, profile, lock, paths, asked, accepted, texts }: Writing,
): Promise<boolean> {
  const known = asked.flatMap(({ survey }) => (survey.state === 'known' ? [survey] : []))
  const entries = new Map(known.map(({ name, entry }) => [name, entry]))
  const next = accepted ? partly(lock, entries, accepted) : renewed(lock, entries, isInAnyProfile(set))
  const isNews = !set.lock || lockText(next) !== lockText(lock)
  if (isNews) assertSecretless(next, profile.secrets)
  // A running supervisor reads it as soon as it is there.
  if (isNews) await writeWhole(join(set.folder, LOCK_FILE), lockText(next))
  const all = Object.assign({}, texts, ...known.map((one) => one.texts))
  await writeTexts(paths.accepted, { texts: all, lock: next, secrets: profile.secrets }).catch((error: unknown) =>
    note(context, `later changes cannot be shown in full: ${messageOf(error)}`),
  )
  return isNews
}

function isInAnyProfile({ selections }: ProfileSet): (server: string) => boolean {
  const groups = [...selections.values()].flatMap((selection) => selection.groups)
  const names = new Set(groups.flatMap(({ servers }) => servers.map(({ name }) => name)))
  return (server) => names.has(server)
}

/** A lock goes into Git. Digests tell nothing, but names are the servers' own. */
function assertSecretless(lock: Lock, secrets: readonly string[]): void {
  const names = lockText(lock).replaceAll(/"(?:sha256:)?[\da-f]{8,64}"/g, '')
  if (redact(names, secrets) === names) return
  const hint = 'find it with mcpctl tools, and tell who made that server'
  throw new McpctlError('config_invalid', 'a server has put a secret into a name: nothing is written', { hint })
}
