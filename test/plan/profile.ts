import type { Group, Profile, Server } from '../../src/config/profile.ts'

const everything = { allow: 'all', deny: [], rename: {}, override: {} } as const

export function profileOf(groups: readonly Group[], change: Partial<Profile> = {}): Profile {
  return { project: 'seed', folder: '/project', name: 'dev', description: '', groups, secrets: [], ...change }
}

export function groupOf(name: string, change: Partial<Group> = {}): Group {
  return {
    name,
    host: '127.0.0.1',
    port: 7611,
    servers: [serverOf('memory')],
    auth: { type: 'none' },
    limits: { maxBody: 4_194_304, maxSessions: 10_000 },
    listWait: 5_000,
    ...change,
  }
}

export function serverOf(name: string, change: Partial<Server> = {}): Server {
  return {
    name,
    transport: { kind: 'stdio', command: 'node', args: [`${name}.mjs`], env: {}, cwd: '/project' },
    enabled: true,
    required: false,
    prefix: `${name}_`,
    tools: everything,
    resources: everything,
    prompts: everything,
    timeouts: { connect: 10_000, request: 60_000, max: 600_000, idle: 300_000 },
    protocol: 'auto',
    session: 'auto',
    restart: { policy: 'always', backoff: 500, maxBackoff: 60_000 },
    retry: { attempts: 2, backoff: 100 },
    cache: { mode: 'swr', persist: true },
    stateful: false,
    ...change,
  }
}
