import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from '../processes.mjs'

/** A certificate for this machine alone, good for a day: `keyFile` and `certFile`, which is its own authority. */
export async function createCertificate() {
  const folder = await mkdtemp(join(tmpdir(), 'mcpctl-bench-'))
  const keyFile = join(folder, 'key.pem')
  const certFile = join(folder, 'cert.pem')
  const configFile = join(folder, 'openssl.cnf')
  await writeFile(configFile, '[req]\ndistinguished_name=name\n[name]\n')
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1']
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', keyFile]
  const args = ['req', '-x509', '-config', configFile, ...key, ...subject, '-days', '1', '-out', certFile]
  const { code, stderr } = await run('openssl', args)
  if (code !== 0) throw new Error(`openssl made no certificate: ${stderr}`)
  return { keyFile, certFile, stop: () => rm(folder, { recursive: true, force: true }) }
}
