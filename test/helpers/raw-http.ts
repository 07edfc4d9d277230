import { once } from 'node:events'
import { connect } from 'node:net'
import { buffer } from 'node:stream/consumers'

/** Sends bytes as they are and resolves with the first status line and head that come back; '' when none does. */
export async function rawHead(url: string, text: string | Buffer): Promise<string> {
  const { hostname, port } = new URL(url)
  const connection = connect(Number(port), hostname)
  connection.on('error', () => {})
  connection.write(text)
  const chunk = await Promise.race([once(connection, 'data'), once(connection, 'close').then(() => [''])])
  connection.destroy()
  return String(chunk[0]).split('\r\n\r\n', 1)[0] ?? ''
}

/** The same, as the number of the status; undefined when there was no answer. */
export async function rawStatus(url: string, text: string | Buffer): Promise<number | undefined> {
  const status = /^HTTP\/1\.\d (\d{3})/.exec(await rawHead(url, text))?.[1]
  return status === undefined ? undefined : Number(status)
}

/** Everything that comes back until the other side closes. */
export async function rawAll(url: string, text: string | Buffer): Promise<string> {
  const { hostname, port } = new URL(url)
  const connection = connect(Number(port), hostname)
  connection.write(text)
  return String(await buffer(connection))
}
