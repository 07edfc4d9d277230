import type { Diagnostic } from '../shared/diagnostic.ts'
import { hasInterpolation, interpolate, type Lookup } from './interpolate.ts'
import { diagnose, originOf, type Problem, quote } from './source.ts'
import { nearest } from './suggest.ts'
import { child, entriesOf, itemsOf, type Node, type ScalarNode, toData } from './tree.ts'
import { durationOf, sizeOf } from './units.ts'

/** One pass over a selection: where variables come from, and what it learns on the way. */
export interface Reading {
  readonly lookup: Lookup
  readonly diagnostics: Diagnostic[]
  /** JSON pointer into the resolved profile → `file:line`. */
  readonly origins: Map<string, string>
  /** Values that are secrets by what they are for, though only a digest of them is kept. */
  readonly kept: Set<string>
  /** Disabled servers: texts stay as written, nothing is asked for and nothing is a problem. */
  readonly asWritten: boolean
}

/** A value to be read: where it is in the files, and where it goes in the profile. */
export interface Field {
  readonly node: Node | undefined
  readonly pointer: string
}

/** The value under a key of a field that holds a map. */
export function field({ node, pointer }: Field, key: string): Field {
  const token = /[~/]/.test(key) ? key.replaceAll('~', '~0').replaceAll('/', '~1') : key
  return { node: child(node, key), pointer: `${pointer}/${token}` }
}

/** A text with everything filled in; undefined when there is none. */
export function readText(reading: Reading, { node, pointer }: Field): string | undefined {
  if (node?.kind !== 'scalar' || node.value === null) return undefined
  reading.origins.set(pointer, originOf(node.at))
  if (reading.asWritten || !hasInterpolation(node.text)) return node.text
  const { value, problems } = interpolate(node.text, reading.lookup)
  // Why a secret has no value is said where it is defined.
  for (const problem of problems) if (problem.code !== 'unset_secret') report(reading, node, problem)
  return problems.length === 0 ? value : undefined
}

export function readTexts(reading: Reading, { node, pointer }: Field): string[] {
  return itemsOf(node).flatMap((item, index) => readText(reading, { node: item, pointer: `${pointer}/${index}` }) ?? [])
}

export function readTextMap(reading: Reading, map: Field): Readonly<Record<string, string>> {
  const pairs = entriesOf(map.node).map(([key]) => [key, readText(reading, field(map, key))] as const)
  return Object.fromEntries(pairs.flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])))
}

/** Anything, with the texts in it filled in: for maps of fields that pass through. */
export function readData(reading: Reading, { node, pointer }: Field): unknown {
  if (node === undefined) return undefined
  if (node.kind === 'list')
    return node.items.map((item, index) => readData(reading, { node: item, pointer: `${pointer}/${index}` }))
  if (node.kind === 'map') {
    const map = { node, pointer }
    return Object.fromEntries(entriesOf(node).map(([key]) => [key, readData(reading, field(map, key))]))
  }
  return typeof node.value === 'string' ? readText(reading, { node, pointer }) : toData(node)
}

/** What a kind of value is called, how its text is read, and what a good one looks like. */
interface Kind<T> {
  readonly title: string
  readonly example: string
  read(text: string, node: ScalarNode): T | undefined
}

function readAs<T>(reading: Reading, at: Field, kind: Kind<T>): T | undefined {
  const text = readText(reading, at)
  // An empty `${V:-}` is no value, and a problem that was reported is not reported twice.
  if (text === undefined || text === '' || at.node?.kind !== 'scalar') return undefined
  const value = kind.read(text, at.node)
  if (value === undefined && !reading.asWritten) {
    const isQuoted = kind.read(text, { ...at.node, plain: true }) !== undefined
    const hint = isQuoted ? 'remove the quotes: what is quoted is a text' : `for example ${kind.example}`
    report(reading, at.node, { code: 'bad_value', message: `${quote(text)} is not a ${kind.title}`, hint })
  }
  return value
}

/** Only what stands there without quotes may become something else than a text. */
export function readBoolean(reading: Reading, at: Field): boolean | undefined {
  const read = (text: string, { plain }: ScalarNode) => {
    if (!plain) return undefined
    return text === 'true' ? true : text === 'false' ? false : undefined
  }
  return readAs(reading, at, { title: 'boolean', example: 'true or false, without quotes', read })
}

interface Limits {
  readonly title: string
  readonly max: number
  readonly example: string
}

/** A whole number from 1 to `max`, without leading zeros: YAML 1.2 reads `0777` as 777, others as octal. */
export function readNumber(reading: Reading, at: Field, { title, max, example }: Limits): number | undefined {
  return readAs(reading, at, { title, example, read: (text, { plain }) => wholeNumber(text, plain, max) })
}

function wholeNumber(text: string, plain: boolean, max: number): number | undefined {
  const number = plain && /^[1-9]\d{0,9}$/.test(text) ? Number(text) : Number.NaN
  return number <= max ? number : undefined
}

export function readPort(reading: Reading, at: Field): number | 'auto' | undefined {
  const read = (text: string, { plain }: ScalarNode) => (text === 'auto' ? 'auto' : wholeNumber(text, plain, 65_535))
  return readAs<number | 'auto'>(reading, at, { title: 'port', example: '7611 or auto', read })
}

/** Milliseconds. */
export function readDuration(reading: Reading, at: Field): number | undefined {
  return readAs(reading, at, { title: 'duration', example: '5s, 1m30s', read: durationOf })
}

export function readDurationOrOff(reading: Reading, at: Field): number | 'off' | undefined {
  const read = (text: string) => (text === 'off' ? 'off' : durationOf(text))
  return readAs<number | 'off'>(reading, at, { title: 'duration or off', example: '5s, 1m30s, off', read })
}

/** Bytes. */
export function readSize(reading: Reading, at: Field): number | undefined {
  return readAs(reading, at, { title: 'size', example: '4MiB', read: sizeOf })
}

export function readChoice<T extends string>(reading: Reading, at: Field, choices: readonly T[]): T | undefined {
  const text = readText(reading, at)
  if (text === undefined || text === '' || at.node === undefined) return undefined
  const found = choices.find((choice) => choice === text)
  if (found !== undefined || reading.asWritten) return found
  const near = nearest(text, choices)
  const hint = near === undefined ? `one of: ${choices.join(', ')}` : `did you mean "${near}"?`
  report(reading, at.node, { code: 'bad_value', message: `${quote(text)} is not allowed here`, hint })
  return undefined
}

export function report(reading: Reading, node: Node, problem: Problem): void {
  reading.diagnostics.push(diagnose(node.at, problem))
}
