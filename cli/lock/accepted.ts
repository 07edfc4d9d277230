import { readFile } from 'node:fs/promises'
import type { Lock } from '../../src/config/lock-data.ts'
import type { Said } from '../../src/config/lock-survey.ts'
import { pinnedKinds } from '../../src/shared/drift.ts'
import { isRecord } from '../../src/shared/record.ts'
import { redact } from '../../src/shared/secret.ts'
import { writeWhole } from '../../src/shared/whole-file.ts'

/** By digest, what was locked: the lock holds no texts of servers, and a change is told best beside what was before. */
export type Texts = Readonly<Record<string, Said>>

/** None when nothing was locked here yet, or the file is of no use: then changes are told by the names of fields. */
export async function readTexts(file: string): Promise<Texts> {
  try {
    const texts: unknown = JSON.parse(await readFile(file, 'utf8'))
    return isRecord(texts) ? Object.fromEntries(Object.entries(texts).filter(isSaid)) : {}
  } catch {
    // It is only a help for people.
    return {}
  }
}

function isSaid(entry: [string, unknown]): entry is [string, Said] {
  return typeof entry[1] === 'string' || isRecord(entry[1])
}

export interface TextFacts {
  readonly texts: Texts
  readonly lock: Lock
  readonly secrets: readonly string[]
}

/** Replaces the file by those of the texts whose digests are in the lock. Rejects when it cannot be written. */
export async function writeTexts(file: string, { texts, lock, secrets }: TextFacts): Promise<void> {
  const locked = digestsIn(lock)
  const isKept = ([digest, said]: [string, Said]) => locked.has(digest) && isWithout(secrets, JSON.stringify(said))
  const kept = Object.entries(texts).filter(isKept)
  await writeWhole(file, JSON.stringify(Object.fromEntries(kept)), 0o600)
}

function isWithout(secrets: readonly string[], text: string): boolean {
  return redact(text, secrets) === text
}

function digestsIn({ servers }: Lock): ReadonlySet<string> {
  const digests = Object.values(servers).flatMap((server) => [
    ...(server.instructions === null ? [] : [server.instructions]),
    ...pinnedKinds.flatMap((kind) => Object.values(server[kind]).map(({ digest }) => digest)),
  ])
  return new Set(digests)
}
