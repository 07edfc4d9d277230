import { isAbsolute, relative } from 'node:path'
import type { Diagnostic } from '../shared/diagnostic.ts'
import { hideSecrets } from './secret-shape.ts'

/** A file of the user's as read: what every place in it points back to. */
export interface Source {
  /** Absolute. */
  readonly path: string
  /** As the user would type it. */
  readonly shown: string
  /** Without a byte order mark; empty when it could not be read. */
  readonly text: string
  /** Offset of each line's first character. */
  readonly lines: readonly number[]
}

/** A range of characters of a file. */
export interface Place {
  readonly source: Source
  readonly start: number
  readonly end: number
}

/** What is wrong at a place; `error` unless said otherwise. */
export interface Problem {
  readonly code: string
  readonly message: string
  readonly hint?: string
  readonly severity?: 'error' | 'warning'
}

/** Longest line of a frame: a file may be one line of a megabyte. */
const WIDTH = 160

/** The file at `path`, its name shown relative to `cwd` where that is shorter. */
export function sourceOf(path: string, text: string, cwd: string): Source {
  const lines = [0]
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) lines.push(at + 1)
  return { path, shown: visible(shownPath(path, cwd)), text, lines }
}

function shownPath(path: string, cwd: string): string {
  const short = relative(cwd, path)
  return short !== '' && !isAbsolute(short) && short.length < path.length ? short : path
}

/** The beginning of a file, for problems that concern the whole of it. */
export function wholeFile(source: Source): Place {
  return { source, start: 0, end: 0 }
}

/** 1-based line and column of an offset. */
export function position(source: Source, offset: number): { readonly line: number; readonly column: number } {
  let low = 0
  let high = source.lines.length - 1
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if ((source.lines[middle] ?? 0) <= offset) low = middle
    else high = middle - 1
  }
  return { line: low + 1, column: offset - (source.lines[low] ?? 0) + 1 }
}

/** `file:line`, as `config --origin` shows it. */
export function originOf(place: Place): string {
  return `${place.source.shown}:${position(place.source, place.start).line}`
}

/** The diagnostic of a problem, with the user's own lines around it. */
export function diagnose(place: Place, problem: Problem): Diagnostic {
  const { line, column } = position(place.source, place.start)
  return {
    severity: problem.severity ?? 'error',
    code: problem.code,
    message: problem.message,
    file: place.source.shown,
    line,
    column,
    hint: problem.hint ?? '',
    frame: frameOf(place),
  }
}

/** The diagnostic of a problem with a whole file, whatever stands in it. */
export function unframed(source: Source, problem: Problem): Diagnostic {
  return { ...diagnose(wholeFile(source), problem), frame: '' }
}

function frameOf(place: Place): string {
  const { source } = place
  if (source.text === '') return ''
  const from = position(source, place.start)
  const to = position(source, Math.max(place.start + 1, place.end))
  const first = Math.max(1, from.line - 2)
  const left = from.column > WIDTH / 2 ? from.column - WIDTH / 4 : 0
  const shown = linesOf(source, first, from.line + 1).map((line) => visible(line.slice(left, left + WIDTH)))
  const length = shown[from.line - first]?.length ?? 0
  const last = to.line === from.line ? Math.min(to.column - left, length + 1) : length + 1
  const start = { line: from.line, column: from.column - left }
  const end = { line: from.line, column: Math.max(last, start.column + 1) }
  return draw({ shown, first, start, end })
}

interface Frame {
  readonly shown: readonly string[]
  /** Number of the first line. */
  readonly first: number
  readonly start: { readonly line: number; readonly column: number }
  readonly end: { readonly column: number }
}

/** Numbered lines, with what is meant marked and underlined; tabs before it stay tabs, so that both stand in line. */
function draw({ shown, first, start, end }: Frame): string {
  const width = String(first + shown.length - 1).length
  const lines = shown.flatMap((text, index) => {
    const number = String(first + index).padStart(width)
    const line = text === '' ? '' : ` ${text}`
    if (first + index !== start.line) return [`  ${number} |${line}`]
    const before = text.slice(0, Math.max(start.column - 1, 0)).replace(/[^\t]/g, ' ')
    return [`> ${number} |${line}`, `  ${' '.repeat(width)} | ${before}${'^'.repeat(end.column - start.column)}`]
  })
  return lines.join('\n')
}

/** The texts of sources without their secrets: a file may have many problems. */
const hidden = new WeakMap<Source, string>()

function hiddenText(source: Source): string {
  const known = hidden.get(source) ?? hideSecrets(source.text)
  hidden.set(source, known)
  return known
}

/** What is a secret in them covered, their lengths unchanged. */
function linesOf(source: Source, first: number, last: number): string[] {
  const lines: string[] = []
  const whole = hiddenText(source)
  for (let line = first; line <= Math.min(last, source.lines.length); line++) {
    const text = whole.slice(source.lines[line - 1], source.lines[line])
    lines.push(text.replace(/\r?\n$/, ''))
  }
  return lines
}

/** Control and direction characters that would forge terminal output or hide what stands there. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones to be shown as what they are.
const INVISIBLE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g

/** One visible character for each that a terminal would obey or swallow. */
function visible(text: string): string {
  return text.replace(INVISIBLE, '\ufffd')
}

/** A text of the user's as quoted in a message: short, and nothing in it that a terminal obeys. */
export function quote(text: string): string {
  const cut = text.length > 80 ? `${text.slice(0, 77)}…` : text
  return `"${visible(cut.replaceAll('\n', '\\n'))}"`
}
