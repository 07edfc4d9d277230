/** Shorter values are too common in ordinary text to be replaced without making it unreadable. */
const SHORTEST = 6

/** The text with every secret value in it replaced, also where it stands JSON-escaped, base64- or URL-encoded. */
export function redact(text: string, secrets: readonly string[]): string {
  let out = text
  for (const secret of secrets) {
    if (secret.length < SHORTEST) continue
    for (const form of formsOf(secret)) out = out.replaceAll(form, '‹secret›')
  }
  return out
}

function formsOf(secret: string): Set<string> {
  const escaped = JSON.stringify(secret).slice(1, -1)
  return new Set([secret, escaped, Buffer.from(secret).toString('base64'), encodeURIComponent(secret)])
}
