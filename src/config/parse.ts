import { Composer, CST, type Document, Lexer, Parser, type YAMLError } from 'yaml'
import type { Diagnostic } from '../shared/diagnostic.ts'
import { convert } from './convert.ts'
import { diagnose, type Place, type Problem, quote, type Source, wholeFile } from './source.ts'
import type { MapNode } from './tree.ts'

/** No profile set nests deeper; a composer that recurses on 20,000 levels may abort the process beyond any `catch`. */
const MAX_DEPTH = 64

export interface Parsed {
  /** Undefined when the text is not one YAML document with a map at its root. */
  readonly root: MapNode | undefined
  readonly diagnostics: readonly Diagnostic[]
}

/** Parses one YAML 1.2 (or JSON) document into a located tree; warnings of the parser are errors. */
export function parse(source: Source): Parsed {
  const tokens = tokensOf(source.text)
  if (typeof tokens === 'number') {
    const place = { source, start: tokens, end: tokens + 1 }
    return failed(diagnose(place, { code: 'too_deep', message: `nesting deeper than ${MAX_DEPTH}` }))
  }
  const documents = [...composer().compose(tokens, true, source.text.length)]
  const errors = worthSaying(documents.flatMap((document) => [...document.errors, ...document.warnings]))
  if (errors.length > 0) {
    return failed(...errors.map((error) => diagnose(placeOf(source, error), describe(source, error))))
  }
  return rootOf(source, documents)
}

function failed(...diagnostics: readonly Diagnostic[]): Parsed {
  return { root: undefined, diagnostics }
}

/**
 * The tokens of a text, or the offset at which nesting passes the limit. The lexer and the parser do not recurse, only
 * the composer does, so what they measure is exactly what it would see.
 */
function tokensOf(text: string): CST.Token[] | number {
  const parser = new Parser()
  const tokens: CST.Token[] = []
  let offset = 0
  for (const lexeme of new Lexer().lex(text)) {
    tokens.push(...parser.next(lexeme))
    // One place on the stack is the document's, one may be a scalar's.
    if (parser.stack.length > MAX_DEPTH + 2) return offset
    if (!MARKS.has(lexeme)) offset += lexeme.length
  }
  tokens.push(...parser.end())
  return tokens
}

/** With these the lexer marks where something begins or ends; they are not in the text. */
const MARKS: ReadonlySet<string> = new Set([CST.DOCUMENT, CST.FLOW_END, CST.SCALAR])

/** Duplicate keys are found in `convert`, which can name both lines. */
function composer(): Composer {
  return new Composer({
    version: '1.2',
    schema: 'core',
    merge: true,
    strict: true,
    uniqueKeys: false,
    resolveKnownTags: false,
  })
}

function placeOf(source: Source, error: YAMLError): Place {
  return { source, start: error.pos[0], end: error.pos[1] }
}

/** After the first error of syntax the parser only reports that it is lost. */
function worthSaying(errors: readonly YAMLError[]): YAMLError[] {
  const first = errors.find((error) => error.code !== 'TAG_RESOLVE_FAILED')
  return errors.filter((error) => error === first || error.code === 'TAG_RESOLVE_FAILED')
}

function describe(source: Source, error: YAMLError): Problem {
  const message = error.message.split('\n')[0] ?? error.message
  if (error.code === 'TAB_AS_INDENT') {
    return { code: 'yaml_syntax', message: 'a tab cannot indent YAML', hint: 'use spaces' }
  }
  if (error.code === 'TAG_RESOLVE_FAILED') {
    return { code: 'yaml_tag', message, hint: 'mcpctl reads plain YAML without tags' }
  }
  if (source.text.slice(error.pos[0] - 1, error.pos[0] + 1) === '${') {
    const hint = 'quote it, or put the value on a line of its own'
    return { code: 'yaml_syntax', message: 'a ${…} cannot stand unquoted inside of { } or [ ]', hint }
  }
  return { code: 'yaml_syntax', message }
}

function rootOf(source: Source, documents: readonly (Document.Parsed | Document)[]): Parsed {
  const [first, second] = documents
  if (second !== undefined) {
    const start = Math.max(0, source.text.indexOf('---', first?.range?.[1] ?? 0))
    return failed(
      diagnose(
        { source, start, end: start + 3 },
        {
          code: 'many_documents',
          message: 'more than one YAML document',
          hint: 'one file is one document: remove the `---`',
        },
      ),
    )
  }
  if (first === undefined || first.contents === null || first.contents.range === undefined) return failed(blank(source))
  const { root, diagnostics } = convert(source, first)
  if (root?.kind === 'map') return { root, diagnostics }
  if (root?.kind === 'scalar' && root.value === null && root.text === '') return failed(blank(source))
  if (root === undefined) return failed(...diagnostics)
  const what = root.kind === 'list' ? 'a list' : `the text ${quote(root.text)}`
  return failed(
    diagnose(root.at, { code: 'not_a_map', message: `holds ${what} where a map of keys is needed` }),
    ...diagnostics,
  )
}

function blank(source: Source): Diagnostic {
  const message = source.text.trim() === '' ? 'the file is empty' : 'the file holds only comments'
  return diagnose(wholeFile(source), { code: 'empty_file', message })
}
