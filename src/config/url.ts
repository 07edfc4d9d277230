import { quote } from './source.ts'
import { type Field, type Reading, readText, report } from './values.ts'

/** A remote server's address in its normal form: http or https, no credentials, no fragment. Empty when it is none. */
export function urlOf(reading: Reading, at: Field): string {
  const text = readText(reading, at)
  if (text === undefined || at.node === undefined || reading.asWritten) return text ?? ''
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined) {
    report(reading, at.node, {
      code: 'bad_url',
      message: `${quote(text)} is not a URL`,
      hint: 'for example https://host/mcp',
    })
    return ''
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    const message = `a server's URL is http or https, not ${quote(url.protocol)}`
    report(reading, at.node, { code: 'bad_url', message })
    return ''
  }
  if (url.username !== '' || url.password !== '') {
    const hint = 'use headers: { Authorization: "Bearer ${secret:NAME}" }'
    report(reading, at.node, { code: 'bad_url', message: 'a URL must not hold a user or a password', hint })
    return ''
  }
  return normal(reading, at, url)
}

function normal(reading: Reading, { node }: Field, url: URL): string {
  if (url.hash !== '' && node !== undefined) {
    const message = `the fragment ${quote(url.hash)} is never sent to a server`
    report(reading, node, { severity: 'warning', code: 'url_fragment', message })
    url.hash = ''
  }
  if (/(?:^|\.)xn--/.test(url.hostname) && node !== undefined) {
    const message = `the host is ${url.hostname} in the domain name system`
    report(reading, node, { severity: 'warning', code: 'url_host', message })
  }
  if (url.hostname.endsWith('.')) url.hostname = url.hostname.slice(0, -1)
  return url.href
}
