import type { GroupStatus, Status } from '../../src/control/protocol.ts'
import type { ServerStatus } from '../../src/shared/status.ts'

/** Pictures to compose test statuses from. */
export function server(name: string, facts: Partial<ServerStatus> = {}): ServerStatus {
  return {
    name,
    state: 'ready',
    transport: 'stdio',
    pid: 34,
    protocol: '2025-11-25',
    tools: 1,
    resources: 0,
    prompts: 0,
    restarts: 0,
    lastError: null,
    ...facts,
  }
}

export function group(name: string, facts: Partial<GroupStatus> = {}): GroupStatus {
  const port = 7611
  const url = `http://127.0.0.1:${port}/mcp`
  const catalog = { epoch: 'abc' }
  return { name, state: 'ready', pid: 12, port, url, restarts: 0, lastError: null, catalog, servers: [], ...facts }
}

export function status(groups: readonly GroupStatus[], facts: Partial<Status> = {}): Status {
  return {
    apiVersion: 'mcpctl/v1',
    kind: 'Status',
    project: 'seed',
    profile: 'dev',
    state: 'ready',
    supervisor: { pid: 1, startedAt: '2026-01-01T00:00:00Z', version: '0.1.0' },
    config: { generation: 1, hash: 'abc', state: 'current', problems: [] },
    groups,
    ...facts,
  }
}
