import type { DriftEvent } from '../src/control/protocol.ts'
import { type Drift, driftSubject } from '../src/shared/drift.ts'
import type { Paint } from './paint.ts'
import { oneLine } from './untrusted.ts'

/** `⚠ local: tool "echo" of server "files" changed (description), blocked`, and how. */
export function driftLines({ group, ...drift }: DriftEvent, paint: Paint): string[] {
  return [`${paint('yellow', '⚠')} ${group}: ${driftHead(drift)}`, ...diffLines(drift, paint)]
}

/** `tool "echo" of server "files" changed (description): invisible characters`. */
export function driftHead(drift: Drift): string {
  const { change, blocked, fields, flags } = drift
  const where = fields.length > 0 ? ` (${fields.join(', ')})` : ''
  const flagged = flags.length > 0 ? `: ${flags.join(', ')}` : ''
  return oneLine(`${driftSubject(drift)} ${words[change]}${where}${blocked ? ', blocked' : ''}${flagged}`)
}

const words = {
  changed: 'changed',
  widened: 'takes more parameters',
  new: 'is new',
  removed: 'is gone',
} as const satisfies Record<Drift['change'], string>

/** Each value in which it differs, indented. */
export function diffLines({ diff }: Pick<Drift, 'diff'>, paint: Paint): string[] {
  return diff.map((line) => {
    const style = line.startsWith('+') ? 'green' : line.startsWith('-') ? 'red' : 'dim'
    return `    ${paint(style, oneLine(line))}`
  })
}
