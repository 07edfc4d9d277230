import type { Diagnostic } from '../shared/diagnostic.ts'
import { isSecretName, looksSecret } from './secret-shape.ts'
import { diagnose } from './source.ts'
import { type Entry, entriesOf, type MapNode, type Node } from './tree.ts'

/** Warnings about what is legal and unwise: secrets written out in a file. */
export function lint(root: MapNode): Diagnostic[] {
  return entriesOf(root).flatMap(([key, entry]) => (key.startsWith('x-') ? [] : lintEntry(key, entry)))
}

function lintEntry(key: string, { value }: Entry): Diagnostic[] {
  if (value.kind === 'map' && (key === 'headers' || key === 'env')) {
    return entriesOf(value).flatMap(([name, entry]) => lintText(entry.value, isSecretName(name)))
  }
  if (key === 'tokens')
    return value.kind === 'list' ? value.items.flatMap((item) => lintText(item, true)) : lintText(value, true)
  return lintNode(value)
}

function lintNode(node: Node): Diagnostic[] {
  if (node.kind === 'scalar') return lintText(node, false)
  if (node.kind === 'list') return node.items.flatMap(lintNode)
  return entriesOf(node).flatMap(([key, entry]) => lintEntry(key, entry))
}

/** What only asks for a secret, and the digest of one. */
const HARMLESS = /\$\{|^sha256:[\da-f]{64}$/

function lintText(node: Node, isSecret: boolean): Diagnostic[] {
  if (node.kind !== 'scalar' || typeof node.value !== 'string' || HARMLESS.test(node.text)) return []
  const isLiteral = looksSecret(node.text) || (isSecret && node.text.length >= 16 && !/\s/.test(node.text.trim()))
  if (!isLiteral) return []
  const hint = 'put it under secrets: and write ${secret:NAME}'
  const problem = {
    severity: 'warning',
    code: 'literal_secret',
    message: 'a secret is written out in this file',
    hint,
  } as const
  // Without a frame: it would show the secret.
  return [{ ...diagnose(node.at, problem), frame: '' }]
}
