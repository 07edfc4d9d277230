import { stripVTControlCharacters } from 'node:util'

const ESCAPE = '\u001b'

/** Rows as aligned columns, two spaces apart; the last column is not padded. Colours do not count as width. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths: number[] = []
  for (const row of rows) {
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, width(cell))
  }
  return rows.map((row) => line(row, widths)).join('')
}

/** How many terminal cells a text takes; East Asian wide characters and emoji take two. */
export function width(text: string): number {
  let cells = 0
  for (const char of stripVTControlCharacters(text)) cells += isWide(char) ? 2 : isMark(char) ? 0 : 1
  return cells
}

/** At most `max` cells, with an ellipsis where something was cut off. */
export function clip(text: string, max: number): string {
  if (width(text) <= max) return text
  let kept = ''
  let cells = 0
  let isColour = false
  for (const char of text) {
    // Colour codes stay, also behind the cut: the one that ends a colour must not be lost.
    isColour ||= char === ESCAPE
    if (isColour) kept += char
    else if (cells < max) {
      cells += width(char)
      kept += cells < max ? char : '…'
    }
    isColour &&= char !== 'm'
  }
  return kept
}

function line(row: readonly string[], widths: readonly number[]): string {
  const cells = row.map((cell, i) => cell + ' '.repeat((widths[i] ?? 0) - width(cell)))
  return `${cells.join('  ').trimEnd()}\n`
}

function isWide(char: string): boolean {
  return /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u.test(
    char,
  )
}

function isMark(char: string): boolean {
  return /\p{Mark}|\u200d|\ufe0f/u.test(char)
}
