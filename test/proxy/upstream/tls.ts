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
export async function certify(folder: string, host: string): Promise<Certified> {
  const openssl = (line: string) => execa('openssl', line.split(' '), { cwd: folder })
  const fresh = '-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'
  await openssl(`req -x509 ${fresh} -keyout ca.key -out ca.pem -days 2 -subj /CN=Test-Authority`)
  await openssl(`req ${fresh} -keyout key.pem -out request.pem -subj /CN=${host} -addext subjectAltName=DNS:${host}`)
  await openssl('x509 -req -in request.pem -CA ca.pem -CAkey ca.key -out cert.pem -days 2 -copy_extensions copy')
  return { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem'), authority: join(folder, 'ca.pem') }
}

const program = `
  import { http, observe, serverOf } from './harness.ts'
  await using fixture = observe(serverOf(http(process.argv[2] ?? '')))
  await fixture.upstream.settled()
  const { state, lastError } = fixture.upstream
  console.log(JSON.stringify({ state, lastError }))
`

/** Connects from a process of its own: Node reads NODE_EXTRA_CA_CERTS only when it starts. */
export async function connectElsewhere(url: string, env: Readonly<Record<string, string>>) {
  const input = await bundled(program, import.meta.dirname)
  const { stdout } = await execa(process.execPath, ['--input-type=module', '-', url], { input, env })
  return JSON.parse(stdout)
}
