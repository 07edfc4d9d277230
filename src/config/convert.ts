import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Pair,
  type YAMLMap,
  type Node as YamlNode,
} from 'yaml'
import type { Diagnostic } from '../shared/diagnostic.ts'
import { diagnose, type Place, type Problem, position, quote, type Source } from './source.ts'
import type { Entry, Node } from './tree.ts'

/** Nodes that aliases may add: plenty for sharing, nothing for an alias bomb. */
const MAX_ALIASED = 10_000

/** Of one file: nobody reads more, and a hostile file could have a hundred thousand. */
const MAX_DIAGNOSTICS = 200

/** These mean something to JavaScript, and nothing to anybody as a name. */
const FORBIDDEN = new Set(['__proto__', 'constructor', 'prototype'])

export interface Converted {
  readonly root: Node | undefined
  readonly diagnostics: readonly Diagnostic[]
}

/** A composed document as a located tree: aliases followed, merge keys applied, keys unique and harmless. */
export function convert(source: Source, document: Document.Parsed | Document): Converted {
  const state: State = { source, document, diagnostics: [], open: new Set(), aliased: 0, bomb: false }
  const root = nodeOf(state, document.contents)
  return { root: state.bomb ? undefined : root, diagnostics: state.diagnostics }
}

interface State {
  readonly source: Source
  readonly document: Document.Parsed | Document
  readonly diagnostics: Diagnostic[]
  /** Aliased nodes being converted: one that meets itself again would never end. */
  readonly open: Set<unknown>
  aliased: number
  bomb: boolean
}

function nodeOf(state: State, node: unknown): Node | undefined {
  if (state.open.size > 0) state.aliased++
  if (state.aliased > MAX_ALIASED) return bomb(state, node)
  if (isAlias(node)) return aliasOf(state, node)
  const at = placeOf(state, node)
  if (isMap(node)) return { kind: 'map', entries: entriesOf(state, node), at }
  if (isSeq(node)) {
    const items = node.items.map((item) => nodeOf(state, item)).filter((item) => item !== undefined)
    return { kind: 'list', items, at }
  }
  return scalarOf(state, node, at)
}

function bomb(state: State, node: unknown): undefined {
  if (!state.bomb) {
    state.bomb = true
    report(state, placeOf(state, node), {
      code: 'too_many_aliases',
      message: `too many aliases: they add more than ${MAX_ALIASED} values`,
    })
  }
  return undefined
}

function aliasOf(state: State, alias: Alias): Node | undefined {
  const target = alias.resolve(state.document)
  const at = placeOf(state, alias)
  if (target === undefined || state.open.has(target)) {
    const message =
      target === undefined ? `no anchor &${alias.source}` : `*${alias.source} stands inside its own anchor`
    report(state, at, { code: 'yaml_alias', message })
    return undefined
  }
  state.open.add(target)
  const node = nodeOf(state, target)
  state.open.delete(target)
  return node
}

function scalarOf(state: State, node: unknown, at: Place): Node | undefined {
  if (!isScalar(node)) return { kind: 'scalar', value: null, text: '', plain: true, at }
  const { value } = node
  const plain = node.type === 'PLAIN'
  if (value === null) return { kind: 'scalar', value, text: node.source ?? '', plain, at }
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') {
    report(state, at, { code: 'yaml_tag', message: 'is neither a text, a number nor a boolean' })
    return undefined
  }
  return { kind: 'scalar', value, text: plain ? (node.source ?? String(value)) : String(value), plain, at }
}

/** Own keys in order; what `<<` brings comes under them, an earlier map of its list over a later one. */
function entriesOf(state: State, map: YAMLMap): Map<string, Entry> {
  const own = new Map<string, Entry>()
  const merged = new Map<string, Entry>()
  for (const pair of map.items) {
    const key = placeOf(state, pair.key)
    const name = keyOf(pair)
    if (name === MERGE) {
      for (const [inner, entry] of mergedEntries(state, pair)) if (!merged.has(inner)) merged.set(inner, entry)
      continue
    }
    if (name === undefined) {
      report(state, key, { code: 'yaml_key', message: 'a key has to be a text' })
      continue
    }
    if (!isAllowed({ state, own, key, name })) continue
    const value = nodeOf(state, pair.value ?? pair.key)
    if (value !== undefined) own.set(name, { key, value: pair.value === null ? empty(key) : value })
  }
  return new Map([...merged, ...own])
}

const MERGE = Symbol('<<')

function keyOf(pair: Pair): string | typeof MERGE | undefined {
  const { key } = pair
  if (!isScalar(key)) return undefined
  if (typeof key.value === 'symbol' || (key.value === '<<' && key.type === 'PLAIN')) return MERGE
  if (key.value === null) return undefined
  return key.type === 'PLAIN' ? (key.source ?? String(key.value)) : String(key.value)
}

interface Candidate {
  readonly state: State
  readonly own: ReadonlyMap<string, Entry>
  readonly key: Place
  readonly name: string
}

function isAllowed({ state, own, key, name }: Candidate): boolean {
  if (FORBIDDEN.has(name)) {
    report(state, key, { code: 'forbidden_key', message: `the key ${quote(name)} is not allowed` })
    return false
  }
  const before = own.get(name)
  if (before === undefined) return true
  const first = position(state.source, before.key.start).line
  const again = position(state.source, key.start).line
  const message = `the key ${quote(name)} stands on line ${first} and again on line ${again}`
  report(state, key, { code: 'duplicate_key', message })
  return false
}

function mergedEntries(state: State, pair: Pair): readonly (readonly [string, Entry])[] {
  const value = nodeOf(state, pair.value)
  const maps = value?.kind === 'list' ? value.items : value === undefined ? [] : [value]
  const found = new Map<string, Entry>()
  for (const map of maps) {
    if (map.kind !== 'map') {
      report(state, placeOf(state, pair.key), { code: 'yaml_merge', message: '`<<` takes a map or a list of maps' })
      continue
    }
    for (const [name, entry] of map.entries) if (!found.has(name)) found.set(name, entry)
  }
  return [...found]
}

function empty(at: Place): Node {
  return { kind: 'scalar', value: null, text: '', plain: true, at }
}

function placeOf(state: State, node: unknown): Place {
  const range = isNode(node) ? node.range : undefined
  const [start, end] = range ?? [0, 0]
  return { source: state.source, start, end }
}

function isNode(node: unknown): node is YamlNode {
  return isScalar(node) || isMap(node) || isSeq(node) || isAlias(node)
}

function report(state: State, at: Place, problem: Problem): void {
  if (state.diagnostics.length < MAX_DIAGNOSTICS) state.diagnostics.push(diagnose(at, problem))
}
