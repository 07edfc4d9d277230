// What the scenarios ask of a project beside what mcpctl.mjs gives.
import { readFile, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { until } from './wait.mjs'

/** As if nothing had ever run there. It must be down. */
export const forget = (project) => rm(project.home, { recursive: true, force: true })

/** Waits until a group's port takes connections: its `url`, and the moment (`performance.now()`) `at` which it first did. */
export async function portOpen(project, group) {
  const port = await portOf(project, group)
  const at = await until(async () => (await accepts(port)) && performance.now(), {
    every: 1,
    what: `port ${port} open`,
  })
  return { url: `http://127.0.0.1:${port}/mcp`, at }
}

async function portOf(project, group) {
  const { profiles } = JSON.parse(await readFile(project.file, 'utf8'))
  return Object.values(profiles)[0].groups[group].port
}

function accepts(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    const settle = (value) => {
      socket.destroy()
      resolve(value)
    }
    socket.once('connect', () => settle(true)).once('error', () => settle(false))
  })
}
