import type { ErrorObject } from 'ajv'
import type { Diagnostic } from '../shared/diagnostic.ts'
import { base, profile } from './generated/validators.js'
import { diagnose, type Place, type Problem, quote } from './source.ts'
import { didYouMean, nearest } from './suggest.ts'
import { type MapNode, type Node, toData } from './tree.ts'

/** Of one file: nobody reads more, and a hostile file could have a hundred thousand. */
const MAX_ERRORS = 200

const validators = { base, profile } as const

/** Checks a file as written; every problem, each at the key or value it is about. */
export function checkSchema(root: MapNode, kind: 'base' | 'profile'): Diagnostic[] {
  const validate = validators[kind]
  if (validate(toData(root))) return []
  const errors = (validate.errors ?? []).map(readError)
  return withoutNoise(errors.slice(0, MAX_ERRORS)).flatMap((error) => diagnosticOf(root, error))
}

/** What we use of an ajv error, with the shapes checked. */
interface SchemaError {
  readonly path: readonly string[]
  readonly keyword: string
  readonly params: Readonly<Record<string, unknown>>
  /** Of the schema that was not met. */
  readonly title: string
  readonly examples: readonly unknown[]
  readonly properties: readonly string[]
  readonly data: unknown
  readonly propertyName: string | undefined
}

function readError(error: ErrorObject): SchemaError {
  const parent: Record<string, unknown> = error.parentSchema ?? {}
  return {
    path: error.instancePath
      .split('/')
      .slice(1)
      .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~')),
    keyword: error.keyword,
    params: error.params,
    title: typeof parent['title'] === 'string' ? parent['title'] : 'value',
    examples: Array.isArray(parent['examples']) ? parent['examples'] : [],
    properties: Object.keys(typeof parent['properties'] === 'object' ? (parent['properties'] ?? {}) : {}),
    data: error.data,
    propertyName: error.propertyName,
  }
}

/**
 * A choice (`anyOf`) reports each branch and itself, a bad name itself and its pattern, a wrong type its pattern too:
 * one of them says it. A missing key is not worth a line when its misspelling has one.
 */
function withoutNoise(errors: readonly SchemaError[]): SchemaError[] {
  const at = (error: SchemaError) => `/${error.path.join('/')}`
  const enums = new Set(errors.filter((error) => error.keyword === 'enum').map(at))
  const typed = new Set(errors.filter((error) => error.keyword === 'type' && !enums.has(at(error))).map(at))
  const unknown = errors.filter((error) => error.keyword === 'additionalProperties')
  return errors.filter((error) => {
    if (error.keyword === 'anyOf' || error.keyword === 'propertyNames') return false
    if (error.propertyName !== undefined) return true
    if (error.keyword === 'required') return !unknown.some((other) => at(other) === at(error) && isTypoOf(other, error))
    if (error.keyword === 'enum' || error.keyword === 'additionalProperties') return true
    return !enums.has(at(error)) && (error.keyword === 'type' || !typed.has(at(error)))
  })
}

function isTypoOf(unknown: SchemaError, required: SchemaError): boolean {
  return (
    nearest(String(unknown.params['additionalProperty']), [String(required.params['missingProperty'])]) !== undefined
  )
}

function diagnosticOf(root: MapNode, error: SchemaError): Diagnostic[] {
  const target = find(root, error.path)
  if (target === undefined) return []
  return [diagnose(placeOf(target, error), problemOf(error, target.node))]
}

interface Target {
  readonly node: Node
  /** Of the key it stands under; of the value itself for list items and the root. */
  readonly key: Place
}

function find(root: MapNode, path: readonly string[]): Target | undefined {
  let target: Target = { node: root, key: { ...root.at, end: root.at.start } }
  for (const part of path) {
    const { node } = target
    if (node.kind === 'scalar') return undefined
    if (node.kind === 'list') {
      const item = node.items[Number(part)]
      if (item === undefined) return undefined
      target = { node: item, key: item.at }
      continue
    }
    const entry = node.entries.get(part)
    if (entry === undefined) return undefined
    target = { node: entry.value, key: entry.key }
  }
  return target
}

/** One line rather than a whole map: a key where the problem is about a key or a map, else the value. */
function placeOf({ node, key }: Target, error: SchemaError): Place {
  const name = error.propertyName ?? error.params['additionalProperty']
  if (typeof name === 'string' && node.kind === 'map') return node.entries.get(name)?.key ?? key
  return node.kind === 'scalar' && node.text !== '' ? node.at : key
}

function problemOf(error: SchemaError, node: Node): Problem {
  if (error.propertyName !== undefined) return badName(error.propertyName, error)
  if (error.keyword === 'additionalProperties') return unknownKey(error)
  if (error.keyword === 'required') return missingKey(error)
  if (error.keyword === 'enum') return badChoice(error, node)
  if (error.title === 'boolean' && node.kind === 'scalar') return badBoolean(node.text)
  return badValue(error, node)
}

function badName(name: string, error: SchemaError): Problem {
  const hint = 'letters, digits, ".", "_" and "-", starting with a letter or a digit, at most 64'
  return { code: 'bad_name', message: `${quote(name)} is not a ${error.title}`, hint }
}

function unknownKey(error: SchemaError): Problem {
  const key = String(error.params['additionalProperty'])
  return {
    code: 'unknown_key',
    message: `unknown key ${quote(key)}${inside(error)}`,
    hint: didYouMean(key, error.properties),
  }
}

function missingKey(error: SchemaError): Problem {
  return { code: 'missing_key', message: `the key "${error.params['missingProperty']}" is missing${inside(error)}` }
}

/** ` in server "git"`, from the last map of names on the way. */
function inside({ path }: SchemaError): string {
  const kinds: Readonly<Record<string, string>> = {
    servers: 'server',
    groups: 'group',
    profiles: 'profile',
    secrets: 'secret',
  }
  for (let at = path.length - 2; at >= 0; at--) {
    const kind = Object.hasOwn(kinds, path[at] ?? '') ? kinds[path[at] ?? ''] : undefined
    if (kind !== undefined && !/^\d+$/.test(path[at + 1] ?? '')) return ` in ${kind} ${quote(path[at + 1] ?? '')}`
  }
  return ''
}

function badChoice(error: SchemaError, node: Node): Problem {
  const allowed = Array.isArray(error.params['allowedValues'])
    ? error.params['allowedValues'].filter((v) => v !== null)
    : []
  const value = show(node)
  const known = allowed.map(String)
  const near = node.kind === 'scalar' ? nearest(node.text, known) : undefined
  const hint = near === undefined ? `one of: ${known.join(', ')}` : `did you mean "${near}"?`
  return { code: 'bad_value', message: `${value} is not allowed here`, hint }
}

function badBoolean(text: string): Problem {
  if (/^(?:yes|no|on|off|y|n)$/i.test(text)) {
    return {
      code: 'bad_boolean',
      message: `${quote(text)} is a text in YAML 1.2, not a boolean`,
      hint: 'use true or false',
    }
  }
  return { code: 'bad_boolean', message: `${quote(text)} is not a boolean`, hint: 'use true or false, without quotes' }
}

function badValue(error: SchemaError, node: Node): Problem {
  const limit =
    error.keyword === 'minimum' || error.keyword === 'maximum' ? ` (${error.keyword} ${error.params['limit']})` : ''
  const examples = error.examples.filter((example) => typeof example !== 'object').map(String)
  const hint = examples.length > 0 ? `for example ${examples.join(', ')}` : ''
  return { code: 'bad_value', message: `${show(node)} is not a ${error.title}${limit}`, hint }
}

function show(node: Node): string {
  if (node.kind === 'scalar') return node.value === null ? 'nothing' : quote(node.text)
  return node.kind === 'list' ? 'a list' : 'a map'
}
