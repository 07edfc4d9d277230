import type { Profile } from '../src/config/profile.ts'

const MASK = '‹secret›'

/** Names under which headers and variables usually hold what nobody else should read. */
const telling = /auth|token|secret|passw|api.?key|cookie|credential|private/i

/**
 * The profile as it may be shown: without any secret value, wherever it went, and without header and variable values
 * whose name says that they are secret (a plain `${TOKEN}` is nobody's declared secret).
 */
export function maskedProfile({ secrets, ...profile }: Profile): object {
  const values = secrets.filter((secret) => secret !== '')
  return Object.fromEntries(Object.entries(profile).map(([key, value]) => [key, masked(value, values)]))
}

function masked(value: unknown, secrets: readonly string[]): unknown {
  if (typeof value === 'string') return secrets.reduce((text, secret) => text.replaceAll(secret, MASK), value)
  if (Array.isArray(value)) return value.map((item) => masked(item, secrets))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, maskedEntry(key, item, secrets)]))
}

function maskedEntry(key: string, value: unknown, secrets: readonly string[]): unknown {
  if (key === 'headers' || key === 'env') return masked(maskTelling(value), secrets)
  if (key === 'tokens' && Array.isArray(value)) return value.map(() => MASK)
  return masked(value, secrets)
}

function maskTelling(pairs: unknown): unknown {
  if (typeof pairs !== 'object' || pairs === null) return pairs
  return Object.fromEntries(Object.entries(pairs).map(([name, value]) => [name, telling.test(name) ? MASK : value]))
}
