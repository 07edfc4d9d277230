import { closest, distance } from 'fastest-levenshtein'

/** The one of `known` that `word` was probably meant to be; undefined when none is near. */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  const candidates = [...known]
  if (candidates.length === 0 || word.length > 100) return undefined
  const lower = new Map(candidates.map((candidate) => [candidate.toLowerCase(), candidate]))
  const typed = word.toLowerCase()
  const swapped = [...lower.keys()].find((known) => isSwap(typed, known))
  if (swapped !== undefined) return lower.get(swapped)
  const best = closest(typed, [...lower.keys()])
  return distance(typed, best) <= Math.max(1, Math.floor(word.length / 3)) ? lower.get(best) : undefined
}

/** Two swapped letters count as two changes, so that another word could seem nearer, and in a short one none near. */
function isSwap(word: string, known: string): boolean {
  return word.length === known.length && distance(word, known) <= 2 && letters(word) === letters(known)
}

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
