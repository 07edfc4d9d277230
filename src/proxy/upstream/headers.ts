import type { HttpTransport } from '../../config/profile.ts'

export type Headers = Readonly<Record<string, string>>

/** What goes with every request to a remote server: the profile's headers, but what the protocol says stands. */
export function baseHeaders(transport: HttpTransport, userAgent: string): Headers {
  const url = new URL(transport.url)
  const headers: Record<string, string> = { 'user-agent': userAgent }
  if (url.username) headers.authorization = basic(url)
  for (const [name, value] of Object.entries(transport.headers)) headers[name.toLowerCase()] = value
  headers['content-type'] = 'application/json'
  headers.accept = 'application/json, text/event-stream'
  return headers
}

function basic({ username, password }: URL): string {
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return `Basic ${Buffer.from(pair).toString('base64')}`
}
