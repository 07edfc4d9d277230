import { expect, test } from 'vitest'
import { environment } from '../../../src/proxy/upstream/environment.ts'

test('S-19 hands a server what it needs, what the profile says and our marker, and nothing else', () => {
  const env = {
    PATH: '/bin',
    HOME: '/home/me',
    LC_ALL: 'C',
    TZ: 'UTC',
    SHELL: '() { :; }; echo oops',
    AWS_SECRET_ACCESS_KEY: 'secret',
    NODE_OPTIONS: '--inspect',
    LD_PRELOAD: 'evil.so',
    NODE_CHANNEL_FD: '3',
    MCPCTL_HOME: '/elsewhere',
    TERM: undefined,
  }
  const configured = { TOKEN: 't', PATH: '/opt/bin', MCPCTL_OWNER: '/forged', NODE_CHANNEL_FD: '4' }
  expect(environment({ env, configured, owner: '/state' })).toEqual({
    PATH: '/opt/bin',
    HOME: '/home/me',
    LC_ALL: 'C',
    TZ: 'UTC',
    TOKEN: 't',
    MCPCTL_OWNER: '/state',
  })
})
