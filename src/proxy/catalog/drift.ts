import type { Said } from '../../config/lock-survey.ts'
import type { Drift } from '../../shared/drift.ts'
import type { Finding } from './compare.ts'
import { factsOf } from './pin.ts'
import { type Neighbour, spelt, suspicionsOf } from './suspicion.ts'

/** More lines than this nobody reads, and a server decides how many there are. */
const LINES = 20
/** Characters of a line; of a text that changed so many around the place. */
const WIDTH = 240
const AROUND = 40

export interface DriftFacts {
  readonly server: string
  readonly blocked: boolean
  /** What was locked, if anybody still knows it. */
  readonly before: Said | undefined
  readonly neighbours?: readonly Neighbour[]
}

/** A finding as people are told of it. */
export function driftOf(finding: Finding, { server, blocked, before, neighbours }: DriftFacts): Drift {
  const { kind, name, change, fields } = finding
  const now = saidOf(finding, finding.now)
  const diff = change === 'new' || before !== undefined ? differenceOf(saidOf(finding, before), now) : textsOf(finding)
  return { server, kind, name, change, blocked, fields, flags: suspicionsOf(now, neighbours), diff }
}

/** What of an item is pinned; the text of instructions. */
function saidOf({ kind }: Finding, said: Said | undefined): unknown {
  if (kind === 'instructions' || typeof said !== 'object') return said
  return factsOf(kind, said)
}

/** With nothing to compare: what the fields that changed say now. */
function textsOf({ kind, fields, now }: Finding): readonly string[] {
  if (kind === 'instructions' || typeof now !== 'object') return differenceOf(undefined, now)
  const facts = factsOf(kind, now)
  const changed = Object.fromEntries(fields.flatMap((field) => (field in facts ? [[field, facts[field]]] : [])))
  return differenceOf(undefined, changed)
}

/** `- description: …` and `+ description: …`, one pair for each value in which two things differ. */
export function differenceOf(before: unknown, now: unknown): readonly string[] {
  const [left, right] = [valuesIn(before), valuesIn(now)]
  const paths = [...new Set([...left.keys(), ...right.keys()])]
  const lines = paths.flatMap((path) => linesOf(path, left.get(path), right.get(path)))
  return lines.length <= LINES ? lines : [...lines.slice(0, LINES), `… and ${lines.length - LINES} more lines`]
}

function linesOf(path: string, before: string | undefined, now: string | undefined): string[] {
  if (before === now) return []
  const from = before === undefined || now === undefined ? 0 : Math.max(0, firstDifference(before, now) - AROUND)
  const line = (sign: string, text: string | undefined) =>
    text === undefined ? [] : [`${sign} ${path === '' ? '' : `${spelt(path)}: `}${cut(text, from)}`]
  return [...line('-', before), ...line('+', now)]
}

function cut(text: string, from: number): string {
  const part = text.slice(from, from + WIDTH)
  return `${from > 0 ? '…' : ''}${spelt(part)}${from + WIDTH < text.length ? '…' : ''}`
}

function firstDifference(one: string, other: string): number {
  let at = 0
  while (at < one.length && one[at] === other[at]) at++
  return at
}

/** By path, each as JSON text. */
function valuesIn(value: unknown): ReadonlyMap<string, string> {
  const values = new Map<string, string>()
  if (value !== undefined) walk(value, '', values)
  return values
}

function walk(value: unknown, path: string, values: Map<string, string>): void {
  const members = typeof value === 'object' && value !== null ? Object.entries(value) : []
  if (members.length === 0) values.set(path, JSON.stringify(value))
  for (const [name, member] of members) walk(member, path === '' ? name : `${path}.${name}`, values)
}
