import { LOCK_FILE } from '../../src/config/lock-data.ts'
import type { Surveyed } from '../../src/config/lock-survey.ts'
import type { Server } from '../../src/config/profile.ts'
import type { PinnedKind } from '../../src/shared/drift.ts'
import { columns } from '../columns.ts'
import { diffLines, driftHead } from '../drift-text.ts'
import { type Answer, envelope } from '../output.ts'
import type { Paint } from '../paint.ts'
import { oneLine } from '../untrusted.ts'
import { unpinnedPackage } from './launcher.ts'

/** A server that was asked. */
export interface Asked {
  readonly server: Server
  readonly survey: Surveyed
  /** It is not in the lock at all. */
  readonly isNew: boolean
}

export interface Outcome {
  readonly profile: string
  readonly asked: readonly Asked[]
  readonly isWritten: boolean
  readonly isCheck: boolean
}

/** What `lock` has to say, for programs and for people. */
export function reportOf(outcome: Outcome, paint: Paint): Answer {
  return { document: documentOf(outcome), human: () => textOf(outcome, paint) }
}

function documentOf({ profile, asked, isWritten }: Outcome) {
  const servers = asked.map((one) => ({
    name: one.server.name,
    state: stateOf(one),
    tools: countOf(one, 'tools'),
    prompts: countOf(one, 'prompts'),
    templates: countOf(one, 'templates'),
    error: 'reason' in one.survey ? one.survey.reason : null,
  }))
  const changes = asked.flatMap(({ survey }) => ('drifts' in survey ? survey.drifts : []))
  const warnings = asked.flatMap(remarksOn)
  return envelope('Lock', { file: LOCK_FILE, profile, written: isWritten, servers, changes, warnings })
}

function stateOf({ survey, isNew }: Asked): 'unreachable' | 'authRequired' | 'new' | 'changed' | 'same' {
  if (survey.state !== 'known') return survey.state
  if (isNew) return 'new'
  return survey.drifts.length > 0 ? 'changed' : 'same'
}

function countOf({ survey }: Asked, kind: PinnedKind): number {
  return survey.state === 'known' ? Object.keys(survey.entry[kind]).length : 0
}

/** What is unwise about a server without being a change, one sentence each. */
function remarksOn({ server: { name }, server, survey }: Asked): readonly string[] {
  const loose = unpinnedPackage(server)
  const repeated = 'repeated' in survey ? survey.repeated : []
  return [
    ...(loose === undefined ? [] : [`server "${name}" runs the newest ${loose}: name a version, e.g. ${loose}@1.2.3`]),
    ...repeated.map((tool) => `server "${name}" lists the tool ${JSON.stringify(tool)} more than once`),
  ]
}

function textOf({ asked, isWritten, isCheck }: Outcome, paint: Paint): string {
  const table = columns(asked.map((one) => [one.server.name, contents(one), status(one, paint)]))
  const changes = asked.flatMap((one) => changesOf(one, paint))
  const remarks = asked.flatMap(remarksOn).map((remark) => `${paint('yellow', 'warning:')} ${oneLine(remark)}`)
  const end = isCheck ? [] : [isWritten ? `wrote ${LOCK_FILE}` : `${LOCK_FILE} is up to date`]
  return table + [...changes, ...remarks, ...end].map((line) => `${line}\n`).join('')
}

const nouns = { tools: 'tool', prompts: 'prompt', templates: 'template' } as const

function contents(asked: Asked): string {
  const counts = (['tools', 'prompts', 'templates'] as const).map(
    (kind) => [countOf(asked, kind), nouns[kind]] as const,
  )
  const there = counts.filter(([count]) => count > 0)
  return there.map(([count, noun]) => `${count} ${noun}${count === 1 ? '' : 's'}`).join(', ') || '-'
}

function status({ survey, isNew }: Asked, paint: Paint): string {
  if (survey.state !== 'known') return paint('red', `not asked: ${oneLine(survey.reason)}`)
  if (isNew) return paint('yellow', 'was not locked')
  const count = survey.drifts.length
  return count > 0 ? paint('yellow', `${count} not as locked`) : paint('green', 'as locked')
}

/** Of a server that is new as a whole only what is suspicious is worth a line. */
function changesOf({ survey, isNew }: Asked, paint: Paint): string[] {
  if (survey.state !== 'known') return []
  const shown = isNew ? survey.drifts.filter(({ flags }) => flags.length > 0) : survey.drifts
  return shown.flatMap((drift) => [`  ${paint('yellow', '⚠')} ${driftHead(drift)}`, ...diffLines(drift, paint)])
}
