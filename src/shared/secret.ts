/** Shorter values are too common in ordinary text to be replaced without making it unreadable. */
const SHORTEST = 6
const MASK = '‹secret›'

/**
 * The text with every secret value in it replaced, also where it stands JSON-escaped (JSON within JSON, too),
 * URL-encoded, in hex, or in base64, alone or within something longer. Of a value of several lines each line counts: what prints it
 * may be read line by line.
 */
export function redact(text: string, secrets: readonly string[]): string {
  let out = text
  for (const form of formsOf(secrets)) if (out.includes(form)) out = out.replaceAll(form, MASK)
  return out
}

/** By the list they are of: it is asked for with each line of a log. */
const known = new WeakMap<readonly string[], readonly string[]>()

function formsOf(secrets: readonly string[]): readonly string[] {
  const before = known.get(secrets)
  if (before) return before
  const all = new Set(secrets.flatMap(piecesOf).flatMap(writingsOf))
  // The longest first: of a secret that begins with another nothing may remain.
  const forms = [...all].sort((a, b) => b.length - a.length)
  known.set(secrets, forms)
  return forms
}

function piecesOf(secret: string): string[] {
  return [secret, ...secret.split(/\r?\n/)].filter((piece) => piece.length >= SHORTEST)
}

function writingsOf(piece: string): string[] {
  const bytes = Buffer.from(piece)
  const escaped = jsonOf(piece)
  const twice = jsonOf(escaped)
  const hex = bytes.toString('hex')
  return [
    piece,
    escaped,
    twice,
    jsonOf(twice),
    // As bytes make it of text: what has no UTF-8 form can stand in no URL.
    ...urlForms(bytes.toString()),
    hex,
    hex.toUpperCase(),
    ...[0, 1, 2].flatMap((before) => base64Forms(bytes, before)),
  ]
}

function jsonOf(text: string): string {
  return JSON.stringify(text).slice(1, -1)
}

function urlForms(piece: string): string[] {
  return [encodeURIComponent(piece), new URLSearchParams([['', piece]]).toString().slice(1), encodeURI(piece)]
}

/** The characters that only these bytes decide, where so many others (modulo 3) stand before them; in both alphabets. */
function base64Forms(bytes: Buffer, before: number): string[] {
  const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64')
  const own = text.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6))
  return [own, own.replaceAll('+', '-').replaceAll('/', '_')]
}
