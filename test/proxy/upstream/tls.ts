import { join } from 'node:path'
import { execa } from 'execa'
import { bundled } from '../../helpers/bundle.ts'

export interface Certified {
  readonly cert: string
  readonly key: string
  /** The certificate of the authority that signed it. */
  readonly authority: string
}

/** A certificate for `host`, signed by an authority made for the occasion; all as PEM files in `folder`. */
export async function certify(folder: string, host: string, days = 2): Promise<Certified> {
  const openssl = (line: string) => execa('openssl', line.split(' '), { cwd: folder })
  const fresh = '-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'
  await openssl(`req -x509 ${fresh} -keyout ca.key -out ca.pem -days 2 -subj /CN=Test-Authority`)
  await openssl(`req ${fresh} -keyout key.pem -out request.pem -subj /CN=${host} -addext subjectAltName=DNS:${host}`)
  await openssl(`x509 -req -in request.pem -CA ca.pem -CAkey ca.key -out cert.pem -days ${days} -copy_extensions copy`)
  return { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem'), authority: join(folder, 'ca.pem') }
}

/** A certificate for `host` that it signed itself. */
export async function certifyItself(folder: string, host: string): Promise<Pick<Certified, 'cert' | 'key'>> {
  const line = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key.pem -out cert.pem -days 2`
  await execa('openssl', [...line.split(' '), '-subj', `/CN=${host}`, '-addext', `subjectAltName=DNS:${host}`], {
    cwd: folder,
  })
  return { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') }
}

const program = `
  import { http, observe, serverOf } from './harness.ts'
  await using fixture = observe(serverOf(http(process.argv[2] ?? '')))
  await fixture.upstream.settled()
  const { state, lastError } = fixture.upstream
  console.log(JSON.stringify({ state, lastError }))
`

const repeated = `
  import { createPool } from '../../../src/proxy/upstream/http-client.ts'
  await using pool = createPool({ origin: process.argv[2] ?? '', idle: 60_000, connect: 5000, warm: 1 })
  const headers = {}
  for (let i = 0; i < 3; i++) {
    await pool.request({ method: 'POST', path: '/', headers, body: 'x'.repeat(30_000 * i) }, () => ({ chunk() {}, end() {} }))
    // Sessions come after the handshake, with the first bytes.
    await new Promise((resolve) => setImmediate(resolve))
  }
  console.log('null')
`

const restarted = `
  import { readFileSync } from 'node:fs'
  import { createServer } from 'node:https'
  import { createPool } from '../../../src/proxy/upstream/http-client.ts'
  let port = 0
  let pool
  const outcomes = []
  const receive = () => pool.request({ method: 'POST', path: '/', headers: {} }, () => ({ chunk() {}, end() {} }))
  for (const folder of JSON.parse(process.argv[2])) {
    const options = { cert: readFileSync(folder + '/cert.pem'), key: readFileSync(folder + '/key.pem') }
    const sockets = []
    const server = createServer(options, (request, response) => response.end('ok'))
    server.on('connection', (socket) => sockets.push(socket))
    await new Promise((resolve) => server.listen(port, 'localhost', resolve))
    port = server.address().port
    pool ??= createPool({ origin: 'https://localhost:' + port, idle: 60_000, connect: 5000, warm: 4 })
    pool.widen()
    pool.warm()
    const all = await Promise.allSettled(Array.from({ length: 8 }, receive))
    outcomes.push([...new Set(all.map(({ reason }) => reason?.message ?? 'ok'))].join())
    const closed = new Promise((resolve) => server.close(resolve))
    for (const socket of sockets) socket.destroy()
    await closed
    await new Promise((resolve) => setImmediate(resolve))
  }
  await pool[Symbol.asyncDispose]()
  console.log(JSON.stringify(outcomes))
`

/** Connects from a process of its own: Node reads NODE_EXTRA_CA_CERTS only when it starts. */
export function connectElsewhere(url: string, env: Readonly<Record<string, string>>) {
  return runElsewhere(program, url, env)
}

/** Sends three requests to the server, one after the other, in a process of its own. */
export async function requestElsewhere(origin: string, env: Readonly<Record<string, string>>): Promise<void> {
  await runElsewhere(repeated, origin, env)
}

/** What eight requests at once came to, of a server that starts with each folder's certificate in turn. */
export function restartElsewhere(folders: readonly string[], env: Readonly<Record<string, string>>) {
  return runElsewhere(restarted, JSON.stringify(folders), env)
}

async function runElsewhere(program: string, url: string, env: Readonly<Record<string, string>>) {
  const input = await bundled(program, import.meta.dirname)
  const { stdout } = await execa(process.execPath, ['--input-type=module', '-', url], { input, env })
  return JSON.parse(stdout)
}
