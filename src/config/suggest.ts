import { closest, distance } from 'fastest-levenshtein'

/** The one of `known` that `word` was probably meant to be; undefined when none is near. */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  const candidates = [...known]
  if (candidates.length === 0 || word.length > 100) return undefined
  const lower = new Map(candidates.map((candidate) => [candidate.toLowerCase(), candidate]))
  const best = closest(word.toLowerCase(), [...lower.keys()])
  const isNear = distance(word.toLowerCase(), best) <= Math.max(1, Math.floor(word.length / 3))
  return isNear || letters(word.toLowerCase()) === letters(best) ? lower.get(best) : undefined
}

/** Swapped letters count as two changes, which in a short word is too many. */
function letters(word: string): string {
  return [...word].sort().join('')
}

/** `did you mean "weather"?`, else the list of what there is, else nothing. */
export function didYouMean(word: string, known: Iterable<string>): string {
  const candidates = [...known]
  const near = nearest(word, candidates)
  if (near !== undefined) return `did you mean "${near}"?`
  if (candidates.length === 0 || candidates.length > 20) return ''
  return `known: ${candidates.join(', ')}`
}
