import { basename } from 'node:path'
import { Recent } from '../shared/recent.ts'
import { type Parsed, parse } from './parse.ts'
import { type Source, sourceOf } from './source.ts'

/** Twice as many as a profile set may have. */
const MOST = 64

interface Known {
  readonly source: Source
  readonly parsed: Parsed
}

/**
 * Parses files, and remembers of each the newest text with what came of it: parsing is by far the most expensive part
 * of a reload, and a save is looked at by the watch, by the reload that follows, and by the next one if it is about
 * another file.
 */
export class Parses {
  readonly #known = new Recent<Known>(MOST)

  /** As `parse`. */
  parse(source: Source): Parsed {
    const known = this.#known.get(source.path)
    if (known?.source.text === source.text && known.source.shown === source.shown) return known.parsed
    const parsed = parse(source)
    this.#known.set(source.path, { source, parsed })
    return parsed
  }

  /** Whether a text is one that could be meant as the content of this file. */
  isSound(path: string, text: string): boolean {
    const shown = this.#known.get(path)?.source.shown ?? basename(path)
    return this.parse({ ...sourceOf(path, text, ''), shown }).diagnostics.length === 0
  }
}
